"""
What is appended: calls of three events each, every event 680 bytes as webhooks and Kafka carry it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count, islice
from typing import Final

from relay.model.call import Call, Leg, LegFacts
from relay.model.change import CallChange
from relay.model.event import Event
from relay.model.ids import IdMaker, subject

SOURCE: Final = "pbx"
BODY_BYTES: Final = 680
FIRST_S: Final = 1_790_000_000
TYPES: Final = ("call.started", "call.answered", "call.finished")
MILESTONES: Final = ("started", "answered", "end")
EVENTS_PER_CALL: Final = len(TYPES)


def call_changes(ids: IdMaker, calls: int) -> list[CallChange]:
    """
    Make some calls, each with all its events: what a page of finished calls comes to.
    """
    return [*islice(whole_changes(ids), calls)]


def whole_changes(ids: IdMaker) -> Iterator[CallChange]:
    """
    Yield such calls for ever.
    """
    for number in count():
        yield change_of(ids, number, EVENTS_PER_CALL)


def step_changes(ids: IdMaker, calls_at_once: int) -> Iterator[CallChange]:
    """
    Yield changes of one event each, for ever: some calls start, then all are answered, then all end.
    """
    for first in count(0, calls_at_once):
        for step in range(EVENTS_PER_CALL):
            for number in range(first, first + calls_at_once):
                yield change_of(ids, number, step + 1, known=step)


def change_of(ids: IdMaker, number: int, revision: int, known: int = 0) -> CallChange:
    """
    Make a call at a revision, with the events since the one that is known.
    """
    now = datetime.now(UTC)
    # As of real calls, fifty of which start in a second: ids that sort by time.
    call_id = ids.leg(ids.leg_base("bench", str(number), started_s=FIRST_S + number // 50), 0)
    about = subject("call", SOURCE, call_id)
    made = tuple(event_of(ids, about, step, now) for step in range(known, revision))
    call = Call(
        call_id=call_id,
        source_id=SOURCE,
        subject=about,
        state="ended" if revision == EVENTS_PER_CALL else "started",
        started_at=now,
        ended_at=now if revision == EVENTS_PER_CALL else None,
        end_seen_at=now if revision == EVENTS_PER_CALL else None,
        is_end_published=revision == EVENTS_PER_CALL,
        is_answer_published=revision > 1,
        is_silent=False,
        revision=revision,
        last_event_id=made[-1].id,
        record={"call_id": call_id},
    )
    return CallChange(call, (leg_of(call_id, now),), made, known)


def event_of(ids: IdMaker, about: str, step: int, now: datetime) -> Event:
    """
    Make the event of a step, as long as all others.
    """

    def made(note: str) -> Event:
        return Event(
            id=ids.milestone(about, MILESTONES[step]),
            type=TYPES[step],
            source_id=SOURCE,
            subject=about,
            revision=step + 1,
            occurred_at=now,
            observed_at=now,
            precision_s=1,
            data={"note": note},
        )

    return made("x" * (BODY_BYTES - len(made("").to_json(now))))


def leg_of(call_id: str, now: datetime) -> Leg:
    """
    Make the one leg of a call.
    """
    facts = LegFacts(
        source_id=SOURCE,
        stream="user_calls",
        base_key=f"base-{call_id}",
        native_id=None,
        link_key=call_id,
        direction="inbound",
        from_raw="0412345678",
        from_e164="+61412345678",
        to_raw="0290001111",
        to_e164="+61290001111",
        masked=False,
        agent_name="Ann",
        queue=None,
        ring_group=None,
        status=None,
        started_at=now,
        answered_at=now,
        ended_at=now,
        duration_s=0,
        talk_s=0,
        row={"call": call_id},
        digest=call_id.encode(),
    )
    return Leg(f"leg-{call_id}", 0, call_id, now, facts)
