"""
The queue of one endpoint: order within a subject under every interleaving of appends, failures and pages.
"""

from __future__ import annotations

from relay.journal.port import LanePage
from relay.model.endpoint import Delivery
from relay.pipeline.lane import Lane

EMPTY = LanePage((), (), last_seq=-1)


def delivery(subject: int, seq: int, size: int = 10) -> Delivery:
    """
    Make a delivery of a subject.
    """
    return Delivery(1, seq, 0, subject, f"evt_{seq}", 0, 0, 0, b"x" * size)


def live_lane(max_in_flight: int = 8, max_deliveries: int = 100, max_bytes: int = 10_000) -> Lane:
    """
    Make a lane that has caught up with an empty journal.
    """
    lane = Lane(max_in_flight, max_deliveries, max_bytes)
    page(lane, EMPTY)
    return lane


def page(lane: Lane, found: LanePage, now_ms: int = 1_000) -> None:
    """
    Read a page in, with nothing appended meanwhile.
    """
    limits = lane.page_limits()
    lane.start_paging()
    lane.page_in(found, limits, now_ms)


def taken(lane: Lane) -> list[int]:
    """
    Take all that may go now.
    """
    seqs = []
    while (ready := lane.take()) is not None:
        seqs.append(ready.seq)
    return seqs


def test_a_new_lane_takes_nothing_before_it_knows_the_journal() -> None:
    lane = Lane(8)
    lane.offer(delivery(1, 5))

    assert ([], True) == (taken(lane), lane.is_due(0))


def test_subjects_go_in_parallel_and_one_subject_in_order() -> None:
    lane = live_lane()
    first, second, other = delivery(1, 1), delivery(1, 2), delivery(2, 3)
    for each in (first, second, other):
        lane.offer(each)

    assert [1, 3] == taken(lane)
    lane.settled(first)
    assert [2] == taken(lane)


def test_the_window_bounds_what_is_in_flight() -> None:
    lane = live_lane(max_in_flight=2)
    for seq in range(5):
        lane.offer(delivery(seq, seq))

    assert [0, 1] == taken(lane)
    lane.settled(delivery(0, 0))
    assert [2] == taken(lane)


def test_a_failing_subject_parks_only_itself_and_what_follows_it() -> None:
    lane = live_lane()
    head = delivery(1, 1)
    for each in (head, delivery(1, 2), delivery(2, 3)):
        lane.offer(each)
    taken(lane)

    lane.postponed(head, due_at_ms=5_000)
    lane.committed(1)
    lane.offer(delivery(1, 4))
    lane.offer(delivery(3, 5))

    assert ([5], 5_000) == (taken(lane), lane.next_due_ms)
    assert not lane.is_due(4_999)
    assert lane.is_due(5_000)


def test_after_a_retry_the_followers_come_from_the_journal_one_by_one() -> None:
    """
    What was appended while the head waited is only in the journal; taking a later one would overtake it.
    """
    lane = live_lane()
    head = delivery(1, 1)
    lane.offer(head)
    taken(lane)
    lane.postponed(head, 5_000)
    lane.committed(1)
    lane.offer(delivery(1, 2))

    page(lane, LanePage((head,), (), unfinished=frozenset({1})), now_ms=5_000)
    assert [1] == taken(lane)
    lane.offer(delivery(1, 3))
    lane.settled(head)
    assert [] == taken(lane)

    lane.committed(1)
    assert lane.is_due(5_001)
    page(lane, LanePage((delivery(1, 2),), ()), now_ms=5_001)
    assert [2] == taken(lane)


def test_a_subject_is_trusted_to_memory_again_once_the_journal_has_no_more() -> None:
    lane = live_lane()
    head = delivery(1, 1)
    lane.offer(head)
    taken(lane)
    lane.postponed(head, 5_000)
    lane.committed(1)
    page(lane, LanePage((head,), ()), now_ms=5_000)
    taken(lane)
    lane.settled(head)
    lane.committed(1)

    page(lane, EMPTY, now_ms=5_001)
    lane.offer(delivery(1, 2))

    assert [2] == taken(lane)


