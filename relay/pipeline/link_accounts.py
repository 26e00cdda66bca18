"""
Give people an account of linking: why legs are one call, and what other weights would make of stored rows.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any, Final

from relay.journal.api_port import ReadingJournal
from relay.journal.port import PollJournal
from relay.model.linking import LinkRules
from relay.normalise.explaining import dry_run, explain
from relay.pipeline.grouping import near_keys

LONGEST_STRETCH: Final = timedelta(days=7)
MOST_LEGS: Final = 50_000
LINK_RULES: Final = LinkRules()


class LinkAccounts:
    """
    Looks at stored legs and changes nothing.
    """

    def __init__(self, journal: PollJournal, reading: ReadingJournal) -> None:
        self._journal = journal
        self._reading = reading

    async def explain(self, call_id: str) -> dict[str, Any] | None:
        """
        Return every pair of legs that was weighed for a call, with its score; None for an unknown call.

        Of a call that was merged into another it is the account of that one.
        """
        call = await self._reading.call(call_id)
        while call is not None and call.absorbed_into is not None:
            call_id = call.absorbed_into
            call = await self._reading.call(call_id)
        if call is None:
            return None
        keys = near_keys([leg.facts for leg in call.legs])
        near = await self._journal.neighbourhood(call.item.source_id, keys)
        account = await asyncio.to_thread(explain, call_id, near.legs, near.calls, LINK_RULES)
        return account.as_json()

    async def dry_run(
        self, source_id: str, start: datetime, end: datetime, rules: LinkRules
    ) -> dict[str, Any]:
        """
        Link the calls that started in [start, end) anew under other rules; return what would be otherwise.

        Raises:
            ValueError: the stretch is too long, or holds too much, for one run.
        """
        if end - start > LONGEST_STRETCH:
            raise ValueError(f"a dry run looks at {LONGEST_STRETCH.days} days at the most")
        calls = await self._journal.calls_between(source_id, start, end)
        if len(calls.legs) > MOST_LEGS:
            raise ValueError(f"{len(calls.legs)} rows are too many for one run: choose a shorter stretch")
        found = await asyncio.to_thread(dry_run, calls.legs, rules)
        return found.as_json()
