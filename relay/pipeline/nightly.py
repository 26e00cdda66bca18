"""
Each night, have closed days read again, to find what their polls missed while it is still there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from relay.journal.api_port import ReadingJournal, SourceWorkJournal
from relay.journal.port import PollJournal
from relay.model.clock import Clock
from relay.model.errors import Conflict, JournalBusy
from relay.model.source_work import RECONCILE, SourceJob
from relay.pipeline.waiting import until

AGAIN_S: Final = 60.0
ONE_DAY: Final = timedelta(days=1)
LOOKED_AT: Final = 100  # jobs: more than are made in a day


@dataclass(frozen=True, slots=True)
class NightlyReads:
    """
    Which days of a source are read again, so many days back, at which hour of its zone.
    """

    source_id: str
    zone: ZoneInfo
    days_back: Sequence[int]
    hour: int

    def last_due(self, now: datetime) -> datetime:
        """
        Return when the jobs of the last night were due.
        """
        local = now.astimezone(self.zone)
        due = datetime.combine(local.date(), time(self.hour), self.zone)
        return due if due <= now else datetime.combine(local.date() - ONE_DAY, time(self.hour), self.zone)

    def next_due(self, now: datetime) -> datetime:
        """
        Return when those of the next night are.
        """
        day = self.last_due(now).astimezone(self.zone).date() + ONE_DAY
        return datetime.combine(day, time(self.hour), self.zone)

    def day(self, due: datetime, days_back: int) -> tuple[datetime, datetime]:
        """
        Return the bounds of a day of the source's zone.
        """
        date = due.astimezone(self.zone).date() - days_back * ONE_DAY
        return datetime.combine(date, time(), self.zone), datetime.combine(date + ONE_DAY, time(), self.zone)


class Nightly:
    """
    Makes the reconciliations of each night, once, over restarts too.

    Args:
        sources: what is wanted of which source.
        journal: what is known of the sources.
        reading: the jobs that there are.
        work: takes new jobs.
        clock: the time.
        wake: tells a source's owner that there is work.
    """

    name = "nightly"

    def __init__(
        self,
        sources: Sequence[NightlyReads],
        journal: PollJournal,
        reading: ReadingJournal,
        work: SourceWorkJournal,
        clock: Clock,
        wake: Callable[[str], None],
    ) -> None:
        self._sources = [source for source in sources if source.days_back]
        self._journal = journal
        self._reading = reading
        self._work = work
        self._clock = clock
        self._wake = wake

    async def run(self, stop: asyncio.Event) -> None:
        """
        Make jobs night by night until told to stop.
        """
        while not stop.is_set():
            now = self._clock.now()
            at = min((source.next_due(now) for source in self._sources), default=now + ONE_DAY)
            try:
                await self.step()
            except (Conflict, JournalBusy):
                at = now + timedelta(seconds=AGAIN_S)  # the journal is busy, or too many jobs wait: once more
            await until(at, stop, self._clock)

    async def step(self) -> None:
        """
        Make the jobs of the last night that were not made yet.
        """
        now = self._clock.now()
        for source in self._sources:
            due = source.last_due(now)
            made = await self._made_since(source.source_id, due)
            publish_from = (await self._journal.source_head(source.source_id)).publish_from
            for days_back in source.days_back:
                start, end = source.day(due, days_back)
                if end > publish_from and (start, end) not in made:
                    await self._work.make_job(source.source_id, RECONCILE, start, end, _no_reply, now)
                    self._wake(source.source_id)

    async def _made_since(self, source_id: str, due: datetime) -> set[tuple[datetime, datetime]]:
        page = await self._reading.list_jobs(source_id, RECONCILE, None, LOOKED_AT)
        return {(job.start, job.end) for job in page.items if job.made_at >= due}


def _no_reply(_job: SourceJob) -> bytes:
    return b""
