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
from relay.normalise.linking import Pairs

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
        self._now: dict[str, str] = {}
        for leg in legs:
            self.place(leg)

    def place(self, leg: Leg) -> None:
        """
        Take in a leg that has a call, or a new state of one.
        """
        self._legs[leg.call_id][leg.leg_id] = leg
        for key in _keys(leg):
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

    def near(self, leg: Leg) -> dict[str, list[Leg]]:
        """
        Return the calls that a leg may belong to, with their legs; its own is among them.
        """
        call_ids = {self.current(call_id) for key in _keys(leg) for call_id in self._calls.get(key, ())}
        return {call_id: self.legs_of(call_id) for call_id in call_ids}

    def component(self, call_id: str, pairs: Pairs, most_legs: int) -> dict[str, Sequence[Leg]]:
        """
        Return a call with all that evidence of some kind ties to it, directly or by way of others.

        Past `most_legs` it is cut: what is further away is left out.
        """
        found: dict[str, Sequence[Leg]] = {call_id: self.legs_of(call_id)}
        waiting, count = [call_id], len(found[call_id])
        while waiting and count <= most_legs:
            for leg in found[waiting.pop(0)]:
                near = self.near(leg)
                for other_id in sorted(near.keys() - found.keys()):
                    if any(pairs.of(leg, other).relation is not None for other in near[other_id]):
                        found[other_id] = near[other_id]
                        waiting.append(other_id)
                        count += len(near[other_id])
        return found


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
