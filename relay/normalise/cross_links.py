"""
Find the call of another phone system that is the same conversation as a dialer's call.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from relay.model.change import Neighbourhood
from relay.normalise.dialer_calls import KnownDialerCall

APART: Final = timedelta(seconds=120)  # a call may ring or wait that long in one of the two systems
MARGIN: Final = timedelta(seconds=10)  # the next best begins at least so much further away
CLOCKS: Final = timedelta(seconds=2)


def same_conversation(known: KnownDialerCall, others: Neighbourhood) -> str | None:
    """
    Return the call id of the one call with the same outside number at the same time; None where there is
    none, or where two fit nearly as well.

    Args:
        known: a call of a dialer that is over.
        others: calls of another source near it.
    """
    key, end = known.leg.facts.link_key, known.facts.ended_at
    if key is None or end is None:
        return None
    start = known.facts.started_at
    numbers = {leg.call_id for leg in others.legs if leg.facts.link_key == key}
    ranked = sorted(
        (abs(call.started_at - start), call.call_id)
        for call in others.calls.values()
        if call.call_id in numbers
        and call.absorbed_into is None
        and _overlaps(call.started_at, call.ended_at, start, end)
    )
    if not ranked or ranked[0][0] > APART:
        return None
    is_clear = len(ranked) == 1 or ranked[1][0] - ranked[0][0] >= MARGIN
    return ranked[0][1] if is_clear else None


def _overlaps(start: datetime, end: datetime | None, other_start: datetime, other_end: datetime) -> bool:
    return start <= other_end + CLOCKS and (end is None or end >= other_start - CLOCKS)
