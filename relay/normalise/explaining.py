"""
Give an account of linking: why legs are one call, and what other rules would make of stored legs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from relay.model import linking as words
from relay.model.call import Call, Leg
from relay.model.linking import DryRun, LinkAccount, LinkRules, PairAccount, Regrouped
from relay.model.times import rfc3339
from relay.normalise.evidence import BY_TIME_ALONE, TWO_CALLERS, Evidence, Scorer
from relay.normalise.gathering import gather
from relay.normalise.known_calls import KnownCalls
from relay.normalise.pairs import Pairs, confidence

SHARED_NUMBER: Final = "shared_number"
IN_TURN_ALONE: Final = "in_turn_alone"


def explain(call_id: str, near: Sequence[Leg], calls: Mapping[str, Call], rules: LinkRules) -> LinkAccount:
    """
    Hold every leg of a call against every other near it.

    Args:
        call_id: the call.
        near: its legs and those of the calls near it (`PollJournal.neighbourhood`).
        calls: those calls as stored.
        rules: those in force.
    """
    pairs = Pairs(Scorer(rules, None))
    by_call: dict[str, list[Leg]] = defaultdict(list)
    for leg in sorted(near, key=lambda leg: leg.anchor_rank):
        by_call[leg.call_id].append(leg)
    own = by_call.pop(call_id, [])
    accounts = [
        _account(pairs.of(leg, other), leg, other, words.LINKED, None)
        for place, leg in enumerate(own)
        for other in own[place + 1 :]
    ]
    against = {other_id: _contradictions(own, others, pairs) for other_id, others in by_call.items()}
    is_shared = any(why in TWO_CALLERS for whys in against.values() for why in whys)
    for other_id, others in by_call.items():
        is_published = bool(calls[call_id].revision and calls[other_id].revision)
        stands = _Stands(next(iter(against[other_id]), None), is_shared, is_published)
        for leg in own:
            for other in others:
                found = pairs.of(leg, other)
                verdict, why = _verdict(found, stands, rules)
                accounts.append(_account(found, leg, other, verdict, why))
    return LinkAccount(call_id, confidence(own, pairs, rules), tuple(accounts))


def dry_run(legs: Sequence[Leg], rules: LinkRules) -> DryRun:
    """
    Link stored legs from scratch, as if all had been seen at once, and say which calls would be others.

    Args:
        legs: stored legs, whole calls.
        rules: to be tried.
    """
    stored: dict[str, str] = {leg.leg_id: leg.call_id for leg in legs}
    sizes: dict[str, int] = defaultdict(int)
    alone = []
    for leg in sorted(legs, key=lambda leg: leg.anchor_rank):
        sizes[leg.call_id] += 1
        alone.append(leg._replace(call_id=leg.leg_id))
    calls = KnownCalls(alone)
    gather(alone, calls, {}, Pairs(Scorer(rules, None)), rules)
    groups = [calls.legs_of(call_id) for call_id in {calls.current(leg.call_id): None for leg in alone}]
    regrouped = sorted((_regrouped(group, stored) for group in groups), key=lambda one: one.leg_ids)
    return DryRun(
        legs=len(legs),
        calls=len(sizes),
        calls_then=len(groups),
        joined=tuple([one for one in regrouped if len(one.call_ids) > 1]),
        split=tuple([one for one in regrouped if _is_part(one, stored, sizes)]),
    )


class _Stands(NamedTuple):
    """
    How two calls stand to each other: what contradicts their being one, and what they are.
    """

    contradiction: str | None
    is_shared: bool
    are_published: bool


def _contradictions(own: Sequence[Leg], others: Sequence[Leg], pairs: Pairs) -> list[str]:
    found = (pairs.of(leg, other).contradiction for leg in own for other in others)
    return [why for why in found if why is not None]


def _verdict(found: Evidence, stands: _Stands, rules: LinkRules) -> tuple[str, str | None]:
    if found.contradiction is not None:
        return words.REJECTED, found.contradiction
    if found.relation is None:
        return words.UNRELATED, None
    if stands.contradiction is not None:
        return words.REJECTED, stands.contradiction
    if found.score < rules.threshold:
        return words.BELOW_THRESHOLD, None
    if found.relation in BY_TIME_ALONE and stands.is_shared:
        return words.REJECTED, SHARED_NUMBER
    if found.relation == words.RANG_IN_TURN and stands.are_published:
        return words.REJECTED, IN_TURN_ALONE
    return words.NO_MARGIN, None


def _account(found: Evidence, leg: Leg, other: Leg, verdict: str, why: str | None) -> PairAccount:
    return PairAccount(
        leg_id=leg.leg_id,
        other_leg_id=other.leg_id,
        other_call_id=other.call_id,
        relation=found.relation,
        score=found.score,
        reasons=dict(found.reasons),
        verdict=verdict,
        why=why,
    )


def _regrouped(legs: Sequence[Leg], stored: Mapping[str, str]) -> Regrouped:
    return Regrouped(
        started_at=rfc3339(min(leg.facts.started_at for leg in legs)),
        leg_ids=tuple(sorted(leg.leg_id for leg in legs)),
        call_ids=tuple(sorted({stored[leg.leg_id] for leg in legs})),
    )


def _is_part(one: Regrouped, stored: Mapping[str, str], sizes: Mapping[str, int]) -> bool:
    """
    Tell whether a group leaves out a leg of a call that it has a leg of.
    """
    mine: dict[str, int] = defaultdict(int)
    for leg_id in one.leg_ids:
        mine[stored[leg_id]] += 1
    return any(sizes[call_id] > count for call_id, count in mine.items())
