"""
What a dialer's look-ups and logs tell of a call (vendor document; columns as measured, relay reads them by
position in `sources.vicidial`).

Times in them are wall-clock time of the server, to the second.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from relay.model import call as words
from relay.model.dialer_call import DialerCall
from relay.model.errors import RecordRejected
from relay.model.times import from_vendor
from relay.normalise.dialer_outcomes import IN_PROGRESS, was_spoken

NO_AGENT: Final = frozenset({"VDAD", "VDCL"})  # the dialer itself, outbound and inbound
RECORDING_SLACK: Final = timedelta(seconds=10)
_DIRECTIONS: Final = {"INBOUND": words.INBOUND}
_TIME: Final = re.compile(r"(?:19|20)\d\d-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
_WHOLE_S: Final = 1
_GUESSED_S: Final = 5  # a time that follows from two others


class LoggedCall(NamedTuple):
    """
    A row of `phone_number_log` or `did_log_export`; None where that log has no such column.

    `wall_time` is `logged_at` as the server wrote it: of a repeated hour it never tells which pass, so that
    it stays what it is however late it is read.  `length_s` None: the call may still last, or nobody knows.
    """

    phone: str
    line: str | None
    wall_time: str
    logged_at: datetime
    length_s: int | None
    status: str | None
    hangup_reason: str | None
    agent_id: str | None
    list_id: str | None


def with_detail(
    call: DialerCall, row: Mapping[str, Any], zone: ZoneInfo, *, is_live: bool = False
) -> DialerCall:
    """
    Return a call with what `callid_info` with `detail=YES` tells of it.

    Of a call that `is_live`, since an agent has it, a final status is that of an earlier part.

    Raises:
        RecordRejected: a column holds something else.
    """
    is_inbound = row.get("call_type") == "INBOUND"
    direction = words.INBOUND if is_inbound else words.OUTBOUND
    status = _text(row, "status") or ""
    is_final = status not in IN_PROGRESS
    agent_id = _text(row, "user")
    talk_s = _whole(row, "custtime")
    campaign = _text(row, "campaign_id")
    call = call.told(
        direction=direction if _text(row, "call_type") else None,
        phone=_text(row, "phone"),
        queue=campaign if is_inbound else None,
        campaign=None if is_inbound or call.campaign else campaign,
        list_id=_text(row, "list_id"),
        agent_id=None if call.agent_id or agent_id in NO_AGENT else agent_id,
        logged_at=local_time(row, "call_date", zone, call.started_at),
    )._replace(is_pushed=False, is_lost=False)
    if not is_final or is_live:
        return call
    return over(call._replace(status=status, talk_s=talk_s))


def with_log(call: DialerCall, logged: LoggedCall) -> DialerCall:
    """
    Return a call with what a log tells of it: how it ended, and when where no poll saw that.
    """
    status = logged.status if logged.status not in IN_PROGRESS else None
    call = call.told(
        did=logged.line,
        phone=logged.phone,
        hangup_reason=logged.hangup_reason,
        status=call.status or status,
        list_id=logged.list_id,
        agent_id=call.agent_id or (None if logged.agent_id in NO_AGENT else logged.agent_id),
        logged_at=call.logged_at or logged.logged_at,
    )
    if call.ended_at is None and logged.length_s is not None:
        ended_at = logged.logged_at + timedelta(seconds=logged.length_s)
        call = call._replace(ended_at=max(call.started_at, ended_at), ended_precision_s=_WHOLE_S)
        if logged.length_s > 0 and call.answered_at is None and was_spoken(call):
            # The length is that of ringing or waiting, and talk.
            half = timedelta(seconds=logged.length_s) / 2
            call = call._replace(
                answered_at=max(call.started_at, logged.logged_at + half),
                answered_precision_s=max(_WHOLE_S, ceil(half.total_seconds())),
            )
    return call


def over(call: DialerCall) -> DialerCall:
    """
    Return a call of which the fate is known with what follows from that: it was answered where somebody
    spoke, and it is over, though no poll saw either.
    """
    if call.answered_at is None and was_spoken(call):
        at = call.logged_at or call.started_at
        if call.ended_at is not None and call.talk_s is not None:
            at = call.ended_at - timedelta(seconds=call.talk_s)
        call = call._replace(answered_at=max(call.started_at, at), answered_precision_s=_GUESSED_S)
    if call.ended_at is None:
        begin = max(call.started_at, call.answered_at or call.logged_at or call.started_at)
        ended_at = begin + timedelta(seconds=call.talk_s or 0)
        call = call._replace(ended_at=ended_at, ended_precision_s=_GUESSED_S)
    return call


def recording_of(call: DialerCall, rows: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> str | None:
    """
    Return where the recording of a call is, of those that `recording_lookup` shows; None: none yet.
    """
    end = (call.ended_at or call.started_at) + RECORDING_SLACK
    found = []
    for row in rows:
        at = local_time(row, "start_time", zone, call.started_at)
        is_of_agent = call.agent_id is None or _text(row, "user") == call.agent_id
        location = _text(row, "location")
        if location and is_of_agent and call.started_at - RECORDING_SLACK <= at <= end:
            found.append((at, location))
    return min(found)[1] if found else None


def read_phone_log(row: Mapping[str, Any], zone: ZoneInfo, near: datetime) -> LoggedCall:
    """
    Read a row of `phone_number_log`.

    Raises:
        RecordRejected: a column holds something else.
    """
    return LoggedCall(
        phone=_text(row, "phone_number") or "",
        line=None,
        wall_time=_text(row, "call_date") or "",
        logged_at=local_time(row, "call_date", zone, near),
        length_s=_whole(row, "length_in_sec"),
        status=_text(row, "call_status"),
        hangup_reason=_text(row, "hangup_reason"),
        agent_id=_text(row, "user"),
        list_id=_text(row, "list_id"),
    )


def read_did_log(row: Mapping[str, Any], zone: ZoneInfo, near: datetime) -> LoggedCall:
    """
    Read a row of `did_log_export`; its length is 0 while the call lasts.

    Raises:
        RecordRejected: a column holds something else.
    """
    return LoggedCall(
        phone=_text(row, "caller_id_number") or "",
        line=_text(row, "did_number"),
        wall_time=_text(row, "call_date") or "",
        logged_at=local_time(row, "call_date", zone, near),
        length_s=_whole(row, "length_in_sec") or None,
        status=None,
        hangup_reason=None,
        agent_id=None,
        list_id=None,
    )


def local_time(row: Mapping[str, Any], column: str, zone: ZoneInfo, near: datetime) -> datetime:
    """
    Read a server's wall-clock time as UTC; in a repeated hour the pass nearer to `near`.

    Raises:
        RecordRejected: it is none.
    """
    text = _text(row, column) or ""
    try:
        if not _TIME.fullmatch(text):
            raise ValueError(text)
        passes = [from_vendor(text, zone, fold) for fold in (0, 1)]
    except (ValueError, OverflowError):
        raise RecordRejected(dict(row), f"{column} {text!r} is no time") from None
    return min(passes, key=lambda at: abs(at - near))


def _text(row: Mapping[str, Any], column: str) -> str | None:
    value = row.get(column)
    if not isinstance(value, str):
        raise RecordRejected(dict(row), f"{column} is missing")
    return value.strip() or None


def _whole(row: Mapping[str, Any], column: str) -> int | None:
    text = _text(row, column)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise RecordRejected(dict(row), f"{column} {text!r} is no number of seconds")
    return int(text)
