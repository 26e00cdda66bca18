"""
Rows that say too much, or too early: what is no fact of a call, whatever its column.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relay.model.call import QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS, LegFacts
from relay.model.errors import RecordNotYet, RecordRejected
from relay.model.ids import IdMaker
from relay.normalise.voipcloud_pushes import read_push
from tests.normalise.office import Office, Row, at, queue_row, ring_group_row, user_row

ROWS = {
    USER_CALLS: user_row(0, 90, answered=12, ended=80),
    QUEUE_CALLS: queue_row(0, 80, answered=12, by="Bao Smith"),
    RINGGROUP_CALLS: ring_group_row(0, 80, answered=12, by="Bao Smith"),
}
TEXTS = [
    (stream, column)
    for stream, row in ROWS.items()
    for column in row
    if column.endswith(("_name", "_number", "callerid"))
]


def with_length(stream: str, column: str, length: int) -> Row:
    """
    Return a row with so long a text in a column.
    """
    return ROWS[stream] | {column: "7" * length}


def pushed(body: Row) -> LegFacts:
    """
    Read what was pushed.
    """
    return read_push(body, Office().rules, IdMaker(b"a key of the tests"), at(90))


@pytest.mark.parametrize("read", [Office().reader.read, lambda _, row: pushed(row)], ids=["row", "push"])
@pytest.mark.parametrize(("stream", "column"), TEXTS)
def test_what_is_too_long_for_a_name_or_number_rejects_the_row_by_name(
    read: Callable[[str, Row], LegFacts], stream: str, column: str
) -> None:
    assert "7" * 1_000 in read(stream, with_length(stream, column, 1_000))

    with pytest.raises(RecordRejected) as caught:
        read(stream, with_length(stream, column, 1_001))

    assert with_length(stream, column, 1_001) == caught.value.record
    assert caught.value.why.startswith(f"{column} is '777")
    assert len(caught.value.why) < 300


@pytest.mark.parametrize("read", [Office().reader.read, lambda _, row: pushed(row)], ids=["row", "push"])
@pytest.mark.parametrize("stream", ROWS)
def test_what_is_too_long_for_an_id_is_none(read: Callable[[str, Row], LegFacts], stream: str) -> None:
    """
    The call is told all the same, by its facts.
    """
    ids = [read(stream, with_length(stream, "unique_call_id", length)).native_id for length in (1_000, 1_001)]

    assert ["7" * 1_000, None] == ids


@pytest.mark.parametrize(("stream", "row"), ROWS.items(), ids=list(ROWS))
def test_a_call_that_begins_in_the_future_is_not_yet_one(stream: str, row: Row) -> None:
    """
    It will be: a clock is wrong.  But not by days.
    """
    reader = Office().reader
    for ahead_s, error in ((121, RecordNotYet), (86_399, RecordNotYet), (86_400, RecordRejected)):
        with pytest.raises(RecordRejected, match=r"call_start_at .* starts in the future") as caught:
            reader.read(stream, row, now=at(-ahead_s))

        assert error is caught.type
    assert reader.read(stream, row) == reader.read(stream, row, now=at(-120))
