"""
The calls near a leg: found by what legs must share to be linked, and by the time they lasted.

A number that many calls share (a trunk that shows its own, a large customer) must not make every leg
look at every call, so calls are kept by the minutes they touched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from relay.model.call import Leg
from relay.model.linking import LinkRules
from relay.normalise.evidence import BY_TIME_ALONE, TWO_CALLERS, Evidence
from relay.normalise.pairs import Component, Pairs

SLACK_S: Final = 5  # more than any rule of linking reaches beyond start and end
MINUTE_S: Final = 60
OPEN_S: Final = 4 * 3600  # how long a leg that is still open is taken to last, for finding others near it


class KnownCalls:
    """
    Legs by call, and calls by number and minute or by native id.
    """

    def __init__(self, legs: Iterable[Leg]) -> None:
        self._legs: dict[str, dict[str, Leg]] = defaultdict(dict)
        self._calls: dict[tuple[str, int], set[str]] = defaultdict(set)
        self._keys: dict[str, list[tuple[str, int]]] = {}
        self._now: dict[str, str] = {}
        for leg in legs:
            self.place(leg)

    def place(self, leg: Leg) -> None:
        """
        Take in a leg that has a call, or a new state of one.
        """
        self._legs[leg.call_id][leg.leg_id] = leg
        keys = self._keys[leg.leg_id] = list(_keys(leg))
        for key in keys:
            self._calls[key].add(leg.call_id)

    def legs_of(self, call_id: str) -> list[Leg]:
        """
        Return the legs of a call.
        """
        return list(self._legs[call_id].values())

    def current(self, call_id: str) -> str:
        """
        Return the call that a call is part of by now.
        """
        while call_id in self._now:
            call_id = self._now[call_id]
        return call_id

    def unite(self, into: str, call_ids: Iterable[str]) -> None:
        """
        Put the legs of calls into one of them.
        """
        for call_id in call_ids:
            if call_id != into:
                for leg in self._legs.pop(call_id).values():
                    self._legs[into][leg.leg_id] = leg._replace(call_id=into)
                self._now[call_id] = into

    def is_alone(self, leg: Leg) -> bool:
        """
        Tell whether no other call is near a leg that is placed.
        """
        return all(len(self._calls[key]) == 1 for key in self._keys[leg.leg_id])

    def near(self, leg: Leg) -> dict[str, list[Leg]]:
        """
        Return the calls that a leg may belong to, with their legs; its own is among them where it is placed.
        """
        keys = self._keys.get(leg.leg_id) or _keys(leg)
        call_ids = {self.current(call_id) for key in keys for call_id in self._calls.get(key, ())}
        return {call_id: self.legs_of(call_id) for call_id in call_ids}

    def component(self, call_id: str, pairs: Pairs, rules: LinkRules) -> Component:
        """
        Return a call with all that evidence of some weight ties to it, directly or by way of others.

        Past `most_legs` it is cut: what is further away is left out, and a number so busy counts as shared.
        """
        found: dict[str, Sequence[Leg]] = {call_id: self.legs_of(call_id)}
        shared: set[str] = set()
        waiting, count = [call_id], len(found[call_id])
        weight = rules.threshold - rules.margin + 1  # below it a pair neither links nor rivals one that does
        while waiting and count <= rules.most_legs:
            here = waiting.pop(0)
            ties = self._ties(here, pairs)
            if any(tie.contradiction in TWO_CALLERS for _, tie in ties):
                shared.add(here)
            for other_id, tie in ties:
                is_chance = here in shared and tie.relation in BY_TIME_ALONE
                if other_id not in found and tie.score >= weight and not is_chance:
                    found[other_id] = self.legs_of(other_id)
                    waiting.append(other_id)
                    count += len(found[other_id])
        return Component(found, found.keys() if count > rules.most_legs else shared)

    def _ties(self, call_id: str, pairs: Pairs) -> list[tuple[str, Evidence]]:
        """
        Return what the legs of a call are to the legs of others near them.
        """
        return [
            (other_id, pairs.of(leg, other))
            for leg in self.legs_of(call_id)
            for other_id, legs in sorted(self.near(leg).items())
            if other_id != call_id
            for other in legs
        ]


def _keys(leg: Leg) -> Iterator[tuple[str, int]]:
    facts = leg.facts
    if facts.native_id is not None:
        yield "native " + facts.native_id, 0
    if facts.link_key is not None:
        start_s = facts.started_at.timestamp()
        end_s = facts.ended_at.timestamp() if facts.ended_at else start_s + OPEN_S
        last = int(min(end_s, start_s + OPEN_S) + SLACK_S) // MINUTE_S
        for minute in range(int(start_s - SLACK_S) // MINUTE_S, last + 1):
            yield facts.link_key, minute
