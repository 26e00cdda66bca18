"""
The part `webhook`: how fast, how soon and at what cost events reach a receiver.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bench.child import ask, run_side, server
from bench.endpoints import endpoints_1000, hanging_1_of_100, pending_1m, tls
from bench.faults import kill_9, refused_30_s
from bench.figures import medians
from bench.progress import Progress
from bench.sizes import Sizes

PER_S: Final = 200
SLOWER_S: Final = 0.005
# A commit that takes 5 ms more allows no 200 commits a second: what comes in 20 ms is appended together.
AT_ONCE_IF_SLOW: Final = 4
BUSY_AT_ONCE: Final = 17  # calls: 51 events in about 10 ms, where there are 5,000 a second
RECEIVER_MARGIN: Final = 3.0


def webhook(sizes: Sizes, progress: Progress) -> dict[str, Any]:
    """
    Return the figures of the part, and under `receiver_per_s` what the receiver can take.
    """
    with server("bench.receiver") as receiver:
        receiver_per_s = _side(receiver, "load", {"url": f"{receiver}/00", "requests": sizes.requests})[
            "per_s"
        ]
        progress.say(f"the receiver takes {receiver_per_s:,.0f} a second")
        figures = _flat_out(receiver, sizes, progress)
        figures |= _paced(receiver, sizes, progress)
        figures["api_reads"] = _api_reads(receiver, sizes, progress)
        figures["hanging_1_of_100"] = hanging_1_of_100(receiver, sizes, progress)
        figures["pending_1m_rss_mb"] = pending_1m(receiver, sizes, progress)
        figures["endpoints_1000"] = endpoints_1000(receiver, sizes, progress)
        figures["batch"] = _side(receiver, "batched", {"url": receiver, "calls": sizes.calls_to_one})
        progress.tell("webhook, batch", figures["batch"])
        figures["kill_9"] = kill_9(receiver, sizes, progress)
        figures["refused_30_s"] = refused_30_s(receiver, sizes, progress)
    secured = tls(sizes, progress)["per_s"]
    figures["tls"] = {"per_s": secured, "ratio": secured / figures["fanout_1"]["per_s"]}
    margin = receiver_per_s / figures["bare_aiohttp_per_s"]
    if margin < RECEIVER_MARGIN:
        progress.say(f"WARNING: the receiver takes only {margin:.1f} times what the bare loop sends")
    return {**figures, "receiver_per_s": receiver_per_s}


def _flat_out(receiver: str, sizes: Sizes, progress: Progress) -> dict[str, Any]:
    sides: Mapping[str, tuple[str, dict[str, Any]]] = {
        "bare": ("bare", {"url": f"{receiver}/00", "requests": sizes.bare_requests}),
        "fanout_1": ("flat_out", {"url": receiver, "calls": sizes.calls_to_one, "endpoints": 1}),
        "fanout_10": ("flat_out", {"url": receiver, "calls": sizes.calls_to_ten, "endpoints": 10}),
    }
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    for run in range(1, sizes.runs + 1):
        for name, (side, params) in sides.items():
            runs[name].append(_side(receiver, side, params))
            progress.tell(f"webhook run {run} of {sizes.runs}, {name}", runs[name][-1])
    bare, one, ten = (medians(figures) for figures in runs.values())
    resident_mb, _ = one.pop("rss_mb"), ten.pop("rss_mb")
    return {
        "bare_aiohttp_per_s": bare["per_s"],
        "bare_aiohttp_cpu_s_per_1000": bare["cpu_s_per_1000"],
        "fanout_1": {**one, "ratio": one["per_s"] / bare["per_s"]},
        "fanout_10": {**ten, "ratio": ten["per_s"] / bare["per_s"]},
        "rss_mb": resident_mb,
    }


def _paced(receiver: str, sizes: Sizes, progress: Progress) -> dict[str, Any]:
    steady = {"url": receiver, "per_s": PER_S, "at_once": 1, "seconds": sizes.paced_s}
    runs: dict[str, list[dict[str, float]]] = {}
    with server("bench.pages", str(sizes.rows)) as pages:
        sides = {
            "paced_200": steady,
            "paced_200_polling": steady
            | {"seconds": sizes.polled_s, "page_url": pages, "poll_every_s": sizes.poll_every_s},
            "paced_200_slow_commit": steady | {"at_once": AT_ONCE_IF_SLOW, "slower_s": SLOWER_S},
        }
        for run in range(1, sizes.paced_runs + 1):
            for name, params in sides.items():
                runs.setdefault(name, []).append(_side(receiver, "paced", params))
                progress.tell(f"webhook run {run} of {sizes.paced_runs}, {name}", runs[name][-1])
    return {name: medians(figures) for name, figures in runs.items()}


def _api_reads(receiver: str, sizes: Sizes, progress: Progress) -> dict[str, Any]:
    busy = {
        "url": receiver,
        "per_s": sizes.busy_per_s,
        "at_once": BUSY_AT_ONCE,
        "pairs": sizes.read_pairs,
        "slice_s": sizes.read_slice_s,
    }
    reading_s = sizes.read_runs * sizes.read_pairs * sizes.read_slice_s
    runs: dict[str, list[dict[str, float]]] = {"": [], "flat_out": []}
    for run in range(1, sizes.read_runs + 1):
        for name, reads_per_s in zip(runs, (sizes.reads / reading_s, 0), strict=True):
            runs[name].append(_side(receiver, "beside_reads", busy | {"reads_per_s": reads_per_s}))
            progress.tell(f"webhook run {run} of {sizes.read_runs}, API read {name}", runs[name][-1])
    return {**medians(runs[""]), "flat_out": medians(runs["flat_out"])}


def _side(receiver: str, name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    ask(f"{receiver}/reset")
    return run_side(name, params)
