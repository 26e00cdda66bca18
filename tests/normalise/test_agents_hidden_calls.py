"""
Calls of an agent that no poll showed, as the dialer's counter proves them.
"""

from __future__ import annotations

from typing import Any

from relay.model.event import Event
from tests.normalise.dialer_floor import Floor, Row, agent
from tests.normalise.office import at

FIRST, SECOND, THIRD = (f"V121032344000000010{number}" for number in (1, 2, 3))
MIDNIGHT_S = 5 * 3600  # of the server: the story begins at 19:00 there


def ready(calls: int, **columns: str) -> Row:
    """
    Return the agent without a call.
    """
    return agent("1001", "READY", calls=calls, **columns)


def in_call(call: str, calls: int, status: str = "INCALL") -> Row:
    """
    Return the agent with a call.
    """
    return agent("1001", status, call=call, lead="7", calls=calls)


def dispo(calls: int) -> Row:
    """
    Return the agent after a call.
    """
    return agent("1001", "PAUSED", "DISPO", lead="7", calls=calls)


def skipped(*rows: Row | None, start_s: int = 0) -> list[Any]:
    """
    Poll these rows (None: nobody) a second apart; return what the events after the first say was skipped.
    """
    return [event.data["skipped_transitions"] for event in polled(*rows, start_s=start_s)[1:]]


def polled(*rows: Row | None, start_s: int = 0) -> list[Event]:
    """
    Poll these rows (None: nobody) a second apart; return the events.
    """
    floor = Floor()
    made = []
    for second, row in enumerate(rows, start_s):
        made += floor.poll(second, *([] if row is None else [row]))
    return made


def test_a_call_that_is_seen_is_not_hidden_whenever_its_count_comes() -> None:
    with_the_id = skipped(ready(4), in_call(FIRST, 5), dispo(5), ready(5), ready(5))
    a_poll_later = skipped(ready(4), in_call(FIRST, 4), dispo(5), ready(5), ready(5))
    after_a_long_queue = skipped(
        ready(4),
        in_call(FIRST, 4, "QUEUE"),
        in_call(FIRST, 4, "QUEUE"),
        in_call(FIRST, 5),
        ready(5),
        ready(5),
    )
    a_poll_before = skipped(ready(4), ready(5), in_call(FIRST, 5), dispo(5), ready(5), ready(5))

    assert [[0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]] == [
        with_the_id, a_poll_later, after_a_long_queue, a_poll_before,
    ]  # fmt: skip


def test_a_call_between_two_others_is_hidden() -> None:
    assert [0, 1, 0] == skipped(ready(4), in_call(FIRST, 5), in_call(SECOND, 7), ready(7), ready(7))


def test_a_disposition_without_its_call_proves_it_at_once() -> None:
    assert [1, 0] == skipped(ready(4), dispo(5), ready(5), ready(5))


def test_hidden_calls_are_told_when_nothing_else_changed() -> None:
    made = polled(ready(4), ready(4), ready(6), ready(6), ready(6))

    # One of them is sure at once, the other when no call follows that could be the one that was counted.
    assert [None, 1, 1] == [event.data["skipped_transitions"] for event in made]
    assert [(), ("calls_today", "since"), ("since",)] == [event.changed for event in made]
    assert [at(0), at(1.5), at(2)] == [event.occurred_at for event in made]
    assert [None, None] == [event.data["dwell_s"] for event in made[1:]]


def test_a_hidden_call_is_told_with_the_time_in_which_it_was() -> None:
    made = polled(ready(4), ready(4), ready(5), ready(5))

    assert [(1, ("calls_today", "since"), at(2), 1)] == [
        (event.data["skipped_transitions"], event.changed, event.occurred_at, event.precision_s)
        for event in made[1:]
    ]


def test_a_counter_alone_is_no_news() -> None:
    floor = Floor()
    floor.poll(0, ready(4))
    floor.poll(1, in_call(FIRST, 4))

    assert [] == floor.poll(2, in_call(FIRST, 5))
    (event,) = floor.poll(3, dispo(5))

    assert (5, True) == (event.data["calls_today"], "calls_today" in event.changed)


