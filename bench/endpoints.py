"""
Of the part `webhook`: many endpoints, one that hangs, one that is paused, and a receiver that wants TLS.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import trustme

from bench.child import ask, run_side, running
from bench.figures import medians
from bench.many import BY_CONDITION, BY_SOURCE, MATCHING
from bench.progress import Progress
from bench.sizes import Sizes

ENDPOINTS: Final = 100
TO_EACH_PER_S: Final = 10
MANY: Final = 1_000


def hanging_1_of_100(receiver: str, sizes: Sizes, progress: Progress) -> dict[str, float]:
    """
    Return the p99 to 99 endpoints beside one that answers and beside one that hangs; `moved` by how much the
    second is above the first.
    """
    runs: dict[bool, list[dict[str, float]]] = {False: [], True: []}
    params = {"url": receiver, "endpoints": ENDPOINTS, "per_s": TO_EACH_PER_S, "seconds": sizes.hanging_s}
    for run in range(1, sizes.hanging_runs + 1):
        for hangs, figures in runs.items():
            ask(f"{receiver}/reset")
            figures.append(run_side("hanging", params | {"hangs": hangs}))
            what = "hangs" if hangs else "does not"
            progress.tell(f"webhook run {run} of {sizes.hanging_runs}, one of 100 {what}", figures[-1])
    alone, beside = (medians(figures)["p99_ms"] for figures in runs.values())
    return {"p99_ms_alone": alone, "p99_ms_hanging": beside, "moved": beside / alone - 1}


def pending_1m(receiver: str, sizes: Sizes, progress: Progress) -> dict[str, float]:
    """
    Return the memory of a relay with a million deliveries pending, and how soon they flow.
    """
    ask(f"{receiver}/reset")
    with TemporaryDirectory(prefix="relay-bench-") as folder:
        params = {"url": receiver, "rows": sizes.pending_rows, "path": f"{folder}/relay.db"}
        params["others_s"] = sizes.paced_s
        figures = run_side("pending_few", params) | run_side("pending", params)
    progress.tell("webhook, pending", figures)
    return figures


def endpoints_1000(receiver: str, sizes: Sizes, progress: Progress) -> dict[str, Any]:
    """
    Return what events cost where there are only those that want them, and where there are a thousand.
    """
    figures: dict[str, Any] = {}
    for name, endpoints, by in (
        ("alone", MATCHING, BY_SOURCE),
        ("by_source", MANY, BY_SOURCE),
        ("by_condition", MANY, BY_CONDITION),
    ):
        ask(f"{receiver}/reset")
        params = {"url": receiver, "calls": sizes.calls_to_few, "endpoints": endpoints, "by": by}
        figures[name] = run_side("many", params)
        progress.tell(f"webhook, 1,000 endpoints, {name}", figures[name])
    return figures


def tls(sizes: Sizes, progress: Progress) -> dict[str, float]:
    """
    Return the figures of one endpoint with TLS.
    """
    runs = []
    with _tls_receiver() as params:
        for run in range(1, sizes.tls_runs + 1):
            ask(f"{params['ask']}/reset")
            runs.append(run_side("flat_out", params | {"calls": sizes.calls_to_one, "endpoints": 1}))
            progress.tell(f"webhook run {run} of {sizes.tls_runs}, tls", runs[-1])
    return medians(runs)


@contextmanager
def _tls_receiver() -> Iterator[dict[str, Any]]:
    authority = trustme.CA()
    with TemporaryDirectory(prefix="relay-bench-") as folder:
        trusted, certificate = Path(folder) / "authority.pem", Path(folder) / "certificate.pem"
        authority.cert_pem.write_to_path(str(trusted))
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
        with running("-m", "bench.receiver", str(certificate)) as child:
            plain, secured = int(child.line()), int(child.line())
            yield {
                "url": f"https://127.0.0.1:{secured}",
                "ask": f"http://127.0.0.1:{plain}",
                "authority": str(trusted),
            }
