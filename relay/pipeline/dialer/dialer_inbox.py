"""
What others put down for the owner of a dialer: its own pushes, and commands that have a verdict.

An item is taken away by the transaction that holds its effect, so a crash in between only repeats it.
"""

from __future__ import annotations

import logging
import traceback
from datetime import timedelta
from typing import Final

from relay.model.change import Reject
from relay.model.dialer_call import DialerCall
from relay.model.errors import JournalBusy, JournalUnusable, RecordRejected
from relay.model.event import PUSH as PUSHED
from relay.model.ids import row_digest
from relay.model.source_work import COMMAND_DONE, PUSH, InboxItem
from relay.normalise.dialer_calls import KnownDialerCall
from relay.normalise.dialer_ids import why_implausible
from relay.normalise.dialer_pushes import DialerPush, read_push, told_by_push
from relay.pipeline.command_inbox import COMMANDS, CommandInbox
from relay.pipeline.dialer.call_book import CallBook, Telling
from relay.pipeline.dialer.call_follow_ups import CallFollowUps
from relay.pipeline.dialer.dialer_context import DialerContext
from relay.pipeline.dialer.dialer_settings import AGENTS, CALLS

ITEMS_AT_ONCE: Final = 100
HURRIED_EVERY: Final = timedelta(seconds=1)  # however many pushes come
PUSHES: Final = "pushes"

log = logging.getLogger(__name__)


class DialerInbox:
    """
    Takes what was put down for one dialer.

    Args:
        context: the dialer.
        commands: takes commands that have a verdict.
        book: its calls (None: a kind without).
        follow_ups: asks about calls that pushes say are over.
    """

    def __init__(
        self,
        context: DialerContext,
        commands: CommandInbox,
        book: CallBook | None = None,
        follow_ups: CallFollowUps | None = None,
    ) -> None:
        self._context = context
        self._commands = commands
        self._book = book
        self._follow_ups = follow_ups

    async def step(self) -> bool:
        """
        Take what is there, up to ITEMS_AT_ONCE; return whether there may be more.
        """
        items = await self._context.journal.inbox(self._context.source_id, ITEMS_AT_ONCE)
        for item in items:
            if item.kind == PUSH:
                await self._take_push(item)
            elif item.kind == COMMAND_DONE:
                await self._take_command(item)
            else:  # a dialer keeps no rows that could be read again
                await self._context.append(CALLS, taken_items=(item.item_id,))
        return len(items) == ITEMS_AT_ONCE

    async def _take_command(self, item: InboxItem) -> None:
        try:
            await self._commands.take(item, self._context.mappings)
        except (JournalBusy, JournalUnusable):
            raise
        except Exception as error:  # as below
            log.exception("a command could not be told", extra={"source": item.source_id})
            await self._reject(item, repr(error), COMMANDS)

    async def _take_push(self, item: InboxItem) -> None:
        if self._book is None:
            await self._reject(item, "this kind of phone system tells of no calls")
            return
        try:
            push = read_push(item.body)
        except RecordRejected as error:
            await self._reject(item, error.why)
            return
        except Exception:  # a bug met by one push must not stop the others, nor come back after a restart
            log.exception("a push could not be read", extra={"source": item.source_id})
            await self._reject(item, traceback.format_exc(limit=-3))
            return
        await self._tell(self._book, push, item)
        self._hurry()

    def _hurry(self) -> None:
        """
        Have agents asked for soon: what they do now no poll has shown yet.  A dialer that fails, or locks
        its user, is left alone.
        """
        stream = self._context.streams.get(AGENTS)
        if stream is not None and not stream.failures_in_a_row and stream.trouble is None:
            stream.next_at = min(stream.next_at, stream.asked_at + HURRIED_EVERY)

    async def _tell(self, book: CallBook, push: DialerPush, item: InboxItem) -> None:
        at = self._context.at_dialer(item.received_at)
        vendor_id = push.vendor_id
        if vendor_id is None:
            await self._context.append(CALLS, taken_items=(item.item_id,))
            return
        base_key = book.calls.base_key(vendor_id, at)
        why = why_implausible(vendor_id, at, self._context.rules.zone)
        if why is not None and not await book.known([base_key]):
            await self._reject(item, why)
            return

        def told(known: KnownDialerCall | None) -> DialerCall | None:
            return told_by_push(push, book.calls, known, at)

        telling = Telling({base_key: told}, item.received_at, PUSHED)
        await book.tell(CALLS, telling, taken_items=(item.item_id,))
        if self._follow_ups is None:
            return
        if push.is_over:
            self._follow_ups.add(base_key, vendor_id, None)
        else:
            self._follow_ups.expect(base_key, vendor_id)

    async def _reject(self, item: InboxItem, why: str, stream: str = PUSHES) -> None:
        context, body = self._context, dict(item.body)
        why = f"pushed: {why}" if stream == PUSHES else why
        await context.ledger.reject(stream, Reject(row_digest(body), body, why), item.item_id)
        if stream == PUSHES:
            context.metrics.push_rejects.labels(context.label).inc()
