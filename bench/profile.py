"""
The part `profile`: where the CPU of a delivery goes, by the steps on its way.

Fan-out 1 twice in one process: as it is, for what a delivery costs on the event loop and in all other
threads, mostly the journal's writer; then with the event loop under Python's own profiler, for the shares of
the steps.  It makes small functions dearer than they are, so that only the shares are taken from it.
"""

from __future__ import annotations

import cProfile
import gc
import pstats
import time
from collections import defaultdict
from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Final

from bench.child import ROOT, run_side, server
from bench.events import EVENTS_PER_CALL, call_changes
from bench.house import House, delivering, open_house
from bench.progress import Progress
from bench.sizes import Sizes
from relay.model.change import CallChange

WARM_UP_CALLS: Final = 100
TOP: Final = 15
LOOP: Final = "event loop: reading, waking"  # what is in no function of Python, and the profiler itself
OTHERS: Final = "other libraries"
BENCH: Final = "the bench itself"
# By the beginning of the path below the project; the first that fits.
STEPS: Final = {
    "relay/journal/matching": "match",
    "relay/journal/delivering": "settle: rows",
    "relay/pipeline/settling": "settle: rows",
    "relay/journal/": "append: rows",
    "relay/model/": "append: rows",
    "relay/pipeline/": "lane",
    "relay/sinks/webhook/signature": "sign",
    "relay/sinks/webhook/verdict": "parse and judge",
    "relay/sinks/webhook/transport/reply": "parse and judge",
    "relay/sinks/webhook/": "send",
    "relay/telemetry/": "metrics",
    "relay/": "other parts of relay",
    "bench/": BENCH,
}

Function = tuple[str, int, str]


def profile(sizes: Sizes, progress: Progress) -> dict[str, Any]:
    """
    Return microseconds of CPU for one delivery: `loop_us` and `threads_us` as measured, `steps_us` the loop's
    by step, and the functions that most of it goes to.
    """
    with server("bench.receiver") as receiver:
        figures = run_side("profile", {"url": receiver, "calls": sizes.calls_to_one})
    for name, us in figures["steps_us"].items():
        progress.say(f"{us:6.1f} µs  {name}")
    progress.say(f"{figures['threads_us']:6.1f} µs  other threads: the journal's writer")
    return figures


async def profiled(params: dict[str, Any]) -> dict[str, Any]:
    """
    Deliver the events of `calls` calls twice to the receiver at `url`.
    """
    calls = params["calls"]
    deliveries = calls * EVENTS_PER_CALL
    async with open_house([f"{params['url']}/00"]) as house, delivering(house):
        changes = call_changes(house.ids, WARM_UP_CALLS + 2 * calls)
        await _delivered(house, changes[:WARM_UP_CALLS], WARM_UP_CALLS)
        gc.collect()
        gc.freeze()
        loop_s, all_s = time.thread_time(), time.process_time()
        await _delivered(house, changes[WARM_UP_CALLS:-calls], WARM_UP_CALLS + calls)
        loop_s, all_s = time.thread_time() - loop_s, time.process_time() - all_s
        profiler, before = cProfile.Profile(time.thread_time), time.thread_time()
        profiler.enable()
        await _delivered(house, changes[-calls:], len(changes))
        profiler.disable()
        profiled_s = time.thread_time() - before
    own_s = _own_times(pstats.Stats(profiler))
    scale = loop_s / deliveries * 1e6 / profiled_s
    steps = {LOOP: (profiled_s - sum(own_s.values())) * scale}
    for (path, _, _), seconds in own_s.items():
        steps[step_of(path)] = steps.get(step_of(path), 0.0) + seconds * scale
    return {
        "loop_us": loop_s / deliveries * 1e6,
        "threads_us": (all_s - loop_s) / deliveries * 1e6,
        "steps_us": _dearest(steps),
        "top_us": _dearest({_name(one): seconds * scale for one, seconds in own_s.items()}, TOP),
    }


def step_of(path: str) -> str:
    """
    Return the step that the code of a file is part of.
    """
    below = path.removeprefix(f"{ROOT}/")
    return next((step for beginning, step in STEPS.items() if below.startswith(beginning)), OTHERS)


async def _delivered(house: House, changes: list[CallChange], calls_so_far: int) -> None:
    await house.append_all(changes)
    await house.all_delivered(calls_so_far * EVENTS_PER_CALL)


def _dearest(times: Mapping[str, float], count: int | None = None) -> dict[str, float]:
    return dict(sorted(times.items(), key=itemgetter(1), reverse=True)[:count])


def _own_times(stats: pstats.Stats) -> dict[Function, float]:
    """
    Return the time in each function of Python, with what it spent in those of C that it called.
    """
    own: defaultdict[Function, float] = defaultdict(float)
    timed: Mapping[Function, Any] = stats.stats  # type: ignore[attr-defined] # left out of the stubs
    for function, (_, _, own_s, _, callers) in timed.items():
        if function[0] != "~" or not callers:
            own[function] += own_s
            continue
        for caller, (_, _, called_s, _) in callers.items():
            own[caller] += called_s
    return own


def _name(function: Function) -> str:
    path, _, name = function
    return f"{path.removeprefix(f'{ROOT}/')}:{name}"
