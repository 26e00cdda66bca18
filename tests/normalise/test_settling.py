"""
A call is settled once nothing of it can come any more (DESIGN section 4, call.settled), and its alias.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from relay.model.call import CALL_STREAMS, QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS
from relay.model.coverage import DEEP, Gap, Interval, Read
from relay.model.source_work import Alias
from tests.normalise.office import LOOKBACK_S, Office, at, check, outbound_row, queue_row, types, user_row

ENDED_AT = 75
ENOUGH = ENDED_AT + LOOKBACK_S


def answered() -> Office:
    """
    Return an office with one call, from 0 to 75.
    """
    office = Office()
    office.users(80, user_row(0, 80, answered=12, ended=ENDED_AT))
    return office


def read(stream: str, start: float, end: float, as_of: float) -> Read:
    """
    Return a complete read of a stretch, asked for at `as_of`.
    """
    return Read(stream, DEEP, at(as_of), at(as_of), Interval(at(start), at(end)), rows=0)


def test_a_call_is_settled_once_every_stream_was_read_a_lookback_after_its_end() -> None:
    office = answered()

    assert [] == office.settles(ENOUGH)
    (settled,) = office.settles(ENOUGH + 1)

    data = check(settled)["data"]
    assert ("call.settled", True, ()) == (settled.type, settled.final, settled.changed)
    assert (at(ENOUGH + 1), 4, "ended") == (settled.occurred_at, settled.revision, data["state"])
    assert office.only_call().is_settled
    assert [] == office.settles(ENOUGH + 100)


def test_a_correction_after_it_is_an_update_and_it_is_not_said_again() -> None:
    office = answered()
    office.settles(ENOUGH + 1)

    updated = office.users(ENOUGH + 9, user_row(0, 80, answered=12, ended=74))

    assert ["updated"] == types(updated)
    assert [] == office.settles(ENOUGH + 5000)


@pytest.mark.parametrize("behind", CALL_STREAMS)
def test_one_stream_that_was_not_read_so_late_holds_it(behind: str) -> None:
    office = answered()
    reads = {stream: [read(stream, -9, ENOUGH + 9, ENOUGH + 9)] for stream in CALL_STREAMS}
    reads[behind] = [read(behind, -9, ENOUGH, ENOUGH)]

    assert [] == office.assembler.settle(office.whole(), reads, (), timedelta(seconds=LOOKBACK_S))


@pytest.mark.parametrize(
    ("stretches", "is_settled"),
    [
        ([(0, 76)], True),
        ([(1, 90)], False),
        ([(-9, 75)], False),
        ([(40, 90), (-5, 40)], True),
        ([(41, 90), (-5, 40)], False),
        ([], False),
    ],
    ids=["just enough", "begins too late", "ends too early", "in two parts", "with a hole", "never"],
)
def test_the_reads_must_cover_the_whole_call(stretches: list[tuple[int, int]], is_settled: bool) -> None:
    office = answered()
    reads = {USER_CALLS: [read(USER_CALLS, *stretch, ENOUGH + 1) for stretch in stretches]}

    changes = office.assembler.settle(office.whole(), reads, (), timedelta(seconds=LOOKBACK_S))

    assert int(is_settled) == len(changes)


@pytest.mark.parametrize(
    ("stream", "start", "end", "is_settled"),
    [
        (USER_CALLS, 70, 90, False),
        (QUEUE_CALLS, ENOUGH - 1, None, False),
        (QUEUE_CALLS, -90, -5, True),
        (RINGGROUP_CALLS, ENOUGH + 1, None, True),
        ("another stream", 0, None, True),
    ],
)
def test_an_open_gap_over_the_call_and_its_lookback_holds_it(
    stream: str, start: float, end: float | None, is_settled: bool
) -> None:
    gap = Gap(stream, at(start), None if end is None else at(end), "timeout", opened_at=at(90))

    assert ["settled"] * is_settled == types(answered().settles(ENOUGH + 9, [gap]))
    assert ["settled"] == types(answered().settles(ENOUGH + 9, [replace(gap, closed_at=at(5000))]))


def test_a_call_with_an_open_leg_a_held_end_or_none_is_not_settled() -> None:
    office = Office()
    office.users(80, outbound_row(0, 80), user_row(0, 80, ended=30, from_number="0491570158"))

    assert [] == office.settles(ENOUGH + 1)

    office.releases(ENOUGH + 2)
    assert ["settled"] == types(office.settles(ENOUGH + 3))


def test_a_silent_call_is_never_settled() -> None:
    office = Office(publish_from=1000)
    office.users(80, user_row(0, 80, answered=12, ended=ENDED_AT))

    assert [] == office.settles(ENOUGH + 1)


def test_an_absorbed_call_is_not_settled_and_the_survivor_is_once() -> None:
    office = Office()
    office.ring_groups(90, {**queue_row(0, 20, status="timedout"), "ring_group_name": "Reception"})
    office.users(91, user_row(25, 90, answered=40, ended=80))
    office.queues(92, queue_row(20, 80, answered=40, by="Alice Nguyen"))

    assert ["settled"] == types(office.settles(80 + LOOKBACK_S + 1))


def test_a_call_known_by_its_queue_first_gets_an_alias() -> None:
    office = Office()
    office.queues(90, queue_row(0, 80, answered=20, by="Alice Nguyen"))
    office.users(91, user_row(5, 91, answered=20, ended=80))
    office.settles(80 + LOOKBACK_S + 1)

    rebuilt = Office(aliases=office.aliases)
    rebuilt.users(91, user_row(5, 91, answered=20, ended=80))
    rebuilt.queues(92, queue_row(0, 80, answered=20, by="Alice Nguyen"))

    assert 1 == len(office.aliases)
    assert office.only_call().call_id == rebuilt.only_call().call_id
    assert {office.only_call().call_id} == {leg.call_id for leg in rebuilt.legs.values()}


def test_a_call_that_a_rebuild_would_name_alike_gets_none() -> None:
    office = Office()
    office.users(90, user_row(5, 91, answered=20, ended=80))
    office.queues(91, queue_row(0, 80, answered=20, by="Alice Nguyen"))

    assert ["settled"] == types(office.settles(80 + LOOKBACK_S + 1))
    assert {} == office.aliases


def test_twins_that_came_one_by_one_are_named_as_a_rebuild_ranks_them() -> None:
    early, late = user_row(0, 90, answered=12, ended=70), user_row(0, 90, answered=12, ended=80)
    office = Office()
    office.users(90, late)
    office.users(95, late, early)
    office.settles(80 + LOOKBACK_S + 1)

    rebuilt = Office(aliases=office.aliases)
    rebuilt.users(95, early, late)

    assert 2 == len(office.aliases)
    assert {(call.call_id, call.ended_at) for call in office.calls.values()} == {
        (call.call_id, call.ended_at) for call in rebuilt.calls.values()
    }
    assert {Alias("pbx-sydney", *pair) for pair in office.aliases.items()} == {
        Alias("pbx-sydney", *pair[::-1]) for pair in office.aliases.items()
    }, "they changed places"
