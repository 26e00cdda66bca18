"""
What a dialer's look-ups and logs tell of a call.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from relay.model.dialer_call import DialerCall
from relay.model.errors import RecordRejected
from relay.normalise.dialer_logs import (
    LoggedCall,
    local_time,
    read_did_log,
    read_phone_log,
    recording_of,
    with_detail,
    with_log,
)
from tests.normalise.dialer_book import INBOUND_ID, row_of
from tests.normalise.dialer_floor import ZONE
from tests.normalise.office import at

CALL = DialerCall(INBOUND_ID, "inbound", at(0), lead_id="122")
HIS = CALL._replace(agent_id="1001", answered_at=at(5), ended_at=at(65))
DID_ROW = {
    "did_number": "3125551212", "caller_id_number": "7275551212", "call_date": "2026-11-20 19:00:00",
    "length_in_sec": "65",
}  # fmt: skip
PHONE_ROW = {
    "phone_number": "7275551212", "call_date": "2026-11-20 19:00:00", "list_id": "999", "length_in_sec": "65",
    "lead_status": "DROP", "hangup_reason": "ABANDON", "call_status": "DROP", "source_id": "", "user": "VDCL",
}  # fmt: skip


@pytest.mark.parametrize("status", ["QUEUE", "INCALL", ""])
def test_a_call_in_progress_has_no_fate_and_no_length(status: str) -> None:
    call = with_detail(CALL, row_of(status=status), ZONE)

    assert (None, None, None, None) == (call.status, call.talk_s, call.answered_at, call.ended_at)
    assert ("7275551212", "SALESLINE", None, "1001", at(0)) == (
        call.phone, call.queue, call.campaign, call.agent_id, call.logged_at,
    )  # fmt: skip


def test_a_fate_of_a_call_that_goes_on_is_that_of_an_earlier_part() -> None:
    call = with_detail(CALL, row_of(status="XFER", custtime="60"), ZONE, is_live=True)

    assert (None, None) == (call.status, call.ended_at)


def test_talk_that_no_poll_saw_was_at_the_end_of_the_call() -> None:
    call = with_detail(CALL._replace(ended_at=at(65)), row_of(status="SALE", custtime="60"), ZONE)

    assert ("SALE", 60, at(5), 5, at(65)) == (
        call.status, call.talk_s, call.answered_at, call.answered_precision_s, call.ended_at,
    )  # fmt: skip


def test_what_polls_saw_stays() -> None:
    row = row_of(status="SALE", custtime="57", user="1002", campaign_id="OTHER", call_type="OUTBOUND_AUTO")
    call = with_detail(HIS._replace(campaign="TESTCAMP"), row, ZONE)

    assert ("1001", at(5), at(65), "TESTCAMP", 57, "outbound") == (
        call.agent_id, call.answered_at, call.ended_at, call.campaign, call.talk_s, call.direction,
    )  # fmt: skip


def test_a_call_that_nobody_took_has_no_agent_and_was_not_answered() -> None:
    call = with_detail(CALL._replace(is_pushed=True), row_of(status="DROP", user="VDCL"), ZONE)

    assert ("DROP", None, None, at(0), False) == (
        call.status, call.agent_id, call.answered_at, call.ended_at, call.is_pushed,
    )  # fmt: skip


@pytest.mark.parametrize(
    "columns",
    [
        {"call_date": ""}, {"call_date": "0000-00-00 00:00:00"}, {"custtime": "-1"}, {"custtime": "1e3"},
        {"custtime": "1" * 10}, {"custtime": None}, {"status": None}, {"phone": 7275551212},
    ],
)  # fmt: skip
def test_odd_details_are_rejected(columns: dict[str, Any]) -> None:
    with pytest.raises(RecordRejected):
        with_detail(CALL, row_of(**columns), ZONE)


def test_a_row_of_a_did_log() -> None:
    logged = read_did_log(DID_ROW, ZONE, at(100))

    expected = LoggedCall(
        "7275551212", "3125551212", "2026-11-20 19:00:00", at(0), 65, None, None, None, None
    )
    assert expected == logged


@pytest.mark.parametrize("length", ["0", ""])
def test_a_call_without_a_length_may_still_last(length: str) -> None:
    assert read_did_log(DID_ROW | {"length_in_sec": length}, ZONE, at(100)).length_s is None


@pytest.mark.parametrize("column", ["did_number", "caller_id_number", "call_date", "length_in_sec"])
def test_a_row_without_a_column_is_rejected(column: str) -> None:
    with pytest.raises(RecordRejected):
        read_did_log({name: text for name, text in DID_ROW.items() if name != column}, ZONE, at(100))


def test_a_log_says_how_a_call_ended_that_nobody_saw() -> None:
    call = with_log(DialerCall(None, "inbound", at(0)), read_phone_log(PHONE_ROW, ZONE, at(100)))

    assert ("DROP", "ABANDON", at(65), 1, None, None) == (
        call.status, call.hangup_reason, call.ended_at, call.ended_precision_s, call.agent_id,
        call.answered_at,
    )  # fmt: skip


def test_a_log_that_names_an_agent_and_a_fate_proves_an_answer() -> None:
    row = PHONE_ROW | {"call_status": "SALE", "user": "1001", "hangup_reason": "CALLER"}
    call = with_log(DialerCall(None, "inbound", at(0)), read_phone_log(row, ZONE, at(100)))

    assert ("SALE", "1001", at(32.5), 33) == (
        call.status, call.agent_id, call.answered_at, call.answered_precision_s,
    )  # fmt: skip


@pytest.mark.parametrize("status", ["B", "NA", "DC"])
def test_a_call_by_hand_that_nobody_answered_was_not_answered(status: str) -> None:
    row = PHONE_ROW | {"call_status": status, "user": "1001", "hangup_reason": "NONE"}
    call = with_log(DialerCall(None, "outbound", at(0)), read_phone_log(row, ZONE, at(100)))

    assert (status, None, at(65)) == (call.status, call.answered_at, call.ended_at)


@pytest.mark.parametrize("status", ["QUEUE", "INCALL", ""])
def test_a_log_that_knows_no_fate_yet_proves_no_answer(status: str) -> None:
    row = PHONE_ROW | {"call_status": status, "user": "1001"}
    call = with_log(DialerCall(None, "inbound", at(0)), read_phone_log(row, ZONE, at(100)))

    assert (None, None, at(65)) == (call.status, call.answered_at, call.ended_at)


def test_a_log_moves_no_end_that_a_poll_saw() -> None:
    call = with_log(HIS._replace(status="SALE"), read_phone_log(PHONE_ROW, ZONE, at(100)))

    assert ("SALE", at(65), "1001", "ABANDON") == (
        call.status, call.ended_at, call.agent_id, call.hangup_reason,
    )  # fmt: skip


def recording(start: str, user: str = "1001", location: str = "http://a/1.mp3") -> dict[str, str]:
    """
    Return a row of `recording_lookup`.
    """
    return {
        "start_time": f"2026-11-20 {start}", "user": user, "recording_id": "1", "lead_id": "122",
        "location": location,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], None),
        ([recording("19:00:05")], "http://a/1.mp3"),
        ([recording("19:00:05", location="")], None),
        ([recording("19:00:05", user="1002")], None),
        ([recording("18:59:40"), recording("19:01:20")], None),
        ([recording("19:00:30", location="http://a/2.mp3"), recording("19:00:05")], "http://a/1.mp3"),
        ([recording("18:30:00", location="http://a/0.mp3"), recording("19:00:05")], "http://a/1.mp3"),
    ],
)
def test_the_recording_of_a_call_is_the_first_of_its_agent_within_it(
    rows: list[dict[str, str]], expected: str | None
) -> None:
    assert expected == recording_of(HIS, rows, ZONE)


@pytest.mark.parametrize(("near_hour", "hour"), [(5, 5), (6, 6)])
def test_in_a_repeated_hour_the_pass_nearer_to_the_call_counts(near_hour: int, hour: int) -> None:
    near = datetime(2026, 11, 1, near_hour, 31, tzinfo=UTC)

    assert datetime(2026, 11, 1, hour, 30, tzinfo=UTC) == local_time(
        {"call_date": "2026-11-01 01:30:00"}, "call_date", ZONE, near
    )
