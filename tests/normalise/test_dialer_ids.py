"""
What the call ids of a dialer say.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from relay.normalise.dialer_ids import CallIdParts, can_be_looked_up, is_call_id, read_call_id
from tests.normalise.dialer_book import Book
from tests.normalise.dialer_floor import ZONE

LEAD = "0000000122"
# Clocks go back in New York on 1 November 2026 at 06:00 UTC: 01:00 to 02:00 comes twice.
FIRST_PASS = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
SECOND_PASS = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
AUTUMN_ID = f"V101013000{LEAD}"


def utc(*parts: int) -> datetime:
    """
    Return an instant.
    """
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("vendor_id", "near", "started_at"),
    [
        # Month digit 1: January or November, this year or another.
        (f"V121090000{LEAD}", utc(2026, 11, 21, 14, 0, 5), utc(2026, 11, 21, 14)),
        (f"V121090000{LEAD}", utc(2026, 1, 21, 14, 0, 5), utc(2026, 1, 21, 14)),
        (f"V131235958{LEAD}", utc(2027, 2, 1, 5, 0, 1), utc(2027, 2, 1, 4, 59, 58)),
        (f"V231235958{LEAD}", utc(2027, 1, 1, 5, 0, 2), utc(2027, 1, 1, 4, 59, 58)),  # 2: February, December
        (f"V005120000{LEAD}", utc(2026, 10, 5, 16, 0, 1), utc(2026, 10, 5, 16)),  # 0: October
        (f"V229120000{LEAD}", utc(2028, 2, 29, 17, 0, 1), utc(2028, 2, 29, 17)),
        (f"V704235959{LEAD}", utc(2026, 7, 5, 4, 0, 1), utc(2026, 7, 5, 3, 59, 59)),  # midnight lies between
        # A clock that is a little ahead of ours.
        (f"V704120003{LEAD}", utc(2026, 7, 4, 16, 0, 0), utc(2026, 7, 4, 16, 0, 3)),
    ],
)
def test_an_id_says_when_its_call_began(vendor_id: str, near: datetime, started_at: datetime) -> None:
    assert started_at == read_call_id(vendor_id, near, ZONE).started_at


@pytest.mark.parametrize(
    ("after_s", "started_at"),
    [(2, FIRST_PASS), (40 * 60, FIRST_PASS), (3602, SECOND_PASS), (5400, SECOND_PASS)],
)
def test_in_a_repeated_hour_an_id_means_the_last_pass_that_had_begun(
    after_s: int, started_at: datetime
) -> None:
    assert started_at == read_call_id(AUTUMN_ID, FIRST_PASS + timedelta(seconds=after_s), ZONE).started_at


@pytest.mark.parametrize(
    ("letter", "direction"), [("V", "outbound"), ("M", "outbound"), ("Y", "inbound"), ("J", "inbound")]
)
def test_the_letter_says_who_called(letter: str, direction: str) -> None:
    parts = read_call_id(f"{letter}121090000{LEAD}", utc(2026, 11, 21, 14), ZONE)

    assert CallIdParts(direction, utc(2026, 11, 21, 14), "122", "2026-11-21") == parts


@pytest.mark.parametrize(
    "vendor_id",
    [
        "DC1121090000000012",
        "S2611210900008600051",
        "Vabc",
        "V999999999" + LEAD,
        f"V{'1' * 20}",
        "1700000000.12",
    ],
)
def test_an_id_without_a_time_belongs_to_the_day_on_which_it_was_seen(vendor_id: str) -> None:
    parts = read_call_id(vendor_id, utc(2026, 11, 21, 4, 30), ZONE)

    assert CallIdParts(None, None, None, "2026-11-20") == parts


def test_no_lead_is_none() -> None:
    assert read_call_id("Y1210900000000000000", utc(2026, 11, 21, 14), ZONE).lead_id is None


@pytest.mark.parametrize(
    "text", ["", "a b", "x" * 41, "Y12|", "Ÿ1210900000000000122", "Y1210900000000000122\n"]
)
def test_garbage_is_no_call_id(text: str) -> None:
    assert not is_call_id(text)
    assert not can_be_looked_up(text)


@pytest.mark.parametrize(
    ("vendor_id", "can_be"),
    [
        (f"V121090000{LEAD}", True), ("DC1121090000000012", True), ("LP" + "1" * 37, True),
        ("V12345678901234", False), ("LP" + "1" * 38, False), ("Q1210900000000000122", False),
        ("Y121090000.000000122", False),
    ],
)  # fmt: skip
def test_the_dialer_is_not_asked_about_ids_that_it_refuses(vendor_id: str, can_be: bool) -> None:
    assert can_be == can_be_looked_up(vendor_id)


def test_a_call_has_one_id_from_its_start_to_the_last_look_at_it() -> None:
    calls, began = Book().calls, utc(2026, 12, 31, 23, 59, 58) + timedelta(hours=5)
    vendor_id = f"Y231235958{LEAD}"
    looks = [began + timedelta(seconds=after_s) for after_s in (0, 1, 90, 3600, 86_400, 80 * 86_400)]

    assert 1 == len({calls.call_id(vendor_id, look) for look in looks})
    assert calls.call_id(vendor_id, began) == calls.id_of(calls.base_key(vendor_id, began))


def test_the_same_id_in_another_year_is_another_call() -> None:
    calls, vendor_id = Book().calls, f"V121090000{LEAD}"
    years = [utc(year, month, 21, 14) for year in (2026, 2027) for month in (1, 11)]

    assert 4 == len({calls.call_id(vendor_id, at) for at in years})


def test_a_call_that_only_a_log_shows_has_the_id_of_line_caller_and_second() -> None:
    calls, at = Book().calls, utc(2026, 11, 21, 14)
    keys = [
        calls.logged_base_key(line, phone, at + timedelta(seconds=s), ordinal)
        for line in ("3125551212", "3125551213")
        for phone in ("7275551212", "")
        for s in (0, 1)
        for ordinal in (0, 1)
    ]

    assert 16 == len(set(keys))
    assert keys[0] == calls.logged_base_key("3125551212", "7275551212", at, 0)


def test_a_start_far_in_the_future_was_read_in_a_zone_that_is_not_the_dialers() -> None:
    seen_at = utc(2026, 11, 21, 9, 0, 2)

    assert seen_at == Book().calls.new(f"V121090000{LEAD}", seen_at).started_at
