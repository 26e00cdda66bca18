"""
Which of several rows is the call of a command.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from relay.model.call import Call
from relay.model.change import Neighbourhood
from relay.model.command import SUCCEEDED, Command
from relay.normalise.calls import CallAssembler
from relay.normalise.command_links import call_of, time_of
from relay.normalise.rules import CallRules
from relay.normalise.voipcloud_rows import VoipcloudRows
from tests.journal.making import IDS

RULES = CallRules("pbx", ZoneInfo("Australia/Sydney"), "AU", datetime(2026, 1, 1, tzinfo=UTC))
AT = datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC)
NO_SKEW = timedelta(0)


def command(**params: str) -> Command:
    """
    Return a command of that instant.
    """
    given = {"user_number": "0255501234", "number_to_call": "0412345678", **params}
    return Command("cmd_a", "pbx", "call-to-number", given, True, None, AT, SUCCEEDED)


def near(*rows: dict[str, Any]) -> Neighbourhood:
    """
    Return the calls of some rows.
    """
    reader, assembler = VoipcloudRows(RULES, IDS), CallAssembler(RULES, IDS)
    facts = [reader.read("user_calls", row) for row in rows]
    changes = assembler.assemble(facts, {fact.digest: 1 for fact in facts}, Neighbourhood({}, ()), AT)
    calls = {change.call.call_id: change.call for change in changes}
    return Neighbourhood(calls, [leg for change in changes for leg in change.legs])


def row(seconds: int, **changes: Any) -> dict[str, Any]:
    """
    Return an outbound row that began so much later.
    """
    start = AT + timedelta(seconds=seconds)
    return {
        "from_number": "0255501234",
        "to_number": "0412345678",
        "user_name": "Ann",
        "is_inbound": 0,
        "call_start_at": start.isoformat(),
        "call_duration": 30,
        "call_finished_at": (start + timedelta(seconds=30)).isoformat(),
        "conversation_duration": 25,
        **changes,
    }


def started(call: Call | None) -> float | None:
    """
    Return how much later a call began.
    """
    return None if call is None else (call.started_at - AT).total_seconds()


def test_the_first_one_is_taken() -> None:
    assert 3 == started(call_of(command(), near(row(70), row(3), row(40)), NO_SKEW, "AU"))


@pytest.mark.parametrize("number", ["0412345678", "+61412345678", "0412 345 678"])
def test_spellings_of_a_number_are_one_number(number: str) -> None:
    assert 3 == started(call_of(command(number_to_call=number), near(row(3)), NO_SKEW, "AU"))


def test_a_users_own_number_goes_before_an_earlier_call_of_somebody_else() -> None:
    rows = near(row(2, from_number="0255507777"), row(9, from_number="201"))

    assert 9 == started(call_of(command(user_number="201"), rows, NO_SKEW, "AU"))


def test_another_extension_is_another_user() -> None:
    assert call_of(command(user_number="201"), near(row(2, from_number="202")), NO_SKEW, "AU") is None


def test_short_numbers_are_compared_digit_by_digit() -> None:
    rows = near(row(2, to_number="101"), row(5, to_number="102"))

    assert 5 == started(call_of(command(number_to_call="102"), rows, NO_SKEW, "AU"))


def test_a_call_of_another_command_is_left_and_its_own_found_again() -> None:
    rows = near(row(3), row(40))
    first = min(rows.calls.values(), key=lambda call: call.started_at)
    of_other = first._replace(record=first.record | {"command_id": "cmd_b"})
    own = first._replace(record=first.record | {"command_id": "cmd_a"})

    taken = Neighbourhood({**rows.calls, first.call_id: of_other}, rows.legs)
    mine = Neighbourhood({**rows.calls, first.call_id: own}, rows.legs)
    assert 40 == started(call_of(command(), taken, NO_SKEW, "AU"))
    assert 3 == started(call_of(command(), mine, NO_SKEW, "AU"))


def test_its_time_is_told_by_the_phone_systems_clock() -> None:
    time = time_of(command(), timedelta(minutes=10))

    assert (595.0, 720.0) == tuple((at - AT).total_seconds() for at in (time.start, time.end))
