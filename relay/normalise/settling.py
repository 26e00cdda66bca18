"""
Say of calls that they are settled, remember which id a rebuild would choose, and give up what never came.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from relay.model.call import CALL_STREAMS, UNKNOWN, Call, Leg
from relay.model.change import CallChange, Neighbourhood
from relay.model.coverage import Gap, Read
from relay.model.event import LIVE
from relay.model.ids import IdMaker
from relay.model.source_work import Alias
from relay.normalise.adopting import PUSH_PRECISION
from relay.normalise.advancing import Advancing, Look
from relay.normalise.identity import bag_rank
from relay.normalise.proofs import is_in_a_gap, proof, proofs


class Settling:
    """
    Settles the calls of one source.
    """

    def __init__(self, source_id: str, ids: IdMaker, advancing: Advancing) -> None:
        self._source_id = source_id
        self._ids = ids
        self._advancing = advancing

    def settle(
        self,
        calls: Neighbourhood,
        reads: Mapping[str, Sequence[Read]],
        gaps: Sequence[Gap],
        lookback: timedelta,
    ) -> list[CallChange]:
        """
        Return the calls that are settled now; the arguments are those of `CallAssembler.settle`.
        """
        legs: dict[str, list[Leg]] = defaultdict(list)
        for leg in calls.legs:
            legs[leg.call_id].append(leg)
        names = natural_leg_ids(calls.legs, self._ids)
        changes = []
        for call in calls.calls.values():
            its = legs[call.call_id]
            last = _last_proof(call, its, reads, gaps, lookback)
            if last is None:
                continue
            look = Look(last.requested_at, last.requested_at, last.as_of - last.requested_at, LIVE)
            events = self._advancing.events(call, look)
            events.settle(last.as_of)
            aliases = self._aliases(call, its, names)
            changes.append(CallChange(events.call, (), tuple(events.made), call.revision, (), aliases))
        return changes

    def _aliases(self, call: Call, legs: Sequence[Leg], names: Mapping[str, str]) -> tuple[Alias, ...]:
        natural_id = natural_call_id(legs, names)
        if natural_id == call.call_id:
            return ()
        return (Alias(self._source_id, natural_id, call.call_id),)


def natural_leg_ids(legs: Sequence[Leg], ids: IdMaker) -> dict[str, str]:
    """
    Return the ids that a rebuild would give to legs, by the ids they have.

    Args:
        legs: whole bags.
        ids: maker of leg ids.
    """
    bags: dict[str, list[Leg]] = defaultdict(list)
    for leg in legs:
        bags[leg.facts.base_key].append(leg)
    return {
        leg.leg_id: ids.leg(base_key, ordinal)
        for base_key, bag in bags.items()
        for ordinal, leg in enumerate(sorted(bag, key=lambda leg: (bag_rank(leg.facts), leg.ordinal)))
    }


def natural_call_id(legs: Sequence[Leg], names: Mapping[str, str]) -> str:
    """
    Return the id that a call would have if all its legs had been seen at once.
    """
    ranks = ((CALL_STREAMS.index(leg.facts.stream), leg.facts.started_at, names[leg.leg_id]) for leg in legs)
    return min(ranks)[-1]


def close_unconfirmed(
    legs: Sequence[Leg], reads: Mapping[str, Sequence[Read]], lookback: timedelta
) -> tuple[list[Leg], Read | None]:
    """
    Close the provisional legs of a call that complete reads should have shown.

    Returns:
        Those legs as they are then, and the last read that should have shown one; none and None otherwise.
    """
    closed: list[Leg] = []
    last: Read | None = None
    for leg in legs:
        facts = leg.facts
        if not leg.is_unproven:
            continue
        read = proof(
            reads.get(facts.stream, ()),
            facts.started_at - PUSH_PRECISION,
            facts.started_at + PUSH_PRECISION,
            facts.started_at + lookback,
        )
        if read is not None:
            ended_at = facts.ended_at or facts.answered_at or facts.started_at
            over = facts._replace(status=UNKNOWN, ended_at=ended_at, duration_s=None, talk_s=None)
            closed.append(leg._replace(facts=over))
            last = read if last is None else max(last, read, key=lambda read: read.as_of)
    return closed, last


def _last_proof(
    call: Call,
    legs: Sequence[Leg],
    reads: Mapping[str, Sequence[Read]],
    gaps: Sequence[Gap],
    lookback: timedelta,
) -> Read | None:
    """
    Return the read with which a call became settled; None where it is not, or was before.
    """
    is_candidate = call.is_end_published and not call.is_settled and call.absorbed_into is None
    if not is_candidate or call.ended_at is None or not legs or not all(map(_is_final, legs)):
        return None
    enough = call.ended_at + lookback
    if is_in_a_gap(gaps, reads, call.started_at, enough):
        return None
    found = proofs(reads, call.started_at, call.ended_at, enough)
    return max(found, key=lambda read: read.as_of) if found else None


def _is_final(leg: Leg) -> bool:
    return leg.is_closed and (leg.is_unconfirmed or not leg.is_provisional)
