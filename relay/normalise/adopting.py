"""
Legs that a push told of, until a polled row confirms them (DESIGN section 5, Push hints).

A push tells numbers and a start that may be 2 s off.  What it says is kept as a provisional leg; the row
that is polled takes it over under its name, and a push never changes what was polled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from relay.model.call import USER_CALLS, Leg, LegFacts
from relay.model.ids import IdMaker

PUSH_PRECISION: Final = timedelta(seconds=2)

_Closeness = tuple[int, timedelta]


def adopt(
    rows: Sequence[LegFacts], provisional: Sequence[Leg]
) -> tuple[list[tuple[Leg, LegFacts]], list[LegFacts]]:
    """
    Give polled rows the provisional legs that are theirs, the closest first and one to one.

    Returns:
        The legs with their rows, and the rows that are left.
    """
    pairs = sorted(
        (closeness, _are_two_phones(leg.facts, facts), leg.leg_id, place, leg)
        for place, facts in enumerate(rows)
        for leg in provisional
        if (closeness := _closeness(leg.facts, facts)) is not None
    )
    taken: dict[int, Leg] = {}
    gone: set[str] = set()
    for _, _, leg_id, place, leg in pairs:
        if place not in taken and leg_id not in gone:
            taken[place] = leg
            gone.add(leg_id)
    left_over = [facts for place, facts in enumerate(rows) if place not in taken]
    return [(taken[place], rows[place]) for place in sorted(taken)], left_over


def identify_pushed(
    pushed: Sequence[LegFacts], known: Iterable[Leg], ids: IdMaker, observed_at: datetime
) -> list[Leg]:
    """
    Return the provisional legs that pushes make or move on; a new one has the call id "".

    Args:
        pushed: what was told, oldest first.
        known: every stored leg near it.
        ids: maker of leg ids.
        observed_at: when it was told.
    """
    near = {leg.leg_id: leg for leg in known}
    ordinals: dict[str, int] = defaultdict(int)
    for leg in near.values():
        ordinals[leg.facts.base_key] = max(ordinals[leg.facts.base_key], leg.ordinal + 1)
    changed: dict[str, Leg] = {}
    for facts in pushed:
        held = _closest(facts, near.values())
        if held is None:
            ordinal = ordinals[facts.base_key]
            ordinals[facts.base_key] += 1
            told = Leg(ids.leg(facts.base_key, ordinal), ordinal, "", observed_at, facts, is_provisional=True)
        elif held.is_provisional:
            told = held._replace(facts=_moved_on(held.facts, facts))
        else:
            continue  # the phone system's own row says more
        if told != held:
            near[told.leg_id] = changed[told.leg_id] = told
    return list(changed.values())


def _closest(facts: LegFacts, legs: Iterable[Leg]) -> Leg | None:
    near = [
        (closeness, leg.leg_id, leg)
        for leg in legs
        if (closeness := _closeness(leg.facts, facts)) is not None and not _are_two_phones(leg.facts, facts)
    ]
    return min(near)[-1] if near else None


def _are_two_phones(told: LegFacts, facts: LegFacts) -> bool:
    """
    Tell whether two users are named: a call may ring at many phones in the same second.
    """
    names = {told.agent_name, facts.agent_name} - {None}
    return facts.stream == USER_CALLS and len(names) > 1


def _closeness(told: LegFacts, facts: LegFacts) -> _Closeness | None:
    """
    Rank how surely two rows of a stream are one: of one bag, of one native id, or of the same numbers at
    nearly the same time; None where they are not.
    """
    if told.stream != facts.stream:
        return None
    apart = abs(told.started_at - facts.started_at)
    if told.base_key == facts.base_key:
        return 0, apart
    if told.native_id is not None and facts.native_id is not None:
        return (1, apart) if told.native_id == facts.native_id else None
    if told.direction != facts.direction or apart > PUSH_PRECISION:
        return None
    has_same_caller = told.link_key is not None and told.link_key == facts.link_key
    has_same_numbers = (told.from_raw, told.to_raw) == (facts.from_raw, facts.to_raw)
    return (2, apart) if has_same_caller or has_same_numbers else None


def _moved_on(old: LegFacts, new: LegFacts) -> LegFacts:
    """
    Return what is known of a provisional leg after another push: it keeps its start and numbers.
    """
    return new._replace(
        base_key=old.base_key,
        native_id=old.native_id or new.native_id,
        link_key=old.link_key,
        direction=old.direction,
        from_raw=old.from_raw,
        from_e164=old.from_e164,
        to_raw=old.to_raw,
        to_e164=old.to_e164,
        masked=old.masked,
        started_at=old.started_at,
        agent_name=new.agent_name or old.agent_name,
        queue=new.queue or old.queue,
        ring_group=new.ring_group or old.ring_group,
        status=new.status or old.status,
        answered_at=old.answered_at or new.answered_at,
        ended_at=old.ended_at or new.ended_at,
        duration_s=new.duration_s if new.duration_s is not None else old.duration_s,
        talk_s=new.talk_s if new.talk_s is not None else old.talk_s,
    )
