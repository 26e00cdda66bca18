"""
Read what a PBX of the VoIPcloud family pushes (its article "Webhook Integration") into a leg.

A push is a hint: the polled row of the same call confirms it.  Triggers are a user's phone ringing, answered
and done, and the summaries of queues and ring groups.  The brands of the family name the fields differently;
`FIELDS` lists every name that is taken for one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from relay.model.call import QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS, LegFacts
from relay.model.errors import RecordRejected
from relay.model.ids import IdMaker, row_digest
from relay.model.times import from_vendor
from relay.normalise.rules import CallRules
from relay.normalise.voipcloud_folds import folds
from relay.normalise.voipcloud_rows import NATIVE_ID_COLUMNS, VoipcloudRows, is_native_id

# What a field is called in polled rows, and what pushes may call it; the first that is there counts.
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "from_number": ("from_number", "from", "caller_id", "callerid", "caller_number", "caller"),
    "to_number": ("to_number", "to", "dest_number", "inbound_number", "called_number", "did"),
    "user_name": ("user_name", "user", "to_name"),
    "answered_by_user_name": ("answered_by_user_name", "answered_by", "user_name", "user"),
    "queue_name": ("queue_name", "queue"),
    "ring_group_name": ("ring_group_name", "ringgroup_name", "ring_group"),
    "call_start_at": ("call_start_at", "start_at", "started_at", "start_time", "start"),
    "call_answered_at": ("call_answered_at", "connected_at", "answered_at", "answer_at", "answer_time"),
    "call_finished_at": ("call_finished_at", "finished_at", "end_at", "ended_at", "end_time", "end"),
    "call_duration": ("call_duration", "duration"),
    "conversation_duration": ("conversation_duration", "talk_duration"),
    "status": ("status", "call_status"),
    "is_inbound": ("is_inbound", "inbound"),
    "direction": ("direction", "call_direction", "type", "event", "trigger"),
    "trigger": ("type", "event", "trigger"),
    "unique_call_id": NATIVE_ID_COLUMNS,
}
_INBOUND: Final = ("inbound", "incoming")
_OUTBOUND: Final = ("outbound", "outgoing")
_ANSWERED: Final = "answered"
_UNANSWERED: Final = "unanswered"
_COMPLETED: Final = ("completed", "completion", "ended", "finished", "hangup")
_NO_CALL: Final = ("voicemail", "recording")
_QUEUE: Final = ("queue",)
_RING_GROUP: Final = ("ring_group", "ringgroup", "ring group")
_STATUS: Final = {"timed_out": "timedout", "timed out": "timedout", "timeout": "timedout"}
_FLAGS: Final = {"true": 1, "1": 1, "false": 0, "0": 0}


def read_push(body: Mapping[str, Any], rules: CallRules, ids: IdMaker, received_at: datetime) -> LegFacts:
    """
    Return the leg that a push tells of.

    Its `base_key` follows the facts, as that of a row without an id; `native_id` is the push's own.  A call
    that is said to be answered without a time was answered when the push came.

    Args:
        body: the push, its fields as names and values.
        rules: the settings of the source.
        ids: maker of ids.
        received_at: when it came, by the phone system's clock; also the start of a call that tells none.

    Raises:
        RecordRejected: no call: another trigger, no numbers, or columns that hold something else.
    """
    push = _Push(body, rules, received_at)
    stream = push.stream()
    row = push.user_row() if stream == USER_CALLS else push.summary_row(stream)
    fold = folds(stream, [row], rules.zone, received_at, timedelta(0)).get(0, 0)
    try:
        facts = VoipcloudRows(rules, ids).read(stream, row, b"", None, fold, received_at)
    except RecordRejected as error:
        raise RecordRejected(body, error.why) from error
    if stream == USER_CALLS:
        facts = push.completed(facts, row)
        facts = facts._replace(answered_at=push.answered_at(facts) or facts.answered_at)
    native_id = push.text("unique_call_id")
    return facts._replace(
        native_id=native_id if is_native_id(native_id) else None,
        row=dict(body),
        digest=row_digest(dict(body)),
    )


class _Push:
    """
    The fields of one push, whatever they are called.
    """

    def __init__(self, body: Mapping[str, Any], rules: CallRules, received_at: datetime) -> None:
        self._body = body
        self._rules = rules
        self._received_at = received_at.replace(microsecond=0)
        self._trigger = self.text("trigger").lower()

    def stream(self) -> str:
        """
        Say which stream's row will confirm it: by its trigger, or else by the names that it holds.

        A user's phone may ring for a queue or ring group, whose name is then told beside the user's.
        """
        if _holds(self._trigger, _NO_CALL):
            raise RecordRejected(self._body, f"{self._trigger} is no trigger of a call")
        if "user" in self._trigger:
            return USER_CALLS
        if _holds(self._trigger, _QUEUE):
            return QUEUE_CALLS
        if _holds(self._trigger, _RING_GROUP):
            return RINGGROUP_CALLS
        if self.text("user_name") and not self.text("status"):
            return USER_CALLS
        if self.text("queue_name"):
            return QUEUE_CALLS
        return RINGGROUP_CALLS if self.text("ring_group_name") else USER_CALLS

    def user_row(self) -> dict[str, Any]:
        """
        Return the push as a row of a user's phone.
        """
        start, finish = self._start(), self.value("call_finished_at")
        duration, talk = self.value("call_duration"), self.value("conversation_duration")
        if duration is None:
            duration = self._seconds_between(start, finish)
        return {
            **self._numbers("from_number", "to_number"),
            "user_name": self.value("user_name"),
            "is_inbound": self._is_inbound(),
            "call_start_at": start,
            "call_duration": duration,
            "call_finished_at": finish,
            "conversation_duration": 0 if talk is None else talk,
        }

    def summary_row(self, stream: str) -> dict[str, Any]:
        """
        Return the push as a row of a queue or ring group.
        """
        column = "queue_name" if stream == QUEUE_CALLS else "ring_group_name"
        status = self.text("status").lower()
        return {
            **self._numbers("callerid", "inbound_number"),
            column: self.value(column),
            "call_start_at": self._start(),
            "call_answered_at": self.value("call_answered_at"),
            "call_finished_at": self.value("call_finished_at"),
            "answered_by_user_name": self.value("answered_by_user_name"),
            "status": _STATUS.get(status, status),
        }

    def completed(self, facts: LegFacts, row: Mapping[str, Any]) -> LegFacts:
        """
        End a call that is said to be done, where its duration tells when.
        """
        is_done = _holds(self._trigger, _COMPLETED) and self.value("call_duration") is not None
        if facts.ended_at is not None or not is_done:
            return facts
        duration_s, talk_s = int(row["call_duration"]), int(row["conversation_duration"])
        ended_at = facts.started_at + timedelta(seconds=duration_s)
        return facts._replace(ended_at=ended_at, duration_s=duration_s, talk_s=talk_s)

    def answered_at(self, facts: LegFacts) -> datetime | None:
        """
        Return when a user answered, as far as the push tells; never before the start or after the end.
        """
        told = self.value("call_answered_at")
        if told is None and (_ANSWERED not in self._trigger or _UNANSWERED in self._trigger):
            return None
        answered_at = self._received_at
        if told is not None:
            passes = [self._instant("call_answered_at", told, fold) for fold in (0, 1)]
            answered_at = min((at for at in passes if at >= facts.started_at), default=min(passes))
        if facts.started_at <= answered_at <= (facts.ended_at or answered_at):
            return answered_at
        return None

    def value(self, field: str) -> Any:
        """
        Return a field by whatever name it is there; None where it is missing, empty or says so.
        """
        for name in FIELDS[field]:
            value = self._body.get(name)
            if value is not None and value != "" and value != "null":
                return value
        return None

    def text(self, field: str) -> str:
        """
        Return a field as text; "" where there is none, or something else.
        """
        value = self.value(field)
        if isinstance(value, bool) or not isinstance(value, str | int):
            return ""
        return str(value).strip()

    def _numbers(self, from_column: str, to_column: str) -> dict[str, Any]:
        """
        Return both numbers; a message without them is of no call that could ever be found.
        """
        for field in ("from_number", "to_number"):
            if not any(name in self._body for name in FIELDS[field]):
                raise RecordRejected(self._body, f"{field} is missing, by any of its names")
        numbers = {from_column: self.value("from_number"), to_column: self.value("to_number")}
        if not any(numbers.values()):
            raise RecordRejected(self._body, "both numbers are empty")
        return numbers

    def _start(self) -> Any:
        start = self.value("call_start_at")
        return self._received_at.isoformat() if start is None else start

    def _is_inbound(self) -> int:
        flag = str(self.value("is_inbound")).lower()
        if flag in _FLAGS:
            return _FLAGS[flag]
        words = self.text("direction").lower()
        if _holds(words, _INBOUND) != _holds(words, _OUTBOUND):
            return int(_holds(words, _INBOUND))
        raise RecordRejected(self._body, "is_inbound is missing, and no word tells the direction")

    def _instant(self, field: str, text: Any, fold: int = 0) -> datetime:
        try:
            return from_vendor(text, self._rules.zone, fold)
        except (TypeError, ValueError, OverflowError) as error:
            raise RecordRejected(self._body, f"{field} is {text!r}, not an ISO 8601 time") from error

    def _seconds_between(self, start: Any, finish: Any) -> int:
        if finish is None:
            return 0
        between = self._instant("call_finished_at", finish) - self._instant("call_start_at", start)
        return max(0, int(between.total_seconds()))


def _holds(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)
