"""
What a command's verdict tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from relay.model import catalogue
from relay.model.command import FAILED, SUCCEEDED, UNKNOWN, Command
from relay.model.event import Event
from relay.model.ids import IdMaker
from relay.model.mapping import Mappings
from relay.model.subject_state import SubjectState
from relay.normalise.command_events import CommandEvents, tidings_of
from tests.normalise.dialer_floor import stored
from tests.normalise.office import at, check

MAPPINGS = Mappings(1, {"NEW": "fresh"}, {"1001": "crm-417"})


def command(
    function: str,
    params: Mapping[str, Any],
    *,
    details: Mapping[str, str] | None = None,
    rows: list[dict[str, Any]] | None = None,
    state: str = SUCCEEDED,
    message: str = "",
    number: int = 1,
) -> Command:
    """
    Return a command with a verdict.
    """
    data = {"details": dict(details or {}), "rows": rows or [], "notices": [], "rejected": 0}
    result = {"status": state, "message": message, "data": data, "raw": ""}
    command_id = f"cmd_{number:020}"
    return Command(command_id, "dialer", function, params, True, "crm", at(0), state, at(1), result)


class Desk:
    """
    Tells of commands, one after the other; keeps subjects as the journal does.
    """

    def __init__(self) -> None:
        self._events = CommandEvents("dialer", IdMaker(b"key of the commands' events"))
        self.states: dict[str, SubjectState] = {}

    def take(self, done: Command, *event_types: str) -> list[Event]:
        """
        Return the events of a verdict, in the order of their subjects.
        """
        told = tidings_of(done, event_types, MAPPINGS, "US")
        changes = self._events.changes(told, self.states, at(1))
        for change in changes:
            known = self.states.get(change.state.subject)
            revision = known.revision if known else 0
            assert revision == change.expected_revision
            assert [revision + n for n in range(1, len(change.events) + 1)] == [
                e.revision for e in change.events
            ]
            self.states[change.state.subject] = stored(change.state)
        events = [event for change in changes for event in change.events]
        for event in events:
            assert (check(event)["data"]["origin"], 0, at(1)) == (
                "command",
                event.precision_s,
                event.occurred_at,
            )
        assert len(events) == len({event.id for event in events})
        return events


def types(events: list[Event]) -> list[str]:
    """
    Return the types of events.
    """
    return [event.type for event in events]


@pytest.mark.parametrize(
    ("state", "event_type"),
    [
        (SUCCEEDED, catalogue.COMMAND_SUCCEEDED),
        (FAILED, catalogue.COMMAND_FAILED),
        (UNKNOWN, catalogue.COMMAND_UNKNOWN),
    ],
)
def test_a_verdict_is_told(state: str, event_type: str) -> None:
    (event,) = Desk().take(command("server_refresh", {}, state=state, message="done"))

    assert (event_type, "command/dialer/cmd_00000000000000000001") == (event.type, event.subject)
    assert {
        "command_id": "cmd_00000000000000000001", "function": "server_refresh", "status": state,
        "message": "done", "requested_by": "crm", "requested_at": "2026-11-21T00:00:00.000Z",
    } == event.data  # fmt: skip


def test_a_lead_that_was_added() -> None:
    params = {"phone_number": "7275551212", "list_id": 101, "status": "NEW", "vendor_lead_code": "V1"}
    details = {"lead_id": "122", "list_id": "101", "gmt": "-5", "phone_number": ""}

    created, succeeded = Desk().take(command("add_lead", params, details=details), catalogue.LEAD_CREATED)
    assert ("lead.created", "lead/dialer/122", "command.succeeded") == (
        created.type, created.subject, succeeded.type,
    )  # fmt: skip
    assert {
        "lead_id": "122", "list_id": "101", "phone_raw": "7275551212", "phone_e164": "+17275551212",
        "vendor_lead_code": "V1", "status": "NEW", "status_mapped": "fresh",
        "command_id": "cmd_00000000000000000001", "reason": None,
    } == created.data  # fmt: skip


def test_what_an_update_does_not_say_of_a_lead_stays() -> None:
    desk = Desk()
    params = {"phone_number": "7275551212", "list_id": "101", "status": "NEW"}
    desk.take(command("add_lead", params, details={"lead_id": "122"}), catalogue.LEAD_CREATED)

    later = command("update_lead", {"lead_id": "122", "vendor_lead_code": "V2"}, number=2)
    updated = desk.take(later, catalogue.LEAD_UPDATED)[0]
    assert (("vendor_lead_code", "command_id"), "7275551212", "+17275551212", "NEW", "fresh") == (
        updated.changed, *(updated.data[n] for n in ("phone_raw", "phone_e164", "status", "status_mapped")),
    )  # fmt: skip


def test_a_status_or_number_without_a_counterpart_leaves_none_behind() -> None:
    desk = Desk()
    params = {"phone_number": "7275551212", "status": "NEW"}
    desk.take(command("add_lead", params, details={"lead_id": "122"}), catalogue.LEAD_CREATED)

    later = command("update_lead", {"lead_id": "122", "status": "ODD", "phone_number": "x"}, number=2)
    updated = desk.take(later, catalogue.LEAD_UPDATED)[0]
    assert ("ODD", None, "x", None) == tuple(
        updated.data[name] for name in ("status", "status_mapped", "phone_raw", "phone_e164")
    )


def test_a_lead_that_was_refused_stands_with_its_command() -> None:
    done = command("add_lead", {"phone_number": "1"}, state=FAILED, message="INVALID PHONE NUMBER")

    rejected, failed = Desk().take(done, catalogue.LEAD_REJECTED)
    assert (["lead.rejected", "command.failed"], rejected.subject) == (
        types([rejected, failed]),
        failed.subject,
    )
    assert (None, "INVALID PHONE NUMBER", "1", None) == tuple(
        rejected.data[name] for name in ("lead_id", "reason", "phone_raw", "phone_e164")
    )


def test_of_many_leads_each_is_told_once() -> None:
    given = [{"phone_number": f"727555121{n}", "list_id": "1101"} for n in range(3)]
    rows: list[dict[str, Any]] = [
        {"lead": "1", "success": True, "message": "Record(s) Created", "data": "7275551210|1101|1036||NEW|"},
        {"lead": "2", "success": False, "message": "Invalid phone number", "data": ""},
        {
            "lead": "3",
            "success": "true",
            "message": "Record(s) Created",
            "data": "7275551212|1101|1037||NEW|",
        },
    ]
    done = command("add_multi_lead", {"multi_leads": given}, rows=rows)

    events = Desk().take(done, catalogue.LEAD_CREATED, catalogue.LEAD_REJECTED)
    assert [("lead.created", "1036"), ("lead.created", "1037"), ("lead.rejected", None)] == [
        (event.type, event.data["lead_id"]) for event in events[:3]
    ]
    assert "command.succeeded" == events[3].type


def test_an_update_that_names_no_lead_tells_of_none() -> None:
    done = command("update_lead", {"vendor_lead_code": "V1"})

    assert ["command.succeeded"] == types(Desk().take(done, catalogue.LEAD_UPDATED))


def test_a_user_that_was_added_and_changed() -> None:
    desk = Desk()
    params = {"agent_user": "1001", "agent_full_name": "Alice Adams", "agent_user_group": "AGENTS"}

    created = desk.take(command("add_user", params), catalogue.USER_CREATED)[0]
    assert ("user.created", "Alice Adams", "crm-417", "AGENTS", None) == (
        created.type, *(created.data[n] for n in ("agent_name", "agent_external_id", "user_group", "active")),
    )  # fmt: skip
    later = command("update_user", {"agent_user": "1001", "active": "N"}, number=2)
    updated = desk.take(later, catalogue.USER_UPDATED)[0]
    assert ("user.updated", "Alice Adams", False) == (
        updated.type, updated.data["agent_name"], updated.data["active"],
    )  # fmt: skip


def test_a_user_whose_number_the_dialer_chose() -> None:
    done = command("add_user", {"agent_user": "AUTOGENERATE"}, details={"agent_user": "1007"})

    assert "user/dialer/1007" == Desk().take(done, catalogue.USER_CREATED)[0].subject


@pytest.mark.parametrize(
    ("params", "active"), [({"active": "Y"}, True), ({}, None), ({"delete_list": "Y", "active": "Y"}, False)]
)
def test_a_list_that_was_changed(params: dict[str, str], active: bool | None) -> None:
    done = command("update_list", {"list_id": "101", "list_name": "Best", **params})

    changed = Desk().take(done, catalogue.LIST_CHANGED)[0]
    assert ("list.changed", "101", "Best", active) == (
        changed.type, *(changed.data[name] for name in ("list_id", "list_name", "active")),
    )  # fmt: skip


@pytest.mark.parametrize("function", ["add_user", "update_list"])
def test_effects_without_a_name_are_not_told(function: str) -> None:
    done = command(function, {})

    assert ["command.succeeded"] == types(Desk().take(done, catalogue.USER_CREATED, catalogue.LIST_CHANGED))


def test_an_event_that_commands_do_not_make_is_left_out() -> None:
    assert ["command.succeeded"] == types(Desk().take(command("version", {}), "call.started"))


def test_a_command_without_an_answer_tells_of_itself_only() -> None:
    done = Command("cmd_1", "dialer", "add_lead", {}, True, None, at(0), UNKNOWN, at(1))

    assert ["command.unknown"] == types(Desk().take(done))
