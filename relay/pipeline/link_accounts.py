"""
Give people an account of linking: why legs are one call, and what other weights would make of stored rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import fields, replace
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
        """
        call = await self._reading.call(call_id)
        if call is None:
            return None
        keys = near_keys([leg.facts for leg in call.legs])
        near = await self._journal.neighbourhood(call.item.source_id, keys)
        account = await asyncio.to_thread(explain, call_id, near.legs, near.calls, LINK_RULES)
        return account.as_json()

    async def dry_run(
        self, source_id: str, start: datetime, end: datetime, rules: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """
        Link the calls that started in [start, end) anew under other rules; return what would be otherwise.

        Raises:
            ValueError: there are no such rules, or the stretch holds too much for one run.
        """
        wanted = _rules(rules)
        if end - start > LONGEST_STRETCH:
            raise ValueError(f"a dry run looks at {LONGEST_STRETCH.days} days at the most")
        calls = await self._journal.calls_between(source_id, start, end)
        if len(calls.legs) > MOST_LEGS:
            raise ValueError(f"{len(calls.legs)} rows are too many for one run: choose a shorter stretch")
        found = await asyncio.to_thread(dry_run, calls.legs, wanted)
        return found.as_json()


def _rules(changes: Mapping[str, Any]) -> LinkRules:
    known = {field.name: getattr(LINK_RULES, field.name) for field in fields(LINK_RULES)}
    values: dict[str, Any] = {}
    for name, value in changes.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        if name not in known or not is_number:
            raise ValueError(f"{name}: not one of {', '.join(known)} with a number (times in seconds)")
        values[name] = timedelta(seconds=value) if isinstance(known[name], timedelta) else int(value)
    return replace(LINK_RULES, **values)
