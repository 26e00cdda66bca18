"""
Calls of a dialer and of a PBX that are one conversation: each dialer call names that of the PBX.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from relay.journal.port import NearKeys
from relay.model.dialer_call import DialerCall
from relay.normalise.cross_links import APART, same_conversation
from relay.normalise.dialer_calls import KnownDialerCall
from relay.pipeline.dialer.call_book import CallBook, Telling, Told
from relay.pipeline.dialer.dialer_context import DialerContext
from relay.pipeline.dialer.dialer_settings import CROSS_LINKS

EVERY: Final = timedelta(seconds=30)
SOON: Final = timedelta(seconds=60)  # a PBX lists a call some time after its end
GIVEN_UP: Final = timedelta(minutes=30)
SLICE: Final = timedelta(minutes=5)


class CrossLinks:
    """
    Looks for the same conversation among the calls of other sources.

    Args:
        context: the dialer.
        book: its calls.
        source_ids: the other sources.
    """

    stream = CROSS_LINKS

    def __init__(self, context: DialerContext, book: CallBook, source_ids: tuple[str, ...]) -> None:
        self._context = context
        self._book = book
        self._source_ids = source_ids

    async def step(self) -> timedelta:
        """
        Look once at the calls that ended lately; return how long to wait for the next look.
        """
        now = self._context.now
        start = now - GIVEN_UP - SLICE
        while start < now:
            near = await self._book.started_between(start, start + SLICE)
            start += SLICE
            for known in near.values():
                ended_at = known.facts.ended_at
                is_due = ended_at is not None and now - GIVEN_UP <= ended_at <= now - SOON
                if is_due and known.facts.linked_call_id is None and not known.call.is_silent:
                    await self._link(known)
        return EVERY

    async def _link(self, known: KnownDialerCall) -> None:
        key, end = known.leg.facts.link_key, known.facts.ended_at
        if key is None or end is None:
            return
        start = known.facts.started_at
        keys = NearKeys(frozenset(), frozenset(), {key}, start - APART, start - APART, end + APART)
        for source_id in self._source_ids:
            others = await self._context.journal.neighbourhood(source_id, keys)
            found = same_conversation(known, others)
            if found is not None:
                telling = Telling({known.leg.facts.base_key: _linked(found)}, self._context.clock.now())
                await self._book.tell(CROSS_LINKS, telling)
                return


def _linked(call_id: str) -> Told:
    def told(known: KnownDialerCall | None) -> DialerCall | None:
        return None if known is None else known.facts.told(linked_call_id=call_id)

    return told
