"""
What is said about a source itself.
"""

from __future__ import annotations

from typing import Any

from relay.model.change import Reject, SourceChange, SourceHead
from relay.model.event import Event
from relay.model.ids import IdMaker
from relay.normalise.source_events import MAX_SAMPLES, SourceEvents
from tests.normalise.office import at, check

NEW = SourceHead("pbx-sydney", at(0), "up", None, 0, None)
STREAMS = {"user_calls": "up", "queue_calls": "degraded"}


def collector(head: SourceHead, second: float = 0) -> SourceEvents:
    """
    Return the collector of one poll.
    """
    return SourceEvents(IdMaker(b"key of the source"), head, at(second))


def rejects(count: int) -> list[Reject]:
    """
    Return so many rows that could not be read.
    """
    return [
        Reject(bytes([number]) * 16, {"row": number}, "call_start_at is missing") for number in range(count)
    ]


def made(collected: SourceEvents) -> SourceChange:
    """
    Return what was collected, checked as the journal would.
    """
    change = collected.change()
    assert change is not None
    revisions = range(change.expected_revision + 1, change.head.revision + 1)
    assert list(revisions) == [event.revision for event in change.events]
    assert change.head.last_event_id == change.events[-1].id
    for event in change.events:
        sent = check(event)
        assert ("/sources/pbx-sydney", "source/pbx-sydney") == (sent["source"], sent["subject"])
    return change


def after(head: SourceHead, state: str) -> tuple[SourceHead, Event]:
    """
    Return the source in another state and the event that says so.
    """
    collected = collector(head)
    collected.state(state, "timeout", STREAMS)
    change = made(collected)
    (event,) = change.events
    return change.head, event


def test_nothing_changed_is_no_change() -> None:
    collected = collector(NEW)

    collected.state("up", None, STREAMS)
    collected.rejected("user_calls", [])
    collected.system_status(None)

    assert collected.change() is None


def test_a_state_is_said_with_the_one_before_and_the_streams() -> None:
    head, event = after(NEW, "degraded")

    assert "degraded" == head.state
    facts = {"state": "degraded", "previous_state": "up", "reason": "timeout", "streams": STREAMS}
    assert facts == event.data
    assert ("source.state_changed", at(0), None) == (event.type, event.occurred_at, event.precision_s)


def test_there_and_back_and_there_again_is_three_events() -> None:
    head, ids = NEW, set()
    for state in ("degraded", "up", "degraded", "up"):
        head, event = after(head, state)
        ids.add(event.id)

    assert (4, 4) == (len(ids), head.revision)


def test_the_same_change_of_the_same_source_has_the_same_id_whenever_it_is_seen() -> None:
    first, later = collector(NEW, 0), collector(NEW, 900)
    for collected in (first, later):
        collected.state("degraded", "timeout", STREAMS)

    assert made(first).events[0].id == made(later).events[0].id


def test_rejected_rows_are_counted_whole_and_shown_in_part() -> None:
    collected = collector(NEW)

    collected.rejected("queue_calls", rejects(MAX_SAMPLES + 3))

    (event,) = made(collected).events
    assert ("source.row_rejected", "queue_calls", 8) == (
        event.type,
        event.data["stream"],
        event.data["count"],
    )
    assert 5 == MAX_SAMPLES
    assert [{"row": number} for number in range(5)] == [sample["row"] for sample in event.data["samples"]]
    assert {"digest": "00" * 16, "why": "call_start_at is missing", "row": {"row": 0}} == event.data[
        "samples"
    ][0]


def test_the_same_rows_rejected_in_two_polls_are_two_events() -> None:
    head, ids = NEW, []
    for _ in range(2):
        collected = collector(head)
        collected.rejected("queue_calls", rejects(1))
        change = made(collected)
        head = change.head
        ids.append(change.events[0].id)

    assert 2 == len(set(ids))


def test_the_vendors_status_is_said_when_it_differs() -> None:
    head = NEW
    said: list[tuple[Any, Any]] = []
    for status in (
        {"status": "operational"},
        {"status": "operational"},
        {"status": "degraded"},
        ["maintenance"],
    ):
        collected = collector(head)
        collected.system_status(status)
        change = collected.change()
        if change is not None:
            head = made(collected).head
            said.append((change.events[0].data["previous_status"], change.events[0].data["status"]))

    operational, degraded = {"status": "operational"}, {"status": "degraded"}
    assert [(None, operational), (operational, degraded), (degraded, ["maintenance"])] == said


def test_one_poll_may_say_several_things_in_order() -> None:
    collected = collector(NEW)

    collected.state("degraded", "timeout", STREAMS)
    collected.rejected("queue_calls", rejects(1))
    collected.system_status("maintenance")

    change = made(collected)
    assert ["source.state_changed", "source.row_rejected", "system.status_changed"] == [
        event.type for event in change.events
    ]
    assert [(), (), ("status",)] == [event.changed for event in change.events]
