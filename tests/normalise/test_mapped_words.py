"""
The CRM's words in what calls and commands tell: `disposition_mapped`, `status_mapped`, `agent_external_id`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from relay.model.catalogue import LEAD_UPDATED, USER_UPDATED
from relay.model.command import SUCCEEDED, Command
from relay.model.ids import IdMaker
from relay.model.mapping import Mappings
from relay.model.subject_state import LEAD, USER, SubjectState
from relay.normalise.command_events import CommandEvents, tidings_of

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
MAPPED = Mappings(1, {"SALE": "sold", "NI": "lost"}, {"1001": "ann@crm"})
EVENTS = CommandEvents("dialer", IdMaker(b"k" * 32))


def told(
    event_type: str,
    params: dict[str, Any],
    states: dict[str, SubjectState],
    mappings: Mappings = MAPPED,
) -> dict[str, SubjectState]:
    """
    Have a command succeed; return all subjects after it.
    """
    result = {"status": SUCCEEDED, "message": "", "data": {"details": {}}, "raw": ""}
    command = Command("c", "dialer", "f", params, True, "ops", NOW, SUCCEEDED, NOW, result)
    changes = EVENTS.changes(tidings_of(command, (event_type,), mappings, "GB"), states, NOW)
    return states | {change.state.subject: change.state for change in changes}


def of_kind(states: dict[str, SubjectState], kind: str) -> dict[str, Any]:
    """
    Return the record of the one subject of a kind.
    """
    (state,) = (state for state in states.values() if state.kind == kind)
    return state.record


def words(record: dict[str, Any], *names: str) -> list[Any]:
    """
    Return some fields.
    """
    return [record[name] for name in names]


def test_the_status_of_a_lead_is_told_in_the_crms_words() -> None:
    states = told(LEAD_UPDATED, {"lead_id": "7", "status": "SALE"}, {})

    assert ["SALE", "sold"] == words(of_kind(states, LEAD), "status", "status_mapped")


def test_a_command_that_says_no_status_leaves_both_as_they_were() -> None:
    states = told(LEAD_UPDATED, {"lead_id": "7", "status": "SALE"}, {})
    states = told(LEAD_UPDATED, {"lead_id": "7", "vendor_lead_code": "x"}, states)

    assert ["SALE", "sold"] == words(of_kind(states, LEAD), "status", "status_mapped")


def test_a_status_without_a_code_does_not_keep_that_of_another() -> None:
    states = told(LEAD_UPDATED, {"lead_id": "7", "status": "SALE"}, {})
    states = told(LEAD_UPDATED, {"lead_id": "7", "status": "DNC"}, states)

    assert ["DNC", None] == words(of_kind(states, LEAD), "status", "status_mapped")


def test_a_number_that_has_no_e164_form_does_not_keep_that_of_another() -> None:
    states = told(LEAD_UPDATED, {"lead_id": "7", "phone_number": "07911123456"}, {})
    before = of_kind(states, LEAD)
    states = told(LEAD_UPDATED, {"lead_id": "7", "phone_number": "123456"}, states)

    assert ["07911123456", "+447911123456"] == words(before, "phone_raw", "phone_e164")
    assert ["123456", None] == words(of_kind(states, LEAD), "phone_raw", "phone_e164")


def test_a_user_is_named_as_the_crm_does_until_the_mapping_goes() -> None:
    states = told(USER_UPDATED, {"agent_user": "1001"}, {})
    before = of_kind(states, USER)["agent_external_id"]
    states = told(USER_UPDATED, {"agent_user": "1001"}, states, Mappings(2))

    assert ("ann@crm", None) == (before, of_kind(states, USER)["agent_external_id"])
