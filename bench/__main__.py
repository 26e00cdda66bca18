"""
`python -m bench [PART]`: measure, and print one JSON object as the last line.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import Any, Final

import orjson

from bench.figures import rounded
from bench.memory import memory
from bench.parts import dialer, ingest, kafka
from bench.profile import profile
from bench.progress import Progress
from bench.rig import Rig
from bench.sizes import SMOKE, Sizes
from bench.webhook import webhook

PARTS: Final = ("webhook", "ingest", "dialer", "kafka", "memory")
PROFILE: Final = "profile"  # only where it is asked for: it compares nothing


def main() -> None:
    """
    Run the parts that are asked for.
    """
    asked = _asked()
    sizes = SMOKE if asked.smoke else Sizes()
    if asked.runs:
        sizes = replace(sizes, runs=asked.runs)
    rig = Rig()
    figures: dict[str, Any] = {}
    for part in [asked.part] if asked.part else PARTS:
        figures[part] = _measured(part, sizes, asked.bootstrap)
    receiver_per_s = figures.get("webhook", {}).pop("receiver_per_s", None)
    printed = {**figures, "rig": rig.to_json(sizes.runs, receiver_per_s)}
    sys.stdout.write(orjson.dumps(rounded(printed)).decode() + "\n")


def _measured(part: str, sizes: Sizes, bootstrap: str | None) -> dict[str, Any]:
    progress = Progress()
    if part == "kafka":
        return kafka(sizes, progress, bootstrap)
    parts = {"webhook": webhook, "ingest": ingest, "dialer": dialer, "memory": memory, PROFILE: profile}
    return parts[part](sizes, progress)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure relay on this machine.")
    parser.add_argument(
        "part", nargs="?", choices=(*PARTS, PROFILE), help="one part; left out: all but profile"
    )
    parser.add_argument(
        "--runs", type=int, help="runs of what is compared side by side; the median is printed"
    )
    parser.add_argument("--bootstrap", help="a Kafka that runs already; left out: one is started")
    parser.add_argument("--smoke", action="store_true", help="so little that only the working is shown")
    return parser.parse_args()


if __name__ == "__main__":
    main()
