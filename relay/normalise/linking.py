"""
Make one call of the legs of one conversation: by scores, as the best matching of all, not one by one.

Calls are groups of legs, to begin with those they were.  Each relation (`relay.model.linking`) is matched
as a whole, the strongest first, and again until nothing more is united.  A group never holds two legs that
contradict each other, and a pair that another reading nearly equals stays apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from relay.model import linking as words
from relay.model.call import USER_CALLS, Leg
from relay.model.linking import LinkRules
from relay.normalise.evidence import BY_TIME_ALONE, Evidence
from relay.normalise.matching import best_matching, total
from relay.normalise.pairs import Component, Pairs

# The strongest evidence first.  Of a matched relation each side takes part once, but for phones that a
# queue rings: it rings many.
_RELATIONS: Final = (
    words.SAME_NATIVE_ID,
    words.ANSWERED_BY,
    words.OVERFLOWED,
    words.RANG_IN,
    words.RANG_TOGETHER,
    words.TALKED_ON,
    words.RANG_IN_TURN,
    words.TRANSFERRED,
)
_MANY_TO_MANY: Final = frozenset({words.SAME_NATIVE_ID, words.RANG_TOGETHER})

Pair = tuple[int, int]
Weights = dict[Pair, int]


class _View(NamedTuple):
    """
    What stands between groups as they are now: points by relation, and which can never be one.
    """

    weights: dict[str, Weights]
    apart: set[Pair]


class Linking:
    """
    The calls of one component, being united.

    Args:
        component: legs by call; a new leg is a call of its own.
        published: the calls that events were made of; two of them are never united because phones rang in
            turn.
        pairs: evidence.
        rules: thresholds and bounds.
    """

    def __init__(
        self,
        component: Component,
        published: AbstractSet[str],
        pairs: Pairs,
        rules: LinkRules,
    ) -> None:
        self._rules = rules
        calls = component.calls
        ordered = sorted(calls, key=lambda call_id: min(leg.anchor_rank for leg in calls[call_id]))
        self._call_ids = [[call_id] for call_id in ordered]
        self._legs = [list(calls[call_id]) for call_id in ordered]
        self._is_published = [call_id in published for call_id in ordered]
        self._is_shared = [call_id in component.shared for call_id in ordered]
        self._root = list(range(len(ordered)))
        self._links: list[tuple[int, int, Evidence]] = []
        self._contradictions: list[Pair] = []
        self._weigh(pairs)

    def groups(self) -> list[list[str]]:
        """
        Unite what belongs together; return the ids of the calls of each group.
        """
        relations = {evidence.relation for _, _, evidence in self._links}
        stages = [relation for relation in _RELATIONS if relation in relations]
        is_large = sum(map(len, self._legs)) > self._rules.most_legs
        while self._attach(stages) if is_large else self._match(stages):
            pass
        return [call_ids for call_ids in self._call_ids if call_ids]

    def _weigh(self, pairs: Pairs) -> None:
        for low, legs in enumerate(self._legs):
            for high in range(low + 1, len(self._legs)):
                for leg in legs:
                    for other in self._legs[high]:
                        found = pairs.of(leg, other)
                        if found.relation is not None:
                            is_turned = _comes_first(other, leg)
                            self._links.append((high, low, found) if is_turned else (low, high, found))
                        elif found.contradiction is not None:
                            self._contradictions.append((low, high))

    def _view(self) -> _View:
        root = self._root
        apart = {(root[one], root[other]) for one, other in self._contradictions}
        apart |= {(other, one) for one, other in apart}
        weights: dict[str, Weights] = defaultdict(dict)
        for one, other, found in self._links:
            pair, relation = (root[one], root[other]), found.relation
            if relation is None or pair[0] == pair[1] or pair in apart:
                continue
            is_shared = self._is_shared[pair[0]] or self._is_shared[pair[1]]
            if not (is_shared and relation in BY_TIME_ALONE):
                known = weights[relation]
                known[pair] = max(found.score, known.get(pair, 0))
        return _View(weights, apart)

    def _match(self, relations: Sequence[str]) -> bool:
        united = [self._stage(relation) for relation in relations]
        return any(united)

    def _stage(self, relation: str) -> bool:
        if relation in _MANY_TO_MANY:
            return self._attach([relation])
        view = self._view()
        strong = self._strong(view, relation)
        if not strong:
            return False
        if len({place for pair in strong for place in pair}) > self._rules.most_exact:
            return self._attach([relation])
        chosen: list[tuple[int, Pair]] = []
        for weights in _rivalling(strong, view) if relation == words.RANG_IN else [strong]:
            best = best_matching(weights)
            worth = sum(weights[pair] for pair in best.items())
            chosen += [
                (-weights[pair], pair)
                for pair in best.items()
                if self._leads(view, relation, weights, worth, pair)
            ]
        united = [self._unite(pair, relation) for _, pair in sorted(chosen)]
        return any(united)

    def _strong(self, view: _View, relation: str) -> Weights:
        weights = view.weights.get(relation, {})
        return {pair: points for pair, points in weights.items() if points >= self._rules.threshold}

    def _leads(self, view: _View, relation: str, weights: Weights, worth: int, pair: Pair) -> bool:
        """
        Tell whether every matching without a pair is worse than the best one by the margin.
        """
        rivals = {
            other: points
            for other, points in view.weights[relation].items()
            if self._is_rival(view, pair, other)
        }
        without = {other: points for other, points in weights.items() if {*pair}.isdisjoint(other)}
        if worth - total(without | rivals) < self._rules.margin:
            return False
        others = [name for name in view.weights if name != relation]
        return self._leads_elsewhere(view, others, pair, weights[pair])

    def _leads_elsewhere(self, view: _View, relations: Iterable[str], pair: Pair, points: int) -> bool:
        most = points - self._rules.margin
        return not any(
            rival > most and self._is_rival(view, pair, other)
            for relation in relations
            for other, rival in view.weights[relation].items()
        )

    def _is_rival(self, view: _View, pair: Pair, other: Pair) -> bool:
        """
        Tell whether a pair is another reading of one of two groups: both readings cannot be true, and it
        would make a difference which is.
        """
        if pair[0] in other:
            mine, its = pair[1], other[other[0] == pair[0]]
        elif pair[1] in other:
            mine, its = pair[0], other[other[0] == pair[1]]
        else:
            return False
        return (mine, its) in view.apart and self._kind(mine) != self._kind(its)

    def _kind(self, group: int) -> list[tuple[object, ...]]:
        """
        Return what a group is but for the ids of its legs: of equal twins it does not matter which is which.
        """
        return sorted([_shape(leg) for leg in self._legs[group]])

    def _attach(self, relations: Sequence[str]) -> bool:
        """
        Unite pairs, the best first; each must lead what else could be made of its two groups.
        """
        has_united = False
        while self._attach_best(relations):
            has_united = True
        return has_united

    def _attach_best(self, relations: Sequence[str]) -> bool:
        view = self._view()
        ranked = sorted(
            (-points, place, pair)
            for place, relation in enumerate(relations)
            for pair, points in self._strong(view, relation).items()
        )
        return any(
            self._unite(pair, relations[place])
            for points, place, pair in ranked
            if self._leads_elsewhere(view, view.weights, pair, -points)
        )

    def _unite(self, pair: Pair, relation: str) -> bool:
        one, other = self._root[pair[0]], self._root[pair[1]]
        if one == other or self._are_apart(one, other):
            return False
        if relation == words.RANG_IN_TURN and self._is_published[one] and self._is_published[other]:
            return False
        into, gone = min(one, other), max(one, other)
        self._root = [into if root == gone else root for root in self._root]
        self._legs[into] += self._legs[gone]
        self._call_ids[into] += self._call_ids[gone]
        self._is_published[into] |= self._is_published[gone]
        self._is_shared[into] |= self._is_shared[gone]
        self._legs[gone], self._call_ids[gone] = [], []
        return True

    def _are_apart(self, one: int, other: int) -> bool:
        root = self._root
        return any({root[low], root[high]} == {one, other} for low, high in self._contradictions)


def _rivalling(weights: Weights, view: _View) -> list[Weights]:
    """
    Part phones into those that cannot be of one call, and so rival for a queue, and the others.
    """
    parts: list[tuple[set[int], Weights]] = []
    for pair, points in weights.items():
        row = pair[0]
        mine = [part for part in parts if any(row == one or (row, one) in view.apart for one in part[0])]
        rows, joined = {row}, {pair: points}
        for part in mine:
            rows |= part[0]
            joined = part[1] | joined
            parts.remove(part)
        parts.append((rows, joined))
    return [part for _, part in parts]


def _comes_first(leg: Leg, other: Leg) -> bool:
    """
    Tell which side of a relation a leg is on: a phone before a summary, else what began first.
    """
    mine, its = leg.facts, other.facts
    if (mine.stream == USER_CALLS) != (its.stream == USER_CALLS):
        return mine.stream == USER_CALLS
    return (mine.started_at, leg.leg_id) < (its.started_at, other.leg_id)


def _shape(leg: Leg) -> tuple[object, ...]:
    facts = leg.facts
    return (
        facts.base_key,
        facts.agent_name or "",
        facts.queue or facts.ring_group or "",
        facts.status or "",
        str(facts.answered_at),
        str(facts.ended_at),
    )
