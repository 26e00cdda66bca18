"""
Answers that can be read but not be written again: one poisoned row never costs the page.
"""

from __future__ import annotations

import json
from typing import Any, Final

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.model.errors import SourceGarbled
from relay.model.ids import facts_digest, row_digest
from relay.sources.voipcloud.answers import (
    MAX_LENIENT_BYTES,
    UNREADABLE,
    UNREADABLE_CHARACTERS,
    VoipcloudAnswers,
)
from relay.sources.wire import Answer
from tests.sources.vendor import BUDGET, NOON, SOURCE_ID, TOKEN

ROW: Final = b'{"call_start_at":"2026-11-21T11:00:00+11:00","from_number":"0412345678"}'
ANSWERS: Final = VoipcloudAnswers(SOURCE_ID, BUDGET.per_s, TOKEN)
SURROGATE_ROW: Final = rb'{"user_name":"A\ud800"}'


def nested(levels: int) -> bytes:
    """
    Return arrays in arrays, so many of them.
    """
    return b"[" * levels + b"]" * levels


def rows_of(body: bytes) -> list[dict[str, Any]]:
    """
    Read the rows of a page.
    """
    return ANSWERS.rows(Answer(200, {}, body), NOON)


POISONED = {
    "nested beyond what can be written": b'{"from_number":"0499","extra":' + nested(300) + b"}",
    "nested as deeply as can be read": b'{"from_number":"0499","extra":' + nested(1_000) + b"}",
    "nested so that an event about it could not be written": b'{"from_number":"0499","extra":'
    + nested(250)
    + b"}",
    "a lone surrogate": rb'{"from_number":"0499","user_name":"A\ud800"}',
    "a lone surrogate in a column's name": rb'{"from_number":"0499","A\ud800":1}',
    "bytes that are no text": b'{"from_number":"0499","user_name":"M\xfcller"}',
    "NaN": b'{"from_number":"0499","call_duration":NaN}',
    "Infinity": b'{"from_number":"0499","call_duration":-Infinity}',
    "a number that no float holds": b'{"from_number":"0499","call_duration":1e400}',
    "a whole number that no float holds": b'{"from_number":"0499","call_duration":' + b"9" * 5_000 + b"}",
}


@pytest.mark.parametrize("poisoned", POISONED.values(), ids=POISONED)
@pytest.mark.parametrize("page", [b"[%s]", b'{"code":200,"data":[%s]}'], ids=["bare", "wrapped"])
def test_a_poisoned_row_is_replaced_and_the_others_go_on(page: bytes, poisoned: bytes) -> None:
    before, noted, after = rows_of(page % b",".join((ROW, poisoned, ROW)))

    assert [orjson.loads(ROW)] * 2 == [before, after]
    assert [UNREADABLE] == list(noted)
    assert "0499" in noted[UNREADABLE]
    assert 16 == len(row_digest(noted))
    assert [noted] == rows_of(b"[" + poisoned + b"]")


@pytest.mark.parametrize(
    "poison", [b'"%s"' % (b"x" * 5_000), nested(300), b'{"a":' * 300 + b"1" + b"}" * 300]
)
def test_a_note_about_a_row_is_short(poison: bytes) -> None:
    columns = b",".join(b'"column_%d":%s' % (number, poison) for number in range(50))
    (noted,) = rows_of(rb'[{"bad":"\ud800",' + columns + b"}]")

    assert 0 < len(noted[UNREADABLE]) <= UNREADABLE_CHARACTERS


def test_what_is_nested_but_can_be_written_stays_as_it_is() -> None:
    body = b'[{"extra":' + nested(200) + b',"more":{"a":[1,null]}}]'

    assert orjson.loads(body) == rows_of(body)


_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=8), st.just(-0.0)
)


@settings(derandomize=True, database=None, deadline=None, max_examples=200)
@given(st.dictionaries(st.text(max_size=4), _SCALARS, max_size=5))
def test_a_row_is_the_same_beside_a_poisoned_one(row: dict[str, Any]) -> None:
    """
    Read by either reader a row has one digest: it would count as changed otherwise.
    """
    try:
        given_row = json.dumps(row, allow_nan=False).encode()
    except ValueError:
        return  # NaN and Infinity have no JSON to compare with
    alone, beside = rows_of(b"[" + given_row + b"]"), rows_of(b"[" + given_row + b"," + SURROGATE_ROW + b"]")

    assert row_digest(alone[0]) == row_digest(beside[0])
    assert repr(alone[0]) == repr(beside[0])


@pytest.mark.parametrize(
    "body",
    [
        b"[" + ROW + b"," + SURROGATE_ROW,
        b"[" + SURROGATE_ROW + b"]]",
        b"[NaN]",
        b"[Infinity," + ROW + b"]",
        nested(100_000),
        b"[" + SURROGATE_ROW + b"," + b" " * MAX_LENIENT_BYTES + b"]",
    ],
    ids=["cut off", "too much", "no row", "no row beside a row", "nested beyond all reading", "too large"],
)
def test_a_page_that_neither_reader_takes_is_garbled(body: bytes) -> None:
    with pytest.raises(SourceGarbled) as caught:
        rows_of(body)

    assert "bad_payload" == caught.value.reason


@pytest.mark.parametrize(
    "status", [nested(300), nested(250), b'{"a":' + nested(1_000) + b"}", rb'"A\ud800"', b'{"load":NaN}']
)
def test_a_system_status_that_cannot_be_written_again_is_garbled(status: bytes) -> None:
    with pytest.raises(SourceGarbled) as caught:
        ANSWERS.document(Answer(200, {}, status), NOON)

    assert "bad_payload" == caught.value.reason


def test_a_system_status_that_is_given_out_can_be_told_in_an_event() -> None:
    status = ANSWERS.document(Answer(200, {}, nested(238)), NOON)

    assert 16 == len(facts_digest("source.system_status_changed", {"data": {"status": status}}))
