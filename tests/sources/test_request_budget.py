"""
The request budget (I7): a place is reserved durably before each request, and no window holds too many.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web

from relay.journal.store import SqlJournal, open_sqlite
from relay.model.call import QUEUE_CALLS, USER_CALLS
from relay.model.errors import JournalBusy, SourceError, SourceThrottled, SourceUnreachable
from relay.sources.budget import BudgetSettings
from relay.sources.port import OWN_QUOTA, Window
from relay.sources.voipcloud.source import SYSTEM_STATUS, VoipcloudSettings, VoipcloudSource
from relay.testing.manual_clock import ManualClock
from tests.sources.vendor import BUDGET, NOON, SOURCE_ID, TOKEN, Vendor, account

WINDOW = Window(NOON - timedelta(hours=4))
SMALL: Final = BudgetSettings(requests=3, per_s=900, reserve=1, deadline_s=5)


async def taken(journal: SqlJournal, at: datetime = NOON) -> int:
    """
    Return how many places of the window are taken.
    """
    return await journal.in_window(SOURCE_ID, at)


async def test_a_place_is_reserved_before_the_vendor_sees_the_request(
    vendor: Vendor, source: VoipcloudSource, journal: SqlJournal
) -> None:
    seen: list[int] = []

    async def counts(_: web.Request) -> web.StreamResponse:
        seen.append(await taken(journal))
        return web.Response(body=b"[]")

    vendor.handles(counts)
    await source.pull(USER_CALLS, WINDOW)
    await source.pull(SYSTEM_STATUS, WINDOW)

    assert [1, 2] == seen
    assert BUDGET.requests - 2 == await source.quota_remaining()


@pytest.mark.parametrize("status", [200, 401, 429, 500])
async def test_an_answered_request_keeps_its_place_for_a_window_from_its_answer(
    vendor: Vendor, source: VoipcloudSource, journal: SqlJournal, clock: ManualClock, status: int
) -> None:
    async def slowly(_: web.Request) -> web.StreamResponse:
        clock.advance(3)
        return web.Response(body=b"[]", status=status)

    vendor.handles(slowly)
    with suppress(SourceError):
        await source.pull(USER_CALLS, WINDOW)
    frees_at = NOON + timedelta(seconds=3 + BUDGET.per_s)

    assert [1, 0] == [
        await taken(journal, frees_at - timedelta(milliseconds=1)),
        await taken(journal, frees_at),
    ]


async def test_a_request_without_an_answer_keeps_its_place_for_its_deadline_and_a_window(
    journal: SqlJournal, clock: ManualClock
) -> None:
    async with hanging_up_on_the_second_request([]) as url:
        pass  # nobody listens there any more
    async with account(url, journal, clock) as source:
        with pytest.raises(SourceUnreachable):
            await source.pull(USER_CALLS, WINDOW)
    frees_at = NOON + timedelta(seconds=BUDGET.deadline_s + BUDGET.per_s)

    assert [1, 0] == [
        await taken(journal, frees_at - timedelta(milliseconds=1)),
        await taken(journal, frees_at),
    ]


async def test_a_pull_that_is_cancelled_keeps_its_place(
    vendor: Vendor, source: VoipcloudSource, journal: SqlJournal
) -> None:
    asked, never = asyncio.Event(), asyncio.Event()

    async def hangs(_: web.Request) -> web.StreamResponse:
        asked.set()
        await never.wait()
        return web.Response()

    vendor.handles(hangs)
    pull = asyncio.create_task(source.pull(USER_CALLS, WINDOW))
    await asyncio.wait_for(asked.wait(), 5)
    pull.cancel()
    await asyncio.wait({pull}, timeout=5)
    never.set()

    assert pull.cancelled()
    assert 1 == await taken(journal, NOON + timedelta(seconds=BUDGET.per_s))


async def test_without_room_nothing_is_sent_and_the_caller_learns_until_when(
    vendor: Vendor, journal: SqlJournal, clock: ManualClock
) -> None:
    async with account(vendor.url, journal, clock, budget=SMALL) as source:
        await source.pull(USER_CALLS, WINDOW)
        clock.advance(60)
        await source.pull(QUEUE_CALLS, WINDOW)
        clock.advance(60)
        with pytest.raises(SourceThrottled) as caught:
            await source.pull(USER_CALLS, WINDOW)

        until = NOON + timedelta(seconds=SMALL.per_s)
        assert (OWN_QUOTA, "quota", until) == (OWN_QUOTA, caught.value.reason, caught.value.until)
        assert 2 == len(vendor.requests)
        assert 1 == await source.quota_remaining()

        clock.advance((until - clock.now()).total_seconds() - 0.001)
        with pytest.raises(SourceThrottled):
            await source.pull(USER_CALLS, WINDOW)
        clock.advance(0.001)
        await source.pull(USER_CALLS, WINDOW)

        assert 3 == len(vendor.requests)


async def test_what_polls_may_not_use_is_there_for_the_status(
    vendor: Vendor, journal: SqlJournal, clock: ManualClock
) -> None:
    async with account(vendor.url, journal, clock, budget=SMALL) as source:
        for _ in range(SMALL.polls):
            await source.pull(USER_CALLS, WINDOW)
        await source.pull(SYSTEM_STATUS, WINDOW)
        with pytest.raises(SourceThrottled):
            await source.pull(SYSTEM_STATUS, WINDOW)

    assert SMALL.requests == len(vendor.requests)


@pytest.mark.parametrize(("reserve", "statuses"), [(0, 1), (1, 1), (2, 1), (4, 2), (8, 3)])
async def test_the_status_may_use_its_part_of_the_reserve_and_no_more(
    vendor: Vendor, journal: SqlJournal, clock: ManualClock, reserve: int, statuses: int
) -> None:
    budget = BudgetSettings(requests=10, per_s=900, reserve=reserve, deadline_s=5)
    async with account(vendor.url, journal, clock, budget=budget) as source:
        for _ in range(statuses):
            await source.pull(SYSTEM_STATUS, WINDOW)
        with pytest.raises(SourceThrottled) as caught:
            await source.pull(SYSTEM_STATUS, WINDOW)
        for _ in range(10 - max(reserve, 1)):
            await source.pull(USER_CALLS, WINDOW)

    assert (OWN_QUOTA, NOON + timedelta(seconds=900)) == (caught.value.reason, caught.value.until)


async def test_requests_of_another_purpose_leave_polls_what_is_theirs(
    vendor: Vendor, journal: SqlJournal, clock: ManualClock
) -> None:
    async with account(vendor.url, journal, clock, budget=SMALL) as source:
        await source.pull(SYSTEM_STATUS, WINDOW)
        clock.advance(60)
        await source.pull(USER_CALLS, WINDOW)
        await source.pull(USER_CALLS, WINDOW)
        with pytest.raises(SourceThrottled) as caught:
            await source.pull(USER_CALLS, WINDOW)

    # A place is free after the first request's window, but polls have theirs only after their own.
    assert NOON + timedelta(seconds=60 + SMALL.per_s) == caught.value.until


async def test_places_are_remembered_over_a_restart(
    vendor: Vendor, tmp_path: Path, clock: ManualClock
) -> None:
    for _ in range(SMALL.polls):
        async with (
            open_sqlite(tmp_path / "relay.db", "test", NOON) as journal,
            account(vendor.url, journal, clock, budget=SMALL) as source,
        ):
            await source.pull(USER_CALLS, WINDOW)
    async with (
        open_sqlite(tmp_path / "relay.db", "test", NOON) as journal,
        account(vendor.url, journal, clock, budget=SMALL) as source,
    ):
        with pytest.raises(SourceThrottled):
            await source.pull(USER_CALLS, WINDOW)

    assert SMALL.polls == len(vendor.requests)


async def test_many_pulls_at_once_share_the_places(
    vendor: Vendor, journal: SqlJournal, clock: ManualClock
) -> None:
    async with account(vendor.url, journal, clock) as source:
        pulls = [source.pull(USER_CALLS, WINDOW) for _ in range(BUDGET.polls + 5)]
        results = await asyncio.gather(*pulls, return_exceptions=True)

    assert 5 == sum(isinstance(result, SourceThrottled) for result in results)
    assert BUDGET.polls == len(vendor.requests)


@asynccontextmanager
async def hanging_up_on_the_second_request(seen: list[bytes]) -> AsyncIterator[str]:
    """
    Keep each connection open after its first answer, and close it without a word when asked again.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            seen.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")
            seen.append(await reader.readuntil(b"\r\n\r\n"))
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_request_that_the_client_sends_again_by_itself_has_a_place_of_its_own(
    journal: SqlJournal, clock: ManualClock
) -> None:
    seen: list[bytes] = []
    async with (
        hanging_up_on_the_second_request(seen) as url,
        account(url, journal, clock) as source,
    ):
        await source.pull(USER_CALLS, WINDOW)
        await source.pull(USER_CALLS, WINDOW)

    assert 3 == len(seen) == await taken(journal)


