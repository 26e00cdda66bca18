"""
Find the call that a leg belongs to.

Two legs are of one conversation when the vendor's own id says so, or when the outside number and the
number called agree and the times leave no other reading.  A number that is withheld, masked or short
never links.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from relay.model.call import INBOUND, TIMED_OUT, USER_CALLS, Leg, LegFacts

SAME_INSTANT: Final = timedelta(seconds=2)
OVERFLOW_WITHIN: Final = timedelta(seconds=3)

_CERTAIN: Final = 3
_LIKELY: Final = 1


def find_call(leg: Leg, legs_by_call: Mapping[str, Iterable[Leg]]) -> str | None:
    """
    Return the id of the one call among some that this leg belongs to, or None.

    A call is out of the question where any of its legs contradicts; of several, the strongest wins, then
    the nearest in time.
    """
    best: tuple[int, float, str] | None = None
    for call_id, legs in legs_by_call.items():
        strength = _strength(leg.facts, [other.facts for other in legs])
        if strength:
            apart = min(
                abs((leg.facts.started_at - other.facts.started_at).total_seconds()) for other in legs
            )
            candidate = (-strength, apart, call_id)
            best = candidate if best is None else min(best, candidate)
    return best[2] if best else None


def _strength(leg: LegFacts, others: list[LegFacts]) -> int:
    strengths = [link_strength(leg, other) for other in others]
    return 0 if None in strengths else max(strength or 0 for strength in strengths)


def link_strength(a: LegFacts, b: LegFacts) -> int | None:
    """
    Say how strongly two legs belong together: 0 not at all by themselves, None they contradict.
    """
    if a.native_id is not None and b.native_id is not None:
        return _CERTAIN if a.native_id == b.native_id else None
    if a.link_key is None or a.link_key != b.link_key or a.direction != b.direction:
        return None
    if a.direction != INBOUND or not _same_number_called(a, b):
        return None
    if a.stream == b.stream == USER_CALLS:
        return _phones_of_one_team(a, b)
    if USER_CALLS in (a.stream, b.stream):
        user, summary = (a, b) if a.stream == USER_CALLS else (b, a)
        return _phone_and_summary(user, summary)
    return _overflow(a, b)


def _same_number_called(a: LegFacts, b: LegFacts) -> bool:
    return (a.to_e164 or a.to_raw) == (b.to_e164 or b.to_raw)


def _phones_of_one_team(a: LegFacts, b: LegFacts) -> int | None:
    if a.answered_at is not None and b.answered_at is not None:
        return None
    if a.agent_name is None or b.agent_name is None or a.agent_name == b.agent_name:
        return None
    first, second = sorted((a, b), key=lambda facts: facts.started_at)
    if second.started_at - first.started_at <= SAME_INSTANT:
        return _CERTAIN  # two rings of one moment may stand in two seconds
    if first.answered_at is None and first.ended_at is not None:
        return _LIKELY if abs(second.started_at - first.ended_at) <= SAME_INSTANT else 0
    return 0


def _phone_and_summary(user: LegFacts, summary: LegFacts) -> int | None:
    # Outside of its time a phone may still have rung for the group before, or after, in the same call.
    if user.started_at < summary.started_at - SAME_INSTANT or _rang_after(user, summary):
        return 0
    if user.answered_at is None:
        return _LIKELY
    if summary.answered_at is None or summary.agent_name not in (None, user.agent_name):
        return None
    return _CERTAIN if abs(summary.answered_at - user.answered_at) <= SAME_INSTANT else None


def _rang_after(user: LegFacts, summary: LegFacts) -> bool:
    if summary.ended_at is None:
        return False
    tolerance = -SAME_INSTANT if summary.status == TIMED_OUT and user.answered_at else SAME_INSTANT
    return user.started_at > summary.ended_at + tolerance


def _overflow(a: LegFacts, b: LegFacts) -> int | None:
    first, second = sorted((a, b), key=lambda facts: facts.started_at)
    if first.status != TIMED_OUT or first.ended_at is None:
        return None
    return _CERTAIN if abs(second.started_at - first.ended_at) <= OVERFLOW_WITHIN else None