def test_what_is_appended_while_a_page_is_read_is_not_lost() -> None:
    lane = Lane(8)
    limits = lane.page_limits()
    lane.start_paging()
    lane.offer(delivery(1, 1))  # after the snapshot was taken
    lane.page_in(EMPTY, limits, 1_000)

    assert ([1], False) == (taken(lane), lane.is_behind)


def test_what_a_page_could_show_is_not_taken_a_second_time() -> None:
    lane = Lane(8)
    limits = lane.page_limits()
    lane.start_paging()
    for seq in (1, 2, 3):
        lane.offer(delivery(seq, seq))
    lane.page_in(LanePage((delivery(1, 1), delivery(2, 2)), (), last_seq=2), limits, 1_000)

    assert [1, 2, 3] == taken(lane)


def test_what_is_offered_only_after_a_page_showed_it_is_not_taken_a_second_time() -> None:
    lane = Lane(8)
    page(lane, LanePage((delivery(1, 1), delivery(1, 2)), (), last_seq=2))
    for seq in (1, 2):
        lane.offer(delivery(1, seq))

    sent = taken(lane)
    lane.settled(delivery(1, 1))
    sent += taken(lane)
    lane.settled(delivery(1, 2))

    assert [1, 2] == sent + taken(lane)


def test_what_a_page_should_have_shown_and_did_not_is_asked_for_again() -> None:
    lane = live_lane()
    page(lane, LanePage((), (), last_seq=5))  # the clock was set back: delivery 5 is not due yet
    lane.offer(delivery(1, 5))

    assert ([], True, True) == (taken(lane), lane.is_behind, lane.is_due(0))
    page(lane, LanePage((), ((1, 9_000),), last_seq=5))
    assert ([], 9_000) == (taken(lane), lane.next_due_ms)
    page(lane, LanePage((delivery(1, 5),), (), last_seq=5), now_ms=9_000)
    assert [5] == taken(lane)


def test_what_is_offered_after_a_page_that_left_its_subject_out_is_taken() -> None:
    lane = live_lane()
    head = delivery(1, 1)
    lane.offer(head)
    taken(lane)
    page(lane, LanePage((), (), last_seq=2))  # delivery 2 was there, but its subject is busy
    lane.offer(delivery(1, 2))
    lane.settled(head)

    assert [2] == taken(lane)


def test_what_follows_a_head_of_the_page_is_read_after_it() -> None:
    lane = Lane(8)
    limits = lane.page_limits()
    lane.start_paging()
    lane.offer(delivery(1, 3))
    lane.page_in(LanePage((delivery(1, 1),), (), last_seq=2), limits, 1_000)  # delivery 2 waits behind it

    assert ([1], True) == (taken(lane), lane.is_due(1_000))


def test_more_than_fits_while_a_page_is_read_is_left_to_the_journal() -> None:
    lane = Lane(8, max_deliveries=3)
    limits = lane.page_limits()
    lane.start_paging()
    for seq in range(1, 6):
        lane.offer(delivery(seq, seq))
    lane.page_in(EMPTY, limits, 1_000)

    assert ([], True, True) == (taken(lane), lane.is_behind, lane.is_due(1_000))


def test_a_page_brings_nothing_that_is_active_already() -> None:
    lane = live_lane()
    lane.offer(delivery(1, 1))
    lane.offer(delivery(2, 2))
    assert [1, 2] == taken(lane)
    lane.settled(delivery(1, 1))  # not committed yet: the journal still shows it as due

    page(lane, LanePage((delivery(1, 1), delivery(2, 2)), ()))

    assert [] == taken(lane)


def test_a_full_lane_leaves_the_rest_to_the_journal() -> None:
    lane = live_lane(max_deliveries=3)
    for seq in range(5):
        lane.offer(delivery(seq, seq))

    assert lane.is_behind
    assert [0, 1, 2] == taken(lane)


