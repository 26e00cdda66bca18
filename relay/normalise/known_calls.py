"""
The calls near a leg: found by what legs must share to be linked, and by the time they lasted.

A number that many calls share (a trunk that shows its own, a large customer) must not make every leg
look at every call, so calls are kept by the minutes they touched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from relay.model.call import Leg

SLACK_S: Final = 5  # more than any rule of linking reaches beyond start and end
MINUTE_S: Final = 60
OPEN_S: Final = 4 * 3600  # how long a leg that is still open is taken to last, for finding others near it


class KnownCalls:
    """
    Legs by call, and calls by number and minute or by native id.
    """

    def __init__(self, legs: Sequence[Leg]) -> None:
        self._legs: dict[str, dict[str, Leg]] = defaultdict(dict)
        self._calls: dict[tuple[str, int], set[str]] = defaultdict(set)
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

    def near(self, leg: Leg) -> dict[str, list[Leg]]:
        """
        Return the calls that a leg may belong to, with their legs.
        """
        call_ids = {call_id for key in _keys(leg) for call_id in self._calls.get(key, ())}
        return {call_id: self.legs_of(call_id) for call_id in call_ids}


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
