"""
What a command's verdict tells: of the command itself, and of the lead, user or list that it made or changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from relay.model import catalogue
from relay.model.command import FAILED, SUCCEEDED, UNKNOWN, Command
from relay.model.event import COMMAND as BY_COMMAND
from relay.model.ids import IdMaker, subject
from relay.model.mapping import Mappings
from relay.model.numbers import e164
from relay.model.subject_state import COMMAND, LEAD, LIST, USER, SubjectChange, SubjectState
from relay.model.times import rfc3339
from relay.normalise.poll_times import Moment
from relay.normalise.subject_events import News, new_subject, tell

_VERDICTS: Final = {
    SUCCEEDED: catalogue.COMMAND_SUCCEEDED,
    FAILED: catalogue.COMMAND_FAILED,
    UNKNOWN: catalogue.COMMAND_UNKNOWN,
}
_EXACT: Final = 0  # relay's own clock
_LEAD_STATUS_PARAMS: Final = ("status", "callback_status")


class Tidings(NamedTuple):
    """
    One event that a command makes, of the subject `kind`/`name`.
    """

    kind: str
    name: str
    type: str
    data: dict[str, Any]


def tidings_of(
    command: Command, event_types: tuple[str, ...], mappings: Mappings, country: str
) -> list[Tidings]:
    """
    Return what a command's verdict tells, in order: its effects, then the command.

    Args:
        command: with a verdict.
        event_types: types of the events that its answer makes, beside command.*.
        mappings: the CRM's words.
        country: of numbers without a country code.
    """
    told: list[Tidings] = []
    for event_type in event_types:
        make = _MAKERS.get(event_type)
        if make is not None:
            told += make(command, event_type, mappings, country)
    told.append(Tidings(COMMAND, command.command_id, _VERDICTS[command.state], command_record(command)))
    return told


def command_record(command: Command) -> dict[str, Any]:
    """
    Return what is published of a command.
    """
    result = command.result or {}
    return {
        "command_id": command.command_id,
        "function": command.function,
        "status": command.state,
        "message": result.get("message") or None,
        "requested_by": command.requested_by,
        "requested_at": rfc3339(command.requested_at),
    }


class CommandEvents:
    """
    Makes the events of commands.

    Args:
        source_id: the phone system.
        ids: makes the ids of events.
    """

    def __init__(self, source_id: str, ids: IdMaker) -> None:
        self._source_id = source_id
        self._ids = ids

    def subject_of(self, told: Tidings) -> str:
        """
        Return the subject that something is told of.
        """
        return subject(told.kind, self._source_id, told.name)

    def changes(
        self, told: list[Tidings], states: Mapping[str, SubjectState], at: datetime
    ) -> list[SubjectChange]:
        """
        Return the subjects after what is told of them, each with its events.

        Args:
            told: what is told, in order.
            states: the subjects as stored; missing ones are new.
            at: when the verdict came.
        """
        changes: dict[str, SubjectChange] = {}
        for one in told:
            about = self.subject_of(one)
            before = changes.get(about)
            state = before.state if before else states.get(about)
            state = state or new_subject(self._source_id, one.kind, one.name, at)
            change = self._told(state, one, at)
            if before is not None:
                events = (*before.events, *change.events)
                change = SubjectChange(change.state, events, before.expected_revision)
            changes[about] = change
        return list(changes.values())

    def _told(self, state: SubjectState, one: Tidings, at: datetime) -> SubjectChange:
        # What a command did not say of a lead, user or list stays as it was told before.
        known = {} if one.kind == COMMAND else state.record
        data = {name: known.get(name) if value is None else value for name, value in one.data.items()}
        changed = tuple(name for name in data if data[name] != state.record.get(name))
        moment = Moment(at, _EXACT)
        news = News(one.type, data, data, moment, changed if state.revision else ())
        change = tell(self._ids, state, news, state.notes, at)
        events = tuple(event._replace(origin=BY_COMMAND) for event in change.events)
        return SubjectChange(change.state, events, change.expected_revision)


def _leads(command: Command, event_type: str, mappings: Mappings, country: str) -> Iterator[Tidings]:
    data = (command.result or {}).get("data") or {}
    given = command.params.get("multi_leads")
    rows = data.get("rows") or []
    if isinstance(given, list):  # many at once: a row of the answer for each
        for params, row in zip(given, rows, strict=False):
            if isinstance(params, Mapping) and isinstance(row, Mapping):
                yield _of_many(command, params, row, mappings, country)
        return
    details = data.get("details") or {}
    told = {**command.params, **{name: text for name, text in details.items() if text}}
    if event_type == catalogue.LEAD_REJECTED:
        why = (command.result or {}).get("message")
        record = _lead(command, None, told, mappings, country) | {"reason": why}
        yield Tidings(COMMAND, command.command_id, event_type, record)
        return
    lead_id = _text(told.get("lead_id"))
    if lead_id is not None:
        yield Tidings(LEAD, lead_id, event_type, _lead(command, lead_id, told, mappings, country))


def _of_many(
    command: Command, params: Mapping[str, Any], row: Mapping[str, Any], mappings: Mappings, country: str
) -> Tidings:
    # "1234567890|1101|1036||NEW|": number, list, lead, …, status (Elision's document, section 3)
    parts = str(row.get("data") or "").split("|")
    lead_id = parts[2] if row.get("success") is True and len(parts) > 2 else None
    if lead_id:
        record = _lead(command, lead_id, params, mappings, country)
        return Tidings(LEAD, lead_id, catalogue.LEAD_CREATED, record)
    record = _lead(command, None, params, mappings, country) | {"reason": str(row.get("message") or "")}
    return Tidings(COMMAND, command.command_id, catalogue.LEAD_REJECTED, record)


def _lead(
    command: Command, lead_id: str | None, told: Mapping[str, Any], mappings: Mappings, country: str
) -> dict[str, Any]:
    phone = _text(told.get("phone_number"))
    status = next((_text(told[name]) for name in _LEAD_STATUS_PARAMS if told.get(name)), None)
    return {
        "lead_id": lead_id,
        "list_id": _text(told.get("list_id_field") or told.get("list_id")),
        "phone_raw": phone,
        "phone_e164": e164(phone, country) if phone else None,
        "vendor_lead_code": _text(told.get("vendor_lead_code")),
        "status": status,
        "status_mapped": mappings.codes.get(status or ""),
        "command_id": command.command_id,
        "reason": None,
    }


def _users(command: Command, event_type: str, mappings: Mappings, _country: str) -> Iterator[Tidings]:
    details = ((command.result or {}).get("data") or {}).get("details") or {}
    agent_id = _text(details.get("agent_user")) or _text(command.params.get("agent_user"))
    if agent_id is None:
        return
    active = command.params.get("active")
    record = {
        "agent_id": agent_id,
        "agent_name": _text(command.params.get("agent_full_name")),
        "agent_external_id": mappings.external_ids.get(agent_id),
        "user_group": _text(command.params.get("agent_user_group")),
        "active": _flag(active),
        "command_id": command.command_id,
    }
    yield Tidings(USER, agent_id, event_type, record)


def _lists(command: Command, event_type: str, _mappings: Mappings, _country: str) -> Iterator[Tidings]:
    list_id = _text(command.params.get("list_id"))
    if list_id is None:
        return
    record = {
        "list_id": list_id,
        "list_name": _text(command.params.get("list_name")),
        "campaign": _text(command.params.get("campaign_id")),
        "active": False if _flag(command.params.get("delete_list")) else _flag(command.params.get("active")),
    }
    yield Tidings(LIST, list_id, event_type, record)


def _text(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value) or None


def _flag(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"Y": True, "N": False}.get(value) if isinstance(value, str) else None


_Maker = Callable[[Command, str, Mappings, str], Iterator[Tidings]]
_MAKERS: Final[Mapping[str, _Maker]] = {
    catalogue.LEAD_CREATED: _leads,
    catalogue.LEAD_UPDATED: _leads,
    catalogue.LEAD_REJECTED: _leads,
    catalogue.USER_CREATED: _users,
    catalogue.USER_UPDATED: _users,
    catalogue.LIST_CHANGED: _lists,
}
