"""
VoIPcloud rows as documented, and every way in which one may not be.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.model.call import QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS, LegFacts
from relay.model.errors import RecordRejected
from relay.normalise.voipcloud_rows import NATIVE_ID_COLUMNS
from tests.normalise.office import Office, Row, at, queue_row, ring_group_row, user_row, without

ROWS = {
    USER_CALLS: user_row(0, 90, answered=12, ended=80),
    QUEUE_CALLS: queue_row(0, 80, answered=12, by="Bao Smith"),
    RINGGROUP_CALLS: ring_group_row(0, 80, answered=12, by="Bao Smith"),
}
COLUMNS = [(stream, column) for stream, row in ROWS.items() for column in row]
TIMES = [(stream, column) for stream, column in COLUMNS if column.endswith("_at")]
NOT_TIMES = [
    "not a date", "", "0000-00-00 00:00:00", "0001-01-01T00:00:00", "0001-01-01T00:00:00+11:00",
    "9999-12-31T23:59:59", "9999-12-31T23:59:59-11:00", "2026-11-21", "20261121", "2026-02-30T10:00:00",
    "2026-11-21T25:00:00", 1_795_257_600, 12.5, True, [], {},
]  # fmt: skip


def read(stream: str, row: Row, zone: str = "Australia/Sydney") -> LegFacts:
    """
    Read one row.
    """
    return Office(zone=ZoneInfo(zone)).reader.read(stream, row)


def why(stream: str, row: Row) -> str:
    """
    Return why a row is rejected.
    """
    with pytest.raises(RecordRejected) as caught:
        read(stream, row)

    assert row == caught.value.record
    return caught.value.why


def test_a_user_row_holds_what_is_documented() -> None:
    facts = read(USER_CALLS, ROWS[USER_CALLS])

    assert (at(0), at(12), at(80)) == (facts.started_at, facts.answered_at, facts.ended_at)
    assert (80, 68, "inbound") == (facts.duration_s, facts.talk_s, facts.direction)
    assert ("0491570156", "0270101000") == (facts.from_raw, facts.to_raw)
    assert ("Alice Nguyen", None, None, None) == (
        facts.agent_name, facts.queue, facts.ring_group, facts.status,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("stream", "queue", "group"), [(QUEUE_CALLS, "Sales", None), (RINGGROUP_CALLS, None, "Reception")]
)
def test_a_summary_row_holds_what_is_documented(stream: str, queue: str | None, group: str | None) -> None:
    facts = read(stream, ROWS[stream])

    assert (at(0), at(12), at(80)) == (facts.started_at, facts.answered_at, facts.ended_at)
    assert (queue, group, "Bao Smith", "answered") == (
        facts.queue, facts.ring_group, facts.agent_name, facts.status,
    )  # fmt: skip
    assert (None, None, "inbound") == (facts.duration_s, facts.talk_s, facts.direction)


def test_an_open_row_has_no_end_and_no_durations() -> None:
    facts = read(USER_CALLS, user_row(0, 40, answered=12))

    assert (at(12), None, None, None) == (
        facts.answered_at, facts.ended_at, facts.duration_s, facts.talk_s,
    )  # fmt: skip


@pytest.mark.parametrize(("stream", "column"), COLUMNS)
def test_a_missing_column_rejects_the_row_by_name(stream: str, column: str) -> None:
    assert why(stream, without(ROWS[stream], column)).startswith(column)


@pytest.mark.parametrize(("stream", "column"), COLUMNS)
@pytest.mark.parametrize("value", [[], {}, {"a": 1}, 1.5, -1.5], ids=str)
def test_a_column_of_another_kind_rejects_the_row_by_name(stream: str, column: str, value: object) -> None:
    assert why(stream, ROWS[stream] | {column: value}).startswith(column)


@pytest.mark.parametrize(("stream", "column"), TIMES)
@pytest.mark.parametrize("value", NOT_TIMES, ids=repr)
def test_what_is_no_time_of_a_call_rejects_the_row_by_name(stream: str, column: str, value: object) -> None:
    assert why(stream, ROWS[stream] | {column: value}).startswith(column)


@pytest.mark.parametrize("stream", ROWS)
def test_a_call_without_a_start_is_rejected(stream: str) -> None:
    assert "call_start_at is null" == why(stream, ROWS[stream] | {"call_start_at": None})


@pytest.mark.parametrize("column", ["call_duration", "conversation_duration"])
@pytest.mark.parametrize(
    "value", [None, -1, "-1", "", "80 s", "1:20", True, "٨٠", 10**12, "9" * 30, "9" * 5_000]
)
def test_what_is_no_number_of_seconds_rejects_the_row_by_name(column: str, value: object) -> None:
    assert why(USER_CALLS, ROWS[USER_CALLS] | {column: value}).startswith(column)


@pytest.mark.parametrize("value", [None, 2, -1, "yes", "", "true", "01"])
def test_a_direction_that_is_neither_0_nor_1_rejects_the_row(value: object) -> None:
    assert why(USER_CALLS, ROWS[USER_CALLS] | {"is_inbound": value}).startswith("is_inbound")


@pytest.mark.parametrize("value", [None, "", "ringing", "Answered", "timed_out", 1, ["answered"]])
def test_a_status_that_is_not_documented_rejects_the_row(value: object) -> None:
    assert why(QUEUE_CALLS, ROWS[QUEUE_CALLS] | {"status": value}).startswith("status")


@pytest.mark.parametrize(
    ("stream", "columns"),
    [
        (USER_CALLS, {"conversation_duration": 81}),
        (USER_CALLS, {"call_finished_at": "2026-11-21T10:59:59+11:00"}),
        (QUEUE_CALLS, {"call_finished_at": "2026-11-21T10:59:59+11:00"}),
        (QUEUE_CALLS, {"call_answered_at": "2026-11-21T10:59:59+11:00"}),
        (QUEUE_CALLS, {"call_answered_at": "2026-11-21T11:05:00+11:00"}),
        (QUEUE_CALLS, {"status": "abandoned"}),
        (QUEUE_CALLS, {"call_answered_at": None}),
    ],
    ids=str,
)
def test_columns_that_contradict_each_other_reject_the_row(stream: str, columns: Row) -> None:
    assert any(column in why(stream, ROWS[stream] | columns) for column in (*columns, "finish"))


def test_numbers_written_as_text_are_numbers() -> None:
    row = ROWS[USER_CALLS]
    as_text = row | {
        name: str(row[name]) for name in ("is_inbound", "call_duration", "conversation_duration")
    }

    facts, same = read(USER_CALLS, row), read(USER_CALLS, as_text)

    assert (facts.base_key, facts.duration_s, facts.talk_s, facts.direction) == (
        same.base_key, same.duration_s, same.talk_s, same.direction,
    )  # fmt: skip


def test_phone_numbers_written_as_numbers_are_text() -> None:
    facts = read(USER_CALLS, ROWS[USER_CALLS] | {"from_number": 61491570156, "to_number": None})

    assert ("61491570156", "+61491570156", "", None) == (
        facts.from_raw, facts.from_e164, facts.to_raw, facts.to_e164,
    )  # fmt: skip


def test_unknown_columns_stay_in_the_row() -> None:
    row = ROWS[USER_CALLS] | {"mood": {"of": ["the", "caller"]}}

    facts = read(USER_CALLS, row)

    assert row == facts.row
    assert read(USER_CALLS, ROWS[USER_CALLS]).base_key == facts.base_key
    assert read(USER_CALLS, ROWS[USER_CALLS]).digest != facts.digest


@pytest.mark.parametrize(
    "column", ["call_finished_at", "user_name", "call_duration", "conversation_duration"]
)
def test_what_may_change_is_no_part_of_the_identity(column: str) -> None:
    other = user_row(0, 100, answered=12, ended=90, user_name="Bao Smith")

    changed = ROWS[USER_CALLS] | {column: other[column]}

    assert ROWS[USER_CALLS] != changed
    facts = read(USER_CALLS, changed | {"conversation_duration": 1})
    assert read(USER_CALLS, ROWS[USER_CALLS]).base_key == facts.base_key


@pytest.mark.parametrize(
    "columns",
    [
        {"call_start_at": "2026-11-21T11:00:01+11:00"},
        {"from_number": "0491570157"},
        {"to_number": "0270101001"},
        {"is_inbound": 0},
    ],
    ids=str,
)
def test_what_cannot_change_is_the_identity(columns: Row) -> None:
    facts = read(USER_CALLS, ROWS[USER_CALLS] | {"call_finished_at": None} | columns)

    assert read(USER_CALLS, ROWS[USER_CALLS]).base_key != facts.base_key


def test_the_same_instant_written_in_another_zone_is_the_same_leg() -> None:
    row = ROWS[USER_CALLS]
    in_utc = row | {
        name: datetime.fromisoformat(row[name]).astimezone(UTC).isoformat()
        for name in ("call_start_at", "call_finished_at")
    }

    assert read(USER_CALLS, row).base_key == read(USER_CALLS, in_utc).base_key


def test_legs_of_two_streams_and_of_two_sources_never_share_an_identity() -> None:
    keys = {read(stream, row).base_key for stream, row in ROWS.items()}

    assert 3 == len(keys)


@pytest.mark.parametrize("column", NATIVE_ID_COLUMNS)
@pytest.mark.parametrize("value", ["A-77", 77])
def test_a_native_id_is_the_identity(column: str, value: object) -> None:
    facts = read(USER_CALLS, ROWS[USER_CALLS] | {column: value})
    moved = read(USER_CALLS, user_row(40, 90, ended=80, from_number="0491570199") | {column: value})

    assert str(value) == facts.native_id
    assert facts.base_key == moved.base_key != read(USER_CALLS, ROWS[USER_CALLS]).base_key
    assert facts.base_key != read(QUEUE_CALLS, ROWS[QUEUE_CALLS] | {column: value}).base_key


@pytest.mark.parametrize("value", [None, "", True, [], 1.5])
def test_what_is_no_native_id_is_none(value: object) -> None:
    assert read(USER_CALLS, ROWS[USER_CALLS] | {"id": value}).native_id is None


@pytest.mark.parametrize(
    ("zone", "text", "instant"),
    [
        ("Australia/Sydney", "2026-11-21T11:00:00", "2026-11-21T00:00:00+00:00"),
        ("Australia/Sydney", "2026-07-01 10:00:00", "2026-07-01T00:00:00+00:00"),
        ("America/New_York", "2026-11-20T19:00:00", "2026-11-21T00:00:00+00:00"),
        ("Australia/Sydney", "2026-11-21T00:00:00Z", "2026-11-21T00:00:00+00:00"),
        ("Australia/Sydney", "2026-11-21T08:00:00+08:00", "2026-11-21T00:00:00+00:00"),
        ("Australia/Sydney", "2026-04-05T02:30:00", "2026-04-04T15:30:00+00:00"),  # twice that night
        ("Australia/Sydney", "2026-10-04T02:30:00", "2026-10-03T16:30:00+00:00"),  # never that night
    ],
)
def test_a_time_without_an_offset_is_of_the_tenants_zone(zone: str, text: str, instant: str) -> None:
    row = user_row(0, 10, call_start_at=text)

    assert datetime.fromisoformat(instant) == read(USER_CALLS, row, zone).started_at


@pytest.mark.parametrize(
    ("start", "finish", "duration_s"),
    [("02:50:00", "02:10:00", 1200), ("02:10:00", "02:50:00", 2400), ("02:50:00", "03:10:00", 4800)],
)
def test_a_call_while_the_clocks_go_back_ends_after_it_began(
    start: str, finish: str, duration_s: int
) -> None:
    night = "2026-04-05T"
    answer = (datetime.fromisoformat(night + start) + timedelta(seconds=30)).isoformat()
    user = user_row(
        0, 0, call_start_at=night + start, call_finished_at=night + finish, call_duration=duration_s
    )
    queue = queue_row(0, 0, call_start_at=night + start, call_finished_at=night + finish)
    queue |= {"call_answered_at": answer, "status": "answered"}

    for stream, row in ((USER_CALLS, user), (QUEUE_CALLS, queue)):
        facts = read(stream, row)

        assert facts.ended_at is not None
        assert duration_s == (facts.ended_at - facts.started_at).total_seconds()


VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),  # what the JSON reader gives; larger ones become floats
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=30),
    st.datetimes().map(datetime.isoformat),
    st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    st.lists(st.integers(0, 9), max_size=2),
)


@settings(derandomize=True, database=None, deadline=None, max_examples=600)
@given(st.sampled_from(COLUMNS), VALUES)
def test_whatever_a_column_holds_the_row_is_read_or_rejected_by_name(
    place: tuple[str, str], value: Any
) -> None:
    stream, column = place
    row = ROWS[stream] | {column: value}
    rejected: RecordRejected | None = None
    try:
        facts = read(stream, row)
    except RecordRejected as error:
        rejected = error

    if rejected is None:
        assert facts.started_at <= (facts.ended_at or facts.started_at)
    else:
        assert row == rejected.record
        assert any(name in rejected.why for name in (*row, "out of order"))


@pytest.mark.parametrize(
    ("duration_s", "ended"),
    [
        (900, "2026-04-04T15:05:00+00:00"),
        (4_500, "2026-04-04T16:05:00+00:00"),
        (77, "2026-04-04T15:05:00+00:00"),
    ],
    ids=["first pass", "second pass", "neither"],
)
def test_the_duration_tells_in_which_pass_of_the_repeated_hour_a_call_ended(
    duration_s: int, ended: str
) -> None:
    row = ROWS[USER_CALLS] | {
        "call_start_at": "2026-04-05T01:50:00",
        "call_finished_at": "2026-04-05T02:05:00",
        "call_duration": duration_s,
        "conversation_duration": 0,
    }

    facts = read(USER_CALLS, row)

    assert datetime.fromisoformat(ended) == facts.ended_at
    assert datetime.fromisoformat("2026-04-04T14:50:00+00:00") == facts.started_at


def naive_rows(start: str, answer: str | None, finish: str | None, duration_s: int) -> dict[str, Row]:
    """
    Return a call of the night in which Sydney's clocks go back, as two streams tell it.
    """
    night = "2026-04-05T"
    user = user_row(0, 0, call_start_at=night + start, call_finished_at=finish and night + finish)
    queue = queue_row(0, 0, call_start_at=night + start, call_finished_at=night + (finish or "04:00:00"))
    queue |= {"call_answered_at": answer and night + answer, "status": "answered" if answer else "abandoned"}
    return {USER_CALLS: user | {"call_duration": duration_s}, QUEUE_CALLS: queue}


@pytest.mark.parametrize(
    ("start", "finish", "duration_s"),
    [("02:10:00", "02:50:00", 2_400), ("02:50:00", "03:10:00", 1_200), ("02:10:00", "02:10:05", 5)],
)
@pytest.mark.parametrize("stream", [USER_CALLS, QUEUE_CALLS])
def test_a_call_of_the_second_pass_begins_and_ends_an_hour_later(
    stream: str, start: str, finish: str, duration_s: int
) -> None:
    row = naive_rows(start, start[:-2] + "05", finish, duration_s)[stream]
    reader = Office().reader

    first, second = reader.read(stream, row), reader.read(stream, row, fold=1)

    assert timedelta(hours=1) == second.started_at - first.started_at
    assert second.ended_at is not None
    assert duration_s == (second.ended_at - second.started_at).total_seconds()
    assert second.started_at <= (second.answered_at or second.started_at) <= second.ended_at
    assert first.base_key != second.base_key


@pytest.mark.parametrize("fold", [0, 1])
def test_the_other_pass_is_the_same_row_with_another_identity(fold: int) -> None:
    row = naive_rows("02:10:00", None, None, 30)[USER_CALLS]
    reader = Office().reader

    other = reader.other_pass(USER_CALLS, row, b"d" * 16, fold=fold)

    assert reader.read(USER_CALLS, row, b"d" * 16, fold=1 - fold) == other


@pytest.mark.parametrize(
    "row",
    [
        ROWS[USER_CALLS],
        ROWS[USER_CALLS] | {"call_start_at": "2026-04-05T02:10:00+11:00"},
        ROWS[USER_CALLS] | {"call_start_at": "2026-04-05T03:10:00"},
        ROWS[USER_CALLS] | {"call_start_at": None},
        naive_rows("02:50:00", None, "02:10:00", 1_200)[
            USER_CALLS
        ],  # ends before the second pass of its start
    ],
    ids=lambda row: str(row["call_start_at"]),
)
def test_a_row_that_is_of_one_time_has_no_other_pass(row: Row) -> None:
    assert Office().reader.other_pass(USER_CALLS, row) is None
