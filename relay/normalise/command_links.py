"""
Find the call that a command caused: click to call answers with no id.

It is the first outbound row of that user and number that began in the time of the command and that no other
command has claimed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from relay.model import catalogue
from relay.model.call import OUTBOUND, USER_CALLS, Call, LegFacts
from relay.model.change import Neighbourhood
from relay.model.command import SUCCEEDED, Command
from relay.model.coverage import Interval
from relay.model.event import COMMAND as BY_COMMAND
from relay.model.ids import IdMaker
from relay.model.numbers import link_key
from relay.model.subject_state import SubjectChange, SubjectState
from relay.normalise.command_events import command_record
from relay.normalise.poll_times import Moment
from relay.normalise.subject_events import News, tell

CALL_TO_NUMBER: Final = "call-to-number"
BEFORE: Final = timedelta(seconds=5)  # clocks differ, and rows tell whole seconds
AFTER: Final = timedelta(seconds=120)  # first the user's phone rings, then the number is called
LONGEST_EXTENSION: Final = 5
_DIGITS: Final = re.compile(r"\D+")


def time_of(command: Command, skew: timedelta) -> Interval:
    """
    Return in which time the call of a command begins, by the phone system's clock (both ends included).

    Args:
        command: the command.
        skew: that clock minus ours.
    """
    at = command.requested_at + skew
    return Interval(at - BEFORE, at + AFTER)


def call_of(command: Command, near: Neighbourhood, skew: timedelta, country: str) -> Call | None:
    """
    Return the call that a command caused, or None where no row shows it yet.

    A call that is this command's already comes back before any other.

    Args:
        command: `call-to-number`.
        near: whole calls of its time.
        skew: the phone system's clock minus ours.
        country: of numbers without a country code.
    """
    own = (call for call in near.calls.values() if call.record.get("command_id") == command.command_id)
    found = next(own, None)
    if found is not None:
        return found
    time = time_of(command, skew)
    rows = [
        leg
        for leg in near.legs
        if time.start <= leg.facts.started_at <= time.end
        and _is_asked_for(leg.facts, command.params, country)
        and leg.call_id in near.calls
        and near.calls[leg.call_id].record.get("command_id") is None
    ]
    # Another user's extension cannot be told from this one's: the user's own number goes first.
    first = min(
        rows,
        key=lambda leg: (
            not _is_same(leg.facts.from_raw, str(command.params.get("user_number", "")), country),
            leg.facts.started_at,
            leg.leg_id,
        ),
        default=None,
    )
    return None if first is None else near.calls[first.call_id]


def told_link(
    ids: IdMaker, command: Command, state: SubjectState, call_id: str, at: datetime
) -> SubjectChange:
    """
    Return the command's subject after command.linked; that there is a call tells that it was done.

    Args:
        ids: makes the id of the event.
        command: the command.
        state: its subject, of which the verdict was told.
        call_id: the call.
        at: when the call was seen.
    """
    data: dict[str, Any] = {**command_record(command), "status": SUCCEEDED, "call_id": call_id}
    changed = tuple(name for name in data if data[name] != state.record.get(name))
    news = News(catalogue.COMMAND_LINKED, data, data, Moment(at, None), changed)
    change = tell(ids, state, news, state.notes, at)
    events = tuple(event._replace(origin=BY_COMMAND) for event in change.events)
    return SubjectChange(change.state, events, change.expected_revision)


def _is_asked_for(row: LegFacts, params: Mapping[str, Any], country: str) -> bool:
    if row.stream != USER_CALLS or row.direction != OUTBOUND:
        return False
    if not _is_same(row.to_raw, str(params.get("number_to_call", "")), country):
        return False
    user = str(params.get("user_number", ""))
    # Rows may show a user's outside number where the extension was given: then the number called decides.
    return _is_same(row.from_raw, user, country) or (_is_extension(user) and not _is_extension(row.from_raw))


def _is_same(one: str, other: str, country: str) -> bool:
    key = link_key(one, country)
    if key is not None:
        return key == link_key(other, country)
    digits = _DIGITS.sub("", one)
    return bool(digits) and digits == _DIGITS.sub("", other)


def _is_extension(text: str) -> bool:
    return 0 < len(_DIGITS.sub("", text)) <= LONGEST_EXTENSION
