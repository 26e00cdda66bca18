"""
Operating webhooks on a database: `relay.journal.operating_port.OperatingJournal`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import Connection

from relay.journal import call_lists, explain_lists, reconciling, replay_lists, replay_rows
from relay.journal.api_port import Once
from relay.journal.fence import Fence
from relay.journal.questions import Snapshot
from relay.journal.sqlite import SqliteDatabase
from relay.journal.statements import sqlite_driver
from relay.journal.wanted_events import Stretch, stretch, taker
from relay.model.explanation import ExplainedDelivery, ExplainedEvent, Explanation
from relay.model.listing import CallDetail, Page
from relay.model.replay import (
    Chosen,
    MissingItem,
    Reconciliation,
    Replay,
    ReplayFilter,
    ReplayStand,
    ReplayTrial,
)

CHOOSE_FROM: Final = 1_000  # events in one step of a replay
COUNT_FROM: Final = 5_000  # events in one step of a count
MAX_STEPS: Final = 400
FIRST_EVENTS: Final = 5
MAX_ROWS: Final = 100  # of one call
MAX_EVENTS: Final = 200


class SqlOperating:
    """
    Replays, reconciliation and explanations of one journal; implements OperatingJournal.

    `answer` runs on the thread of the writer: it may not wait for anything.

    Args:
        database: where the journal is.
        fence: writes there.
        max_steps: how many steps one count may take; then it ends short.
    """

    def __init__(self, database: SqliteDatabase, fence: Fence, max_steps: int = MAX_STEPS) -> None:
        self._database = database
        self._fence = fence
        self._max_steps = max_steps

    # replays

    async def make_replay(
        self,
        endpoint_id: str,
        wanted: ReplayFilter,
        rate_per_s: float,
        answer: Callable[[Replay], bytes],
        now: datetime,
        once: Once | None = None,
    ) -> bytes:
        def make(conn: Connection, _: int) -> bytes:
            part = _part(Snapshot(sqlite_driver(conn)), wanted)
            return answer(replay_rows.make_replay(conn, endpoint_id, wanted, part, rate_per_s, now))

        return await self._fence.write_once(once, now, make)

    async def try_replay(self, endpoint_id: str, wanted: ReplayFilter) -> ReplayTrial:
        part = await self._database.look_up(lambda look: _part_for(endpoint_id, wanted, look))
        events, first_ids = 0, list[str]()
        for _ in range(self._max_steps):
            if part.from_seq >= part.to_seq:
                break
            wanted_ids = FIRST_EVENTS - len(first_ids)
            some = await self._database.look_up(partial(_try, endpoint_id, wanted, part, wanted_ids))
            events, part = events + some[0], part._replace(from_seq=some[1])
            first_ids += some[2]
        return ReplayTrial(endpoint_id, events, tuple(first_ids), part.from_seq >= part.to_seq)

    async def list_replays(self, endpoint_id: str | None, after: str | None, limit: int) -> Page[Replay]:
        return await self._database.look_up(
            lambda look: replay_lists.list_replays(look, endpoint_id, after, limit)
        )

    async def replay(self, job_id: int) -> tuple[Replay, dict[str, int]] | None:
        return await self._database.look_up(lambda look: replay_lists.replay(look, job_id))

    async def cancel_replay(self, job_id: int, now: datetime) -> Replay:
        return await self._fence.write(lambda conn, _: replay_rows.cancel_replay(conn, job_id, now))

    async def unfinished_replays(self, now: datetime) -> list[ReplayStand]:
        return await self._database.look_up(lambda look: replay_lists.unfinished(look, now))

    async def choose(self, replay: Replay, limit: int) -> Chosen:
        wanted = replay.wanted
        part = Stretch(replay.at_seq, replay.to_seq, wanted.recorded_from, wanted.recorded_before)
        return await self._database.look_up(
            lambda look: _choose(replay.endpoint_id, wanted, part, limit, CHOOSE_FROM, look)
        )

    async def enter(self, replay: Replay, chosen: Chosen, now: datetime) -> bool:
        return await self._fence.write(lambda conn, _: replay_rows.enter(conn, replay, chosen, now))

    async def note_replay(self, replay: Replay, state: str, reason: str | None, now: datetime) -> None:
        await self._fence.write(lambda conn, _: replay_rows.note_replay(conn, replay, state, reason, now))

    # reconciliation

    async def reconcile(
        self, endpoint_id: str, start: datetime | None, end: datetime | None, after: str | None
    ) -> Reconciliation:
        part = await self._database.look_up(lambda look: stretch(look, start, end, after))
        counted, at = Counter[str](), part.from_seq
        for _ in range(self._max_steps):
            some, place = await self._database.look_up(partial(_count, endpoint_id, part, at))
            counted += some
            if place is None:
                return Reconciliation(endpoint_id, dict(counted), None)
            at = place
        return Reconciliation(endpoint_id, dict(counted), str(at))

    async def list_missing(
        self, endpoint_id: str, start: datetime | None, end: datetime | None, after: str | None, limit: int
    ) -> Page[MissingItem]:
        def missing(look: Snapshot) -> Page[MissingItem]:
            part = stretch(look, start, end, after)
            return reconciling.list_missing(look, taker(look, endpoint_id), part, limit, COUNT_FROM)

        return await self._database.look_up(missing)

    # one call

    async def explain(self, call_id: str) -> Explanation | None:
        detail = await self._database.look_up(
            lambda look: call_lists.call(look, call_id, events_limit=MAX_EVENTS + 1)
        )
        if detail is None:
            return None
        legs = detail.legs[:MAX_ROWS]
        rows = await self._database.look_up(
            lambda look: tuple(explain_lists.proof_of(look, leg) for leg in legs)
        )
        events, cut = [], _cut(detail)
        for event in detail.events[:MAX_EVENTS]:  # each a step: there may be a thousand endpoints
            told: list[ExplainedDelivery]
            told, are_more, are_more_attempts = await self._database.look_up(
                partial(_deliveries_of, event.id)
            )
            cut |= {
                "deliveries": are_more or cut["deliveries"],
                "attempts": are_more_attempts or cut["attempts"],
            }
            events.append(ExplainedEvent(event, tuple(told)))
        names = tuple(name for name, is_so in cut.items() if is_so)
        return Explanation(detail.item, detail.absorbed_into, rows, tuple(events), names)


def _part(look: Snapshot, wanted: ReplayFilter) -> Stretch:
    replay_lists.require_call(look, wanted.call_id)
    return stretch(look, wanted.recorded_from, wanted.recorded_before, None)


def _choose(
    endpoint_id: str, wanted: ReplayFilter, part: Stretch, limit: int, scanned_rows: int, look: Snapshot
) -> Chosen:
    return replay_lists.choose(look, taker(look, endpoint_id), wanted, part, limit, scanned_rows)


def _part_for(endpoint_id: str, wanted: ReplayFilter, look: Snapshot) -> Stretch:
    taker(look, endpoint_id)  # there must be one
    return _part(look, wanted)


def _try(
    endpoint_id: str, wanted: ReplayFilter, part: Stretch, wanted_ids: int, look: Snapshot
) -> tuple[int, int, list[str]]:
    """
    Return how many events of a step a replay sends, up to where it looked, and the first of them.
    """
    takes = taker(look, endpoint_id)
    counted, at_seq = replay_lists.count(look, takes, wanted, part, COUNT_FROM)
    if not counted or not wanted_ids:
        return counted, at_seq, []
    first = replay_lists.choose(look, takes, wanted, part, wanted_ids, COUNT_FROM)
    return counted, at_seq, [event_id for _, event_id in first.events]


def _count(endpoint_id: str, part: Stretch, after: int, look: Snapshot) -> tuple[Counter[str], int | None]:
    return reconciling.count(look, taker(look, endpoint_id), part, after, COUNT_FROM)


def _deliveries_of(event_id: str, look: Snapshot) -> tuple[list[ExplainedDelivery], bool, bool]:
    return explain_lists.deliveries_of(look, event_id)


def _cut(detail: CallDetail) -> dict[str, bool]:
    return {
        "rows": len(detail.legs) > MAX_ROWS,
        "events": len(detail.events) > MAX_EVENTS,
        "deliveries": False,
        "attempts": False,
    }
