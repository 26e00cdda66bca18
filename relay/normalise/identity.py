"""
Give rows the identity of legs: bags, not sets (DESIGN section 4, Identity).

Rows with the same immutable facts form a bag.  A fresh row is first taken for a new state of a leg of
its bag that the page no longer shows as it was, then for what a push told of before; only what is left
over is a new leg.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from relay.model.call import Leg, LegFacts
from relay.model.ids import IdMaker
from relay.normalise.adopting import adopt

_NEVER = datetime.max.replace(tzinfo=UTC)


def identify(
    fresh: Sequence[LegFacts],
    known: Iterable[Leg],
    page: Mapping[bytes, int],
    ids: IdMaker,
    observed_at: datetime,
) -> list[Leg]:
    """
    Return a leg for each fresh row; a new leg has the call id "".

    Args:
        fresh: rows that the journal does not hold in this state.
        known: every stored leg of their bags.
        page: how often each row digest stands in the page that was read.
        ids: maker of leg ids.
        observed_at: when the page was asked for.
    """
    bags: dict[str, list[Leg]] = defaultdict(list)
    provisional: list[Leg] = []
    for leg in known:
        bags[leg.facts.base_key].append(leg)
        if leg.is_provisional:
            provisional.append(leg)
    by_base: dict[str, list[LegFacts]] = defaultdict(list)
    for facts in fresh:
        by_base[facts.base_key].append(facts)
    legs: list[Leg] = []
    left_over: list[LegFacts] = []
    for base_key, rows in by_base.items():
        polled = [leg for leg in bags.get(base_key, ()) if not leg.is_provisional]
        matched, others = _identify_bag(rows, polled, page)
        legs += matched
        left_over += others
    adopted, left_over = adopt(left_over, provisional)
    next_ordinals = {base_key: next_ordinal(bags.get(base_key, ())) for base_key in by_base}
    for held, facts in (*adopted, *((None, facts) for facts in left_over)):
        ordinal = next_ordinals[facts.base_key]
        next_ordinals[facts.base_key] += 1
        if held is None:
            legs.append(Leg(ids.leg(facts.base_key, ordinal), ordinal, "", observed_at, facts))
        else:  # from now on it is of the row's bag, under the name it has
            legs.append(Leg(held.leg_id, ordinal, held.call_id, held.first_seen_at, facts))
    return legs


def next_ordinal(bag: Iterable[Leg]) -> int:
    """
    Return the ordinal of the next leg of a bag.
    """
    return max((leg.ordinal for leg in bag), default=-1) + 1


def bag_rank(facts: LegFacts) -> tuple[str, datetime, int]:
    """
    Return the place of a row in its bag: of closed rows it is the same whenever they are read.
    """
    return facts.agent_name or "", facts.ended_at or _NEVER, facts.duration_s or 0


def _identify_bag(
    rows: list[LegFacts], bag: list[Leg], page: Mapping[bytes, int]
) -> tuple[list[Leg], list[LegFacts]]:
    """
    Return the legs that rows of a bag are new states of, and the rows that are none, ranked.
    """
    rows, free = _without_exact(rows, bag, page)
    legs, left_over, left_free = _match(rows, free)
    return legs, sorted(_without_stale(left_over, left_free), key=bag_rank)


def _without_exact(
    rows: list[LegFacts], bag: list[Leg], page: Mapping[bytes, int]
) -> tuple[list[LegFacts], list[Leg]]:
    """
    Take out rows and legs that are the same: a row as often as the page shows it beyond the stored legs.
    """
    shown, stored = Counter[bytes](), Counter(leg.facts.digest for leg in bag)
    free = []
    for leg in bag:
        shown[leg.facts.digest] += 1
        if shown[leg.facts.digest] > page.get(leg.facts.digest, 0):
            free.append(leg)
    kept, new_rows = Counter[bytes](), []
    for facts in rows:
        kept[facts.digest] += 1
        if kept[facts.digest] <= page.get(facts.digest, 0) - stored[facts.digest]:
            new_rows.append(facts)
    return new_rows, free


def _without_stale(rows: list[LegFacts], free: list[Leg]) -> list[LegFacts]:
    """
    Drop open rows where a closed leg is not shown as closed: an answer from before its end, come late.
    """
    stale = sum(leg.facts.ended_at is not None for leg in free)
    kept = []
    for facts in rows:
        if facts.ended_at is None and stale:
            stale -= 1
        else:
            kept.append(facts)
    return kept


def _match(rows: list[LegFacts], free: list[Leg]) -> tuple[list[Leg], list[LegFacts], list[Leg]]:
    """
    Return legs in their new state, the rows that are left over, and the legs that are.
    """
    pairs = sorted(
        (_difference(leg.facts, facts), leg.ordinal, place)
        for leg in free
        for place, facts in enumerate(rows)
        if facts.ended_at is not None or leg.facts.ended_at is None  # a closed leg never opens again
    )
    by_ordinal = {leg.ordinal: leg for leg in free}
    used_rows: dict[int, Leg] = {}
    for _, ordinal, place in pairs:
        if place not in used_rows and ordinal in by_ordinal:
            leg = by_ordinal.pop(ordinal)
            used_rows[place] = Leg(leg.leg_id, leg.ordinal, leg.call_id, leg.first_seen_at, rows[place])
    left_over = [facts for place, facts in enumerate(rows) if place not in used_rows]
    return [used_rows[place] for place in sorted(used_rows)], left_over, list(by_ordinal.values())


def _difference(old: LegFacts, new: LegFacts) -> tuple[int, int, float]:
    """
    Rank how unlike two states of one bag are: name, then null to value, then finish.

    The name is no part of identity (objects are renamed, and it may be filled in late), but of two
    phones that rang together it tells which is which.
    """
    renamed = int(old.agent_name is not None and old.agent_name != new.agent_name)
    if old.ended_at is None or new.ended_at is None:
        return renamed, 0, 0.0
    return renamed, 1, abs((new.ended_at - old.ended_at).total_seconds())
