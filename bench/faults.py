"""
Of the part `webhook`: what is lost, and what comes twice, where relay is killed or the receiver refuses.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections import Counter
from contextlib import closing
from tempfile import TemporaryDirectory
from typing import Any, Final

import orjson

from bench.child import ask, run_side, running
from bench.progress import Progress
from bench.sizes import Sizes

LATEST_KILL_S: Final = 0.6
SENT: Final = "SELECT id, subject, revision FROM events WHERE type LIKE 'call.%' ORDER BY seq"


def kill_9(receiver: str, sizes: Sizes, progress: Progress) -> dict[str, float]:
    """
    Return what the receiver has after relay was killed again and again under load, and how soon the rest
    came.
    """
    ask(f"{receiver}/reset")
    rng = random.Random()  # noqa: S311 - moments, no secrets
    with TemporaryDirectory(prefix="relay-bench-") as folder:
        params: dict[str, Any] = {"url": receiver, "path": f"{folder}/relay.db"}
        for _ in range(sizes.kills):
            with running("-m", "bench.side", "killed", _json(params | {"calls": None})) as child:
                child.line()  # it is ready
                time.sleep(rng.uniform(0.0, LATEST_KILL_S))
                child.kill()
        run_side("killed", params | {"calls": sizes.killed_backlog})
        last = run_side("killed", params | {"calls": 0})
        arrived = ask(f"{receiver}/arrivals")
        with closing(sqlite3.connect(params["path"])) as journal:
            events = journal.execute(SENT).fetchall()
    first = {key.rpartition("/")[2][2:]: at for key, at in arrived["first"].items()}
    figures = {
        "kills": sizes.kills,
        "events": len(events),
        "lost": len(events) - len(first),
        "bent": _bent(events, first),
        "resent_per_kill": arrived["resent"] / sizes.kills,
        "waiting": last["waiting"],
        "last_after_s": max(first.values()) - last["ready_at"],
    }
    progress.tell("webhook, kill -9", figures)
    return figures


def refused_30_s(receiver: str, sizes: Sizes, progress: Progress) -> dict[str, float]:
    """
    Return what became of events that came while the receiver answered 503 at once.
    """
    ask(f"{receiver}/reset")
    params = {"url": receiver, "calls": sizes.refused_calls, "seconds": sizes.refused_s}
    figures = run_side("refused", params)
    progress.tell("webhook, 503 at once", figures)
    return figures


def _bent(events: list[tuple[str, str, int]], first: dict[str, float]) -> int:
    """
    Return how many events came first after a later one of their subject.
    """
    highest: Counter[str] = Counter()
    bent = 0
    known = {event_id: (subject, revision) for event_id, subject, revision in events}
    for event_id in first:  # in the order in which they came
        subject, revision = known[event_id]
        bent += revision <= highest[subject]
        highest[subject] = max(revision, highest[subject])
    return bent


def _json(params: dict[str, Any]) -> str:
    return orjson.dumps(params).decode()
