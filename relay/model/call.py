"""
Legs and calls: what relay knows of a conversation between two polls.

A *leg* is one call row of a phone system (user, queue or ring group); a *call* is the legs of one
conversation.  `Call.record` is what events publish; its contract is `relay.model.catalogue.CallData`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

USER_CALLS: Final = "user_calls"
RINGGROUP_CALLS: Final = "ringgroup_calls"
QUEUE_CALLS: Final = "queue_calls"
CALL_STREAMS: Final = (USER_CALLS, RINGGROUP_CALLS, QUEUE_CALLS)  # in the order of the anchor rule
DIALER_CALLS: Final = "dialer_calls"  # no list that can be read: put together (`relay.model.dialer_call`)
LEG_STREAMS: Final = (*CALL_STREAMS, DIALER_CALLS)

INBOUND: Final = "inbound"
OUTBOUND: Final = "outbound"

ANSWERED: Final = "answered"
ABANDONED: Final = "abandoned"
TIMED_OUT: Final = "timed_out"
MISSED: Final = "missed"
NO_ANSWER: Final = "no_answer"
FAILED: Final = "failed"
UNKNOWN: Final = "unknown"

STARTED: Final = "started"
ENDED: Final = "ended"


class LegFacts(NamedTuple):
    """
    One validated row: everything the vendor says, in the shared words.

    Times are UTC; `duration_s` and `talk_s` are None while unknown.  `status` is the row's own verdict
    (answered, abandoned, timed_out) or None where the row has none.  `row` is the record untouched and
    `digest` its digest; `base_key` is shared by all rows with the same immutable facts, `link_key` by
    all rows with the same outside number (None where the number must not link).
    """

    source_id: str
    stream: str
    base_key: str
    native_id: str | None
    link_key: str | None
    direction: str
    from_raw: str
    from_e164: str | None
    to_raw: str
    to_e164: str | None
    masked: bool
    agent_name: str | None
    queue: str | None
    ring_group: str | None
    status: str | None
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    duration_s: int | None
    talk_s: int | None
    row: dict[str, Any]
    digest: bytes

    @property
    def is_closed(self) -> bool:
        """
        Tell whether the vendor says that it has ended.
        """
        return self.ended_at is not None


class Leg(NamedTuple):
    """
    A row with an identity and a call: `leg_id` follows from the bag key and the ordinal, for ever.

    `is_provisional` while only a push told of it: the polled row that confirms it takes it over.  Where none
    comes it is closed with the status unknown, and what the push said of its end and answer counts no more.
    """

    leg_id: str
    ordinal: int
    call_id: str
    first_seen_at: datetime
    facts: LegFacts
    is_provisional: bool = False

    @property
    def is_closed(self) -> bool:
        """
        Tell whether the vendor says that the leg has ended.
        """
        return self.facts.is_closed

    @property
    def is_unproven(self) -> bool:
        """
        Tell whether a push told of this leg and the phone system may show it yet.
        """
        return self.is_provisional and not self.is_unconfirmed

    @property
    def is_unconfirmed(self) -> bool:
        """
        Tell whether a push told of this leg and the phone system never showed it.
        """
        return self.is_provisional and self.facts.status == UNKNOWN

    @property
    def is_answered(self) -> bool:
        """
        Tell whether somebody spoke on this leg.
        """
        return self.facts.answered_at is not None

    @property
    def anchor_rank(self) -> tuple[int, datetime, str]:
        """
        Return the place of this leg in the anchor rule: user, ring group, queue; start; leg id.
        """
        return LEG_STREAMS.index(self.facts.stream), self.facts.started_at, self.leg_id


class Call(NamedTuple):
    """
    One conversation as last stored.

    `revision` and `last_event_id` are those of its last event (0 and None: nothing published).
    `ended_at` is set once all known legs are closed.  `end_seen_at` is when relay first saw the end;
    with `is_end_published` False and the state ended, the end is held.  `is_silent` calls ended before
    the source's `publish_from` and make no events until a backfill covers them.  `is_settled` once
    call.settled was published.  A call that was `absorbed_into` another has no legs any more.
    """

    call_id: str
    source_id: str
    subject: str
    state: str
    started_at: datetime
    ended_at: datetime | None
    end_seen_at: datetime | None
    is_end_published: bool
    is_answer_published: bool
    is_silent: bool
    revision: int
    last_event_id: str | None
    record: dict[str, Any]
    is_settled: bool = False
    absorbed_into: str | None = None

    @property
    def is_end_held(self) -> bool:
        """
        Tell whether the call has ended and the event that says so still waits for other streams.
        """
        return self.end_seen_at is not None and not self.is_end_published and not self.is_silent
