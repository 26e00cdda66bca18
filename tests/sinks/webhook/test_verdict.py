"""
The verdict table, row by row.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.model.outcome import REASONS, Delivered, GiveUp, TryLater
from relay.sinks.webhook.verdict import judge

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 299])
def test_every_2xx_is_delivered(status: int) -> None:
    assert Delivered(status) == judge(status, {"retry-after": "9"}, b"ok", NOW)


@pytest.mark.parametrize(
    ("reason", "status"),
    [("http_3xx", status) for status in (300, 301, 302, 304, 307, 308)]
    + [("http_4xx", status) for status in (408, 425)]
    + [("http_5xx", status) for status in (500, 501, 502, 503, 504, 599)],
)
def test_what_may_pass_is_tried_later(reason: str, status: int) -> None:
    assert TryLater(reason, status, b"why") == judge(status, {}, b"why", NOW)


@pytest.mark.parametrize(
    "status",
    [400, 401, 402, 403, 404, 405, 406, 407, 409, 411, 412, 413, 414, 415, 418, 421, 422, 426, 428, 431, 451],
)
def test_every_other_4xx_is_tried_later_and_is_a_refusal(status: int) -> None:
    assert TryLater("http_4xx", status, b"why", is_refusal=True) == judge(
        status, {"retry-after": "9"}, b"why", NOW
    )


def test_a_status_of_no_standard_is_a_refusal() -> None:
    assert TryLater("protocol", 600, b"", is_refusal=True) == judge(600, {}, b"", NOW)


def test_gone_is_final() -> None:
    assert GiveUp("http_410", 410, b"why") == judge(410, {"retry-after": "9"}, b"why", NOW)


@pytest.mark.parametrize(("status", "reason"), [(429, "http_429"), (503, "http_5xx")])
@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [
        ("1", timedelta(seconds=1)),
        ("120", timedelta(seconds=120)),
        (" 120 ", timedelta(seconds=120)),
        ("86401", timedelta(hours=24)),
        ("9" * 5_000, timedelta(hours=24)),
        ("Mon, 02 Mar 2026 01:05:00 GMT", timedelta(minutes=5)),
        ("Monday, 02-Mar-26 01:05:00 GMT", timedelta(minutes=5)),
        ("Mon Mar  2 01:05:00 2026", timedelta(minutes=5)),
        ("Mon, 02 Mar 2026 03:05:00 +0200", timedelta(minutes=5)),
        ("Mon, 02 Mar 2026 01:00:01 GMT", timedelta(seconds=1)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", timedelta(hours=24)),
    ],
)
def test_a_throttling_receiver_holds_the_lane_until_the_time_it_names(
    status: int, reason: str, retry_after: str, wait: timedelta
) -> None:
    outcome = judge(status, {"retry-after": retry_after}, b"slow", NOW)

    assert TryLater(reason, status, b"slow", not_before=NOW + wait) == outcome


@pytest.mark.parametrize(
    "retry_after",
    [
        *(None, "", "soon", "-5", "1.5", "٣", "Mon, 99 Mar 2026 01:05:00 GMT", "1e3"),
        *("0", " 0 ", "000", "Mon, 02 Mar 2026 01:00:00 GMT", "Sun, 01 Mar 2026 01:05:00 GMT"),
    ],
)
def test_a_time_unreadable_or_not_ahead_means_a_minute_for_429_and_the_schedule_for_503(
    retry_after: str | None,
) -> None:
    headers = {} if retry_after is None else {"retry-after": retry_after}

    assert TryLater("http_429", 429, not_before=NOW + timedelta(seconds=60)) == judge(429, headers, b"", NOW)
    assert TryLater("http_5xx", 503) == judge(503, headers, b"", NOW)


def test_at_most_a_kibibyte_of_an_answer_is_kept() -> None:
    body = bytes(range(256)) * 5
    outcomes = [judge(status, {}, body, NOW) for status in (410, 422, 429, 500)]

    assert [body[:1_024]] * 4 == [getattr(outcome, "answer", None) for outcome in outcomes]


@given(st.integers(100, 999), st.text(max_size=60), st.binary(max_size=20))
def test_no_answer_is_without_an_outcome_and_none_holds_longer_than_a_day(
    status: int, retry_after: str, body: bytes
) -> None:
    outcome = judge(status, {"retry-after": retry_after}, body, NOW)

    assert isinstance(outcome, Delivered) == (200 <= status < 300)
    if isinstance(outcome, TryLater):
        assert outcome.reason in REASONS
        assert outcome.not_before is None or timedelta() < outcome.not_before - NOW <= timedelta(hours=24)
