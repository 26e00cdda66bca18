"""
Read VoIPcloud rows into legs (vendor/voipcloud_api: get-user-calls, get-queue-calls, get-ringgroup-calls).

Every documented column must be there and hold what is documented; unknown columns stay in the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from relay.model import call as words
from relay.model.call import LegFacts
from relay.model.errors import RecordNotYet, RecordRejected
from relay.model.ids import IdMaker, row_digest
from relay.model.numbers import e164, is_masked, link_key
from relay.model.times import EPOCH, from_vendor
from relay.normalise.rules import CallRules
from relay.normalise.voipcloud_folds import FUTURE, START, folds, repeated

# The vendor's second document promises "a unique call ID" whose column it does not name.
NATIVE_ID_COLUMNS: Final = ("unique_call_id", "call_id", "id", "uuid")
# Beyond them a column holds a default ("0001-01-01…", 2**31) and no time of a call.
_EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
LONGEST_TEXT: Final = 1_000
NOT_YET: Final = timedelta(days=1)  # a clock may be off by so much; farther ahead no call begins
_LONGEST_S: Final = 366 * 86_400
_LONGEST_DIGITS: Final = 12
_DATE_CHARACTERS: Final = 10
_STATUS: Final = {"answered": words.ANSWERED, "abandoned": words.ABANDONED, "timedout": words.TIMED_OUT}

Row = dict[str, Any]


class VoipcloudRows:
    """
    Reads rows of one source; equal rows give equal facts.
    """

    def __init__(self, rules: CallRules, ids: IdMaker) -> None:
        self._rules = rules
        self._ids = ids
        self._readers: Final[dict[str, Callable[[Row, bytes, datetime], LegFacts]]] = {
            words.USER_CALLS: self._user,
            words.QUEUE_CALLS: partial(self._summary, words.QUEUE_CALLS, "queue_name"),
            words.RINGGROUP_CALLS: partial(self._summary, words.RINGGROUP_CALLS, "ring_group_name"),
        }

    def has_native_id(self, row: Row) -> bool:
        """
        Tell whether a row carries the vendor's own id.
        """
        return _native_id(row) is not None

    def folds(
        self, stream: str, rows: Sequence[Row], requested_at: datetime, skew: timedelta
    ) -> Mapping[int, int]:
        """
        Return, for the places of a page's rows that began in a repeated hour, which pass it was: 0 or 1.
        """
        return folds(stream, rows, self._rules.zone, requested_at, skew)

    def read(
        self,
        stream: str,
        row: Row,
        digest: bytes | None = None,
        native_since: datetime | None = EPOCH,
        fold: int = 0,
        now: datetime | None = None,
    ) -> LegFacts:
        """
        Validate one row of a stream.

        Args:
            stream: whose row it is.
            row: as the vendor sent it.
            digest: its digest, where it is known already.
            native_since: the vendor's own id counts for calls that start then or later; None: for none.
            fold: 1 where it began in the second pass of an hour that the clocks repeat.
            now: the time by the vendor's clock; None: any start will do, as when a row is read again.

        Raises:
            RecordRejected: a documented column is missing or holds something else.
            RecordNotYet: the call has not begun, though it will within a day.
        """
        started = self._time(row, START)
        if fold:
            started = self._second_pass(row[START], started)
        if now is not None and started > now + FUTURE:
            error = RecordNotYet if started < now + NOT_YET else RecordRejected
            raise error(row, f"{START} is {row[START]!r}: starts in the future")
        facts = self._readers[stream](row, digest or row_digest(row), started)
        if facts.native_id is None:
            return facts
        if native_since is None or facts.started_at < native_since:
            return facts._replace(native_id=None)
        base = self._ids.leg_base(self._rules.source_id, stream, "native", facts.native_id)
        return facts._replace(base_key=base)

    def other_pass(
        self,
        stream: str,
        row: Row,
        digest: bytes | None = None,
        native_since: datetime | None = EPOCH,
        fold: int = 0,
    ) -> LegFacts | None:
        """
        Read a row as of the other pass of a repeated hour; None where it began in none, or cannot have.

        What is known already was read in one of the two: its leg has the `base_key` of one.
        """
        start = row.get(START)
        if not isinstance(start, str) or repeated(start, self._rules.zone) is None:
            return None
        try:
            return self.read(stream, row, digest, native_since, fold=1 - fold)
        except RecordRejected:
            return None

    def _user(self, row: Row, digest: bytes, started: datetime) -> LegFacts:
        ended = self._later(row, "call_finished_at", started)
        duration_s, talk_s = _whole(row, "call_duration"), _whole(row, "conversation_duration")
        if talk_s > duration_s:
            raise RecordRejected(row, "conversation_duration is longer than call_duration")
        if ended is not None and ended < started:
            raise RecordRejected(row, "call_finished_at is before call_start_at")
        if ended is not None and ended - started != timedelta(seconds=duration_s):
            # The start is part of the identity and stays; the finish may be of the hour's second pass.
            second_pass = self._second_pass(row["call_finished_at"], ended)
            ended = second_pass if second_pass - started == timedelta(seconds=duration_s) else ended
        # No answer time is documented: what was not conversation came before it.
        answered = started + timedelta(seconds=duration_s - talk_s) if talk_s else None
        return self._facts(
            row,
            digest,
            words.USER_CALLS,
            words.INBOUND if _flag(row, "is_inbound") else words.OUTBOUND,
            (_number(row, "from_number"), _number(row, "to_number")),
            (started, answered, ended),
            agent_name=_name(row, "user_name"),
            duration_s=duration_s if ended else None,
            talk_s=talk_s if ended else None,
        )

    def _summary(self, stream: str, name_column: str, row: Row, digest: bytes, started: datetime) -> LegFacts:
        answered = self._later(row, "call_answered_at", started)
        ended = self._later(row, "call_finished_at", answered or started)
        verdict = row.get("status")
        status = _STATUS.get(verdict) if isinstance(verdict, str) else None
        if status is None:
            raise RecordRejected(row, f"status is {verdict!r}, not answered, abandoned or timedout")
        if (status == words.ANSWERED) != (answered is not None):
            raise RecordRejected(row, "status and call_answered_at contradict each other")
        if not started <= (answered or started) <= (ended or answered or started):
            raise RecordRejected(row, "start, answer and finish are out of order")
        name = _name(row, name_column)
        return self._facts(
            row,
            digest,
            stream,
            words.INBOUND,
            (_number(row, "callerid"), _number(row, "inbound_number")),
            (started, answered, ended),
            agent_name=_name(row, "answered_by_user_name"),
            queue=name if stream == words.QUEUE_CALLS else None,
            ring_group=name if stream == words.RINGGROUP_CALLS else None,
            status=status,
        )

    def _facts(
        self,
        row: Row,
        digest: bytes,
        stream: str,
        direction: str,
        numbers: tuple[str, str],
        times: tuple[datetime, datetime | None, datetime | None],
        **more: Any,
    ) -> LegFacts:
        rules, (from_raw, to_raw), started = self._rules, numbers, times[0]
        second = int(started.timestamp())
        base = self._ids.leg_base(
            rules.source_id, stream, str(second), from_raw, to_raw, direction, started_s=second
        )
        outside = from_raw if direction == words.INBOUND else to_raw
        return LegFacts(
            source_id=rules.source_id,
            stream=stream,
            base_key=base,
            native_id=_native_id(row),
            link_key=link_key(outside, rules.country),
            direction=direction,
            from_raw=from_raw,
            from_e164=e164(from_raw, rules.country),
            to_raw=to_raw,
            to_e164=e164(to_raw, rules.country),
            masked=is_masked(from_raw) or is_masked(to_raw),
            agent_name=more.get("agent_name"),
            queue=more.get("queue"),
            ring_group=more.get("ring_group"),
            status=more.get("status"),
            started_at=started,
            answered_at=times[1],
            ended_at=times[2],
            duration_s=more.get("duration_s"),
            talk_s=more.get("talk_s"),
            row=row,
            digest=digest,
        )

    def _time(self, row: Row, column: str) -> datetime:
        at = self._time_or_null(row, column)
        if at is None:
            raise RecordRejected(row, f"{column} is null")
        return at

    def _time_or_null(self, row: Row, column: str) -> datetime | None:
        value = _column(row, column)
        if value is None:
            return None
        try:
            at = from_vendor(value, self._rules.zone)
        except (TypeError, ValueError, OverflowError) as error:
            raise RecordRejected(row, f"{column} is {value!r}, not an ISO 8601 time") from error
        if len(value) <= _DATE_CHARACTERS or not _EARLIEST <= at < _LATEST:
            raise RecordRejected(row, f"{column} is {value!r}, not the time of a call")
        return at

    def _later(self, row: Row, column: str, earlier: datetime) -> datetime | None:
        """
        Read a time that cannot be before another: in the hour that the clocks repeat that tells the pass.
        """
        at = self._time_or_null(row, column)
        return at if at is None or at >= earlier else self._second_pass(row[column], at)

    def _second_pass(self, text: str, at: datetime) -> datetime:
        """
        Return the same wall-clock time an hour later where the clocks repeat it; else the time itself.
        """
        if datetime.fromisoformat(text).tzinfo is not None:
            return at
        return at.astimezone(self._rules.zone).replace(fold=1).astimezone(UTC)


def _column(row: Row, column: str) -> Any:
    if column not in row:
        raise RecordRejected(row, f"{column} is missing")
    return row[column]


def _whole(row: Row, column: str) -> int:
    value = _column(row, column)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value) if len(value) <= _LONGEST_DIGITS else _LONGEST_S + 1
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LONGEST_S:
        raise RecordRejected(row, f"{column} is {value!r}, not a number of seconds")
    return value


def _flag(row: Row, column: str) -> bool:
    value = _column(row, column)
    if value in (0, 1, "0", "1"):
        return bool(int(value))
    raise RecordRejected(row, f"{column} is {value!r}, not 0 or 1")


def _number(row: Row, column: str) -> str:
    value = _column(row, column)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int) or len(str(value)) > LONGEST_TEXT:
        raise RecordRejected(row, f"{column} is {value!r:.200}, not a phone number")
    return str(value).strip()


def _name(row: Row, column: str) -> str | None:
    value = _column(row, column)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise RecordRejected(row, f"{column} is {value!r:.200}, not a name")
    return value


def is_native_id(text: str) -> bool:
    """
    Tell whether a text may be the vendor's own id of a call: journals look calls up by it.
    """
    return 0 < len(text) <= LONGEST_TEXT


def _native_id(row: Row) -> str | None:
    for column in NATIVE_ID_COLUMNS:
        value = row.get(column)
        if isinstance(value, str | int) and not isinstance(value, bool) and is_native_id(str(value)):
            return str(value)
    return None
