"""
Assemble calls from legs and say, as events, what changed (DESIGN section 4).

Started, answered and the end are milestones: each at most once per call, with ids that a rebuild gives
again.  A negative end is held until the other streams had their chance to show a leg; what changes
after the end is call.updated, never a second end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from relay.model.call import Call, Leg, LegFacts
from relay.model.change import CallChange, Neighbourhood
from relay.model.coverage import Gap, Read
from relay.model.event import COMMAND, LIVE
from relay.model.ids import IdMaker
from relay.model.linking import LinkRules
from relay.normalise.adopting import identify_pushed
from relay.normalise.advancing import Advancing, Look
from relay.normalise.evidence import Scorer
from relay.normalise.gathering import gather
from relay.normalise.identity import identify
from relay.normalise.known_calls import KnownCalls
from relay.normalise.pairs import Pairs
from relay.normalise.proofs import proofs
from relay.normalise.rules import CallRules
from relay.normalise.settling import Settling, close_unconfirmed

NOTHING_KNOWN: Mapping[str, str] = {}
LINK_RULES = LinkRules()


class CallAssembler:
    """
    Turns fresh rows of one source, and what is known near them, into changed calls.

    Pure: the same rows and neighbourhood give the same changes, ids and events.

    Args:
        rules: the settings of the source.
        ids: maker of ids.
        aliases: published call ids by the id that a rebuild would choose.
        link_rules: weights and thresholds of linking.
    """

    def __init__(
        self,
        rules: CallRules,
        ids: IdMaker,
        aliases: Mapping[str, str] = NOTHING_KNOWN,
        link_rules: LinkRules = LINK_RULES,
    ) -> None:
        self._rules = rules
        self._ids = ids
        self._aliases = aliases
        self._link_rules = link_rules
        self._advancing = Advancing(rules, ids, link_rules)
        self._settling = Settling(rules.source_id, ids, self._advancing)

    def assemble(
        self,
        fresh: Sequence[LegFacts],
        page: Mapping[bytes, int],
        near: Neighbourhood,
        observed_at: datetime,
        skew: timedelta = timedelta(0),
        origin: str = LIVE,
        publish_from: datetime | None = None,
    ) -> list[CallChange]:
        """
        Return the calls that the fresh rows change, each with its changed legs and its events.

        Two published calls that prove to be one are one change: the other side is in its `also`.

        Args:
            fresh: rows not held by the journal in this state, all of one page.
            page: how often each row digest stands in that page.
            near: whole calls near the rows (`PollJournal.neighbourhood`).
            observed_at: when the page was asked for.
            skew: the phone system's clock minus ours.
            origin: why it was asked for.
            publish_from: from when on calls are published, where not as the source's rules say.
        """
        legs = identify(fresh, near.legs, page, self._ids, observed_at)
        return self._place(legs, near, self._look(observed_at, skew, origin, publish_from))

    def assemble_pushed(
        self,
        pushed: Sequence[LegFacts],
        near: Neighbourhood,
        observed_at: datetime,
        skew: timedelta = timedelta(0),
        origin: str = LIVE,
    ) -> list[CallChange]:
        """
        Return the calls that the phone system told of by itself, as legs that a polled row is to confirm.

        Args:
            pushed: what was told, oldest first.
            near: whole calls near it.
            observed_at: when it was told.
            skew: the phone system's clock minus ours.
            origin: of the events.
        """
        legs = identify_pushed(pushed, near.legs, self._ids, observed_at)
        return self._place(legs, near, self._look(observed_at, skew, origin, None))

    def publish(self, silent: Neighbourhood, observed_at: datetime, origin: str) -> list[CallChange]:
        """
        Publish calls that ended before publishing began, with the events and ids that live ones have.

        Args:
            silent: the calls, with all their legs; what is not silent among them is left alone.
            observed_at: when a person or job asked for it.
            origin: of the events.
        """
        look = self._look(observed_at, timedelta(0), origin, None)
        legs = _by_call(silent.legs)
        return [
            self._advancing.publish(call, legs[call.call_id], look)
            for call in silent.calls.values()
            if call.is_silent and legs[call.call_id]
        ]

    def release(
        self,
        held: Neighbourhood,
        reads: Mapping[str, Sequence[Read]],
        now: datetime,
        origin: str = LIVE,
    ) -> list[CallChange]:
        """
        Return the calls whose held end may go out now, with the event that says it.

        Args:
            held: the calls whose end is held, with all their legs.
            reads: the complete reads of each enabled stream that is not absent, oldest first.
            now: the present.
            origin: of the events.
        """
        legs = _by_call(held.legs)
        changes = []
        for call in held.calls.values():
            if call.is_end_held and self._may_go(call, reads, now):
                look = self._look(call.end_seen_at or now, timedelta(0), origin, None)
                changes.append(self._advancing.end(call, legs[call.call_id], (), look))
        return changes

    def claim(self, call: Call, command_id: str, observed_at: datetime) -> CallChange:
        """
        Return a call with the command that caused it, told at once where the call was published.
        """
        return self._advancing.claim(call, command_id, self._look(observed_at, timedelta(0), COMMAND, None))

    def next_release(self, held: Neighbourhood, released: Sequence[CallChange]) -> datetime | None:
        """
        Return when the first end that is still held goes out whatever the streams show.
        """
        gone = {change.call.call_id for change in released}
        seen = [call.end_seen_at for call_id, call in held.calls.items() if call_id not in gone]
        return min((at + self._rules.end_hold for at in seen if at is not None), default=None)

    def settle(
        self,
        calls: Neighbourhood,
        reads: Mapping[str, Sequence[Read]],
        gaps: Sequence[Gap],
        lookback: timedelta,
    ) -> list[CallChange]:
        """
        Return the calls that are safe to bill, with call.settled and the alias where a rebuild needs one.

        Args:
            calls: whole calls, settled and unsettled, with every leg of the bags that they are in.
            reads: the complete reads of each enabled stream that is not absent, oldest first.
            gaps: those that are open.
            lookback: how long after the end of a call its rows may still come or change.
        """
        return self._settling.settle(calls, reads, gaps, lookback)

    def unconfirmed(
        self,
        calls: Neighbourhood,
        reads: Mapping[str, Sequence[Read]],
        lookback: timedelta,
    ) -> list[CallChange]:
        """
        Close the legs that only a push told of and that complete reads should have shown by now.

        A call that consists of nothing else ends with the outcome unknown.

        Args:
            calls: whole calls that hold provisional legs.
            reads: the complete reads of each enabled stream that is not absent, oldest first.
            lookback: how long after its start a row may still come.
        """
        legs = _by_call(calls.legs)
        changes = []
        for call in calls.calls.values():
            closed, read = close_unconfirmed(legs[call.call_id], reads, lookback)
            if read is not None:
                look = self._look(read.requested_at, timedelta(0), LIVE, None)
                now = {leg.leg_id: leg for leg in (*legs[call.call_id], *closed)}
                changes.append(self._advancing.end(call, list(now.values()), closed, look))
        return changes

    def _place(self, legs: Sequence[Leg], near: Neighbourhood, look: Look) -> list[CallChange]:
        calls = KnownCalls(near.legs)
        # Known legs first, then new ones by the anchor rule: events come in an order that no page decides.
        ordered = sorted(legs, key=lambda leg: (leg.call_id == "", leg.anchor_rank))
        placed = [leg if leg.call_id else leg._replace(call_id=leg.leg_id) for leg in ordered]
        for leg in placed:
            calls.place(leg)
        pairs = Pairs(Scorer(self._link_rules, look.skew))
        absorbed = gather(placed, calls, near.calls, pairs, self._link_rules)
        changed: dict[str, list[Leg]] = defaultdict(list)
        for leg in placed:
            changed[calls.current(leg.call_id)].append(leg)
        if absorbed:
            seen = {leg.leg_id for leg in placed}
            for leg in near.legs:
                call_id = calls.current(leg.call_id)
                if call_id != leg.call_id and leg.leg_id not in seen:
                    changed[call_id].append(leg)
        return [
            self._advance(call_id, calls.legs_of(call_id), its, absorbed.get(call_id, ()), near, look)
            for call_id, its in changed.items()
        ]

    def _advance(
        self,
        call_id: str,
        legs: Sequence[Leg],
        changed: Sequence[Leg],
        absorbed: Sequence[str],
        near: Neighbourhood,
        look: Look,
    ) -> CallChange:
        known = near.calls.get(call_id)
        if known is None:
            call_id = self._aliases.get(call_id, call_id)
        gone = [near.calls[other] for other in absorbed]
        return self._advancing.advance(known, _of_call(legs, call_id), _of_call(changed, call_id), look, gone)

    def _look(
        self, observed_at: datetime, skew: timedelta, origin: str, publish_from: datetime | None
    ) -> Look:
        return Look(observed_at, publish_from or self._rules.publish_from, skew, origin)

    def _may_go(self, call: Call, reads: Mapping[str, Sequence[Read]], now: datetime) -> bool:
        if call.ended_at is None or call.end_seen_at is None:
            return False
        if now >= call.end_seen_at + self._rules.end_hold:
            return True
        enough = call.ended_at + self._rules.link_window
        return proofs(reads, call.started_at, call.ended_at, enough) is not None


def _of_call(legs: Sequence[Leg], call_id: str) -> list[Leg]:
    return [leg if leg.call_id == call_id else leg._replace(call_id=call_id) for leg in legs]


def _by_call(legs: Sequence[Leg]) -> dict[str, list[Leg]]:
    by_call: dict[str, list[Leg]] = defaultdict(list)
    for leg in legs:
        by_call[leg.call_id].append(leg)
    return by_call
