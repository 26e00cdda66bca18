"""
The calls of a dialer kept by hand: what is told of one goes in, events come out, and between two tellings a
call is written and read back as the journal does it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from relay.model.call import Call, Leg
from relay.model.dialer_call import DialerCall
from relay.model.event import LIVE, Event
from relay.model.ids import IdMaker
from relay.model.mapping import Mappings
from relay.model.times import from_ms, to_ms
from relay.normalise.advancing import Look
from relay.normalise.dialer_calls import DialerCalls, KnownDialerCall
from relay.normalise.rules import CallRules
from tests.normalise.dialer_floor import ZONE
from tests.normalise.office import at, check

IDS: Final = IdMaker(b"key of the dialer's calls")
# 19:00:00 on the server's clock at second 0 of the story, 20 November.
INBOUND_ID: Final = "Y1201900000000000122"
OUTBOUND_ID: Final = "V1201900000000000122"
Telling = Callable[[DialerCall], DialerCall]


def row_of(**columns: str) -> dict[str, str]:
    """
    Return a row of `callid_info` with detail.
    """
    return {
        "call_id": INBOUND_ID, "custtime": "0", "call_date": "2026-11-20 19:00:00", "phone": "7275551212",
        "call_type": "INBOUND", "campaign_id": "SALESLINE", "list_id": "999", "status": "INCALL",
        "user": "1001", **columns,
    }  # fmt: skip


class Book:
    """
    Keeps calls and checks every event of theirs.
    """

    def __init__(self, *, publish_from_s: float = -3600) -> None:
        self.rules = CallRules("dialer", ZONE, "US", at(publish_from_s))
        self.calls = DialerCalls(self.rules, IDS)
        self.known: dict[str, KnownDialerCall] = {}
        self.mappings = Mappings()
        self._event_ids: set[str] = set()

    def key(self, vendor_id: str, second: float = 0) -> str:
        """
        Return the key of a call.
        """
        return self.calls.base_key(vendor_id, at(second))

    def tell(
        self,
        second: float,
        telling: Telling,
        *,
        vendor_id: str = INBOUND_ID,
        is_end_due: bool = False,
        origin: str = LIVE,
    ) -> list[Event]:
        """
        Tell something of a call at a second of the story; return its events.
        """
        key = self.key(vendor_id, second)
        known = self.known.get(key)
        before = known.facts if known else self.calls.new(vendor_id, at(second))
        return self.take(key, telling(before), second, is_end_due=is_end_due, origin=origin)

    def take(
        self, key: str, now: DialerCall, second: float, *, is_end_due: bool = False, origin: str = LIVE
    ) -> list[Event]:
        """
        Write what is known of a call now; return its events.
        """
        known = self.known.get(key)
        look = Look(at(second), self.rules.publish_from, timedelta(0), origin)
        change = self.calls.change(key, known, now, look, self.mappings, is_end_due=is_end_due)
        if change is None:
            return []
        assert (known.call.revision if known else 0) == change.expected_revision
        for event in change.events:
            assert event.id not in self._event_ids
            self._event_ids.add(event.id)
            check(event)
        self.known[key] = KnownDialerCall(_stored_call(change.call), _stored_leg(change.legs[0]))
        return list(change.events)


def in_ms(value: Any) -> Any:
    """
    Return a value as the journal keeps it: times in whole milliseconds, JSON read back.
    """
    if isinstance(value, datetime):
        return from_ms(to_ms(value))
    return orjson.loads(orjson.dumps(value)) if isinstance(value, dict) else value


def _stored_call(call: Call) -> Call:
    return Call(*map(in_ms, call))


def _stored_leg(leg: Leg) -> Leg:
    facts = leg.facts._replace(**{name: in_ms(value) for name, value in leg.facts._asdict().items()})
    return leg._replace(first_seen_at=in_ms(leg.first_seen_at), facts=facts)


def short(events: list[Event]) -> list[str]:
    """
    Return the types of events without their family.
    """
    return [event.type.partition(".")[2] for event in events]


def answered(second: float, agent_id: str = "1001") -> Telling:
    """
    Let an agent answer.
    """
    return lambda call: call.told(
        phone="7275551212",
        did="3125551212",
        agent_id=agent_id,
        agent_name="Alice Adams",
        answered_at=at(second),
        answered_precision_s=1,
    )


def ended(second: float) -> Telling:
    """
    Let it be over.
    """
    return lambda call: call.told(ended_at=at(second), ended_precision_s=2)
