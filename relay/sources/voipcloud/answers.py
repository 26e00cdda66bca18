"""
What a VoIPcloud answer means (vendor/voipcloud_api, "Codes").

Pure: status, headers and body in; rows, or the SourceError that fits, out.  Only a validated 2xx is an
answer; code 0 and 404 are errors, never "no rows".

What is given out can always be written again: orjson reads deeper nesting than it writes, so one row with
a poisoned value is replaced by a note about it, which no reader takes for a call, and the others go on.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from reprlib import Repr
from typing import Any, Final

import orjson

from relay.model.errors import (
    SourceAbsent,
    SourceError,
    SourceGarbled,
    SourceRefused,
    SourceThrottled,
    SourceUnreachable,
)
from relay.sources.wire import Answer, sample

IP_BLOCKED: Final = "ip_blocked"
_IP_WORDS: Final = (b"whitelist", b"white list", b"ip address", b"ip is not")
LONGEST_WAIT: Final = timedelta(hours=24)
UNREADABLE: Final = "unreadable"
UNREADABLE_CHARACTERS: Final = 2_000
MAX_LENIENT_BYTES: Final = 16 * 1024 * 1024  # the standard library's reader is slow
_LEVELS_AROUND: Final = 16  # what is kept or sent lies inside events and records
_START: Final = "call_start_at"  # documented in the rows of every call stream

Rows = list[dict[str, Any]]


class VoipcloudAnswers:
    """
    Reads answers for one source; `per_s` is how long a 429 without Retry-After is taken to last.

    The `token` is kept out of what is quoted from an answer.
    """

    def __init__(self, source_id: str, per_s: float, token: str) -> None:
        self._source_id = source_id
        self._per_s = per_s
        self._token = token

    def rows(self, answer: Answer, now: datetime) -> Rows:
        """
        Return the rows of an answer: a bare array, or the one array of objects in an object.

        A row that could not be written again is replaced by `{"unreadable": <what it looks like>}`.

        Raises:
            SourceError: the answer is not a list of rows.
        """
        document = self._parsed(answer, now)
        if not isinstance(document, list):
            return _writable_rows(self._only_array(document, answer))
        if not _are_rows(document):
            raise self._garbled("a list with something else than rows in it", answer)
        return _writable_rows(document)

    def document(self, answer: Answer, now: datetime) -> Any:
        """
        Return the JSON of a good answer.

        Raises:
            SourceError: the status, or a code inside a 200, says something else than success, or the answer
                could not be written again.
        """
        document = self._parsed(answer, now)
        if not _is_writable(document):
            raise self._garbled("nested too deeply, or holds what is no text or number", answer)
        return document

    def _parsed(self, answer: Answer, now: datetime) -> Any:
        if answer.status != 200:
            raise self._refusal(answer.status, answer, now)
        try:
            document = _read(answer.body)
        except (json.JSONDecodeError, RecursionError) as error:
            raise self._garbled("not JSON, or cut off", answer) from error
        if isinstance(document, dict):
            code = _code(document.get("code", 200))
            if code not in (200, None):
                raise self._refusal(code, answer, now)
        return document

    def _only_array(self, document: Any, answer: Answer) -> Rows:
        """
        Return the one array of objects; an array of errors must never read as "no rows".
        """
        values = document.values() if isinstance(document, dict) else ()
        arrays = [value for value in values if isinstance(value, list)]
        filled = [array for array in arrays if array and _are_rows(array)]
        # Beside an empty array, which may be that of the rows, objects count as rows if they look like calls.
        if len(filled) == 1 and ([] not in arrays or any(_START in row for row in filled[0])):
            return filled[0]
        if arrays == [[]]:
            return []
        raise self._garbled("no list of rows, or not one alone", answer)

    def _refusal(self, code: int, answer: Answer, now: datetime) -> SourceError:
        text = sample(answer.body, (self._token,))
        where, said = self._source_id, f"answered {code}: {text}"
        if code == 401:
            is_address = any(words in answer.body.lower() for words in _IP_WORDS)
            return SourceRefused(where, IP_BLOCKED if is_address else "auth", said)
        if code == 404:
            return SourceAbsent(where, "http_4xx", said)
        if code == 429:
            return SourceThrottled(where, "rate_limited", said, self._until(answer, now))
        if code == 0:
            return SourceUnreachable(where, "vendor_error", said)
        if code >= 500:
            return SourceUnreachable(where, "http_5xx", said)
        return SourceGarbled(where, "http_4xx" if code >= 400 else "bad_payload", said, text)

    def _until(self, answer: Answer, now: datetime) -> datetime:
        """
        Return when to ask again; a time that is not in the future says as little as none.
        """
        text = answer.headers.get("retry-after", "").strip()
        at = now
        if text.isascii() and text.isdigit():
            at = now + min(timedelta(seconds=int(text[:9])), LONGEST_WAIT)
        else:
            try:
                date = parsedate_to_datetime(text)
                at = (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
            except (ValueError, OverflowError):
                pass  # no date either: the window
        return min(at, now + LONGEST_WAIT) if at > now else now + timedelta(seconds=self._per_s)

    def _garbled(self, why: str, answer: Answer) -> SourceGarbled:
        text = sample(answer.body, (self._token,))
        return SourceGarbled(self._source_id, "bad_payload", f"the answer is {why}: {text}", text)


class _NotANumber:
    """
    A number that JSON has not (NaN, Infinity) or that no float holds; cannot be written, nor can its row.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _read(body: bytes) -> Any:
    """
    Read JSON; where orjson refuses it for one bad text or number, as the standard library does.

    Bytes that are no UTF-8 become lone surrogates, which cannot be written again: only their row suffers.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        if len(body) > MAX_LENIENT_BYTES:
            raise
    text = body.decode("utf-8", "surrogateescape")
    return json.loads(text, parse_int=_number, parse_float=_number, parse_constant=_NotANumber)


def _number(text: str) -> Any:
    try:
        return orjson.loads(text)  # the same value, and so the same row digest, by either reader
    except orjson.JSONDecodeError:
        return _NotANumber(text)


def _writable_rows(rows: Rows) -> Rows:
    if _is_writable(rows):
        return rows
    return [row if _is_writable(row) else {UNREADABLE: _shown(row)} for row in rows]


def _is_writable(value: Any) -> bool:
    for _ in range(_LEVELS_AROUND):
        value = [value]
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return False
    return True


def _shown(row: dict[str, Any]) -> str:
    """
    Return what a row looks like, cut; the built-in repr fails on what is nested too deeply.
    """
    look = Repr()
    look.maxdict, look.maxstring, look.maxother = 40, 200, 100
    return look.repr(row)[:UNREADABLE_CHARACTERS]


def _are_rows(values: list[Any]) -> bool:
    return all(isinstance(value, dict) for value in values)


def _code(value: object) -> int | None:
    """
    Return a code inside an answer as a number, or None where it is none of the documented kind.
    """
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value[:9])
    return value if isinstance(value, int) and not isinstance(value, bool) else None
