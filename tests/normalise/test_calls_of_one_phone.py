"""
The life of a call that rings on one phone, as polls see it.
"""

from __future__ import annotations

from relay.model.call import ANSWERED, ENDED
from tests.normalise.office import CALLER, DID, Office, at, check, outbound_row, types, user_row


def test_a_call_is_seen_ringing_then_answered_then_finished() -> None:
    office = Office()

    started = office.users(5, user_row(0, 5))
    answered = office.users(20, user_row(0, 20, answered=12))
    finished = office.users(80, user_row(0, 80, answered=12, ended=75))

    assert [["started"], ["answered"], ["finished"]] == [types(started), types(answered), types(finished)]
    data = check(finished[0])["data"]
    assert (75, 63, 12) == (data["duration_s"], data["talk_s"], data["wait_s"])
    assert ("ended", "answered", "Alice Nguyen") == (data["state"], data["outcome"], data["agent_name"])
    assert ("inbound", CALLER, "+61491570156", "+61270101000") == (
        data["direction"], data["from_raw"], data["from_e164"], data["did"],
    )  # fmt: skip
    assert [False] * 3 == [event.inferred for event in office.events]


def test_each_event_says_when_it_happened_and_when_it_was_seen() -> None:
    office = Office()

    office.users(5, user_row(0, 5))
    office.users(20, user_row(0, 20, answered=12))
    office.users(80, user_row(0, 80, answered=12, ended=75))

    assert [at(0), at(12), at(75)] == [event.occurred_at for event in office.events]
    assert [at(5), at(20), at(80)] == [event.observed_at for event in office.events]
    assert [1] * 3 == [event.precision_s for event in office.events]


def test_what_is_not_known_yet_is_null_and_never_0() -> None:
    office = Office()

    started = check(office.users(5, user_row(0, 5))[0])["data"]
    answered = check(office.users(20, user_row(0, 20, answered=12))[0])["data"]

    unknown = ["ended_at", "talk_s", "duration_s"]
    assert [None] * 5 == [started[name] for name in (*unknown, "answered_at", "wait_s")]
    assert [None] * 3 == [answered[name] for name in unknown]
    assert 12 == answered["wait_s"]
    assert ("started", "unknown") == (started["state"], started["outcome"])
    assert [None] * 3 == [started["legs"][0][name] for name in unknown]


def test_a_call_first_seen_finished_still_gets_all_three_in_order() -> None:
    office = Office()

    events = office.users(80, user_row(0, 80, answered=12, ended=75))

    assert ["started", "answered", "finished"] == types(events)
    assert [True, True, False] == [event.inferred for event in events]
    assert ["started", "answered", "ended"] == [event.data["state"] for event in events]
    assert ["unknown", "answered", "answered"] == [event.data["outcome"] for event in events]
    assert [None, None, 63] == [event.data["talk_s"] for event in events]
    assert [None, None, 75] == [event.data["duration_s"] for event in events]
    assert [True, True, False] == [event.data["ended_at"] is None for event in events]
    assert [None, 12, 12] == [event.data["wait_s"] for event in events]
    assert () == events[0].changed
    assert [at(0), at(12), at(75)] == [event.occurred_at for event in events]


def test_a_call_first_seen_answered_infers_only_its_start() -> None:
    events = Office().users(20, user_row(0, 20, answered=12))

    assert ["started", "answered"] == types(events)
    assert [True, False] == [event.inferred for event in events]


def test_changed_names_what_differs_from_the_event_before() -> None:
    office = Office()

    office.users(5, user_row(0, 5))
    office.users(20, user_row(0, 20, answered=12))
    office.users(80, user_row(0, 80, answered=12, ended=75))

    changed = [set(event.changed) for event in office.events]
    assert [
        set(),
        {"state", "outcome", "answered_at", "wait_s", "legs"},
        {"state", "ended_at", "talk_s", "duration_s", "legs"},
    ] == changed


