"""
The log of budgeted requests, step by step: no window holds more than allowed, no place is wasted (I7).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.journal.store import SqlJournal, open_sqlite
from relay.sources.port import NoRoom, Reservation, Share
from tests.sources.vendor import NOON

PER_S: Final = 10
DEADLINE_S: Final = 2
SHARES: Final = {
    "poll": Share(5, 3, PER_S, DEADLINE_S, shared_with=("backfill",), shared_limit=4),
    "status": Share(5, 4, PER_S, DEADLINE_S),
    "backfill": Share(4, 4, PER_S, DEADLINE_S, shared_with=("poll", "command"), shared_limit=3),
    "command": Share(5, 5, PER_S, DEADLINE_S),
}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, SqlJournal]]:
    """
    Give a journal that outlives the examples of a property, with the loop it lives on.
    """
    opening = open_sqlite(tmp_path_factory.mktemp("sends") / "relay.db", "test", NOON)
    with asyncio.Runner() as runner:
        yield runner, runner.run(opening.__aenter__())
        runner.run(opening.__aexit__(None, None, None))


_accounts = count()
ASKING = st.sampled_from(list(SHARES))
STEPS: st.SearchStrategy[list[tuple[int, str | int]]] = st.lists(
    st.tuples(st.integers(0, 4_000), st.one_of(ASKING, ASKING, st.integers(0, 3))), max_size=30
)


@settings(derandomize=True, database=None, deadline=None, max_examples=150)
@given(STEPS)
def test_no_window_ever_holds_more_than_allowed_and_no_place_is_wasted(
    log: tuple[asyncio.Runner, SqlJournal], steps: list[tuple[int, str | int]]
) -> None:
    """
    Time goes on by some milliseconds, then a request is made, or an open one gets its answer.

    The vendor counts a request at any moment until its answer, or until its deadline where a crash left none.
    """
    runner, journal = log
    runner.run(Requests(journal, f"account-{next(_accounts)}").follow(steps))


@dataclass
class Sent:
    """
    A request: what for, and the last moment at which the vendor may count it.
    """

    purpose: str
    latest_ms: int
    is_answered: bool = False


class Requests:
    """
    Requests of one account, compared at each step with what is allowed.
    """

    def __init__(self, journal: SqlJournal, source_id: str) -> None:
        self._journal = journal
        self._source_id = source_id
        self._sent: dict[int, Sent] = {}
        self._now_ms = 0

    async def follow(self, steps: list[tuple[int, str | int]]) -> None:
        """
        Do the steps.
        """
        for wait_ms, what in steps:
            self._now_ms += wait_ms
            now = NOON + timedelta(milliseconds=self._now_ms)
            assert len(self._frees()) == await self._journal.in_window(self._source_id, now)
            if isinstance(what, str):
                await self._ask(what, now)
            else:
                await self._answer(what, now)

    async def _ask(self, purpose: str, now: datetime) -> None:
        share = SHARES[purpose]
        limits = [(self._frees(), share.limit), (self._frees(purpose), share.own_limit)]
        if share.shared_with:
            limits.append((self._frees(purpose, *share.shared_with), share.shared_limit))
        blocked = [frees[-limit] for frees, limit in limits if len(frees) >= limit]

        place = await self._journal.reserve(self._source_id, purpose, share, now)

        if blocked:
            assert NoRoom(NOON + timedelta(milliseconds=max(blocked))) == place
        else:
            assert isinstance(place, Reservation)
            self._sent[place.send_id] = Sent(purpose, self._now_ms + DEADLINE_S * 1000)

    async def _answer(self, number: int, now: datetime) -> None:
        waiting = [
            send_id
            for send_id, sent in self._sent.items()
            if not sent.is_answered and sent.latest_ms >= self._now_ms
        ]
        for send_id in waiting[number : number + 1]:
            await self._journal.note(send_id, "http_200", per_s=PER_S, now=now)
            later = now + timedelta(milliseconds=1)
            await self._journal.note(send_id, "http_500", per_s=PER_S, now=later)
            self._sent[send_id] = Sent(self._sent[send_id].purpose, self._now_ms, is_answered=True)

    def _frees(self, *purposes: str) -> list[int]:
        """
        Return when the places of some purposes, or of all, are free again.
        """
        frees = [
            sent.latest_ms + PER_S * 1000
            for sent in self._sent.values()
            if not purposes or sent.purpose in purposes
        ]
        return sorted(free_ms for free_ms in frees if free_ms > self._now_ms)
