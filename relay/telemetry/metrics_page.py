"""
The page `docs/metrics.md`, made from the families.  `python -m relay.telemetry.metrics_page` prints it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

from relay.telemetry.metrics import families

HEAD: Final = """\
# Metrics

Scraped from `/metrics` on `ops_listen`. Made from `relay/telemetry/metrics.py` by
`python -m relay.telemetry.metrics_page`; do not edit.

Labels in brackets take only the values listed. `source` is the id of one of the first 200 sources, `endpoint`
of one of the first 100 endpoints; all others are `_other`, counted in `relay_metrics_label_overflow_total`.
Timestamps are seconds since 1970: the age of something is `time()` minus its timestamp.

"""


def metrics_table() -> str:
    """
    Return all families as a Markdown table: name, kind, labels, meaning.
    """
    rows = ["| name | kind | labels | meaning |", "|---|---|---|---|"]
    for family in families().values():
        labels = ", ".join(_label(name, values) for name, values in family.labels.items())
        rows.append(f"| `{family.name}` | {family.kind.__name__.lower()} | {labels} | {family.meaning} |")
    return "\n".join(rows) + "\n"


def metrics_page() -> str:
    """
    Return the whole page.
    """
    return HEAD + metrics_table()


def _label(name: str, values: Sequence[str]) -> str:
    return f"{name} ({', '.join(values)})" if values else name


if __name__ == "__main__":
    sys.stdout.write(metrics_page())
