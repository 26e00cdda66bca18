"""
The parts `ingest` and `kafka`, as the parent process runs them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import uuid4

import orjson

from bench.child import BenchFailed, run_side, running, server
from bench.figures import medians, p50_p99
from bench.freshness import freshness
from bench.progress import Progress
from bench.sizes import Sizes
from tests.services.kafka import running_kafka

PER_S: Final = 200
PATIENCE_S: Final = 60.0


def dialer(sizes: Sizes, progress: Progress) -> dict[str, Any]:
    """
    Return what a poll of all agents of a dialer costs.
    """
    with server("bench.floor", str(sizes.agents)) as url:
        figures = run_side("agents", {"url": url, "agents": sizes.agents, "polls": sizes.agent_polls})
    progress.tell("dialer", figures)
    return {"agents": sizes.agents, **figures}


def ingest(sizes: Sizes, progress: Progress) -> dict[str, Any]:
    """
    Return what taking a page costs, what a backfill does, and how fresh a small budget keeps three streams.
    """
    runs = []
    with server("bench.pages", str(sizes.rows)) as pages:
        for run in range(1, sizes.runs + 1):
            params = {"page_url": pages, "rows": sizes.rows, "repolls": sizes.repolls}
            runs.append(run_side("ingest", params))
            progress.tell(f"ingest run {run} of {sizes.runs}", runs[-1])
    past = run_side("backfill", {"calls": sizes.past_calls})
    progress.tell("ingest backfill", past)
    fresh = freshness(sizes.fresh_hours)
    progress.tell("ingest freshness", fresh)
    return {**medians(runs), "backfill": past, "freshness": fresh}


def kafka(sizes: Sizes, progress: Progress, bootstrap: str | None = None) -> dict[str, Any]:
    """
    Return how fast and how soon events reach Kafka: a broker of the bench's own, or the one named.
    """
    with _broker(bootstrap, progress) as address:
        figures: dict[str, Any] = _side_by_side(address, sizes, progress)
        runs = [_paced(address, sizes) for _ in range(sizes.paced_runs)]
        for figure in runs:
            progress.tell("kafka paced_200", figure)
    return {**figures, "paced_200": medians(runs)}


@contextmanager
def _broker(bootstrap: str | None, progress: Progress) -> Iterator[str]:
    if bootstrap is not None:
        yield bootstrap
        return
    with TemporaryDirectory(prefix="relay-bench-kafka-") as folder:
        progress.say("starting Kafka")
        with running_kafka(Path(folder)) as broker:
            yield broker.bootstrap


def _side_by_side(bootstrap: str, sizes: Sizes, progress: Progress) -> dict[str, float]:
    sides = ("kafka_bare", "kafka_exactly_once")
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    for run in range(1, sizes.runs + 1):
        for name in sides:
            params = _own_topics(bootstrap) | {"calls": sizes.calls_to_kafka}
            runs[name].append(run_side(name, params))
            progress.tell(f"kafka run {run} of {sizes.runs}, {name}", runs[name][-1])
    bare, relay = (medians(runs[name])["per_s"] for name in sides)
    return {"bare_aiokafka_per_s": bare, "exactly_once_per_s": relay, "ratio": relay / bare}


def _paced(bootstrap: str, sizes: Sizes) -> dict[str, float]:
    topics = _own_topics(bootstrap)
    events = round(PER_S * (sizes.paced_s + 1.0))  # with those of the warm-up
    reader = (bootstrap, topics["prefix"], str(events), str(sizes.paced_s + PATIENCE_S))
    with running("-m", "bench.kafka_reader", *reader) as consumer:
        consumer.line()
        called = run_side("kafka_paced", topics | {"per_s": PER_S, "seconds": sizes.paced_s})["called"]
        seen = orjson.loads(consumer.last_line())
    if not called.keys() <= seen.keys():
        raise BenchFailed(f"{len(called.keys() - seen.keys())} events of {len(called)} did not come out")
    return p50_p99([seen[event_id] - at for event_id, at in called.items()])


def _own_topics(bootstrap: str) -> dict[str, Any]:
    return {"bootstrap": bootstrap, "prefix": f"bench{uuid4().hex[:12]}"}
