"""
What others put down for the owner of a source: pushes of the phone system, rejects to be read again,
commands that have a verdict.

An item is taken away by the transaction that holds its effect, so a crash in between only repeats it.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from relay.model.call import LegFacts
from relay.model.change import CallChange, Neighbourhood, Reject
from relay.model.errors import RecordRejected, RevisionConflict
from relay.model.event import PUSH as PUSHED
from relay.model.ids import row_digest
from relay.model.source_work import COMMAND_DONE, PUSH, InboxItem
from relay.pipeline.command_links import CommandLinks
from relay.pipeline.grouping import near_keys
from relay.pipeline.poll_context import PollContext
from relay.pipeline.replays import Replays

ITEMS_AT_ONCE: Final = 100

PUSHES: Final = "pushes"  # where rejected ones are kept: they are no rows of a stream

PushReader = Callable[[Mapping[str, Any], datetime], LegFacts]

log = logging.getLogger(__name__)


class Inbox:
    """
    Takes what was put down for one source.

    Args:
        context: the source.
        read_push: reads what the phone system pushed.
        replays: reads rejects again.
        commands: takes commands that have a verdict.
    """

    def __init__(
        self, context: PollContext, read_push: PushReader, replays: Replays, commands: CommandLinks
    ) -> None:
        self._context = context
        self._read_push = read_push
        self._replays = replays
        self._commands = commands
        self.looks: list[datetime] = []  # when to look for calls that commands caused
        self.is_full = True  # there may be more than was taken

    async def step(self) -> bool:
        """
        Take what is there, up to ITEMS_AT_ONCE; return whether the phone system told of something new.
        """
        items = await self._context.journal.inbox(self._context.source_id, ITEMS_AT_ONCE)
        has_news = False
        for item in items:
            if item.kind == PUSH:
                has_news |= await self._take_push(item)
            elif item.kind == COMMAND_DONE:
                looks = await self._commands.take(item)
                self.looks += looks
                has_news |= bool(looks)
            else:
                await self._replays.take(item)
        self.is_full = len(items) == ITEMS_AT_ONCE
        return has_news

    async def _take_push(self, item: InboxItem) -> bool:
        try:  # by the phone system's clock, as the start that it tells
            leg = self._read_push(item.body, item.received_at + self._context.ledger.skew)
        except RecordRejected as error:
            await self._reject(item, error.why)
            return False
        except Exception:  # a bug met by one push must not stop the others, nor come back after a restart
            log.exception("a push could not be read", extra={"source": item.source_id})
            await self._reject(item, traceback.format_exc(limit=-3))
            return False
        why = self._refusal(leg)
        if why is not None:
            await self._reject(item, why)
            return False
        ledger = self._context.ledger
        ledger.note_push(item.received_at)

        def placed(near: Neighbourhood) -> list[CallChange]:
            return self._context.assembler.assemble_pushed([leg], near, item.received_at, ledger.skew, PUSHED)

        await self._append(leg, placed, taken_items=(item.item_id,))
        return True

    def _refusal(self, leg: LegFacts) -> str | None:
        """
        Say why a push is not taken: what polls do not read nothing could ever confirm.
        """
        context = self._context
        if leg.stream not in context.call_streams:
            return f"{leg.stream} is not read of this source"
        if leg.started_at < context.now - context.ledger.lookback(context.streams[leg.stream]):
            return "it began before the look-back"
        return None

    async def _reject(self, item: InboxItem, why: str) -> None:
        context, body = self._context, dict(item.body)
        await context.ledger.reject(PUSHES, Reject(row_digest(body), body, f"pushed: {why}"), item.item_id)
        context.metrics.push_rejects.labels(context.label()).inc()

    async def _append(
        self, leg: LegFacts, placed: Callable[[Neighbourhood], Sequence[CallChange]], **last: Any
    ) -> None:
        context = self._context
        while True:
            near = await context.journal.neighbourhood(context.source_id, near_keys([leg]))
            try:
                await context.ingest.append_calls(context.source_id, leg.stream, placed(near), **last)
                return
            except RevisionConflict:
                context.metrics.journal_errors.labels("append", "conflict").inc()