async def test_a_client_that_sends_again_without_room_does_not(
    journal: SqlJournal, clock: ManualClock
) -> None:
    seen: list[bytes] = []
    async with (
        hanging_up_on_the_second_request(seen) as url,
        account(url, journal, clock, budget=SMALL) as source,
    ):
        await source.pull(USER_CALLS, WINDOW)
        with pytest.raises(SourceThrottled):
            await source.pull(USER_CALLS, WINDOW)

    assert SMALL.polls == len(seen) == await taken(journal)


class BusyLog:
    """
    A log of requests that takes reservations but is too busy for outcomes.
    """

    def __init__(self, journal: SqlJournal) -> None:
        self.reserve = journal.reserve
        self.in_window = journal.in_window

    async def note(self, send_id: int, outcome: str, *, per_s: float, now: datetime) -> None:
        """
        Be too busy.
        """
        raise JournalBusy("locked")


async def test_a_log_too_busy_for_the_outcome_costs_no_connection(
    vendor: Vendor, journal: SqlJournal, clock: ManualClock
) -> None:
    never = asyncio.Event()

    async def is_slow_to_end(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await never.wait()
        return response

    vendor.handles(is_slow_to_end)
    settings = VoipcloudSettings(SOURCE_ID, vendor.url, TOKEN, ZoneInfo("UTC"), BUDGET)
    async with VoipcloudSource(settings, BusyLog(journal), clock) as source:
        errors = []
        for _ in range(BUDGET.polls):  # more than a source has connections
            with pytest.raises(JournalBusy) as caught:
                await source.pull(USER_CALLS, WINDOW)
            errors.append(caught.value)  # keeps the frames, and so the answers, alive
    never.set()

    assert BUDGET.polls == len(vendor.requests) == await taken(journal)
