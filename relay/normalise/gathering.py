"""
Find which calls the legs of a page are of, known and new, and which known calls turn out to be one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from relay.model.call import Call, Leg
from relay.model.linking import LinkRules
from relay.normalise.known_calls import KnownCalls
from relay.normalise.linking import Linking
from relay.normalise.pairs import Pairs


def gather(
    changed: Sequence[Leg], calls: KnownCalls, known: Mapping[str, Call], pairs: Pairs, rules: LinkRules
) -> dict[str, list[str]]:
    """
    Unite, in `calls`, what belongs together near some legs; return the known calls that others absorbed.

    A known call keeps its legs and its id for ever.  Where several are one, those that were published come
    first, and of them the one that holds the first leg by the anchor rule.  A new call has the id of its
    first leg.

    Args:
        changed: new legs, each placed as a call of its own, and known ones in a new state; in an order that
            follows from what they are.
        calls: where they are placed, with all that is known near them.
        known: the calls that are stored.
        pairs: evidence of legs.
        rules: thresholds and bounds.
    """
    absorbed: dict[str, list[str]] = {}
    published = {call_id for call_id, call in known.items() if call.revision}
    done: set[str] = set()
    for leg in changed:
        call_id = calls.current(leg.call_id)
        if call_id in done or (call_id not in known and calls.is_alone(leg)):
            continue
        component = calls.component(call_id, pairs, rules)
        done |= component.calls.keys()
        if len(component.calls) == 1:
            continue
        for group in Linking(component, published, pairs, rules).groups():
            if len(group) > 1:
                _unite(group, calls, known, absorbed)
    return absorbed


def _unite(
    group: Sequence[str], calls: KnownCalls, known: Mapping[str, Call], absorbed: dict[str, list[str]]
) -> None:
    def standing(call_id: str) -> tuple[bool, bool, object]:
        call = known.get(call_id)
        first = min(leg.anchor_rank for leg in calls.legs_of(call_id))
        return call is None or not call.revision, call is None, first

    into = min(group, key=standing)
    gone = [call_id for call_id in group if call_id != into]
    for call_id in gone:
        its = absorbed.pop(call_id, [])
        if call_id in known:
            its.append(call_id)
        if its:
            absorbed.setdefault(into, []).extend(its)
    calls.unite(into, gone)
