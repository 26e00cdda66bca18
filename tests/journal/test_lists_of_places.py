"""
Places in a list: opaque text that survives a URL, and nothing else is taken for one.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.journal.cursors import (
    FIRST_ALIAS,
    NEWEST_CALL,
    NEWEST_DELIVERY,
    NEWEST_JOB,
    NEWEST_READ,
    NEWEST_REJECT,
    CallPlace,
    DeliveryPlace,
    RejectPlace,
    bytes_in,
    place_of,
    seq_place,
    text_of,
)
from relay.model.errors import NoSuchPlace

NUMBERS = st.integers(-(2**62), 2**62)
FIRST_PLACES = (NEWEST_CALL, NEWEST_DELIVERY, NEWEST_READ, NEWEST_REJECT, NEWEST_JOB, FIRST_ALIAS)


def reader(first: tuple[int | str, ...]) -> Callable[[str], tuple[object, ...]]:
    """
    Return what reads a place in the list that begins at `first`.
    """
    return lambda text: place_of(text, first)  # type: ignore[type-var]  # one of FIRST_PLACES


PLACES = (*map(reader, FIRST_PLACES), seq_place)


@given(NUMBERS, st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=64))
def test_a_place_among_calls_reads_back(started_ms: int, call_id: str) -> None:
    text = text_of(CallPlace(started_ms, call_id))

    assert re.fullmatch("[A-Za-z0-9_-]+", text)
    assert (started_ms, call_id) == place_of(text, NEWEST_CALL)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_a_place_among_deliveries_reads_back(seq: int, endpoint_no: int, job: int) -> None:
    text = text_of(DeliveryPlace(seq, endpoint_no, job))

    assert re.fullmatch("[A-Za-z0-9_-]+", text)
    assert (seq, endpoint_no, job) == place_of(text, NEWEST_DELIVERY)


def test_without_a_place_a_list_begins_at_its_beginning() -> None:
    assert (NEWEST_CALL, FIRST_ALIAS) == (place_of(None, NEWEST_CALL), place_of(None, FIRST_ALIAS))
    assert 0 == seq_place(None)


def test_a_place_among_rejects_reads_back() -> None:
    place = RejectPlace(7, "pbx", "user_calls", b"\x00\xffdigest".hex())

    assert place == place_of(text_of(place), NEWEST_REJECT)
    assert b"\x00\xffdigest" == bytes_in(place.digest)


def test_a_place_with_other_than_hexadecimal_digits_is_none() -> None:
    with pytest.raises(NoSuchPlace, match="not the `next` of an earlier page"):
        bytes_in("0g")


@pytest.mark.parametrize("read", PLACES)
@given(text=st.text() | st.binary().map(lambda raw: urlsafe_b64encode(raw).decode().rstrip("=")))
def test_any_other_text_is_a_fault_that_is_told_to_a_person(read: Callable[[str], object], text: str) -> None:
    said = "this is not it"
    try:
        read(text)
    except ValueError as error:
        said = str(error)

    assert said.startswith(("this is not", "a place in the list"))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.integers(-(2**63), 2**64 - 1),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("read", PLACES[:-1])
@given(value=JSON)
def test_a_place_holds_only_numbers_that_the_journal_takes(
    read: Callable[[str], tuple[object, ...]], value: object
) -> None:
    try:
        place = read(urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("="))
    except ValueError:
        return

    assert value == list(place)
    assert all(type(part) in (int, str) for part in place)
    assert all(abs(part) < 2**63 for part in place if isinstance(part, int))


@pytest.mark.parametrize(
    "text",
    [
        text_of(DeliveryPlace(1, 2, 3)),
        urlsafe_b64encode(b'[18446744073709551615,"a"]').decode(),
        urlsafe_b64encode(b'[99999999999999999999999999,"a"]').decode(),
        urlsafe_b64encode(b'[true,"a"]').decode(),
        urlsafe_b64encode(b'[1,"a",2]').decode(),
        urlsafe_b64encode(b'{"1":"a"}').decode(),
        urlsafe_b64encode(b"[" * 200).decode(),
        urlsafe_b64encode(b'[1,"' + b"a" * 400 + b'"]').decode(),
        "",
        "WzEs.ImEiXQ",
        "é",
        "a=b",
    ],
)
def test_what_is_no_place_among_calls(text: str) -> None:
    with pytest.raises(ValueError, match="not the `next` of an earlier page"):
        place_of(text, NEWEST_CALL)


@pytest.mark.parametrize("text", ["", "-1", "+1", " 1", "1.0", "1e3", "0x1", "1_0", "²", "٣", "9" * 19])
def test_what_is_no_seq(text: str) -> None:
    with pytest.raises(ValueError, match="a seq: a number, in digits"):
        seq_place(text)


def test_a_seq_is_a_place_of_its_own() -> None:
    assert [0, 7, 10**18 - 1] == [seq_place(text) for text in ("0", "007", "9" * 18)]