def test_a_call_id_explains_one_rise_and_never_a_second() -> None:
    blinking = skipped(
        ready(4), in_call(FIRST, 5), ready(5), in_call(FIRST, 5), ready(5), ready(6), ready(6), ready(6)
    )

    assert [0, 0, 0, 0, 1] == blinking


def test_a_call_that_was_counted_before_its_id_came_explains_no_later_rise() -> None:
    assert [0, 0, 1] == skipped(ready(4), ready(5), in_call(FIRST, 5), ready(6), ready(6))


def test_a_call_that_was_never_counted_hides_nothing_for_long() -> None:
    given_up = skipped(ready(4), in_call(FIRST, 4, "QUEUE"), ready(4), ready(4), ready(5), ready(5), ready(5))

    assert [0, 0, 1] == given_up


def test_a_call_in_hand_at_first_sight_is_counted_unless_it_is_being_handed_over() -> None:
    assert [1] == skipped(in_call(FIRST, 5), dispo(6))
    assert [0, 0] == skipped(in_call(FIRST, 5, "QUEUE"), in_call(FIRST, 6), dispo(6))


def test_another_campaign_counts_anew() -> None:
    moved = ready(9, campaign_id="SALES")

    assert [None, 0] == skipped(ready(4), moved, agent("1001", "PAUSED", calls=9, campaign_id="SALES"))


def test_another_day_of_the_server_counts_anew() -> None:
    over_midnight = skipped(ready(4), in_call(FIRST, 5), start_s=MIDNIGHT_S - 1)
    before_it = skipped(ready(4), in_call(FIRST, 5), start_s=MIDNIGHT_S - 2)

    assert [[None], [0]] == [over_midnight, before_it]


def test_a_counter_that_fell_leaves_the_next_event_unsure() -> None:
    assert [None, 0] == skipped(ready(4), ready(0), in_call(FIRST, 1), dispo(1))


def test_a_counter_that_is_not_shown_proves_nothing() -> None:
    assert [None, None] == skipped(ready(4), agent("1001", "PAUSED", calls=""), ready(8))


def test_a_new_login_on_the_same_day_and_campaign_goes_on_counting() -> None:
    same_day = skipped(ready(4), None, None, ready(7), ready(7))
    next_day = skipped(ready(4), None, None, ready(7), ready(7), start_s=MIDNIGHT_S - 2)

    assert [[None, 2, 1], [None, None]] == [same_day, next_day]


def test_a_logout_tells_the_last_count_that_was_shown() -> None:
    made = polled(ready(4), in_call(FIRST, 4), in_call(FIRST, 5), None, None)

    assert [4, 4, 5] == [event.data["calls_today"] for event in made]


def test_a_call_not_yet_explained_is_told_with_the_logout() -> None:
    assert [1] == skipped(ready(4), ready(5), None, None)


def test_a_rise_before_the_day_ends_is_explained_by_the_call_after_it() -> None:
    explained = skipped(ready(4), ready(5), in_call(FIRST, 5), dispo(5), start_s=MIDNIGHT_S - 2)
    hidden = skipped(ready(4), ready(5), agent("1001", "PAUSED", calls=5), start_s=MIDNIGHT_S - 2)

    assert [[None, 0], [1]] == [explained, hidden]


def test_a_status_that_a_hidden_call_interrupted_lasts_from_then_on() -> None:
    floor = Floor()
    for second in range(10):
        floor.poll(second, ready(4))
    floor.poll(10, ready(6))
    for second in range(11, 20):
        floor.poll(second, ready(6))

    (event,) = floor.poll(20, agent("1001", "PAUSED", pause="BREAK", calls=6))

    assert 10 <= event.data["dwell_s"] <= 11


def test_two_wrap_ups_are_two() -> None:
    floor = Floor()
    floor.poll(0, in_call(FIRST, 5))
    floor.poll(1, agent("1001", "PAUSED", "DISPO", lead="7", calls=5))

    (event,) = floor.poll(4, agent("1001", "PAUSED", "DISPO", lead="8", calls=6))
    (ready_again,) = floor.poll(5, ready(6))

    assert "since" in event.changed
    assert event.data["dwell_s"] is None
    assert ready_again.data["dwell_s"] <= 2
