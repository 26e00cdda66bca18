"""
The active lists of leads of an Elision dialer.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from relay.model import vendor_answer as verdicts
from relay.model.change import Reject
from relay.model.errors import RecordRejected, RevisionConflict, SourceGarbled
from relay.model.ids import row_digest
from relay.model.subject_state import LIST
from relay.normalise.lists import ListDiff
from relay.normalise.poll_times import PollTimes
from relay.pipeline.dialer.asking import ask
from relay.pipeline.dialer.dialer_context import DialerContext
from relay.pipeline.dialer.dialer_settings import LISTS


class ListPoll:
    """
    Asks for all active lists in one request.

    A line that can be read in two ways is kept as a reject, and shown; the other lists count.

    Args:
        context: the dialer.
        every: how long to wait between two answers.
        diff: says what two answers differ in.
    """

    stream = LISTS

    def __init__(self, context: DialerContext, every: timedelta, diff: ListDiff) -> None:
        self._context = context
        self._every = every
        self._diff = diff

    async def step(self) -> timedelta:
        """
        Ask once; return how long to wait for the next time.

        Raises:
            SourceError: no good answer.
        """
        context = self._context
        answered = await ask(context, LISTS, "active_lists", takes_parts=True)
        answer = answered.answer
        if answer.verdict not in (verdicts.ROWS, verdicts.EMPTY):
            why = f"active_lists answered {answer.verdict}"
            raise SourceGarbled(context.source_id, "bad_payload", why, answer.raw[:200])
        rejects = tuple(Reject(row_digest(one.line), one.line, one.why) for one in answer.rejected)
        stream = context.streams[LISTS]
        times = PollTimes(answered.requested_at, stream.stored.polled_at, context.ledger.skew)
        stream.stored = replace(stream.stored, polled_at=answered.requested_at, had_good_answer=True)
        while True:
            known = {one.name: one for one in await context.journal.subjects(context.source_id, (LIST,))}
            try:
                changes = self._diff.diff(known, answer.rows, times)
            except RecordRejected as error:
                raise SourceGarbled(context.source_id, "bad_payload", error.why, answer.raw[:200]) from error
            if rejects:  # one of them may be a list that seems to be missing
                changes = [change for change in changes if change.events and _is_active(change.state.record)]
            try:
                await context.append(LISTS, subjects=changes, stream_state=stream.stored, rejects=rejects)
                return self._every
            except RevisionConflict:
                continue  # made anew from what is there now


def _is_active(record: object) -> bool:
    return isinstance(record, dict) and record.get("active") is True
