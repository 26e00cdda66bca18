"""
What is asked of a VoIPcloud account, and what a good answer proves.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from relay.journal.store import SqlJournal
from relay.model.call import CALL_STREAMS, QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS
from relay.sources.port import Window
from relay.sources.voipcloud.source import MAX_ROWS, SYSTEM_STATUS, VoipcloudSource
from relay.testing.manual_clock import ManualClock
from tests.sources.vendor import NOON, TOKEN, Vendor, account

WINDOW = Window(NOON - timedelta(hours=4))
ROW = {"call_start_at": "2026-11-21T11:00:00+11:00", "unknown": [1, None]}


def rows_every_second(count: int, newest: datetime = NOON) -> list[dict[str, Any]]:
    """
    Return so many rows, newest first, a second apart.
    """
    return [{"call_start_at": (newest - timedelta(seconds=second)).isoformat()} for second in range(count)]


@pytest.mark.parametrize(
    ("stream", "path"),
    [
        (USER_CALLS, "get-user-calls"),
        (QUEUE_CALLS, "get-queue-calls"),
        (RINGGROUP_CALLS, "get-ringgroup-calls"),
        (SYSTEM_STATUS, "get-system-status"),
    ],
)
async def test_a_pull_is_one_get_with_the_key_in_the_header(
    vendor: Vendor, source: VoipcloudSource, stream: str, path: str
) -> None:
    await source.pull(stream, WINDOW)

    (request,) = vendor.requests
    assert ("GET", f"/api/integration/v1/{path}") == (request.method, request.path)
    assert TOKEN == request.headers["token"]
    assert TOKEN not in str(request.url)


@pytest.mark.parametrize("stream", CALL_STREAMS)
async def test_the_whole_window_and_a_day_beyond_is_asked_in_the_largest_page(
    vendor: Vendor, source: VoipcloudSource, stream: str
) -> None:
    await source.pull(stream, WINDOW)

    asked = {"from_date": "2026-11-20", "to_date": "2026-11-22", "limit": "10000", "offset": "0"}
    assert asked == dict(vendor.requests[0].query)


@pytest.mark.parametrize(
    ("zone", "start", "dates"),
    [
        ("Australia/Sydney", "2026-11-20T12:59:59+00:00", ("2026-11-19", "2026-11-22")),
        ("Australia/Sydney", "2026-11-20T13:00:00+00:00", ("2026-11-20", "2026-11-22")),
        ("America/New_York", "2026-11-21T00:00:00+00:00", ("2026-11-19", "2026-11-21")),
        ("Pacific/Kiritimati", "2026-11-21T00:00:00+00:00", ("2026-11-20", "2026-11-22")),
    ],
)
async def test_the_days_are_those_of_the_tenant(
    vendor: Vendor, journal: SqlJournal, clock: ManualClock, zone: str, start: str, dates: tuple[str, str]
) -> None:
    async with account(vendor.url, journal, clock, zone=zone) as source:
        await source.pull(USER_CALLS, Window(datetime.fromisoformat(start)))

    query = vendor.requests[0].query
    assert dates == (query["from_date"], query["to_date"])


@pytest.mark.parametrize(
    ("end", "to_date"),
    [
        ("2026-11-19T12:59:59+00:00", "2026-11-20"),
        ("2026-11-19T13:00:00+00:00", "2026-11-21"),
        ("2026-11-25T00:00:00+00:00", "2026-11-26"),
    ],
)
async def test_a_window_that_ends_is_read_to_the_day_after_its_end(
    vendor: Vendor, source: VoipcloudSource, end: str, to_date: str
) -> None:
    window = Window(NOON - timedelta(days=4), datetime.fromisoformat(end))
    vendor.answers(orjson.dumps([ROW]))

    pull = await source.pull(USER_CALLS, window)

    assert (to_date, "2026-11-16") == (
        vendor.requests[0].query["to_date"],
        vendor.requests[0].query["from_date"],
    )
    assert (window.start, min(NOON, datetime.fromisoformat(end))) == (pull.covered_from, pull.covered_to)
    assert [ROW] == pull.rows


@pytest.mark.parametrize(
    "document",
    [
        [ROW, ROW],
        {"data": [ROW, ROW]},
        {"code": 200, "data": [ROW, ROW], "message": "Success", "page": {"total": 2}},
        {"code": "200", "calls": [ROW, ROW]},
        {"columns": ["call_start_at", "unknown"], "data": [ROW, ROW]},
        {"data": [ROW, ROW], "errors": []},
        {"errors": [], "data": [ROW, ROW], "warnings": []},
    ],
    ids=str,
)
async def test_rows_come_bare_or_as_the_one_array_of_objects(
    vendor: Vendor, source: VoipcloudSource, document: object
) -> None:
    vendor.answers(orjson.dumps(document))

    pull = await source.pull(QUEUE_CALLS, WINDOW)

    assert [ROW, ROW] == pull.rows
    assert (QUEUE_CALLS, NOON, WINDOW.start, WINDOW.start) == (
        pull.stream, pull.requested_at, pull.window_start, pull.covered_from,
    )  # fmt: skip


@pytest.mark.parametrize("document", [[], {"data": []}, {"code": 200, "data": []}], ids=str)
async def test_no_calls_is_an_answer(vendor: Vendor, source: VoipcloudSource, document: object) -> None:
    vendor.answers(orjson.dumps(document))

    assert [] == (await source.pull(USER_CALLS, WINDOW)).rows


async def test_the_request_time_is_from_before_the_answer(
    vendor: Vendor, source: VoipcloudSource, clock: ManualClock
) -> None:
    async def slowly(_: Any) -> Any:
        clock.advance(3)
        return await vendor._empty(_)

    vendor.handles(slowly)

    assert NOON == (await source.pull(USER_CALLS, WINDOW)).requested_at


@pytest.mark.parametrize("status", [{"status": "operational", "list": []}, ["all", "well"], "fine"], ids=str)
async def test_the_system_status_is_one_row_whatever_it_is(
    vendor: Vendor, source: VoipcloudSource, status: object
) -> None:
    vendor.answers(orjson.dumps(status))

    assert [{"status": status}] == (await source.pull(SYSTEM_STATUS, WINDOW)).rows


async def test_a_page_that_is_not_full_covers_the_whole_window(
    vendor: Vendor, source: VoipcloudSource
) -> None:
    vendor.answers(orjson.dumps(rows_every_second(MAX_ROWS - 1)))

    assert WINDOW.start == (await source.pull(USER_CALLS, WINDOW)).covered_from


async def test_a_full_page_covers_only_from_a_second_after_its_oldest_row(
    vendor: Vendor, source: VoipcloudSource
) -> None:
    vendor.answers(orjson.dumps(rows_every_second(MAX_ROWS)))

    pull = await source.pull(USER_CALLS, WINDOW)

    assert (MAX_ROWS, NOON - timedelta(seconds=MAX_ROWS - 2)) == (len(pull.rows), pull.covered_from)


async def test_a_full_page_that_reaches_beyond_the_window_covers_the_window(
    vendor: Vendor, source: VoipcloudSource
) -> None:
    vendor.answers(orjson.dumps(rows_every_second(MAX_ROWS)))
    window = Window(NOON - timedelta(hours=1))

    assert window.start == (await source.pull(USER_CALLS, window)).covered_from


@pytest.mark.parametrize("start", ["not a date", None, "0001-01-01T00:00:00", "2026-11-22T00:00:00+11:00"])
async def test_a_full_page_without_a_usable_time_proves_nothing(
    vendor: Vendor, source: VoipcloudSource, start: str | None
) -> None:
    vendor.answers(orjson.dumps([{"call_start_at": start}] * MAX_ROWS))

    assert NOON == (await source.pull(USER_CALLS, WINDOW)).covered_from
