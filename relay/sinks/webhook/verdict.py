"""
What an answer means (the table of DESIGN section 7), as a pure function.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from relay.model.outcome import Delivered, GiveUp, Outcome, TryLater

KEPT_ANSWER_BYTES: Final = 1_024
THROTTLED_WITHOUT_TIME: Final = timedelta(seconds=60)
LONGEST_HOLD: Final = timedelta(hours=24)
_LONGEST_HOLD_DIGITS: Final = 9
_REQUEST_TIMEOUT: Final = 408
_GONE: Final = 410
_TOO_EARLY: Final = 425
_TOO_MANY_REQUESTS: Final = 429
_UNAVAILABLE: Final = 503


# Equal outcomes are one object: this is made for every delivery.
_DELIVERED: Final = {status: Delivered(status) for status in range(200, 300)}


def delivered(status: int) -> Delivered | None:
    """
    Return the outcome of an attempt that was answered 2xx; None for any other answer.
    """
    return _DELIVERED.get(status)


def judge(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Outcome:
    """
    Return the outcome of an answered attempt; header names are lower-case.  Never raises.
    """
    good = delivered(status)
    if good is not None:
        return good
    answer = body[:KEPT_ANSWER_BYTES]
    if status == _GONE:
        return GiveUp("http_410", status, answer)
    hold = _hold(status, headers, now)
    return TryLater(
        reason=_reason(status),
        status=status,
        answer=answer,
        not_before=None if hold is None else now + hold,
        is_refusal=_is_refusal(status),
    )


def _reason(status: int) -> str:
    if status == _TOO_MANY_REQUESTS:
        return "http_429"
    # 600 and above exist in no standard
    return {3: "http_3xx", 4: "http_4xx", 5: "http_5xx"}.get(status // 100, "protocol")


def _is_refusal(status: int) -> bool:
    if status in (_REQUEST_TIMEOUT, _TOO_EARLY, _TOO_MANY_REQUESTS):
        return False
    return status // 100 not in (3, 5)


def _hold(status: int, headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """
    Return how long nothing may be sent to the endpoint, or None where the retry schedule applies.
    """
    if status not in (_TOO_MANY_REQUESTS, _UNAVAILABLE):
        return None
    asked = _retry_after(headers.get("retry-after", ""), now)
    if asked is None or asked <= timedelta():  # to wait until now would be to send again without a pause
        return THROTTLED_WITHOUT_TIME if status == _TOO_MANY_REQUESTS else None
    return min(asked, LONGEST_HOLD)


def _retry_after(text: str, now: datetime) -> timedelta | None:
    text = text.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=int(text)) if len(text) <= _LONGEST_HOLD_DIGITS else LONGEST_HOLD
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):  # whatever a receiver wrote there
        return None
    if at.tzinfo is None:  # an HTTP-date is GMT, also in the form that does not say so
        at = at.replace(tzinfo=UTC)
    return at - now
