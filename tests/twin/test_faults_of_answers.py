"""
Whole answers that go wrong: seen over HTTP while the fault is on, and not any more once it is off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson
import pytest

from relay.twin.voipcloud.answers import API
from relay.twin.voipcloud.fault_kinds import (
    BlockedAddress,
    Dropped,
    LargestPage,
    Slow,
    StalePage,
    TooManyRequests,
    Truncated,
    UnstableTies,
)
from relay.twin.voipcloud.settings import Rules
from tests.twin.asking import BUSY, KEY, LATE, Asking, starts, twin

HTML = "text/html"
JSON = "application/json"
ONE_ANSWERS: list[tuple[str, dict[str, Any], int, str, bytes]] = [
    ("wrong_token", {}, 401, JSON, b"API key is missing or wrong"),
    ("blocked_address", {}, 401, JSON, b"IP address 127.0.0.1 is not in the whitelist"),
    ("not_found", {}, 404, JSON, b'{"code":404,"message":"Tenant or required data not found"}'),
    ("code_zero", {}, 200, JSON, b'{"code":0,"message":"Unknown error"}'),
    ("server_error", {}, 500, JSON, b'"code":500'),
    ("server_error", {"status": 503}, 503, JSON, b'"code":503'),
    ("html_page", {}, 200, HTML, b"<!DOCTYPE html>"),
    ("too_many_requests", {}, 429, JSON, b"Too Many Requests"),
]


async def ask(
    asking: Asking, path: str = "get-user-calls", **parameters: Any
) -> tuple[int, Mapping[str, str], bytes]:
    async with asking.session.get(f"{asking.url}{API}/{path}", headers=KEY, params=parameters) as response:
        return response.status, response.headers, await response.read()


@pytest.mark.parametrize(("name", "details", "status", "content", "text"), ONE_ANSWERS)
async def test_another_answer_stands_in_for_the_right_one(
    name: str, details: dict[str, Any], status: int, content: str, text: bytes
) -> None:
    async with twin() as asking:
        right = await asking.rows()
        await asking.control(faults={name: details})
        answers = [await ask(asking) for _ in range(2)]
        await asking.control(faults={name: None})

        assert [status, status] == [answer[0] for answer in answers]
        assert answers[0][1]["Content-Type"].startswith(content)
        assert text in answers[0][2]
        assert right == await asking.rows()


async def test_a_fault_of_one_stream_leaves_the_others_alone() -> None:
    async with twin() as asking:
        await asking.control(faults={"not_found": {"stream": "queue_calls"}})
        paths = ("get-user-calls", "get-queue-calls", "get-ringgroup-calls", "get-system-status")
        statuses = [(await ask(asking, path))[0] for path in paths]
        await asking.control(faults={"not_found": {}})
        everything = [(await ask(asking, path))[0] for path in paths]

        assert [200, 404, 200, 200] == statuses
        assert [404] * 4 == everything


async def test_a_fault_can_end_by_itself_after_so_many_answers() -> None:
    async with twin() as asking:
        asking.faults.on(BlockedAddress(times=2))
        statuses = [(await ask(asking))[0] for _ in range(3)]

        assert [401, 401, 200] == statuses
        assert {} == (await asking.truth())["faults"]


@pytest.mark.parametrize("retry_after_s", [7, None])
async def test_a_429_may_or_may_not_say_when_to_ask_again(retry_after_s: int | None) -> None:
    async with twin() as asking:
        asking.faults.on(TooManyRequests(retry_after_s=retry_after_s))
        _, headers, _ = await ask(asking)

        assert (str(retry_after_s) if retry_after_s else None) == headers.get("Retry-After")
        requests = (await asking.truth())["requests"]
        assert (1, 0) == (requests["answered_429"], requests["over_limit"])


async def test_a_shared_key_uses_up_the_window_of_its_other_client() -> None:
    async with twin(replace(BUSY, rules=Rules(requests=10, per_s=100))) as asking:
        await asking.control(faults={"shared_key": {"requests": 8}})
        first = [(await ask(asking))[0] for _ in range(2)]
        asking.clock.advance(90)
        later = [(await ask(asking))[0] for _ in range(2)]
        await asking.control(faults={"shared_key": None})
        asking.clock.advance(101)
        over = [(await ask(asking))[0] for _ in range(10)]
        requests = (await asking.truth())["requests"]

        assert [200, 200] == first, "the other client has sent one so far"
        assert [429, 429] == later, "8 of the other and 2 of ours are the whole window"
        assert [200] * 10 == over
        assert (14, 10, 0, 2) == tuple(
            requests[name] for name in ("total", "max_in_window", "over_limit", "answered_429")
        ), "what others use is no fault of the client's"


async def test_a_truncated_answer_is_a_whole_one_of_half_the_json() -> None:
    async with twin() as asking:
        _, _, whole = await ask(asking)
        asking.faults.on(Truncated())
        status, headers, half = await ask(asking)
        empty = await ask(asking, from_date="2020-01-01", to_date="2020-01-01")
        asking.faults.off()

        assert (200, str(len(half))) == (status, headers["Content-Length"])
        assert whole[: len(half)] == half
        assert 0 < len(half) < len(whole)
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(half)
        assert b"[" == empty[2]
        assert whole == (await ask(asking))[2]


@pytest.mark.parametrize("is_halfway", [False, True])
async def test_a_connection_is_dropped_before_or_in_the_answer(is_halfway: bool) -> None:
    async with twin() as asking:
        asking.faults.on(Dropped(is_halfway=is_halfway))
        error = aiohttp.ClientPayloadError if is_halfway else aiohttp.ClientOSError
        for _ in range(2):
            with pytest.raises((error, aiohttp.ServerDisconnectedError)):
                await ask(asking)
        asking.faults.off()

        assert 200 == (await ask(asking))[0]


async def test_a_slow_answer_outlasts_a_deadline_and_holds_nobody_else_up() -> None:
    async with twin() as asking:
        asking.faults.on(Slow(stream="user_calls", by_s=3_600))
        waiting = asyncio.create_task(ask(asking))
        others = [await ask(asking, "get-queue-calls") for _ in range(3)]
        is_answered = waiting.done()
        waiting.cancel()
        asking.faults.off()

        assert [200, 200, 200] == [answer[0] for answer in others]
        assert not is_answered
        assert 200 == (await ask(asking))[0]


async def test_a_slow_answer_comes_in_the_end() -> None:
    async with twin() as asking:
        asking.faults.on(Slow(by_s=0.01, times=1))

        assert [200, 200] == [(await ask(asking))[0] for _ in range(2)]


async def test_a_cache_tells_how_old_its_page_is_unless_it_hides_it() -> None:
    async with twin() as asking:
        _, _, before = await ask(asking)
        asking.faults.on(StalePage(stream="user_calls"))
        asking.clock.advance(50)
        _, headers, stale = await ask(asking)
        asking.faults.on(StalePage(stream="user_calls", shows_age=False))
        asking.clock.advance(30)
        _, hidden, _ = await ask(asking)
        asking.faults.off()
        _, fresh, now = await ask(asking)

        asked_at = LATE + timedelta(seconds=3_600)
        assert before == stale
        assert ("50", asked_at) == (headers["Age"], parsedate_to_datetime(headers["Date"]))
        assert (None, asked_at + timedelta(seconds=80)) == (
            hidden.get("Age"),
            parsedate_to_datetime(hidden["Date"]),
        )
        assert (None, hidden["Date"]) == (fresh.get("Age"), fresh["Date"])
        assert before != now


async def test_skew_moves_the_date_and_the_rows() -> None:
    async with twin(run_s=600) as asking:
        asking.running.twin.skew_s = 120
        _, headers, _ = await ask(asking)
        ahead = max(starts(await asking.rows()))
        asking.faults.off("skew")
        asking.clock.advance(60)
        _, back, _ = await ask(asking)
        standing = max(starts(await asking.rows()))
        asking.clock.advance(120)
        caught_up = max(starts(await asking.rows()))

        started = LATE + timedelta(seconds=600)
        assert started + timedelta(seconds=120) == parsedate_to_datetime(headers["Date"])
        assert started < ahead <= started + timedelta(seconds=120)
        assert started + timedelta(seconds=60) == parsedate_to_datetime(back["Date"])
        assert ahead == standing, "a clock that was set back lets nothing new begin until time caught up"
        assert caught_up > started + timedelta(seconds=120)


@pytest.mark.parametrize("is_skewed", [False, True])
async def test_open_rows_follow_the_skewed_clock(is_skewed: bool) -> None:
    async with twin(run_s=600) as asking:
        asking.running.twin.skew_s = 300 if is_skewed else 0
        open_rows = [row for row in await asking.rows() if row["call_finished_at"] is None]

        now = LATE + timedelta(seconds=900 if is_skewed else 600)
        assert open_rows
        for start, row in zip(starts(open_rows), open_rows, strict=True):
            assert timedelta(seconds=row["call_duration"]) == now - start


async def test_a_smaller_page_can_be_walked_and_deep_offsets_refused() -> None:
    async with twin() as asking:
        whole = await asking.rows(limit=10_000)
        asking.faults.on(LargestPage(rows=50))
        too_large, default = await ask(asking, limit=51), await asking.rows()
        walked = [
            row for at in range(0, len(whole) + 50, 50) for row in await asking.rows(limit=50, offset=at)
        ]
        asking.faults.on(LargestPage(rows=50, refuses_offsets=True))
        deep = [(await ask(asking, limit=50, offset=offset))[0] for offset in (50, 51)]
        asking.faults.off()

        assert len(whole) > 100
        assert (400, 50) == (too_large[0], len(default))
        assert whole == walked
        assert [200, 400] == deep
        assert whole == await asking.rows(limit=10_000)


async def test_the_largest_page_is_a_setting_too() -> None:
    async with twin(replace(BUSY, rules=Rules(largest_page=20, has_deep_offsets=False))) as asking:
        statuses = [
            (await ask(asking, limit=limit, offset=offset))[0]
            for limit, offset in ((20, 0), (21, 0), (20, 20), (20, 21))
        ]

        assert [200, 400, 200, 400] == statuses


async def test_faults_of_rows_and_of_answers_go_together() -> None:
    async with twin() as asking:
        asking.faults.on(UnstableTies())
        asking.faults.on(Truncated(times=1))

        assert b"]" != (await ask(asking))[2][-1:]
        assert 200 == (await ask(asking))[0]
