"""
Which rows of a page say something new.
"""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from relay.normalise.fresh_rows import KnownRows

DIGESTS = st.lists(st.sampled_from([b"a", b"b", b"c", b"d"]), max_size=12)


def test_a_row_is_known_as_often_as_it_was_stored() -> None:
    known = KnownRows([b"a", b"a", b"b"])

    assert [2, 4] == known.fresh([b"a", b"a", b"a", b"b", b"b"])


def test_a_rejected_row_is_known_however_often_it_comes() -> None:
    known = KnownRows(of_rejects=[b"x"])
    known.learn([b"x", b"y"], [b"y"])

    assert [2] == known.fresh([b"x", b"y", b"z", b"x", b"y"])


def test_what_left_the_page_is_asked_about_again() -> None:
    known = KnownRows([b"a"])
    known.learn([b"b"], [])

    assert [0] == known.fresh([b"a", b"b"])


@settings(derandomize=True, database=None, deadline=None, max_examples=200)
@given(DIGESTS, DIGESTS)
def test_fresh_is_what_the_page_has_beyond_the_bag_of_the_known(
    stored: list[bytes], page: list[bytes]
) -> None:
    places = KnownRows(stored).fresh(page)

    assert Counter(page) - Counter(stored) == Counter(page[place] for place in places)
    assert sorted(set(places)) == places
