"""
VoIPcloud's functions against its twin: done, refused in every documented way, within the budget, sent once.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from relay.twin.voipcloud import fault_kinds as faults
from relay.twin.voipcloud.server import RunningTwin
from relay.twin.voipcloud.settings import Rules
from tests.commands.house import BUDGET, House, relay, voipcloud_house
from tests.commands.test_sent_once import kind_of

CALL = {"user_number": "101", "number_to_call": "0412345678"}


def asked(twin: RunningTwin) -> int:
    """
    Return how many requests the twin counted.
    """
    return twin.twin._admission.counts().total


def dialled(twin: RunningTwin) -> list[tuple[str, str]]:
    """
    Return direction and number of all calls there were.
    """
    return [(call.direction, call.to_number) for call in twin.pbx.truth()]


async def user_of(twin: RunningTwin) -> dict[str, str]:
    """
    Return the parameters of a call by a user that there is.
    """
    return CALL | {"user_number": twin.pbx.office.users[0].extension}


async def test_a_user_is_made_to_call_a_number(tmp_path: Path) -> None:
    async with voipcloud_house(tmp_path / "relay.db") as (house, twin):
        params = await user_of(twin)
        answer = await house.run("pbx", "call-to-number", params)
        words = [f"{name}={value}" for name, value in params.items()]
        printed = await relay(house.url, "command", "run", "pbx", "call-to-number", *words)

        assert (200, "succeeded") == (answer.status, answer.document["status"])
        assert "Success" == answer.document["message"]
        assert (0, True) == (printed.code, "Success" in printed.out)
        assert "Idempotency-Key" in printed.err
        assert [("outbound", "0412345678")] * 2 == dialled(twin)
        assert 2 == asked(twin)
        assert "twin" not in answer.body.decode()


async def test_the_system_status_is_shown(tmp_path: Path) -> None:
    async with voipcloud_house(tmp_path / "relay.db") as (house, twin):
        answer = await house.run("pbx", "get-system-status", key=None)
        printed = await relay(house.url, "command", "run", "pbx", "get-system-status", "--json")

        assert (200, "operational") == (answer.status, answer.document["data"]["rows"][0]["status"])
        assert (0, True) == (printed.code, "operational" in printed.out)
        assert 2 == asked(twin)


@pytest.mark.parametrize("function", ["call-to-number", "get-system-status"])
@pytest.mark.parametrize(
    ("fault", "status", "kind", "text"),
    [
        (faults.WrongToken(), 502, "vendor_auth", "Not authorised"),
        (faults.BlockedAddress(), 502, "vendor_ip_blocked", "whitelist"),
        (faults.NotFound(), 404, "vendor_not_found", "Tenant or required data not found"),
        (faults.TooManyRequests(), 503, "vendor_throttled", "Too Many Requests"),
        (faults.CodeZero(), 502, "vendor_unknown", "Unknown error"),
        (faults.ServerError(), 502, "vendor_server_fault", "Internal error"),
    ],
    ids=["auth", "address", "not found", "too many", "code 0", "server"],
)
async def test_each_documented_error_is_a_problem(
    tmp_path: Path, function: str, fault: faults.Fault, status: int, kind: str, text: str
) -> None:
    async with voipcloud_house(tmp_path / "relay.db") as (house, twin):
        twin.faults.on(fault)
        params = await user_of(twin) if function == "call-to-number" else {}
        answer = await house.run("pbx", function, params)
        words = [f"{name}={value}" for name, value in params.items()]
        printed = await relay(house.url, "command", "run", "pbx", function, *words)

        assert (status, kind) == kind_of(answer), answer.body
        assert text in answer.document["detail"]
        assert (1, True, True) == (printed.code, text in printed.err, f"({status})" in printed.err)
        assert (status == 503) == ("Retry-After" in answer.headers)
        assert ([], 2) == (dialled(twin), asked(twin))


async def test_a_user_that_there_is_none_of_is_not_found(tmp_path: Path) -> None:
    async with voipcloud_house(tmp_path / "relay.db") as (house, twin):
        answer = await house.run("pbx", "call-to-number", CALL | {"user_number": "9999"})
        wrong = await house.run("pbx", "call-to-number", {"user_number": "abc"})

        assert (404, "vendor_not_found") == kind_of(answer)
        assert (422, {"user_number", "number_to_call"}) == (wrong.status, set(wrong.faulty))
        assert ([], 1) == (dialled(twin), asked(twin))


@pytest.mark.parametrize(
    "fault", [faults.Dropped(), faults.Dropped(is_halfway=True), faults.Truncated()], ids=str
)
async def test_a_call_whose_answer_was_lost_is_unknown_and_not_made_again(
    tmp_path: Path, fault: faults.Fault
) -> None:
    async with voipcloud_house(tmp_path / "relay.db") as (house, twin):
        twin.faults.on(fault)
        answer = await house.run("pbx", "call-to-number", await user_of(twin), "one")
        again = await house.run("pbx", "call-to-number", await user_of(twin), "one")

        assert (502, 502) == (answer.status, again.status)
        assert "relay does not send it again" in answer.document["detail"]
        assert await states_of(house) == ["unknown"]
        assert ([("outbound", "0412345678")], 1) == (dialled(twin), asked(twin))


async def test_a_spent_budget_is_told_with_the_time_to_come_again_and_the_key_stays_free(
    tmp_path: Path,
) -> None:
    tight = replace(BUDGET, requests=2, reserve=1, per_s=3.0)
    async with voipcloud_house(tmp_path / "relay.db", tight, Rules(requests=2, per_s=3.0)) as (house, twin):
        for _ in range(2):
            assert 200 == (await house.run("pbx", "get-system-status")).status
        refused = await house.run("pbx", "call-to-number", await user_of(twin), "one")
        before = await states_of(house)
        wait_s = int(refused.headers["Retry-After"])
        while (answer := await house.run("pbx", "call-to-number", await user_of(twin), "one")).status == 429:
            continue

        assert (429, "budget_spent") == kind_of(refused)
        assert 1 <= wait_s <= 4
        assert ["succeeded"] * 2 == before
        assert (200, 3) == (answer.status, asked(twin))
        assert 0 == twin.twin._admission.counts().over_limit


async def states_of(house: House) -> list[str]:
    """
    Return the states of all commands.
    """
    return [item["status"] for item in (await house.got("/v1/commands?source=pbx"))["items"]]
