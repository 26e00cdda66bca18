"""
The calls of a dialer as the journal holds them, and how what is newly told of them gets there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from relay.journal.port import NearKeys
from relay.model.call import DIALER_CALLS
from relay.model.change import CallChange, Neighbourhood
from relay.model.dialer_call import DialerCall
from relay.model.errors import RevisionConflict
from relay.model.event import LIVE
from relay.model.subject_state import SubjectChange
from relay.model.times import EPOCH
from relay.normalise.dialer_calls import DialerCalls, KnownDialerCall
from relay.pipeline.dialer.dialer_context import DialerContext

Told = Callable[[KnownDialerCall | None], DialerCall | None]
NOTHING: Final[tuple[SubjectChange, ...]] = ()


class Telling(NamedTuple):
    """
    What is told of some calls: by the key of each, what makes of what was known of it what is known now.

    `is_end_due` names calls whose end goes out whatever became of them.
    """

    of_calls: Mapping[str, Told]
    observed_at: datetime
    origin: str = LIVE
    is_end_due: frozenset[str] = frozenset()


class CallBook:
    """
    Reads and changes the calls of one dialer.
    """

    def __init__(self, context: DialerContext, calls: DialerCalls) -> None:
        self._context = context
        self.calls = calls

    async def known(self, base_keys: Collection[str]) -> dict[str, KnownDialerCall]:
        """
        Return those of some calls that the journal holds, by key.
        """
        if not base_keys:
            return {}
        keys = NearKeys(set(base_keys), frozenset(), frozenset(), EPOCH, EPOCH, EPOCH)
        return _by_key(await self._context.journal.neighbourhood(self._context.source_id, keys))

    async def started_between(self, start: datetime, end: datetime) -> dict[str, KnownDialerCall]:
        """
        Return the calls that started in between, by key.
        """
        near = await self._context.journal.calls_between(self._context.source_id, start, end)
        return _by_key(near)

    async def held(self) -> dict[str, KnownDialerCall]:
        """
        Return the calls whose negative end waits, by key.
        """
        return _by_key(await self._context.journal.held_calls(self._context.source_id))

    async def tell(
        self,
        stream: str,
        telling: Telling,
        subjects: Callable[[], Sequence[SubjectChange]] = lambda: NOTHING,
        **last: Any,
    ) -> list[CallChange]:
        """
        Bring what is told into the journal, with the changes of other subjects, in one go.

        Args:
            stream: what was asked.
            telling: what is told of calls.
            subjects: makes the changes of agents and the like.
            last: fields of the Append, for its last transaction.

        Returns:
            The calls that changed.

        Raises:
            RevisionConflict: one of the other subjects has moved on; calls are made anew from fresh state.
        """
        while True:
            changes = self.changes(await self.known(telling.of_calls), telling)
            others = subjects()
            try:
                await self._context.append(stream, changes, others, **last)
                return changes
            except RevisionConflict:
                self._context.metrics.journal_errors.labels("append", "conflict").inc()
                if others:
                    raise

    def changes(self, known: Mapping[str, KnownDialerCall], telling: Telling) -> list[CallChange]:
        """
        Return what is told as changes of calls.
        """
        look = self._context.look(telling.observed_at, telling.origin)
        made = []
        for base_key, told in telling.of_calls.items():
            before = known.get(base_key)
            now = told(before)
            if now is None:
                continue
            is_end_due = base_key in telling.is_end_due
            change = self.calls.change(
                base_key, before, now, look, self._context.mappings, is_end_due=is_end_due
            )
            if change is not None:
                made.append(change)
        return made


def _by_key(near: Neighbourhood) -> dict[str, KnownDialerCall]:
    return {
        leg.facts.base_key: KnownDialerCall(near.calls[leg.call_id], leg)
        for leg in near.legs
        if leg.facts.stream == DIALER_CALLS
    }
