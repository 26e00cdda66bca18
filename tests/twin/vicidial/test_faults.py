"""
What goes wrong is switched by POST /control, at the rate that was said, and nothing else is touched.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from relay.twin.vicidial.faults import FAULTS, fault_table
from tests.twin.vicidial.asking_dialer import BUSY, Asking, dialer

STATUS = {"agent_user": "1001"}
ROW = "READY||0|TESTCAMP|0|Alice Adams|AGENTS|1|LOGIN||||8600051\n"
BAD = "ERROR: Login incorrect, please try again: |apiuser|apipass9|"


async def ready(asking: Asking) -> None:
    asking.script.put("1001", "READY")
    assert ROW == await asking.ask("agent_status", **STATUS)


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        ("cut_body", (200, ROW[: len(ROW) // 2])),
        ("empty_500", (500, "")),
        ("empty_body", (200, "")),
        ("mysql_error", (200, "MySQL connect ERROR:  Connection refused\n")),
        ("wrong_password", (200, f"{BAD}BAD|\n")),
        ("second_factor", (200, f"{BAD}2FA|\n")),
        ("locked", (200, "ERROR: Too many login attempts, try again in 15 minutes: |apiuser|LOCK|\n")),
        ("ip_block", (200, "ERROR: Your IP Address is not allowed: 127.0.0.1: ||IPBLOCK|\n")),
        ("delay", (200, ROW)),
    ],
)
async def test_a_fault_spoils_answers_until_it_is_off(fault: str, answer: tuple[int, str]) -> None:
    async with dialer() as asking:
        await ready(asking)
        _, done = await asking.control(faults={fault: {"by_s": 0.01}})
        spoilt = await asking.whole("agent_status", **STATUS)
        _, off = await asking.control(faults={fault: None})

        assert answer == spoilt
        assert [fault] == list(done["faults"]["on"])
        assert ({}, {fault: 1}) == (off["faults"]["on"], off["faults"]["played"])
        assert ROW == await asking.ask("agent_status", **STATUS)


async def test_noise_stands_around_the_right_answer() -> None:
    async with dialer() as asking:
        await ready(asking)
        await asking.control(faults={"php_noise": {}})
        noisy = await asking.ask("agent_status", **STATUS)

    before, _, after = noisy.partition(ROW)
    assert 130 == before.count("<br />\n<b>") == after.count("<br />\n<b>")
    assert "<b>Warning</b>:  Undefined variable" in before


async def test_a_page_of_somebody_else_is_html() -> None:
    async with dialer() as asking:
        await asking.control(faults={"html_page": {}})

        assert (await asking.ask("agent_status", **STATUS)).startswith("<!DOCTYPE html>")


async def test_answers_are_broken_at_the_rate_that_was_said_and_for_the_function_that_was_said() -> None:
    async with dialer() as asking:
        await ready(asking)
        await asking.control(faults={"broken": {"rate": 0.2, "function": "agent_status"}})
        answers = [await asking.whole("agent_status", **STATUS) for _ in range(300)]
        others = [await asking.ask("version") for _ in range(20)]

    assert 30 < sum((200, ROW) != answer for answer in answers) < 90
    assert 5 == len({answer for answer in answers if (200, ROW) != answer})
    assert {True} == {body.startswith("VERSION: ") for body in others}


@pytest.mark.parametrize("fault", ["hang", "dropped"])
async def test_no_answer_comes_at_all(fault: str) -> None:
    async with dialer() as asking:
        await asking.control(faults={fault: {}})
        with pytest.raises((aiohttp.ClientError, TimeoutError)):
            async with asyncio.timeout(0.2):
                await asking.ask("version")


@pytest.mark.parametrize(
    "said",
    [
        {}, {"weather": "bad"}, {"faults": {"gremlins": {}}}, {"faults": {"delay": {"rate": 2}}},
        {"faults": 1}, {"lock": 1},
        {"faults": {"delay": {"by_s": -1}}}, {"faults": {"delay": {"colour": "red"}}}, {"version": "3"},
        {"making_calls": 1}, {"rename": {"9999": "x"}}, {"log_out": ["9999"]}, {"whitelist": "x"},
        {"put": [{"user": "1001", "status": "ASLEEP"}]}, {"put": {}},
    ],
)  # fmt: skip
async def test_what_means_nothing_is_refused_and_nothing_is_done(said: dict[str, Any]) -> None:
    async with dialer() as asking:
        status, body = await asking.control(**{"restart_database": True, **said} if said else {})

    assert 400 == status
    assert body["message"]


async def test_the_build_can_be_switched() -> None:
    async with dialer() as asking:
        _, done = await asking.control(version="2.14-96")

        assert "2.14-96" == done["version"]
        assert (await asking.ask("version")).startswith("VERSION: 2.14-96|BUILD: 170601-0747|")


async def test_a_password_can_be_changed_and_a_user_locked() -> None:
    async with dialer() as asking:
        await ready(asking)
        await asking.control(password="new")
        wrong = await asking.ask("agent_status", **STATUS)
        right = await asking.ask("agent_status", **STATUS, **{"pass": "new"})
        await asking.control(lock="apiuser")
        locked = await asking.ask("agent_status", **STATUS, **{"pass": "new"})

    assert f"{BAD}BAD|\n" == wrong
    assert ROW == right
    assert "ERROR: Too many login attempts, try again in 15 minutes: |apiuser|LOCK|\n" == locked


async def test_agents_are_put_into_states_and_logged_out_over_http() -> None:
    async with dialer() as asking:
        await asking.control(put=[{"user": "1002", "status": "INCALL", "sub_status": "PARK"}])
        parked = await asking.rows("logged_in_agents", show_sub_status="YES")
        await asking.control(log_out=["1002"])
        gone = await asking.ask("logged_in_agents")

    assert ["1002", "INCALL", "PARK"] == [parked[0][0], parked[0][3], parked[0][11]]
    assert "ERROR: logged_in_agents NO LOGGED IN AGENTS: apiuser|\n" == gone


async def test_a_restart_of_the_database_shows_everyone_as_dead() -> None:
    async with dialer(BUSY, run_s=300) as asking:
        before = await asking.rows("logged_in_agents", show_sub_status="YES")
        await asking.control(restart_database=True)
        after = await asking.rows("logged_in_agents", show_sub_status="YES")
    talking = [row[0] for row in before if row[3] == "INCALL" and row[11] != "PARK"]

    assert talking
    assert talking == [row[0] for row in after if row[11] == "DEAD"]


async def test_calls_stop_and_go_on() -> None:
    async with dialer(BUSY, run_s=60) as asking:
        await asking.control(making_calls=False)
        calls = len((await asking.truth())["calls"])
        asking.clock.advance(600)
        quiet = await asking.truth()
        await asking.control(making_calls=True)
        asking.clock.advance(60)
        busy = await asking.truth()

    assert [] == [call for call in quiet["calls"] if call["ended_at"] is None]
    assert calls <= len(quiet["calls"]) <= calls + 2
    assert len(quiet["calls"]) < len(busy["calls"])


async def test_who_is_logged_out_by_force_comes_back() -> None:
    async with dialer(BUSY, run_s=60) as asking:
        everyone = {row[0] for row in await asking.rows("logged_in_agents")}
        await asking.control(log_out=sorted(everyone))
        nobody = await asking.ask("logged_in_agents")
        asking.clock.advance(120)
        back = {row[0] for row in await asking.rows("logged_in_agents")}

    assert "ERROR: logged_in_agents NO LOGGED IN AGENTS: apiuser|\n" == nobody
    assert len(everyone) - 2 <= len(back)


@pytest.mark.parametrize(
    ("said", "function", "params", "answer"),
    [
        ({"sound_control": "off"}, "vm_list", {}, "ERROR: vm_list CENTRAL SOUND CONTROL IS NOT ACTIVE\n"),
        ({"sound_control": "missing"}, "sounds_list", {},
         "ERROR: audio store web directory does not exist: |apiuser|sounds_list|WEBROOT/sounds_dir|\n"),
        ({"custom_fields": False}, "update_lead", {"lead_id": "101", "custom_fields": "Y"},
         "NOTICE: update_lead CUSTOM FIELDS NOT UPDATED, CUSTOM FIELDS DISABLED - |Y|0\n"),
        ({"nanpa_prefixes": ["727555"]}, "add_lead",
         {"phone_number": "3125551212", "nanpa_ac_prefix_check": "Y"},
         "ERROR: add_lead INVALID PHONE NUMBER NANPA AREACODE PREFIX - 3125551212|apiuser\n"),
    ],
)  # fmt: skip
async def test_what_the_server_is_set_up_with_can_be_changed(
    said: dict[str, Any], function: str, params: dict[str, str], answer: str
) -> None:
    async with dialer() as asking:
        await asking.control(**said)

        assert answer == await asking.ask(function, **params)


async def test_recordings_get_no_location_where_they_are_lost() -> None:
    async with dialer(BUSY) as asking:
        await asking.control(losing_recordings=True)
        asking.clock.advance(300)
        calls = (await asking.truth())["calls"]

    assert any(call["recording_id"] for call in calls)
    assert {None} == {call["recording_url"] for call in calls}


async def test_a_call_that_rings_at_who_is_logged_out_is_given_up() -> None:
    async with dialer() as asking:
        asking.script.put("1008", "CLOSER", "RING")
        await asking.control(log_out=["1008"])
        calls = (await asking.truth())["calls"]

    assert [("DROP", "abandoned")] == [(call["status"], call["outcome"]) for call in calls]


def test_every_fault_is_in_the_table() -> None:
    assert list(FAULTS) == [line.split()[0] for line in fault_table().splitlines()]
