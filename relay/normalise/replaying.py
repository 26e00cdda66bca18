"""
Tell what rows that could not be read in their time may still become, when no poll will show them again.
"""

from __future__ import annotations

from collections.abc import Sequence

from relay.model.call import Leg, LegFacts
from relay.normalise.identity import bag_rank


def sort_out(rows: Sequence[LegFacts], known: Sequence[Leg]) -> tuple[list[LegFacts], list[LegFacts]]:
    """
    Return the rows of one bag that may be taken, and those that tell nothing beyond what is known.

    A page would tell twins from states of one row by showing both; stored rows do not. So of each agent the
    last closed state is taken, as far as legs of the bag are open or none is known; open states of what has
    closed since are nothing new. Every other row is neither: a guess could double a call.

    Args:
        rows: rejects of one bag that can be read by now.
        known: the legs of that bag.
    """
    closed = sorted((row for row in rows if row.is_closed), key=bag_rank)
    opened = [row for row in rows if not row.is_closed]
    if not known and not closed:
        return list({row.agent_name: row for row in opened}.values()), []
    told = {_state(leg.facts) for leg in known if not leg.is_provisional}
    nothing_new = [*opened, *(row for row in closed if _state(row) in told)]
    last_of_each = list({row.agent_name: row for row in closed if _state(row) not in told}.values())
    open_legs = sum(leg.is_provisional or not leg.is_closed for leg in known)
    return last_of_each[:open_legs] if known else last_of_each, nothing_new


def _state(row: LegFacts) -> tuple[object, ...]:
    return row.agent_name, row.status, row.answered_at, row.ended_at, row.duration_s, row.talk_s
