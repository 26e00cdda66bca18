"""
A negative end waits until the other streams could have shown otherwise (DESIGN section 4).
"""

from __future__ import annotations

import pytest

from relay.model.call import CALL_STREAMS, QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS
from relay.model.coverage import BACKFILL, DEEP, Interval, Read
from tests.normalise.office import Office, at, queue_row, types, user_row

ENDED_AT = 30
LINK_WINDOW_S = 10
END_HOLD_S = 120


def missed(seen_at: float = 35) -> Office:
    """
    Return an office where one phone rang from 0 to 30 and nobody took the call.
    """
    office = Office()
    assert ["started"] == types(office.users(seen_at, user_row(0, 31, ended=ENDED_AT)))
    return office


def test_an_unanswered_inbound_call_is_held_and_then_missed() -> None:
    office = missed()
    assert office.only_call().is_end_held

    (end,) = office.nothing_more(ENDED_AT + LINK_WINDOW_S + 1)

    assert ("call.missed", True, "missed") == (end.type, end.inferred, end.data["outcome"])
    assert (at(30), at(35)) == (end.occurred_at, end.observed_at)
    assert not office.only_call().is_end_held
    assert [] == office.releases(1000)


@pytest.mark.parametrize("behind", CALL_STREAMS)
def test_one_stream_not_read_late_enough_holds_the_end(behind: str) -> None:
    office = missed()

    office.read_at = {**dict.fromkeys(CALL_STREAMS, at(60)), behind: at(ENDED_AT + LINK_WINDOW_S)}
    assert [] == office.releases(60)
    office.read_at[behind] = None
    assert [] == office.releases(60)

    office.read_at[behind] = at(ENDED_AT + LINK_WINDOW_S + 0.001)
    assert ["missed"] == types(office.releases(60))


def test_only_streams_that_the_tenant_has_are_waited_for() -> None:
    office = missed()

    office.read_at = {USER_CALLS: at(45)}

    assert ["missed"] == types(office.releases(45))


def test_no_end_is_held_longer_than_the_hold_after_it_was_seen() -> None:
    office = missed(seen_at=500)
    office.read_at = dict.fromkeys(CALL_STREAMS)

    assert [] == office.releases(500 + END_HOLD_S - 0.001)
    assert ["missed"] == types(office.releases(500 + END_HOLD_S))


def test_re_reading_the_page_neither_ends_nor_prolongs_the_hold() -> None:
    office = missed(seen_at=35)
    office.forgets_what_it_read()

    assert [] == office.users(100, user_row(0, 31, ended=ENDED_AT))
    office.read_at = dict.fromkeys(CALL_STREAMS)

    assert ["missed"] == types(office.releases(35 + END_HOLD_S))


def test_a_row_that_joins_a_held_call_does_not_prolong_the_hold() -> None:
    office = missed(seen_at=35)

    assert [] == office.queues(100, queue_row(0, 30))
    office.read_at = dict.fromkeys(CALL_STREAMS)

    assert ["abandoned"] == types(office.releases(35 + END_HOLD_S))


def test_an_answered_row_that_comes_in_time_makes_it_answered() -> None:
    office = missed()

    events = office.queues(40, queue_row(0, 90, answered=32, by="Bao Smith"))

    assert ["answered", "finished"] == types(events)
    assert [] == office.nothing_more(200)
    assert "Bao Smith" == events[-1].data["agent_name"]


def test_an_open_leg_that_comes_in_time_reopens_a_held_call() -> None:
    office = missed()
    ringing = user_row(0, 33, user_name="Bao Smith")

    assert [] == office.users(36, user_row(0, 31, ended=ENDED_AT), ringing)
    assert [] == office.nothing_more(500)

    events = office.users(100, user_row(0, 100, answered=40, ended=90, user_name="Bao Smith"))
    assert ["answered", "finished"] == types(events)
    assert 1 == len(office.calls)


@pytest.mark.parametrize(
    ("status", "outcome"), [("abandoned", "abandoned"), ("timedout", "timed_out")], ids=str
)
def test_what_the_queue_says_decides_a_negative_end(status: str, outcome: str) -> None:
    office = missed()

    assert [] == office.queues(40, queue_row(0, 30, status=status))
    (end,) = office.nothing_more(45)

    assert ("call." + outcome, outcome, "Sales") == (end.type, end.data["outcome"], end.data["queue"])
    assert "Alice Nguyen" == end.data["agent_name"]
    assert [True, False] == [leg["rang"] for leg in end.data["legs"]]


def test_an_answered_end_waits_for_all_known_legs() -> None:
    office = Office()
    rang, talking = user_row(0, 20, user_name="Bao Smith"), user_row(0, 20, answered=12)

    assert ["started", "answered"] == types(office.users(20, rang, talking))
    assert [] == office.users(80, rang, user_row(0, 80, answered=12, ended=75))
    assert [] == office.nothing_more(1000)
    rang_till_12 = user_row(0, 80, ended=12, user_name="Bao Smith")
    assert ["finished"] == types(office.users(90, rang_till_12, user_row(0, 80, answered=12, ended=75)))


def test_a_negative_end_proved_wrong_later_is_updated_and_not_ended_again() -> None:
    office = missed()
    office.nothing_more(60)

    events = office.queues(200, queue_row(0, 90, answered=32, by="Bao Smith"))

    assert ["updated"] == types(events)
    assert {"outcome", "answered_at", "ended_at", "talk_s", "queue"} <= set(events[0].changed)
    assert ("ended", "answered") == (events[0].data["state"], events[0].data["outcome"])
    assert [] == office.nothing_more(1000)


def test_streams_read_too_early_do_not_let_the_end_go_by_their_number() -> None:
    office = missed()
    for second in (31, 33, 36, 39):
        office.queues(second)
        office.ring_groups(second)

    assert {QUEUE_CALLS: at(39), RINGGROUP_CALLS: at(39)}.items() <= office.read_at.items()
    assert [] == office.releases(60)


def test_a_stretch_that_begins_after_the_call_did_proves_nothing() -> None:
    """
    A page that was cut at its old end does not show what another stream had to say of an earlier call.
    """
    office = missed()
    office.read_at = dict.fromkeys(CALL_STREAMS, at(60))

    office.read_from = at(1)
    assert [] == office.releases(60)

    office.read_from = at(0)
    assert ["missed"] == types(office.releases(60))


def test_several_reads_may_prove_it_each_a_part() -> None:
    office = missed()
    halves = [
        Read(USER_CALLS, BACKFILL, at(60), at(60), Interval(at(start), at(end)), rows=0)
        for start, end in ((10, 40), (-20, 10))
    ]
    whole = [Read(QUEUE_CALLS, DEEP, at(61), at(61), Interval(at(-9), at(61)), rows=0)]
    held = office.whole()

    one = office.assembler.release(held, {USER_CALLS: halves[:1], QUEUE_CALLS: whole}, at(62))
    both = office.assembler.release(held, {USER_CALLS: halves, QUEUE_CALLS: whole}, at(62), "backfill")

    assert ([], ["missed"]) == (one, types(both[0].events))
    assert "backfill" == both[0].events[0].origin
