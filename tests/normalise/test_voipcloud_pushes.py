"""
What PBXes of the VoIPcloud family push, and what is no call among it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.model.call import INBOUND, OUTBOUND, QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS, LegFacts
from relay.model.errors import RecordRejected
from relay.model.ids import IdMaker, row_digest
from relay.normalise.rules import CallRules
from relay.normalise.voipcloud_pushes import FIELDS, read_push
from relay.normalise.voipcloud_rows import VoipcloudRows
from tests.normalise.office import CALLER, DID, Row, at, queue_row, ring_group_row, stamp, user_row

RULES: Final = CallRules("pbx-sydney", ZoneInfo("Australia/Sydney"), "AU", at(-1e6))
IDS: Final = IdMaker(b"key of the office")
RINGING: Final[Row] = {
    "type": "user_inbound",
    "unique_call_id": "1795257600.77",
    "caller_id": CALLER,
    "caller_name": "Jo Citizen",
    "user_name": "Alice Nguyen",
    "user_number": "1001",
    "dest_number": DID,
    "call_start_at": stamp(0),
    "queue_name": "Sales",
    "ring_group_name": None,
}
ANSWERED: Final = RINGING | {"type": "user_inbound_answered", "connected_at": stamp(12)}
COMPLETED: Final = ANSWERED | {
    "type": "user_inbound_completed",
    "call_duration": 80,
    "conversation_duration": "68",
}


def read(body: Row, received: float = 1) -> LegFacts:
    """
    Read a push.
    """
    return read_push(body, RULES, IDS, at(received))


def why(body: Row) -> str:
    """
    Return why a push is rejected.
    """
    with pytest.raises(RecordRejected) as caught:
        read(body)

    assert body == caught.value.record
    return caught.value.why


def plain(facts: LegFacts) -> LegFacts:
    """
    Return facts without what tells a push from a row.
    """
    return facts._replace(row={}, digest=b"", native_id=None)


def test_a_phone_that_rings_is_a_leg_that_is_open() -> None:
    facts = read(RINGING)

    assert (USER_CALLS, INBOUND, CALLER, DID) == (
        facts.stream, facts.direction, facts.from_raw, facts.to_raw,
    )  # fmt: skip
    assert (at(0), None, None, None, None) == (
        facts.started_at, facts.answered_at, facts.ended_at, facts.duration_s, facts.talk_s,
    )  # fmt: skip
    assert ("Alice Nguyen", "1795257600.77") == (facts.agent_name, facts.native_id)
    assert (RINGING, row_digest(RINGING)) == (facts.row, facts.digest)


def test_a_user_who_answers_and_hangs_up_is_told_when() -> None:
    answered, completed = read(ANSWERED, 13), read(COMPLETED, 81)

    assert (at(12), None) == (answered.answered_at, answered.ended_at)
    assert (at(12), at(80), 80, 68) == (
        completed.answered_at, completed.ended_at, completed.duration_s, completed.talk_s,
    )  # fmt: skip
    assert 1 == len({read(RINGING).base_key, answered.base_key, completed.base_key})


def test_an_answer_without_a_time_was_when_the_push_came() -> None:
    told = {name: value for name, value in ANSWERED.items() if name != "connected_at"}

    assert at(13) == read(told, 13.4).answered_at
    assert read(told | {"type": "user_inbound_unanswered"}, 13).answered_at is None


def test_a_call_that_nobody_answered_ends_unanswered() -> None:
    facts = read(COMPLETED | {"connected_at": "null", "conversation_duration": 0}, 81)

    assert (None, at(80), 0) == (facts.answered_at, facts.ended_at, facts.talk_s)


def test_a_push_has_the_identity_of_the_row_that_will_confirm_it() -> None:
    reader = VoipcloudRows(RULES, IDS)
    row = user_row(0, 90, answered=12, ended=80)
    facts = reader.read(USER_CALLS, row)

    pushed = read(COMPLETED, 81)

    assert plain(facts) == plain(pushed)


@pytest.mark.parametrize(
    ("stream", "row"),
    [
        (USER_CALLS, user_row(0, 90, answered=12, ended=80)),
        (USER_CALLS, user_row(0, 90)),
        (QUEUE_CALLS, queue_row(0, 80, answered=12, by="Bao Smith")),
        (QUEUE_CALLS, queue_row(0, 80)),
        (RINGGROUP_CALLS, ring_group_row(0, 80, answered=12, by="Bao Smith")),
        (RINGGROUP_CALLS, ring_group_row(0, 80)),
    ],
)
@pytest.mark.parametrize("more", [{}, {"unique_call_id": "7"}], ids=["", "id"])
def test_a_push_with_the_columns_of_a_row_is_read_as_one(stream: str, row: Row, more: Row) -> None:
    facts = VoipcloudRows(RULES, IDS).read(stream, row)
    body = row | more

    pushed = read(body, 90)

    assert facts._replace(row=body, digest=row_digest(body), native_id=more.get("unique_call_id")) == pushed


@pytest.mark.parametrize(
    ("trigger", "body", "stream"),
    [
        ("queue_call", queue_row(0, 80), QUEUE_CALLS),
        ("ring_group_call", ring_group_row(0, 80), RINGGROUP_CALLS),
        ("Queue call summary", queue_row(0, 80, answered=2, by="Bo") | {"user_name": "Bo"}, QUEUE_CALLS),
        ("Ring group summary", ring_group_row(0, 80), RINGGROUP_CALLS),
        ("user_inbound", RINGING, USER_CALLS),
        (
            "user_user_inbound_answered",
            RINGING | {"queue_name": None, "ring_group_name": "Sales"},
            USER_CALLS,
        ),
        ("", RINGING | {"is_inbound": 1}, USER_CALLS),
        ("summary", queue_row(0, 80) | {"status": "timed_out"}, QUEUE_CALLS),
    ],
)
def test_the_trigger_tells_the_stream_or_else_what_the_push_holds(
    trigger: str, body: Row, stream: str
) -> None:
    assert stream == read(body | {"type": trigger}, 90).stream


@pytest.mark.parametrize(
    ("body", "direction"),
    [
        ({"type": "user_inbound"}, INBOUND),
        ({"type": "user_outbound"}, OUTBOUND),
        ({"type": "outbound_call_from_user"}, OUTBOUND),
        ({"event": "ringing", "type": None, "direction": "Incoming"}, INBOUND),
        ({"type": "ringing", "direction": "outgoing"}, OUTBOUND),
        ({"type": "ringing", "is_inbound": "0"}, OUTBOUND),
        ({"type": "ringing", "is_inbound": True}, INBOUND),
        ({"type": "user_inbound", "is_inbound": 0}, OUTBOUND),
    ],
    ids=str,
)
def test_the_direction_is_a_flag_or_a_word(body: Row, direction: str) -> None:
    assert direction == read(RINGING | body).direction


def test_a_call_without_a_start_began_when_the_push_came() -> None:
    assert at(7) == read(RINGING | {"call_start_at": None}, 7.9).started_at


@pytest.mark.parametrize(
    "field", [field for field in FIELDS if field not in ("direction", "trigger", "is_inbound")]
)
def test_every_name_of_a_field_is_taken(field: str) -> None:
    body = {
        "type": "user_inbound_completed", "unique_call_id": "7", "from_number": CALLER, "to_number": DID,
        "user_name": "Alice", "call_start_at": stamp(0), "call_answered_at": stamp(12),
        "call_finished_at": stamp(80), "call_duration": 80, "conversation_duration": 68,
    }  # fmt: skip
    if field in ("queue_name", "ring_group_name", "status", "answered_by_user_name"):
        body = (
            queue_row(0, 80, answered=12, by="Bao") if field != "ring_group_name" else ring_group_row(0, 80)
        )
    value = body.pop(field)
    renamed = [read(body | {name: value}, 90) for name in FIELDS[field]]

    assert [plain(renamed[0])] * len(renamed) == list(map(plain, renamed))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "from_number is missing"),
        (
            {"type": "user_inbound_completed", "unique_call_id": "7", "call_duration": 5},
            "from_number is missing",
        ),
        ({"type": "user_inbound", "from": CALLER}, "to_number is missing"),
        (RINGING | {"caller_id": "", "dest_number": None}, "both numbers are empty"),
        (RINGING | {"type": "voicemail"}, "voicemail is no trigger of a call"),
        (RINGING | {"type": "recording_user_inbound"}, "is no trigger of a call"),
        (RINGING | {"type": "ringing"}, "is_inbound is missing"),
        (RINGING | {"call_start_at": "yesterday"}, "call_start_at"),
        (RINGING | {"call_start_at": stamp(1_000)}, "starts in the future"),
        (RINGING | {"caller_id": {"number": CALLER}}, "from_number"),
        (ANSWERED | {"connected_at": "soon"}, "call_answered_at"),
        (COMPLETED | {"call_duration": -1}, "call_duration"),
        (COMPLETED | {"call_finished_at": 12}, "call_finished_at"),
        (queue_row(0, 80) | {"status": None}, "status"),
    ],
    ids=str,
)
def test_what_is_no_call_is_rejected_and_says_why(body: Row, reason: str) -> None:
    assert reason in why(body)


def test_a_withheld_number_is_a_call() -> None:
    facts = read(RINGING | {"caller_id": None})

    assert ("", None, DID) == (facts.from_raw, facts.link_key, facts.to_raw)


@pytest.mark.parametrize(
    ("received", "started"),
    [
        ("2026-04-04T15:31:00+00:00", "2026-04-04T15:30:00+00:00"),
        ("2026-04-04T16:31:00+00:00", "2026-04-04T16:30:00+00:00"),
    ],
)
def test_a_push_in_the_repeated_hour_is_of_the_pass_in_which_it_came(received: str, started: str) -> None:
    body = RINGING | {"call_start_at": "2026-04-05T02:30:00"}

    facts = read_push(body, RULES, IDS, datetime.fromisoformat(received))

    assert datetime.fromisoformat(started) == facts.started_at


def test_a_call_of_the_repeated_hour_is_answered_and_ends_after_it_began() -> None:
    body = COMPLETED | {"call_start_at": "2026-04-05T02:50:00", "connected_at": "2026-04-05T02:05:00"}
    body |= {"call_duration": 1_200, "conversation_duration": 300}

    facts = read_push(body, RULES, IDS, datetime.fromisoformat("2026-04-04T16:10:05+00:00"))

    assert facts.answered_at is not None
    assert facts.ended_at is not None
    assert timedelta(minutes=15) == facts.answered_at - facts.started_at
    assert timedelta(minutes=20) == facts.ended_at - facts.started_at


_NAMES: Final = sorted({name for names in FIELDS.values() for name in names})
_VALUES: Final[st.SearchStrategy[Any]] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.datetimes().map(datetime.isoformat),
    st.sampled_from(["user_inbound", "queue_call", "completed", "answered", CALLER, stamp(0), "null"]),
    st.lists(st.integers(0, 9), max_size=2),
)


@settings(derandomize=True, database=None, deadline=None, max_examples=600)
@given(st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=6))
def test_whatever_is_pushed_it_is_read_or_rejected(body: Row) -> None:
    for push in (body, RINGING | body, COMPLETED | body, queue_row(0, 80) | body):
        try:
            facts = read(push, 90)
        except RecordRejected:
            continue
        assert facts.started_at <= (facts.answered_at or facts.started_at)
        assert facts.started_at <= (facts.ended_at or facts.started_at)
