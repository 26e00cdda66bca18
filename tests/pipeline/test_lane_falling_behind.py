"""
The queue of an endpoint that is paused, changed, or has nothing more to do.
"""

from __future__ import annotations

from relay.journal.port import LanePage
from relay.pipeline.lane import Lane
from tests.pipeline.test_lane import EMPTY, delivery, live_lane, page, taken


def test_a_lane_that_fell_behind_takes_nothing_from_appends_until_a_page_shows_the_rest() -> None:
    lane = live_lane()
    lane.offer(delivery(1, 1))
    lane.fall_behind()
    lane.offer(delivery(1, 2))
    lane.offer(delivery(2, 3))

    assert [1] == taken(lane)
    assert lane.is_due(0)
    lane.settled(delivery(1, 1))
    page(lane, LanePage((delivery(2, 3),), ()))  # 2 is not due before 1 is committed
    assert [3] == taken(lane)
    lane.committed(1)
    page(lane, LanePage((delivery(1, 2),), ()))
    assert [2] == taken(lane)


def test_falling_behind_while_a_page_is_read_makes_the_page_no_proof() -> None:
    lane = Lane(8)
    limits = lane.page_limits()
    lane.start_paging()
    lane.fall_behind()
    lane.page_in(EMPTY, limits, 1_000)

    assert (True, True) == (lane.is_behind, lane.is_due(0))


def test_the_window_can_be_moved() -> None:
    lane = live_lane(max_in_flight=3)
    for seq in range(5):
        lane.offer(delivery(seq, seq))
    lane.max_in_flight = 1

    assert [0] == taken(lane)
    lane.max_in_flight = 4
    assert [1, 2, 3] == taken(lane)


def test_a_lane_is_idle_once_nothing_is_left_anywhere() -> None:
    lane = Lane(8)
    states = [lane.is_idle]  # it does not know the journal yet
    page(lane, LanePage((delivery(1, 1),), ()))
    states.append(lane.is_idle)  # queued
    taken(lane)
    states.append(lane.is_idle)  # in flight
    lane.settled(delivery(1, 1))
    states.append(lane.is_idle)  # not durable
    lane.committed(1)

    assert ([False] * 4, True) == (states, lane.is_idle)


def test_a_lane_with_a_retry_to_come_is_not_idle() -> None:
    lane = live_lane()
    lane.offer(delivery(1, 1))
    taken(lane)
    lane.postponed(delivery(1, 1), due_at_ms=9_000)
    lane.committed(1)
    page(lane, EMPTY)

    assert not lane.is_idle
