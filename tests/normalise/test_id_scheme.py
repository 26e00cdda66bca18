"""
The vendor's own ids, also where they come later (DESIGN section 4, Identity).
"""

from __future__ import annotations

from relay.normalise.id_scheme import FACTS, native_since, scheme_after
from tests.normalise.office import Office, at, types, user_row

ROW = user_row(0, 90, answered=12, ended=80)


def test_an_id_column_that_appears_later_does_not_double_what_was_read() -> None:
    office = Office()
    office.users(90, ROW)

    again = office.users(100, ROW | {"unique_call_id": "A1"})

    assert [] == again
    assert 1 == len(office.calls)


def test_calls_that_start_after_the_column_appeared_follow_it() -> None:
    office = Office()
    office.users(90, ROW)
    office.users(100, ROW | {"unique_call_id": "A1"})
    late = user_row(200, 290, answered=212, ended=280, unique_call_id="B2")

    assert ["started", "answered", "finished"] == types(
        office.users(290, late, ROW | {"unique_call_id": "A1"})
    )
    native_ids = [record["native_id"] for record in office.final_records()]
    assert [None, "B2"] == native_ids


def test_a_column_that_was_there_from_the_first_page_counts_for_all() -> None:
    office = Office()

    office.users(90, ROW | {"unique_call_id": "A1"})

    assert ["A1"] == [record["native_id"] for record in office.final_records()]


def test_a_scheme_changes_once() -> None:
    first = scheme_after(FACTS, has_native_ids=True, is_first_page=False, seen_at=at(100))
    later = scheme_after(first, has_native_ids=True, is_first_page=False, seen_at=at(500))

    assert first == later
    assert at(100) == native_since(later)
    assert native_since(scheme_after(FACTS, False, True, at(1))) is None
