"""
The API of a simulated PBX keeps the vendor's documented rules.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest

from relay.model.call import QUEUE_CALLS
from relay.testing.manual_clock import ManualClock
from relay.twin.voipcloud.answers import API
from relay.twin.voipcloud.server import run, start_twin
from relay.twin.voipcloud.settings import AnswerShape, Rules, Traffic
from tests.twin.asking import BUSY, KEY, SYDNEY, starts, twin


@pytest.mark.parametrize("headers", [{}, {"token": "wrong"}, {"token": ""}, {"Authorization": "key"}])
async def test_without_the_token_there_is_nothing(headers: dict[str, str]) -> None:
    async with twin() as asking:
        status, answer = await asking.get("get-user-calls", headers=headers)

        assert (401, 401) == (status, answer["code"])
        assert 0 == (await asking.truth())["requests"]["total"]


async def test_an_address_outside_the_whitelist_is_told_so() -> None:
    async with twin(replace(BUSY, rules=Rules(whitelist=("203.0.113.9",)))) as asking:
        status, answer = await asking.get("get-user-calls")

        assert 401 == status
        assert "IP address 127.0.0.1" in answer["message"]


@pytest.mark.parametrize("path", ["get-user-calls", "get-queue-calls", "get-ringgroup-calls"])
async def test_rows_come_newest_first_and_never_more_than_the_limit(path: str) -> None:
    async with twin() as asking:
        rows = await asking.rows(path, limit=17)
        default = await asking.rows(path)

        assert (17, rows) == (len(rows), default[:17])
        assert len(default) <= 100
        assert sorted(starts(default), reverse=True) == starts(default)


async def test_walking_the_offsets_shows_every_row_once() -> None:
    async with twin() as asking:
        whole = await asking.rows(limit=10_000)
        walked = [
            row
            for offset in range(0, len(whole) + 40, 40)
            for row in await asking.rows(limit=40, offset=offset)
        ]

        assert len(whole) > 100
        assert whole == walked


async def test_days_are_those_of_the_tenant_and_both_ends_belong_to_the_range() -> None:
    async with twin() as asking:
        whole = await asking.rows(limit=10_000)
        by_day = {
            day: await asking.rows(limit=10_000, from_date=day, to_date=day)
            for day in ("2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04")
        }
        since = await asking.rows(limit=10_000, from_date="2026-03-03")
        until = await asking.rows(limit=10_000, to_date="2026-03-02")

        midnight = datetime(2026, 3, 3, tzinfo=SYDNEY)
        assert [row for row in whole if starts([row])[0] < midnight] == by_day["2026-03-02"] == until
        assert [row for row in whole if starts([row])[0] >= midnight] == by_day["2026-03-03"] == since
        assert ([], []) == (by_day["2026-03-01"], by_day["2026-03-04"])
        assert by_day["2026-03-02"]
        assert by_day["2026-03-03"]


async def test_names_filter_the_rows() -> None:
    async with twin() as asking:
        whole = await asking.rows("get-queue-calls", limit=10_000)
        one = await asking.rows("get-queue-calls", limit=10_000, queues_names="Sales")
        both = await asking.rows("get-queue-calls", limit=10_000, queues_names="Sales, Support")
        users = await asking.rows("get-user-calls", users_names="Alice Nguyen")

        assert [row for row in whole if row["queue_name"] == "Sales"] == one
        assert whole == both
        assert {"Alice Nguyen"} == {row["user_name"] for row in users}


@pytest.mark.parametrize(
    "parameters",
    [
        {"limit": "0"},
        {"limit": "10001"},
        {"limit": "many"},
        {"offset": "-1"},
        {"from_date": "03/02/2026"},
        {"to_date": "2026-02-30"},
        {"to_date": "9999-12-31"},
    ],
)
async def test_bad_parameters_are_answered_400_and_count(parameters: dict[str, Any]) -> None:
    async with twin() as asking:
        status, answer = await asking.get("get-user-calls", **parameters)

        assert (400, 400) == (status, answer["code"])
        assert 1 == (await asking.truth())["requests"]["total"]


async def test_more_requests_than_allowed_in_any_window_are_answered_429() -> None:
    async with twin(replace(BUSY, rules=Rules(requests=3, per_s=60))) as asking:
        statuses = []
        for pause_s in (0, 30, 29, 0.5, 31):  # the fourth comes 59.5 s after the first
            asking.clock.advance(pause_s)
            statuses.append((await asking.get("get-system-status"))[0])
        requests = (await asking.truth())["requests"]

        assert [200, 200, 200, 429, 200] == statuses
        assert {"total": 5, "max_in_window": 4, "allowed": 3, "over_limit": 1, "answered_429": 1} == requests


@pytest.mark.parametrize("is_told", [True, False])
async def test_retry_after_names_the_second_from_which_a_request_is_taken(is_told: bool) -> None:
    rules = Rules(requests=2, per_s=60, has_retry_after=is_told)
    async with twin(replace(BUSY, rules=rules)) as asking:
        for _ in range(2):
            await asking.get("get-system-status")
        asking.clock.advance(20)
        async with asking.session.get(f"{asking.url}{API}/get-system-status", headers=KEY) as response:
            told = response.headers.get("Retry-After")

        assert ("40" if is_told else None) == told  # by then both of the first are a minute old
        asking.clock.advance(float(told or 40))
        assert 200 == (await asking.get("get-system-status"))[0]


async def test_an_absent_stream_is_answered_404() -> None:
    async with twin(replace(BUSY, rules=Rules(absent=frozenset({QUEUE_CALLS})))) as asking:
        status, answer = await asking.get("get-queue-calls")

        assert (404, 404) == (status, answer["code"])
        assert await asking.rows("get-ringgroup-calls")


async def test_answers_may_be_wrapped_and_times_naive() -> None:
    shape = AnswerShape(is_wrapped=True, has_naive_times=True)
    async with twin() as plain, twin(replace(BUSY, shape=shape)) as other:
        rows = await plain.rows()
        status, answer = await other.get("get-user-calls")

        assert (200, 200) == (status, answer["code"])
        assert [at.replace(tzinfo=None) for at in starts(rows)] == starts(answer["data"])
        assert timedelta(hours=11) == starts(rows)[0].utcoffset()


async def test_call_to_number_begins_a_call_of_that_user() -> None:
    quiet = replace(BUSY, traffic=Traffic(stop_after=0))
    async with twin(quiet) as asking:
        asked = {"user_number": "201", "number_to_call": "+61491570156"}
        path = f"{API}/call-to-number"
        as_json = await asking.post(path, json=asked, headers=KEY)
        asking.clock.advance(3_600)
        as_form = await asking.post(path, data=asked, headers=KEY)
        nobody = await asking.post(path, json={**asked, "user_number": "999"}, headers=KEY)
        nothing = await asking.post(path, json={}, headers=KEY)

        assert [200, 200, 404, 400] == [status for status, _ in (as_json, as_form, nobody, nothing)]
        assert ["+61491570156"] * 2 == [row["to_number"] for row in await asking.rows()]
        assert ["outbound"] * 2 == [call["direction"] for call in (await asking.truth())["calls"]]


async def test_the_truth_tells_when_all_is_over() -> None:
    async with twin() as asking:
        before = await asking.truth()
        await asking.control(making_calls=False)
        asking.clock.advance(3_600)
        over = await asking.truth()

        assert (False, True) == (before["done"], over["done"])
        assert len(before["calls"]) == len(over["calls"])
        assert all(call["ended_at"] for call in over["calls"])
        assert "2026-03-02T14:30:00.000Z" == over["now"]


async def test_a_garbled_row_stays_garbled_until_switched_off() -> None:
    async with twin() as asking:
        before = await asking.rows(limit=10_000)
        await asking.control(garble={"stream": "user_calls", "row": 3})
        asking.clock.advance(60)
        spoilt = [row for row in await asking.rows(limit=10_000) if row["call_start_at"] == "not a date"]
        elsewhere = await asking.rows("get-queue-calls", limit=10_000)
        await asking.control(garble=None)

        assert 1 == len(spoilt)
        assert {**spoilt[0], "call_start_at": None} in [{**row, "call_start_at": None} for row in before]
        assert starts(elsewhere)
        assert starts(await asking.rows(limit=10_000))


async def test_raw_answers_stand_in_for_right_ones_so_many_times() -> None:
    async with twin() as asking:
        await asking.control(answer={"status": 503, "body": '{"code":0}', "times": 2})
        first, second = await asking.get("get-user-calls"), await asking.get("get-user-calls")

        assert [(503, {"code": 0})] * 2 == [first, second]
        assert await asking.rows()
        await asking.control(answer={"status": 429, "body": "[]"})
        assert [429, 429] == [(await asking.get("get-user-calls"))[0] for _ in range(2)]
        await asking.control(answer=None)
        assert await asking.rows()
        assert 2 == (await asking.truth())["requests"]["answered_429"]


async def test_the_system_status_is_what_control_says() -> None:
    async with twin() as asking:
        before = await asking.get("get-system-status")
        await asking.control(system_status={"status": "degraded"})

        assert (200, "operational") == (before[0], before[1]["status"])
        assert (200, {"status": "degraded"}) == await asking.get("get-system-status")


@pytest.mark.parametrize(
    "said",
    [
        [],
        {},
        {"fly": True},
        {"making_calls": "no"},
        {"garble": {"stream": "faxes", "row": 1}},
        {"answer": {"status": 99}},
        {"answer": {"status": 500, "times": 0}},
        {"answer": {"verdict": 500}},
        {"system_status": 1},
    ],
)
async def test_control_refuses_what_it_does_not_know(said: object) -> None:
    async with twin() as asking:
        status, _ = await asking.post("/control", json=said)

        assert 400 == status


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "192.0.2.1:80", "127.0.0.1", "twin:80"])
async def test_a_twin_listens_on_loopback_only(listen: str) -> None:
    with pytest.raises(ValueError, match=r"loopback|IPv4"):
        await start_twin(BUSY, ManualClock(), listen)


async def test_run_announces_its_address_and_ends_when_told() -> None:
    stop = asyncio.Event()
    announced: list[str] = []

    def stop_at_once(url: str) -> None:
        announced.append(url)
        stop.set()

    await run(BUSY, "127.0.0.1:0", stop, stop_at_once)

    assert 1 == len(announced)
    with pytest.raises(aiohttp.ClientConnectorError):
        async with aiohttp.ClientSession() as session, session.get(announced[0] + "/truth"):
            pass