def test_reading_the_same_page_again_says_nothing() -> None:
    office = Office()
    page = [user_row(0, 80, answered=12, ended=75), user_row(30, 80, user_name="Bao Smith")]

    assert 4 == len(office.users(80, *page))
    assert [] == office.users(90, *page)
    assert [] == office.users(90, *reversed(page))
    office.forgets_what_it_read()
    assert [] == office.users(100, *page)
    assert [] == office.users(100, *reversed(page))


def test_a_row_with_its_columns_in_another_order_says_nothing() -> None:
    office = Office()
    row = user_row(0, 80, answered=12, ended=75)

    office.users(80, row)

    assert [] == office.users(90, dict(reversed(row.items())))
    assert 1 == len(office.legs)


def test_a_corrected_duration_after_the_end_is_an_update() -> None:
    office = Office()
    office.users(80, user_row(0, 80, answered=12, ended=75))

    updated = office.users(90, user_row(0, 90, answered=12, ended=74))

    assert ["updated"] == types(updated)
    assert {"ended_at", "talk_s", "duration_s", "legs"} == set(updated[0].changed)
    assert (74, 62) == (updated[0].data["duration_s"], updated[0].data["talk_s"])
    assert (4, ENDED) == (updated[0].revision, updated[0].data["state"])


def test_corrected_there_and_back_is_two_updates_with_ids_of_their_own() -> None:
    office = Office()
    right, wrong = (user_row(0, 90, answered=12, ended=ended) for ended in (75, 74))

    for row in (right, wrong, right, wrong):
        office.users(90, row)

    updates = [event for event in office.events if types([event]) == ["updated"]]
    assert 3 == len({event.id for event in updates})
    assert [74, 75, 74] == [event.data["duration_s"] for event in updates]


def test_a_name_filled_in_late_changes_the_call_and_not_its_identity() -> None:
    office = Office()
    office.users(80, user_row(0, 80, answered=12, ended=75, user_name=""))

    updated = office.users(90, user_row(0, 90, answered=12, ended=75))

    assert ["updated"] == types(updated)
    assert {"agent_name", "legs"} == set(updated[0].changed)
    assert 1 == len(office.calls)


def test_an_unknown_column_is_kept_and_changes_nothing_published() -> None:
    office = Office()
    office.users(80, user_row(0, 80, answered=12, ended=75))

    assert [] == office.users(90, user_row(0, 90, answered=12, ended=75, mood="good"))
    assert ["good"] == [leg.facts.row["mood"] for leg in office.legs.values()]


def test_an_outbound_call_that_nobody_took_is_no_answer_and_never_missed() -> None:
    office = Office()
    office.users(40, outbound_row(0, 40, ended=30))

    (end,) = office.nothing_more(60)

    data = check(end)["data"]
    assert ("call.finished", "no_answer", "outbound") == (end.type, data["outcome"], data["direction"])
    assert (None, CALLER, DID) == (data["did"], data["to_raw"], data["from_raw"])
    assert (30, 0, 30) == (data["duration_s"], data["talk_s"], data["wait_s"])


def test_an_answer_shown_only_at_the_finish_is_inferred() -> None:
    office = Office()
    office.users(5, user_row(0, 5))

    events = office.users(80, user_row(0, 80, answered=12, ended=75))

    assert ["answered", "finished"] == types(events)
    assert [True, False] == [event.inferred for event in events]
    assert ANSWERED == events[0].data["state"]


def test_a_finished_row_shown_open_again_by_a_stale_answer_is_neither_reopened_nor_another_call() -> None:
    office = Office()
    closed, stale = user_row(0, 80, answered=12, ended=75), user_row(0, 70, answered=12)
    office.users(80, closed)

    assert [] == office.users(90, stale)
    assert [] == office.users(100, closed)
    assert 1 == len(office.calls)
    assert office.only_call().ended_at == at(75)


def test_a_row_that_left_the_page_is_not_forgotten() -> None:
    office = Office()
    row = user_row(0, 80, answered=12, ended=75)
    office.users(80, row)

    assert [] == office.users(90)
    assert [] == office.users(100, row)
