"""
Bulk jobs: leads added one after the other, each sent once, whatever ends relay meanwhile.

A row becomes a command, which is written down before it is sent; its verdict is the row's.  So after a
restart the commands of the job tell which rows were sent, and none is sent again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from relay.commands.bulk import BulkFunction, bulk_function, is_for_later
from relay.commands.desk import CommandDesk, CommandRequest
from relay.commands.verdict import Verdict
from relay.journal.commands_port import CommandJournal
from relay.model.clock import Clock
from relay.model.command import BULK_RUNNING, BULK_WAITING, FAILED, SENT, UNKNOWN, BulkJob, BulkRow
from relay.model.errors import JournalBusy, ParametersInvalid, SourceThrottled
from relay.pipeline.waiting import pause, pause_until_done

ROWS_AT_ONCE: Final = 200
COMMANDS_LOOKED_AT: Final = 50
JOURNAL_PAUSE_S: Final = 0.2
FIRST_BACK_OFF_S: Final = 5.0
LONGEST_BACK_OFF_S: Final = 300.0
LONGEST_REST_S: Final = 1.0
NEVER_S: Final = 86_400.0
_GOES_ON: Final = (BULK_WAITING, BULK_RUNNING)

log = logging.getLogger(__name__)


class Bulk:
    """
    Works off the bulk jobs of one source, the oldest first.

    One request is under way at a time, and after each the source is left alone as long as it took: the polls
    of its status find it idle half of the time.

    Args:
        source_id: which source.
        kind: of what kind it is.
        desk: carries the commands out.
        journal: keeps the jobs.
        clock: the time.
    """

    def __init__(
        self, source_id: str, kind: str, desk: CommandDesk, journal: CommandJournal, clock: Clock
    ) -> None:
        self._source_id = source_id
        self._kind = kind
        self._desk = desk
        self._journal = journal
        self._clock = clock
        self._woken = asyncio.Event()
        self._prepared: str | None = None  # the job whose rows were checked, and those that were sent found
        self._back_off_s = 0.0
        self._took_s = 0.0  # the last request
        self.name = f"bulk {source_id}"

    def wake(self) -> None:
        """
        Look at once whether there is a job.
        """
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """
        Work until told to stop; a command under way then ends by itself, or is `unknown`.
        """
        while not stop.is_set():
            step = asyncio.create_task(self.step(stop))
            await pause_until_done(step, stop, grace_s=0)
            if not step.cancelled():
                step.result()

    async def step(self, stop: asyncio.Event) -> None:
        """
        Work on the job whose turn it is for a while, or wait for one.
        """
        self._woken.clear()
        try:
            job = await self._journal.next_bulk(self._source_id)
            if job is None:
                await pause(self._clock, NEVER_S, stop, self._woken)
                return
            function = bulk_function(self._kind, job.function)
            if self._prepared != job.bulk_id:
                await self._find_sent(job, function)
                await self._check(job, function)
                self._prepared = job.bulk_id
            await self._work_off(job, function, stop)
        except JournalBusy:
            self._prepared = None  # a verdict may not have been noted
            await self._clock.sleep(JOURNAL_PAUSE_S)

    async def _find_sent(self, job: BulkJob, function: BulkFunction) -> None:
        """
        Note the verdicts of commands whose rows have none: relay ended in between.
        """
        wanted = {"bulk_id": job.bulk_id}
        page = await self._journal.list_commands(self._source_id, wanted, None, COMMANDS_LOOKED_AT)
        for command in reversed(page.items):
            if command.state == SENT or is_for_later(command):
                continue
            rows = await self._journal.open_rows(job.bulk_id, 1)
            if not rows or rows[0].row_no != command.row_no:
                continue
            rows = await self._journal.open_rows(job.bulk_id, function.rows_in(command))
            await self._note(function.verdicts(rows, command))

    async def _check(self, job: BulkJob, function: BulkFunction) -> None:
        """
        Give bad rows their verdict before anything is sent.
        """
        after: str | None = None
        while True:
            page = await self._journal.list_rows(job.bulk_id, None, after, ROWS_AT_ONCE)
            fresh = [row for row in page.items if row.state is None]
            bad = await asyncio.to_thread(_bad_rows, function, job, fresh)
            if bad:
                await self._note(bad)
            after = page.next
            if after is None:
                return

    async def _work_off(self, job: BulkJob, function: BulkFunction, stop: asyncio.Event) -> None:
        rows = await self._journal.open_rows(job.bulk_id, ROWS_AT_ONCE)
        for first in range(0, len(rows), function.rows_at_once):
            some = rows[first : first + function.rows_at_once]
            is_going_on = await self._send(job, function, some)
            await pause(self._clock, self._back_off_s or min(self._took_s, LONGEST_REST_S), stop)
            if stop.is_set() or not is_going_on:
                return

    async def _send(self, job: BulkJob, function: BulkFunction, rows: Sequence[BulkRow]) -> bool:
        """
        Send some rows; return whether the next ones may follow.
        """
        asked = CommandRequest(
            source_id=job.source_id,
            function=job.function,
            params=function.params([_params(job, row) for row in rows]),
            requested_by=job.requested_by,
            bulk_id=job.bulk_id,
            row_no=rows[0].row_no,
        )
        try:
            verdict = await self._desk.carry_out(asked)
        except SourceThrottled as error:
            self._back_off_s = max(0.1, (error.until - self._clock.now()).total_seconds())
            return False
        except ParametersInvalid as error:  # other rules than those of each row: never sent
            await self._note([replace(row, state=FAILED, message=str(error)) for row in rows])
            return True
        self._took_s = verdict.took_s
        if is_for_later(verdict.command):
            self._wait_longer(verdict)
            return False
        # What is not answered is not asked more often for it: most rows would be unknown.
        if verdict.command.state == UNKNOWN:
            self._wait_longer(verdict)
        else:
            self._back_off_s = 0.0
        noted = await self._note(function.verdicts(rows, verdict.command))
        return noted.state in _GOES_ON

    async def _note(self, rows: Sequence[BulkRow]) -> BulkJob:
        return await self._journal.note_rows(rows, self._clock.now())

    def _wait_longer(self, verdict: Verdict) -> None:
        if not self._back_off_s:
            why = verdict.result.message or verdict.cause
            log.warning("a bulk job waits", extra={"source": self._source_id, "reason": why})
        self._back_off_s = min(max(FIRST_BACK_OFF_S, 2 * self._back_off_s), LONGEST_BACK_OFF_S)


def _params(job: BulkJob, row: BulkRow) -> dict[str, Any]:
    return {**job.defaults, **row.params}


def _bad_rows(function: BulkFunction, job: BulkJob, rows: Sequence[BulkRow]) -> list[BulkRow]:
    bad = []
    for row in rows:
        fault = function.faults(_params(job, row))
        if fault is not None:
            bad.append(replace(row, state=FAILED, message=fault))
    return bad
