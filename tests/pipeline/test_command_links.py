"""
The call that click to call caused: found, told of both, claimed once, also over restarts.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from relay.model.call import USER_CALLS
from relay.model.command import FAILED, SUCCEEDED, UNKNOWN, Command
from relay.pipeline.command_links import LOOKS_S
from relay.testing.manual_clock import ManualClock
from tests.pipeline.polling import HOUR, SECOND, CallList, Polling, polling, user_row

USER = "0255501234"
CUSTOMER = "0412345678"
PARAMS = {"user_number": USER, "number_to_call": CUSTOMER}


async def commanded(running: Polling, name: str = "cmd_a", state: str = SUCCEEDED, **params: str) -> Command:
    """
    Have a command carried out, as the desk does it, now.
    """
    now, commands = running.clock.now(), running.journal.commands
    command = Command(name, "pbx", "call-to-number", {**PARAMS, **params}, True, "crm", now)
    await commands.begin_command(command, None, now)
    result = {"status": state, "message": "Success", "data": {}, "raw": "", "events": []}
    await commands.finish_command(replace(command, state=state, finished_at=now, result=result), b"x", now)
    running.poll.wake()
    return command


def dialled(start: datetime, **changes: Any) -> dict[str, Any]:
    """
    Return the row of a call that a user makes.
    """
    return user_row(start, from_number=USER, to_number=CUSTOMER, is_inbound=0, **changes)


async def of_command(running: Polling, name: str = "cmd_a") -> list[tuple[str, int, str, str | None]]:
    """
    Return type, revision, status and call of a command's events.
    """
    return [
        (event["type"], int(event["sequence"]), event["data"]["status"], event["data"].get("call_id"))
        for event in await running.events()
        if event["subject"] == f"command/pbx/{name}"
    ]


async def test_the_call_of_a_command_is_found_and_told_of_both(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    async with polling(journal_path, clock, calls) as running:
        await running.polls(3)
        command = await commanded(running)
        await running.steps(1)
        told_at_once = await of_command(running)
        calls.rows[USER_CALLS] = [dialled(clock.now() + 2 * SECOND, call_finished_at=None)]
        await running.pass_time(60)
        (started,) = await running.data_of("call.started")
        (updated,) = await running.data_of("call.updated")
        kept = await running.journal.commands.command(command.command_id)
        calls.rows[USER_CALLS] = [dialled(datetime.fromisoformat(started["started_at"]))]
        await running.pass_time(60)
        (finished,) = await running.data_of("call.finished")

        assert [("command.succeeded", 1, "succeeded", None)] == told_at_once
        assert ("command.linked", 2, "succeeded", started["call_id"]) == (await of_command(running))[1]
        assert (["command_id"], "command", "cmd_a") == (
            updated["changed"],
            updated["origin"],
            updated["command_id"],
        )
        assert kept is not None
        assert started["call_id"] == kept.call_id
        assert "cmd_a" == finished["command_id"]


async def test_the_users_calls_are_asked_for_soon_after_a_command(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    async with polling(journal_path, clock, calls) as running:
        await running.pass_time(4 * 3600)  # so that polls have become rare
        before, asked_at = len(running.asked(USER_CALLS)), clock.now()
        await commanded(running)
        await running.pass_time(LOOKS_S[0] + 0.5)
        first = len(running.asked(USER_CALLS))
        await running.pass_time(LOOKS_S[-1])
        after = len(running.asked(USER_CALLS))

    assert clock.now() - asked_at < timedelta(minutes=1)
    assert first > before
    assert after >= before + len(LOOKS_S)


async def test_two_alike_have_a_call_each(journal_path: Path, clock: ManualClock, calls: CallList) -> None:
    async with polling(journal_path, clock, calls) as running:
        await running.polls(3)
        start = clock.now()
        await commanded(running, "cmd_a")
        clock.advance(4)
        await commanded(running, "cmd_b")
        calls.rows[USER_CALLS] = [
            dialled(start + seconds * SECOND, call_duration=20 + seconds) for seconds in (9, 3, 40)
        ]
        await running.pass_time(120)
        started = {data["call_id"]: data["started_at"] for data in await running.data_of("call.started")}
        linked = [(await of_command(running, name))[-1] for name in ("cmd_a", "cmd_b")]

    assert ["command.linked"] * 2 == [event[0] for event in linked]
    first, second = sorted(started, key=lambda call_id: started[call_id])[:2]
    assert [first, second] == [event[3] for event in linked]


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        ({"to_number": "0499999999"}, 3),
        ({"from_number": "0255509999"}, 3),
        ({"is_inbound": 1, "from_number": CUSTOMER, "to_number": USER}, 3),
        ({}, -6),
        ({}, 121),
    ],
    ids=["another number", "another user", "inbound", "before", "long after"],
)
async def test_other_calls_are_not_claimed(
    journal_path: Path, clock: ManualClock, calls: CallList, changes: dict[str, Any], seconds: int
) -> None:
    async with polling(journal_path, clock, calls) as running:
        await running.polls(3)
        calls.rows[USER_CALLS] = [dialled(clock.now() + seconds * SECOND) | changes]
        await commanded(running)
        await running.pass_time(300)

        assert [] == await running.data_of("command.linked")
        assert 1 == len(await running.data_of("call.started"))


@pytest.mark.parametrize("seconds", [-5, 0, 120])
async def test_the_time_of_a_command_has_both_its_ends(
    journal_path: Path, clock: ManualClock, calls: CallList, seconds: int
) -> None:
    async with polling(journal_path, clock, calls) as running:
        await running.polls(3)
        calls.rows[USER_CALLS] = [dialled(clock.now() + seconds * SECOND)]
        await commanded(running)
        await running.pass_time(300)

        assert 1 == len(await running.data_of("command.linked"))


async def test_it_is_told_by_the_phone_systems_clock(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    calls.skew = 600 * SECOND
    async with polling(journal_path, clock, calls) as running:
        await running.polls(3)
        calls.rows[USER_CALLS] = [dialled(clock.now() + 603 * SECOND)]
        await commanded(running)
        await running.pass_time(120)

        assert 1 == len(await running.data_of("command.linked"))


async def test_a_call_is_the_verdict_of_a_command_without_one(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    async with polling(journal_path, clock, calls) as running:
        await running.polls(3)
        command = await commanded(running, state=UNKNOWN)
        calls.rows[USER_CALLS] = [dialled(clock.now() + 3 * SECOND)]
        await running.pass_time(120)
        events = await of_command(running)
        kept = await running.journal.commands.command(command.command_id)

    assert [("command.unknown", "unknown"), ("command.linked", "succeeded")] == [
        (event[0], event[2]) for event in events
    ]
    assert kept is not None
    assert SUCCEEDED == kept.state


async def test_a_command_that_failed_waits_for_no_call(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    async with polling(journal_path, clock, calls) as running:
        await running.polls(3)
        await commanded(running, state=FAILED)
        calls.rows[USER_CALLS] = [dialled(clock.now() + 3 * SECOND)]
        await running.pass_time(120)

        assert ["command.failed"] == [event[0] for event in await of_command(running)]


async def test_an_extension_is_found_by_the_number_called(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    async with polling(journal_path, clock, calls) as running:
        await running.polls(3)
        await commanded(running, user_number="201")
        calls.rows[USER_CALLS] = [dialled(clock.now() + 3 * SECOND)]
        await running.pass_time(120)

        assert 1 == len(await running.data_of("command.linked"))


async def test_what_waits_is_found_after_a_restart(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    async with polling(journal_path, clock, calls) as running:
        await running.polls(3)
        await commanded(running)
        await running.steps(1)
        start = clock.now()
    clock.advance(HOUR.total_seconds())
    calls.rows[USER_CALLS] = [dialled(start + 5 * SECOND, call_duration=3000)]
    async with polling(journal_path, clock, calls) as running:
        await running.pass_time(60)
        linked = await running.data_of("command.linked")

    assert ["cmd_a"] == [data["command_id"] for data in linked]


async def test_a_link_that_was_told_and_not_kept_is_kept_after_a_restart(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    async with polling(journal_path, clock, calls) as running:
        await running.polls(3)
        await commanded(running)
        calls.rows[USER_CALLS] = [dialled(clock.now() + 3 * SECOND)]
        await running.pass_time(60)
        await running.journal._database.write(
            lambda conn: conn.exec_driver_sql("update commands set call_id = null")
        )
    async with polling(journal_path, clock, calls) as running:
        await running.pass_time(30)
        kept = await running.journal.commands.command("cmd_a")
        linked = await running.data_of("command.linked")

    assert 1 == len(linked)
    assert kept is not None
    assert linked[0]["call_id"] == kept.call_id


async def test_a_read_is_taken_away_without_a_word(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    async with polling(journal_path, clock, calls) as running:
        await running.polls(3)
        now, commands = clock.now(), running.journal.commands
        read = Command("cmd_r", "pbx", "get-system-status", {}, False, None, now)
        await commands.begin_command(read, None, now)
        await commands.finish_command(replace(read, state=SUCCEEDED, finished_at=now, result={}), b"x", now)
        running.poll.wake()
        await running.steps(1)

        assert [] == await of_command(running, "cmd_r")
        assert [] == await running.journal.inbox("pbx", 10)
