"""
Calls that ended before publishing began are kept without a word (DESIGN section 4, First start).
"""

from __future__ import annotations

from datetime import timedelta

from tests.normalise.office import OTHER_CALLER, Office, at, outbound_row, queue_row, types, user_row

FROM = 100


def test_a_call_that_ended_before_is_kept_in_silence_for_ever() -> None:
    office = Office(publish_from=FROM)

    assert [] == office.users(110, user_row(0, 110, answered=12, ended=99))
    assert [] == office.users(120, user_row(0, 110, answered=12, ended=98))
    assert [] == office.users(130, user_row(0, 110, answered=12, ended=98, user_name="Bao Smith"))
    assert [] == office.queues(140, queue_row(0, 98, answered=12, by="Bao Smith"))
    assert [] == office.nothing_more(5000)
    call = office.only_call()
    assert (True, 0, "ended") == (call.is_silent, call.revision, call.state)
    assert "Sales" == call.record["queue"]


def test_a_missed_call_that_ended_before_is_never_released() -> None:
    office = Office(publish_from=FROM)

    assert [] == office.users(110, user_row(0, 110, ended=30), outbound_row(0, 110, ended=40))
    assert [] == office.nothing_more(5000)


def test_a_call_that_ends_at_that_very_instant_is_published() -> None:
    office = Office(publish_from=FROM)

    events = office.users(110, user_row(0, 110, answered=12, ended=FROM))

    assert ["started", "answered", "finished"] == types(events)


def test_a_call_still_open_is_published_though_it_began_before() -> None:
    office = Office(publish_from=FROM)

    assert ["started", "answered"] == types(office.users(110, user_row(0, 110, answered=12)))
    assert ["finished"] == types(office.users(130, user_row(0, 130, answered=12, ended=120)))


def test_a_call_whose_first_phone_gave_up_before_but_which_went_on_is_published() -> None:
    """
    The phone rang in vain before publishing began; the caller went on waiting in the queue until after it.
    """
    office = Office(publish_from=FROM)
    assert [] == office.users(101, user_row(60, 101, ended=90))

    events = [*office.queues(200, queue_row(40, 180)), *office.nothing_more(300)]

    assert ["started", "abandoned"] == types(events)
    assert 140 == events[-1].data["duration_s"]
    assert not office.only_call().is_silent


def test_a_phone_that_still_rings_makes_an_ended_looking_call_heard() -> None:
    office = Office(publish_from=FROM)
    assert [] == office.users(101, user_row(60, 101, ended=90))

    still_rings = user_row(60, 102, user_name="Bao Smith")

    assert ["started"] == types(office.users(102, user_row(60, 101, ended=90), still_rings))


def test_a_clock_that_is_behind_silences_nothing_that_ended_since() -> None:
    """
    publish_from is an instant of our clock: the phone system says :40 for a call that ended at our 1:00.
    """
    office = Office(publish_from=50)
    office.skew = timedelta(seconds=-20)

    assert ["started", "answered", "finished"] == types(
        office.users(65, user_row(0, 40, answered=5, ended=40))
    )


def test_a_clock_that_is_ahead_publishes_nothing_from_before() -> None:
    office = Office(publish_from=50)
    office.skew = timedelta(seconds=20)

    assert [] == office.users(65, user_row(0, 60, answered=5, ended=60))


def test_a_backfill_publishes_what_was_silent_with_the_ids_of_a_live_call() -> None:
    rows = user_row(0, 110, answered=12, ended=99), user_row(50, 110, ended=80, from_number=OTHER_CALLER)
    silent, live = Office(publish_from=FROM), Office()
    silent.users(110, *rows)
    live.users(110, *rows)
    live.nothing_more(200)

    events = silent.publishes_silent(500)

    assert ["started", "answered", "finished", "started", "missed"] == types(events)
    assert {event.id for event in live.events} == {event.id for event in events}
    assert {("backfill", at(500))} == {(event.origin, event.observed_at) for event in events}
    assert [1, 2, 3, 1, 2] == [event.revision for event in events]
    assert [] == silent.publishes_silent(600)
    assert [] == silent.nothing_more(5000)


def test_a_published_call_is_changed_aloud_from_then_on() -> None:
    office = Office(publish_from=FROM)
    office.users(110, user_row(0, 110, answered=12, ended=99))
    office.publishes_silent(500)

    assert ["updated"] == types(office.users(510, user_row(0, 110, answered=12, ended=98)))


def test_what_a_backfill_reads_anew_is_not_silent() -> None:
    office = Office(publish_from=FROM)
    facts = office.reader.read("user_calls", user_row(0, 110, answered=12, ended=99))
    near = office.whole()

    (change,) = office.assembler.assemble(
        [facts], {facts.digest: 1}, near, at(500), origin="backfill", publish_from=at(-1)
    )

    assert ["started", "answered", "finished"] == types(change.events)
    assert {"backfill"} == {event.origin for event in change.events}
    assert not change.call.is_silent
