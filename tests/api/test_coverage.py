"""
What was read of a source and what was not, by REST.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from relay.api.source_answers import CoverageAnswer, ReadAnswer, SourceDetailAnswer
from relay.journal.port import StreamState
from relay.model.change import SourceChange
from relay.model.coverage import DEEP, HEAD, Gap, Interval, Read
from relay.model.listing import MAX_GAPS_SHOWN
from relay.model.times import rfc3339
from relay.testing.manual_clock import ManualClock
from tests.api.conftest import Api, running_api
from tests.journal.making import NOW, SECOND, append_of

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
COVERAGE = "/v1/sources/pbx/coverage"


@pytest.fixture
async def api(journal_path: Path) -> AsyncIterator[Api]:
    """
    Run the API a minute after the last read.
    """
    async with running_api(journal_path, clock=ManualClock(NOW + 60 * SECOND)) as running:
        yield running


def read_of(stream: str, start: datetime, end: datetime, tier: str = HEAD) -> Read:
    """
    Make a complete read of a stream by a phone system whose clock is 2 s ahead.
    """
    return Read(stream, tier, end - 2 * SECOND, end, Interval(start, end), rows=12, requests=2)


async def keep(api: Api, stream: str, read: Read | None = None, *gaps: Gap, **state: Any) -> None:
    """
    Write what a poll found.
    """
    kept = StreamState(**state) if state else None
    await api.journal.append(replace(append_of(), stream=stream, read=read, gaps=gaps, stream_state=kept))


async def streams(api: Api) -> dict[str, Any]:
    """
    Return what is shown of each stream.
    """
    shown = await api.got(COVERAGE)
    CoverageAnswer.model_validate(shown, extra="forbid")
    return {one["stream"]: one for one in shown["streams"]}


async def test_intervals_that_touch_are_one_and_the_newest_read_is_shown(api: Api) -> None:
    visibility = {"appears_at": "end", "late_s": 12}
    await keep(api, "user_calls", read_of("user_calls", NOW - 2 * HOUR, NOW - HOUR, DEEP))
    await keep(api, "user_calls", read_of("user_calls", NOW - HOUR, NOW), visibility=visibility)

    user = (await streams(api))["user_calls"]

    assert [{"start": rfc3339(NOW - 2 * HOUR), "end": rfc3339(NOW)}] == user["intervals"]
    assert (rfc3339(NOW), [], visibility) == (user["oldest_unread_at"], user["gaps"], user["visibility"])
    assert {
        "stream": "user_calls",
        "tier": "head",
        "requested_at": rfc3339(NOW - 2 * SECOND),
        "as_of": rfc3339(NOW),
        "covered_from": rfc3339(NOW - HOUR),
        "covered_to": rfc3339(NOW),
        "rows": 12,
        "requests": 2,
    } == user["last_read"]


async def test_the_oldest_unread_second_is_where_the_oldest_open_gap_begins(api: Api) -> None:
    closed = Gap("user_calls", NOW - 9 * HOUR, NOW - 8 * HOUR, "timeout", NOW - 8 * HOUR, NOW, 3)
    opened = Gap("user_calls", NOW - 3 * HOUR, NOW - 2 * HOUR, "not_running", NOW - 2 * HOUR)
    growing = Gap("user_calls", NOW - HOUR, None, "timeout", NOW)
    await keep(api, "user_calls", read_of("user_calls", NOW - 2 * HOUR, NOW - HOUR), closed, opened, growing)

    user = (await streams(api))["user_calls"]

    assert rfc3339(NOW - 3 * HOUR) == user["oldest_unread_at"]
    assert [("timeout", None), ("not_running", None), ("timeout", 3)] == [
        (gap["reason"], gap["rows_recovered"]) for gap in user["gaps"]
    ]
    assert [None, None, rfc3339(NOW)] == [gap["closed_at"] for gap in user["gaps"]]
    assert None is user["gaps"][0]["end"]


async def test_the_worst_stream_that_there_is_decides(api: Api) -> None:
    await keep(api, "user_calls", read_of("user_calls", NOW - HOUR, NOW))
    await keep(api, "queue_calls", read_of("queue_calls", NOW - HOUR, NOW - 30 * SECOND))
    await keep(api, "ringgroup_calls", None, state="absent")

    assert rfc3339(NOW - 30 * SECOND) == (await api.got(COVERAGE))["oldest_unread_at"]


async def test_what_was_never_read_has_no_unread_second(api: Api) -> None:
    await keep(api, "user_calls", read_of("user_calls", NOW - HOUR, NOW))
    await keep(api, "queue_calls", None, state="up")

    shown = await streams(api)

    assert (None, [], None) == tuple(
        shown["queue_calls"][name] for name in ("oldest_unread_at", "intervals", "last_read")
    )
    assert None is (await api.got(COVERAGE))["oldest_unread_at"]


async def test_where_gaps_are_too_many_to_show_nothing_is_promised_beyond_the_first_interval(
    api: Api,
) -> None:
    gaps = [
        Gap("user_calls", NOW + minute * MINUTE, NOW + minute * MINUTE + SECOND, "timeout", NOW)
        for minute in range(MAX_GAPS_SHOWN + 1)
    ]
    await keep(api, "user_calls", read_of("user_calls", NOW - HOUR, NOW), *gaps)
    await keep(api, "user_calls", read_of("user_calls", NOW + 3 * HOUR, NOW + 4 * HOUR))

    assert rfc3339(NOW) == (await streams(api))["user_calls"]["oldest_unread_at"]


async def test_a_source_shows_its_watermark_and_alone_how_many_gaps_are_open(api: Api) -> None:
    before = await api.got("/v1/sources/pbx")
    head = await api.journal.source_head("pbx")
    known = SourceChange(replace(head, watermark=NOW - HOUR), (), head.revision)
    await api.journal.append(replace(append_of(), source=known))
    await keep(api, "user_calls", None, Gap("user_calls", NOW - 2 * HOUR, NOW - HOUR, "timeout", NOW))

    shown, (listed,) = await api.got("/v1/sources/pbx"), (await api.got("/v1/sources"))["items"]

    SourceDetailAnswer.model_validate(shown, extra="forbid")
    assert (None, 0) == (before["watermark"], before["open_gaps"])
    assert (rfc3339(NOW - HOUR), 1) == (shown["watermark"], shown.pop("open_gaps"))
    assert listed == shown


async def test_reads_are_listed_newest_first_by_stream_and_page(api: Api) -> None:
    for minute in range(5):
        start = NOW + timedelta(minutes=minute)
        for stream in ("user_calls", "queue_calls"):
            await keep(api, stream, read_of(stream, start, start + 60 * SECOND))

    first = await api.got("/v1/sources/pbx/reads?stream=queue_calls&limit=3")
    second = await api.got(f"/v1/sources/pbx/reads?stream=queue_calls&limit=3&after={first['next']}")
    everything = await api.got("/v1/sources/pbx/reads")

    reads = first["items"] + second["items"]
    for one in reads:
        ReadAnswer.model_validate(one, extra="forbid")
    assert [rfc3339(NOW + timedelta(minutes=minute)) for minute in (4, 3, 2, 1, 0)] == [
        one["covered_from"] for one in reads
    ]
    assert {"queue_calls"} == {one["stream"] for one in reads}
    assert (10, None) == (len(everything["items"]), everything["next"])


@pytest.mark.parametrize("place", ["x", "1.2.3", "-1", "9" * 30])
async def test_a_place_that_no_page_gave_is_told(api: Api, place: str) -> None:
    answer = await api.ask("GET", f"/v1/sources/pbx/reads?after={place}")

    assert (422, ["after"]) == (answer.status, list(answer.faulty))


@pytest.mark.parametrize("what", ["coverage", "reads", "reconcile"])
async def test_a_source_that_is_not_there_is_not_found(api: Api, what: str) -> None:
    assert (404, "not_found") == (await api.ask("GET", f"/v1/sources/nowhere/{what}")).problem


async def test_a_stream_that_is_none_is_told(api: Api) -> None:
    answer = await api.ask("GET", "/v1/sources/pbx/reads?stream=agents")

    assert (422, ["stream"]) == (answer.status, list(answer.faulty))
