"""
What pairs of legs are to each other, and how sure it makes the call that they are in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from relay.model.call import Leg
from relay.model.linking import LinkRules
from relay.normalise.evidence import Evidence, Scorer


class Pairs:
    """
    The evidence of pairs of legs, each weighed once.
    """

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._known: dict[tuple[str, str], Evidence] = {}

    def of(self, a: Leg, b: Leg) -> Evidence:
        """
        Return what two legs are to each other.
        """
        key = (a.leg_id, b.leg_id) if a.leg_id < b.leg_id else (b.leg_id, a.leg_id)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._scorer.evidence(a, b)
        return found


class Component(NamedTuple):
    """
    Calls that evidence ties together; `shared` are those during which someone else called from the number.
    """

    calls: Mapping[str, Sequence[Leg]]
    shared: AbstractSet[str]


def confidence(legs: Sequence[Leg], pairs: Pairs, rules: LinkRules) -> float | None:
    """
    Return how sure it is that legs are one call: the points that hold the leg held least firmly, as a share
    of `sure_from`, where the rows agree in all they could; at most 1, None with one leg.

    The lead over other readings decides whether legs are linked and is no part of it: a stranger who calls
    later must not change what was published.
    """
    if len(legs) < 2:
        return None
    least = min(max(pairs.of(leg, other).score for other in legs if other is not leg) for leg in legs)
    return round(min(1.0, least / rules.sure_from), 2)