def test_a_lane_is_bounded_by_bytes_too() -> None:
    lane = live_lane(max_bytes=25)
    for seq in range(5):
        lane.offer(delivery(seq, seq, size=10))

    assert ([0, 1, 2], True) == (taken(lane), lane.is_behind)


def test_a_lane_that_was_behind_lets_nothing_overtake_what_it_did_not_take() -> None:
    lane = live_lane(max_deliveries=2)
    head = delivery(1, 1)
    for each in (head, delivery(2, 2), delivery(1, 3)):  # the third does not fit
        lane.offer(each)
    taken(lane)
    page(lane, LanePage((head, delivery(2, 2)), ()))
    assert not lane.is_behind

    lane.offer(delivery(1, 4))
    lane.settled(head)

    assert [] == taken(lane)


def test_a_retry_that_waits_is_known_after_being_behind() -> None:
    lane = Lane(8)
    page(lane, LanePage((), ((1, 9_000),)))

    lane.offer(delivery(1, 2))

    assert ([], 9_000) == (taken(lane), lane.next_due_ms)


def test_a_retry_not_yet_committed_is_not_forgotten_when_the_lane_has_caught_up() -> None:
    lane = live_lane(max_deliveries=1)
    head = delivery(1, 1)
    lane.offer(head)
    lane.offer(delivery(2, 2))  # does not fit: behind
    taken(lane)
    lane.postponed(head, 9_000)
    page(lane, LanePage((head,), ()))  # read before the retry was committed
    lane.committed(1)
    page(lane, EMPTY)

    lane.offer(delivery(1, 3))

    assert [] == taken(lane)


def test_what_follows_a_head_comes_with_it_and_memory_is_trusted_at_once() -> None:
    lane = Lane(8)
    page(lane, LanePage((delivery(1, 1), delivery(1, 2), delivery(2, 3)), (), last_seq=3))
    lane.offer(delivery(1, 4))

    assert [1, 3] == taken(lane)
    lane.settled(delivery(1, 1))
    assert [2] == taken(lane)
    lane.settled(delivery(1, 2))
    assert [4] == taken(lane)
    assert not lane.wants_page


def test_what_was_appended_while_heads_were_read_again_keeps_its_place() -> None:
    lane = live_lane()
    head = delivery(1, 1)
    lane.offer(head)
    taken(lane)
    lane.postponed(head, 5_000)
    lane.committed(1)
    limits = lane.page_limits()
    lane.start_paging()
    lane.offer(delivery(1, 2))  # not in the page, and not taken since its head waits
    lane.page_in(LanePage((head,), (), last_seq=1), limits, 5_000)

    assert [1] == taken(lane)
    lane.offer(delivery(1, 3))
    lane.settled(head)

    assert ([], True) == (taken(lane), lane.is_due(5_000))


def test_a_full_page_asks_for_the_next() -> None:
    lane = Lane(8, 5_000)
    limits = lane.page_limits()
    lane.start_paging()
    found = tuple(delivery(seq, seq) for seq in range(limits[0]))
    lane.page_in(LanePage(found, (), is_full=True), limits, 1_000)

    assert lane.is_behind
    assert lane.wants_page


def test_too_many_waiting_retries_are_left_to_the_journal() -> None:
    lane = live_lane(max_deliveries=3)
    for subject in range(5):
        head = delivery(subject, subject)
        lane.offer(head)
        taken(lane)
        lane.postponed(head, 9_000)
        lane.committed(subject)

    assert lane.is_behind


def test_what_is_left_to_the_journal_makes_room_for_others() -> None:
    lane = live_lane(max_deliveries=3)
    head = delivery(1, 1)
    for each in (head, delivery(1, 2), delivery(1, 3)):
        lane.offer(each)
    assert [1] == taken(lane)

    lane.postponed(head, due_at_ms=5_000)
    for seq in (11, 12, 13):
        lane.offer(delivery(seq, seq))

    assert ([11, 12, 13], False) == (taken(lane), lane.is_behind)
