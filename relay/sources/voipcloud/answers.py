"""
What a VoIPcloud answer means (vendor/voipcloud_api, "Codes").

Pure: status, headers and body in; rows, or the SourceError that fits, out.  Only a validated 2xx is an
answer; code 0 and 404 are errors, never "no rows".
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
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

        Raises:
            SourceError: the answer is not a list of rows.
        """
        document = self.document(answer, now)
        if not isinstance(document, list):
            return self._only_array(document, answer)
        if not _are_rows(document):
            raise self._garbled("a list with something else than rows in it", answer)
        return document

    def document(self, answer: Answer, now: datetime) -> Any:
        """
        Return the JSON of a good answer.

        Raises:
            SourceError: the status, or a code inside a 200, says something else than success.
        """
        if answer.status != 200:
            raise self._refusal(answer.status, answer, now)
        try:
            document = orjson.loads(answer.body)
        except orjson.JSONDecodeError as error:
            raise self._garbled("not JSON, or cut off", answer) from error
        if isinstance(document, dict):
            code = _code(document.get("code", 200))
            if code not in (200, None):
                raise self._refusal(code, answer, now)
        return document

    def _only_array(self, document: Any, answer: Answer) -> Rows:
        if isinstance(document, dict):
            arrays = [value for value in document.values() if isinstance(value, list) and _are_rows(value)]
            if len(arrays) == 1:
                return arrays[0]
        raise self._garbled("no list of rows", answer)

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
        text = answer.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit():
            return now + min(timedelta(seconds=int(text[:9])), LONGEST_WAIT)
        try:
            at = parsedate_to_datetime(text)
            at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            return now + timedelta(seconds=self._per_s)
        return min(max(at, now), now + LONGEST_WAIT)

    def _garbled(self, why: str, answer: Answer) -> SourceGarbled:
        text = sample(answer.body, (self._token,))
        return SourceGarbled(self._source_id, "bad_payload", f"the answer is {why}: {text}", text)


def _are_rows(values: list[Any]) -> bool:
    return all(isinstance(value, dict) for value in values)


def _code(value: object) -> int | None:
    """
    Return a code inside an answer as a number, or None where it is none of the documented kind.
    """
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value[:9])
    return value if isinstance(value, int) and not isinstance(value, bool) else None
