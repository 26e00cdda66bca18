"""
Rejects that are read again after a fix: taken where they are calls of their own, and never a second time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from relay.journal.port import Append
from relay.model.call import QUEUE_CALLS, USER_CALLS, LegFacts
from relay.model.change import Reject
from relay.model.ids import row_digest
from relay.model.source_work import PUSH, REPLAY_REJECTS, InboxItem
from relay.model.times import rfc3339
from relay.normalise.rules import CallRules
from relay.normalise.voipcloud_rows import VoipcloudRows
from relay.pipeline.inbox import PUSHES
from relay.pipeline.replays import REJECTS_AT_ONCE, Replays
from relay.testing.manual_clock import DEFAULT_START, ManualClock
from tests.journal.making import IDS
from tests.pipeline.polling import (
    DAY,
    HOUR,
    SECOND,
    CallList,
    Polling,
    polling,
    query,
    queue_row,
    user_row,
)
from tests.pipeline.the_past import A_CALL, call_events, done

OPENED = user_row(call_finished_at=None, call_duration=0, conversation_duration=0)


async def keep(running: Polling, *rows: dict[str, Any], stream: str = USER_CALLS) -> None:
    """
    Keep rows as rejects of an older version, which could not read them.
    """
    rejects = tuple(Reject(row_digest(row), row, "a bug that is mended by now") for row in rows)
    await running.journal.append(Append("pbx", stream, running.clock.now(), rejects=rejects))


async def replay(running: Polling, stream: str | None = None) -> list[Any]:
    """
    Have rejects read again; return the rows that are rejects still.
    """
    await running.put_down(REPLAY_REJECTS, {"stream": stream})
    await running.steps(1)
    assert [] == await running.journal.inbox("pbx", 10)
    return [reject.row for reject in await running.journal.stored_rejects("pbx", None, b"", 10_000)]


async def test_a_reject_that_can_be_read_now_is_a_call(journal_path: Path, clock: ManualClock) -> None:
    """
    Also one that no poll shows any more.
    """
    async with polling(journal_path, clock, publish_from=DEFAULT_START - 90 * DAY) as running:
        await running.polls(3)
        await keep(running, user_row(DEFAULT_START - 60 * DAY))
        left = await replay(running)
        again = await replay(running)

        assert A_CALL == [event["type"] for event in await call_events(running)]
    assert [[], []] == [left, again]


async def test_a_reject_that_still_cannot_be_read_stays(journal_path: Path, clock: ManualClock) -> None:
    bad, early = user_row(call_start_at="not a date"), user_row(DEFAULT_START + HOUR)
    async with polling(journal_path, clock) as running:
        await running.polls(3)
        await keep(running, bad, early, user_row())
        left = await replay(running)

        assert A_CALL == [event["type"] for event in await call_events(running)]
    assert sorted([bad, early], key=row_digest) == left


@pytest.mark.parametrize("stream", [None, QUEUE_CALLS])
async def test_a_replay_may_be_of_one_stream(
    journal_path: Path, clock: ManualClock, stream: str | None
) -> None:
    async with polling(journal_path, clock) as running:
        await running.polls(3)
        await keep(running, user_row(from_number="0499999999"))
        await keep(running, queue_row(), stream=QUEUE_CALLS)
        left = await replay(running, stream)

    assert (0 if stream is None else 1) == len(left)


async def test_more_rejects_than_are_read_at_once_are_all_read(
    journal_path: Path, clock: ManualClock
) -> None:
    count = REJECTS_AT_ONCE + 30
    rows = [user_row(from_number=f"04{place:08d}") for place in range(count)]
    bad = [user_row(call_start_at=f"not a date {place}") for place in range(count)]
    async with polling(journal_path, clock) as running:
        await running.polls(3)
        await keep(running, *rows, *bad)
        left = await replay(running)

    assert count == len(left)
    assert [(count,)] == query(journal_path, "SELECT count(*) FROM calls")


async def test_a_bug_that_is_met_again_stops_no_other(journal_path: Path, clock: ManualClock) -> None:
    class Broken(VoipcloudRows):
        """
        A reader with a bug.
        """

        def other_pass(self, stream: str, row: dict[str, Any], *more: Any, **named: Any) -> LegFacts | None:
            """
            Fail on Ann's rows.
            """
            if row["user_name"] == "Ann":
                raise ZeroDivisionError
            return super().other_pass(stream, row, *more, **named)

    start = DEFAULT_START - 60 * DAY
    rules = CallRules("pbx", ZoneInfo("Australia/Sydney"), "AU", start - DAY)
    async with polling(journal_path, clock, publish_from=start - DAY) as running:
        await running.polls(3)
        await keep(running, user_row(start), user_row(start + HOUR, user_name="Bo"))
        item = InboxItem(1, "pbx", REPLAY_REJECTS, {"stream": None}, clock.now())
        await Replays(running.context, Broken(rules, IDS)).take(item)
        rejects = await running.journal.stored_rejects("pbx", None, b"", 10)
        agents = {event["data"]["agent_name"] for event in await call_events(running)}

    assert [user_row(start)] == [reject.row for reject in rejects]
    assert "Bo" in agents
    assert "Ann" not in agents


# what no poll shows any more


@pytest.mark.parametrize("days", [2, 10])
async def test_the_end_of_a_call_is_taken_however_late(
    journal_path: Path, clock: ManualClock, calls: CallList, days: int
) -> None:
    """
    Its open row was read, its closed one could not be.
    """
    calls.rows[USER_CALLS] = [OPENED]
    async with polling(journal_path, clock, calls, publish_from=DEFAULT_START - DAY) as running:
        await running.polls(3)
    calls.rows.clear()
    clock.advance(days * DAY.total_seconds())
    async with polling(journal_path, clock, calls) as running:
        await keep(running, user_row())
        await running.pass_time(600)
        left = await replay(running)
        events = await call_events(running)

    assert (A_CALL, []) == ([event["type"] for event in events], left)
    assert [(1,)] == query(journal_path, "SELECT count(*) FROM legs")


async def test_the_phones_of_one_second_are_taken_together(journal_path: Path, clock: ManualClock) -> None:
    """
    Told one by one the first of them would end the call as missed.
    """
    start = DEFAULT_START - 60 * DAY
    rang = user_row(start, call_finished_at=(start + 5 * SECOND).isoformat(), conversation_duration=0)
    rows = [{**rang, "user_name": name, "call_duration": 5} for name in ("Bo", "Cy", "Di")]
    async with polling(journal_path, clock, publish_from=start - DAY) as running:
        await running.polls(3)
        await keep(running, user_row(start), *rows)
        left = await replay(running)
        events = await call_events(running)

    assert (A_CALL, []) == ([event["type"] for event in events], left)
    assert 4 == len(events[-1]["data"]["legs"])


async def test_what_may_be_a_twin_or_a_correction_waits_for_a_page_that_shows_it(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    start = DEFAULT_START - 60 * DAY
    corrected = user_row(start, call_duration=40, call_finished_at=(start + 40 * SECOND).isoformat())
    calls.rows[USER_CALLS] = [user_row(start)]
    async with polling(journal_path, clock, calls, publish_from=start - DAY) as running:
        await running.polls(3)
        calls.rows[USER_CALLS] = [corrected]
        await keep(running, corrected)
        left = await replay(running)
        await done(running, await running.job(start - HOUR, start + HOUR))
        (data,) = await running.data_of("call.updated")

        assert [] == await running.journal.stored_rejects("pbx", None, b"", 10)
    assert [corrected] == left
    assert (40, True) == (data["duration_s"], "duration_s" in data["changed"])
    assert [(1,)] == query(journal_path, "SELECT count(*) FROM legs")


@pytest.mark.parametrize("is_shown", [True, False])
async def test_only_a_page_tells_the_passes_of_a_repeated_hour_apart(
    journal_path: Path, clock: ManualClock, is_shown: bool
) -> None:
    """
    03:00 in Sydney was 02:00 once more at 16:00 UTC; the call began after that.
    """
    start = datetime(2026, 4, 4, 16, 30, tzinfo=UTC)
    row = user_row(start, call_start_at="2026-04-05T02:30:00", call_finished_at="2026-04-05T02:30:30")
    clock.advance((start + HOUR - clock.now()).total_seconds())
    if not is_shown:
        clock.advance(60 * DAY.total_seconds())
    async with polling(journal_path, clock, publish_from=start - DAY) as running:
        await keep(running, row)
        running.source.show(USER_CALLS, [row] if is_shown else [])
        await running.polls(3)
        first = await replay(running)
        await running.pass_time(1_200)
        starts = [event["data"]["started_at"] for event in await call_events(running)]
        last = [reject.row for reject in await running.journal.stored_rejects("pbx", None, b"", 10)]

    assert [row] == first
    assert ([rfc3339(start)] * 3, []) == (starts, last) if is_shown else ([], [row]) == (starts, last)


# never doubled


@pytest.mark.parametrize("reject", [OPENED, user_row(user_name="Bo"), user_row(conversation_duration=0)])
async def test_an_earlier_state_of_a_known_row_is_forgotten(
    journal_path: Path, clock: ManualClock, calls: CallList, reject: dict[str, Any]
) -> None:
    calls.rows[USER_CALLS] = [user_row()]
    async with polling(journal_path, clock, calls) as running:
        await running.polls(3)
        before = await call_events(running)
        await keep(running, reject)
        left = await replay(running)
        await running.pass_time(60)

        assert before == await call_events(running)
    assert ([], A_CALL) == (left, [event["type"] for event in before])
    assert [(1,)] == query(journal_path, "SELECT count(*) FROM legs")


async def test_two_states_of_one_row_are_one_call(journal_path: Path, clock: ManualClock) -> None:
    async with polling(journal_path, clock) as running:
        await running.polls(3)
        await keep(running, OPENED, user_row())
        left = await replay(running)

    assert [] == left
    assert [(1, 1)] == query(journal_path, "SELECT count(*), count(DISTINCT call_id) FROM legs")


async def test_a_later_state_of_a_known_row_is_taken_by_the_next_poll(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    calls.rows[USER_CALLS] = [OPENED]
    async with polling(journal_path, clock, calls) as running:
        await running.polls(3)
        await keep(running, user_row())
    calls.rows[USER_CALLS] = [user_row()]
    async with polling(journal_path, clock, calls) as running:
        await running.polls(3)
        before = await call_events(running)
        await replay(running)
        await running.pass_time(60)
        events = await call_events(running)

    assert A_CALL[:1] == [event["type"] for event in before]
    assert A_CALL == [event["type"] for event in events]
    assert [(1,)] == query(journal_path, "SELECT count(*) FROM legs")


async def test_a_reject_that_polls_go_on_showing_is_taken_once(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    """
    It was kept before relay started, so that its polls have passed it over.
    """
    calls.rows[USER_CALLS] = [user_row()]
    async with polling(journal_path, clock, calls) as running:
        await keep(running, user_row())
        await running.polls(3)
        before = len(await call_events(running))
        await replay(running)
        await running.pass_time(60)
        events = await call_events(running)

    assert (0, A_CALL) == (before, [event["type"] for event in events])
    assert [(1,)] == query(journal_path, "SELECT count(*) FROM legs")


async def test_a_rejected_push_is_never_read_as_a_row(journal_path: Path, clock: ManualClock) -> None:
    """
    It has all the columns of one, and a start that is two seconds off.
    """
    push = user_row(DEFAULT_START - 62 * SECOND, event="recording_ready", recording_url="https://example.com")
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [user_row()])
        await running.polls(3)
        await running.put_down(PUSH, push)
        await running.steps(1)
        left = await replay(running)
        (reject,) = await running.journal.stored_rejects("pbx", None, b"", 10)

        assert A_CALL == [event["type"] for event in await call_events(running)]
    assert ([push], PUSHES) == (left, reject.stream)
