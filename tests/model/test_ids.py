"""
Ids follow from facts and from the deployment's key, and from nothing else (I2).
"""

from __future__ import annotations

import re
from hashlib import blake2b

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.model.ids import IdMaker, facts_digest, key_fingerprint, row_digest, subject, subject_key

IDS = IdMaker(b"a key of this test")
AN_ID = re.compile(r"[a-z0-9_]{20,64}")
CALL = subject("call", "pbx-sydney", "abc")
PROFILE = settings(derandomize=True, database=None, deadline=None, max_examples=100)
FACTS = st.dictionaries(
    st.text(max_size=5), st.one_of(st.none(), st.integers(0, 99), st.text(max_size=5)), max_size=5
)


def every_kind(ids: IdMaker, word: str) -> dict[str, str]:
    """
    Return one id of each kind, made from a word.
    """
    return {
        "base": ids.leg_base("pbx", word),
        "leg": ids.leg(word, 0),
        "milestone": ids.milestone(word, "end"),
        "following": ids.following(word, None, b"digest"),
    }


@PROFILE
@given(st.text(max_size=60))
def test_every_id_is_of_the_promised_characters_and_length(word: str) -> None:
    for made in every_kind(IDS, word).values():
        assert AN_ID.fullmatch(made)


def test_event_ids_are_told_from_call_ids() -> None:
    assert [False, False, True, True] == [made.startswith("evt_") for made in every_kind(IDS, "a").values()]


@PROFILE
@given(st.text(max_size=20))
def test_another_key_gives_another_id_and_the_same_key_the_same(word: str) -> None:
    same, other = (
        every_kind(IdMaker(b"a key of this test"), word),
        every_kind(IdMaker(b"another key of it"), word),
    )

    assert every_kind(IDS, word) == same
    assert set(same.values()).isdisjoint(other.values())


def test_a_fingerprint_tells_keys_apart_and_shows_nothing_of_them() -> None:
    keys = [b"a key of this test", b"another key of it", bytes(32), bytes(33), b"k" * 64]

    made = [key_fingerprint(key) for key in keys]
    assert made == [key_fingerprint(key) for key in keys]
    assert len(keys) == len(set(made))
    assert [] == [one for one in made if not re.fullmatch("[0-9a-f]{16}", one)]
    assert key_fingerprint(keys[0]) != blake2b(key=keys[0], digest_size=8).hexdigest()


@pytest.mark.parametrize("key", [b"", b"fifteen bytes..", b"x" * 65])
def test_a_key_that_is_too_short_or_too_long_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="16 to 64"):
        IdMaker(key)


@pytest.mark.parametrize("length", [16, 64])
def test_the_shortest_and_the_longest_key_are_taken(length: int) -> None:
    assert AN_ID.fullmatch(IdMaker(b"k" * length).leg("base", 0))


def test_ids_of_different_kinds_and_facts_differ() -> None:
    made = [
        *every_kind(IDS, "a").values(),
        *every_kind(IDS, "b").values(),
        IDS.leg("a", 1),
        IDS.leg_base("a", "pbx"),
        IDS.leg_base("pbx", "a", ""),
        IDS.milestone("a", "started"),
        IDS.following("a", "evt_1", b"digest"),
        IDS.following("a", None, b"another"),
    ]

    assert len(made) == len(set(made))


def test_there_and_back_and_there_again_is_three_ids() -> None:
    a, b = facts_digest("call.updated", {"state": "a"}), facts_digest("call.updated", {"state": "b"})
    first = IDS.following(CALL, None, a)
    second = IDS.following(CALL, first, b)
    third = IDS.following(CALL, second, a)

    assert 3 == len({first, second, third})
    assert third == IDS.following(CALL, second, a)


@PROFILE
@given(FACTS, st.randoms())
def test_the_digest_of_facts_does_not_depend_on_the_order_of_their_names(
    facts: dict[str, object], random: object
) -> None:
    assert facts_digest("t", facts) == facts_digest("t", dict(reversed(facts.items())))
    assert facts_digest("t", {"in": facts}) == facts_digest("t", {"in": dict(sorted(facts.items()))})


def test_the_digest_of_facts_depends_on_the_type_and_on_every_value() -> None:
    digests = {
        facts_digest("a", {"x": 1}),
        facts_digest("b", {"x": 1}),
        facts_digest("a", {"x": 2}),
        facts_digest("a", {"x": None}),
        facts_digest("a", {"x": "1"}),
        facts_digest("a", {}),
    }

    assert 6 == len(digests)


def test_the_digest_of_a_row_tells_any_two_rows_apart() -> None:
    rows = [{"a": 1}, {"a": "1"}, {"a": 1, "b": None}, {"a": None}, {}]

    assert len(rows) == len({row_digest(row) for row in rows})
    assert row_digest({"a": [1, {"b": 2}]}) == row_digest({"a": [1, {"b": 2}]})


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (("call", "pbx-sydney", "abc_1.2~3"), "call/pbx-sydney/abc_1.2~3"),
        (("in_group", "dialer", "SALES LINE/1"), "in_group/dialer/SALES%20LINE%2F1"),
        (("user_group", "dialer", "50%+"), "user_group/dialer/50%25%2B"),
        (("agent", "dialer", "José"), "agent/dialer/Jos%C3%A9"),
        (("source", "pbx:1"), "source/pbx%3A1"),
    ],
)
def test_a_subject_encodes_what_is_not_plain(parts: tuple[str, ...], text: str) -> None:
    assert text == subject(*parts)


@PROFILE
@given(st.lists(st.text(min_size=1, max_size=10), min_size=2, max_size=3))
def test_subjects_are_plain_and_two_are_never_mixed_up(parts: list[str]) -> None:
    text = subject("call", *parts)

    assert re.fullmatch(r"call(/([A-Za-z0-9._~-]|%[0-9A-F]{2})+)+", text)
    assert len(parts) == text.count("/")
    assert text != subject("call", "".join(parts))


@PROFILE
@given(st.text(max_size=60))
def test_a_subject_key_fits_a_database_integer(text: str) -> None:
    assert -(2**63) <= subject_key(text) < 2**63
    assert subject_key(text) == subject_key(text)
    assert subject_key(text) != subject_key(text + "x")
