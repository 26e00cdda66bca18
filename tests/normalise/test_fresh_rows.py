"""
Which rows of a page say something new, and which known ones it leaves out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from relay.journal.port import KnownLegRow
from relay.model.call import USER_CALLS, LegFacts
from relay.model.coverage import Interval
from relay.normalise.fresh_rows import KnownRows
from relay.testing.manual_clock import DEFAULT_START
from tests.normalise.office import Office, user_row

DIGESTS = st.lists(st.sampled_from([b"a", b"b", b"c", b"d"]), max_size=12)
MINUTE = timedelta(minutes=1)
HOUR = Interval(DEFAULT_START - 30 * MINUTE, DEFAULT_START + 30 * MINUTE)


def row(name: bytes, minute: int = 0, bag: str | None = None) -> KnownLegRow:
    """
    Make a row that is held; rows of one name are twins.
    """
    return KnownLegRow(name, bag or name.decode(), DEFAULT_START + minute * MINUTE, is_closed=True)


def rows(names: Sequence[bytes]) -> list[KnownLegRow]:
    """
    Make held rows.
    """
    return [row(name) for name in names]


def test_a_row_is_known_as_often_as_it_was_stored() -> None:
    known = KnownRows(rows([b"a", b"a", b"b"]))

    assert [2, 4] == known.fresh([b"a", b"a", b"a", b"b", b"b"])


def test_a_rejected_row_is_known_however_often_it_comes() -> None:
    known = KnownRows(of_rejects=[b"x"])
    known.learn([], [], [b"y"])

    assert [2] == known.fresh([b"x", b"y", b"z", b"x", b"y"])


def test_a_rejected_row_can_be_forgotten() -> None:
    known = KnownRows(of_rejects=[b"x", b"y"])
    known.forget_rejects([b"x"])

    assert [0] == known.fresh([b"x", b"y"])


def test_a_row_that_is_gone_is_asked_about_again() -> None:
    known = KnownRows(rows([b"a", b"c", b"c"]))
    known.learn([row(b"b")], [row(b"a"), row(b"c")], [])

    assert [0, 3] == known.fresh([b"a", b"b", b"c", b"c"])


def test_rows_of_long_ago_are_forgotten() -> None:
    known = KnownRows([row(b"a", -9), row(b"a", -9), row(b"b")])
    known.forget_before(DEFAULT_START - MINUTE)

    assert [0] == known.fresh([b"a", b"b"])


@settings(derandomize=True, database=None, deadline=None, max_examples=200)
@given(DIGESTS, DIGESTS)
def test_fresh_is_what_the_page_has_beyond_the_bag_of_the_known(
    stored: list[bytes], page: list[bytes]
) -> None:
    places = KnownRows(rows(stored)).fresh(page)

    assert Counter(page) - Counter(stored) == Counter(page[place] for place in places)
    assert sorted(set(places)) == places


@settings(derandomize=True, database=None, deadline=None, max_examples=200)
@given(DIGESTS, DIGESTS)
def test_left_out_is_what_the_known_have_beyond_the_page(stored: list[bytes], page: list[bytes]) -> None:
    changed, missing = KnownRows(rows(stored)).left_out(page, [], HOUR)

    assert Counter(stored) - Counter(page) == Counter(one.digest for one in missing)
    assert [] == changed


def test_a_row_of_another_time_that_is_shown_in_a_new_state_has_changed() -> None:
    """
    A short page shows rows beyond what it proves; their old state would be missed for ever.
    """
    known = KnownRows([row(b"old", -90, "one"), row(b"other", -90, "two")])

    changed, missing = known.left_out([b"new"], [facts_in_bag("one")], HOUR)

    assert ([b"old"], []) == ([one.digest for one in changed], missing)


def test_a_known_row_of_another_time_is_not_left_out() -> None:
    known = KnownRows([row(b"a", -31), row(b"b", -30), row(b"c", 30)])

    _, missing = known.left_out([], [], HOUR)

    assert [b"b"] == [one.digest for one in missing]


def facts_in_bag(bag: str) -> LegFacts:
    """
    Make a fresh row of a bag.
    """
    office = Office()
    return office.reader.read(USER_CALLS, user_row(0, 9, ended=9))._replace(
        base_key=bag, started_at=DEFAULT_START
    )


def test_a_row_whose_bag_has_a_fresh_one_has_changed() -> None:
    known = KnownRows([row(b"a", bag="one"), row(b"b", bag="one"), row(b"c", bag="two")])

    changed, missing = known.left_out([], [facts_in_bag("one"), facts_in_bag("new")], HOUR)

    assert [1, 2] == [len(changed), len(missing)]
    assert ["one"] == [one.base_key for one in changed]
