"""
Makes events, calls and settlements for tests of the journal and the loops.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from relay.journal.port import Append
from relay.model.call import Call, Leg, LegFacts
from relay.model.change import CallChange
from relay.model.coverage import DEEP, Interval, Read
from relay.model.delivery_options import DeliveryOptions
from relay.model.endpoint import Delivery, EndpointSpec
from relay.model.event import Event
from relay.model.ids import IdMaker, subject
from relay.model.settlement import Settlement

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
IDS = IdMaker(b"a key of the tests")
SECOND = timedelta(seconds=1)


def endpoint_spec(
    name: str = "crm",
    url: str = "https://crm.example.com/",
    events: tuple[str, ...] = ("*",),
    conditions: tuple[str, ...] = (),
) -> EndpointSpec:
    """
    Make an endpoint that wants some types, however long ago they were recorded.
    """
    options = DeliveryOptions(max_pending_age_s=0, conditions=conditions)
    return EndpointSpec(name, url, (b"s" * 24,), events, options=options)


def leg_of(call_id: str, ordinal: int = 0, **facts: object) -> Leg:
    """
    Make a closed user leg of a call.
    """
    row = {"call": call_id, "ordinal": ordinal, **{name: str(value) for name, value in facts.items()}}
    known = LegFacts(
        source_id="pbx",
        stream="user_calls",
        base_key=f"base-{call_id}",
        native_id=None,
        link_key="412345678",
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
        started_at=NOW,
        answered_at=NOW + 5 * SECOND,
        ended_at=NOW + 60 * SECOND,
        duration_s=60,
        talk_s=55,
        row=row,
        digest=repr(sorted(row.items())).encode(),
    )
    return Leg(f"leg-{call_id}-{ordinal}", ordinal, call_id, NOW, known._replace(**facts))  # type: ignore[arg-type]


def call_change(call_id: str, events: int = 3, first_revision: int = 1) -> CallChange:
    """
    Make a call with one leg and some events.
    """
    text = subject("call", "pbx", call_id)
    made = tuple(call_event(call_id, revision) for revision in range(first_revision, first_revision + events))
    call = Call(
        call_id=call_id,
        source_id="pbx",
        subject=text,
        state="ended",
        started_at=NOW,
        ended_at=NOW + 60 * SECOND,
        end_seen_at=NOW + 61 * SECOND,
        is_end_published=True,
        is_answer_published=True,
        is_silent=False,
        revision=first_revision + events - 1,
        last_event_id=made[-1].id if made else None,
        record={"call_id": call_id},
    )
    return CallChange(call, (leg_of(call_id),), made, first_revision - 1)


def call_with(call_id: str, *legs: Leg, events: int = 1, **fields: object) -> CallChange:
    """
    Make a call with some legs (none: one) of which `fields` are otherwise.
    """
    made = call_change(call_id, events)
    call = made.call._replace(**fields)  # type: ignore[arg-type]
    return CallChange(call, legs or made.legs, made.events, 0)


def call_event(call_id: str, revision: int) -> Event:
    """
    Make one event of a call.
    """
    text = subject("call", "pbx", call_id)
    return Event(
        id=IDS.milestone(text, str(revision)),
        type="call.updated",
        source_id="pbx",
        subject=text,
        revision=revision,
        occurred_at=NOW,
        observed_at=NOW,
        precision_s=1,
        data={"call_id": call_id},
    )


def append_of(*changes: CallChange) -> Append:
    """
    Make an append of some calls.
    """
    return Append("pbx", "user_calls", NOW, changes)


def read_of(start: float, end: float, stream: str = "user_calls", tier: str = DEEP) -> Read:
    """
    Make a complete read, sent at `end`, of what started between some seconds after NOW.
    """
    covered = Interval(NOW + start * SECOND, NOW + end * SECOND)
    return Read(stream, tier, NOW + (end - 1) * SECOND, NOW + end * SECOND, covered, rows=7, requests=2)


def settled(
    delivery: Delivery, status: str = "delivered", due_at_ms: int | None = None, attempts: int = 1
) -> Settlement:
    """
    Make the outcome of an attempt.
    """
    reason = "ok" if status == "delivered" else "http_5xx"
    return Settlement(delivery, status, attempts, 1_000, 5, reason, 200, due_at_ms, b"answer")
