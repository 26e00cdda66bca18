"""
What everything that works for one dialer has in common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from relay.journal.commands_port import MappingJournal
from relay.journal.port import Append, Appended, PollJournal
from relay.model.change import CallChange
from relay.model.clock import Clock
from relay.model.event import LIVE, PUSH, is_of_the_past
from relay.model.mapping import Mappings
from relay.model.subject_state import SubjectChange
from relay.model.times import EPOCH
from relay.normalise.advancing import Look
from relay.normalise.rules import CallRules
from relay.pipeline.dialer.dialer_settings import DialerSettings
from relay.pipeline.poll_state import StreamPoll
from relay.pipeline.source_ledger import SourceLedger
from relay.pipeline.waiting import handed_on
from relay.sources.port import FunctionSource
from relay.telemetry.metrics import Metrics


@dataclass(slots=True)
class DialerContext:
    """
    One dialer with its journal, and how its streams stand.
    """

    source: FunctionSource
    journal: PollJournal
    mapping_journal: MappingJournal
    ledger: SourceLedger
    rules: CallRules
    settings: DialerSettings
    clock: Clock
    metrics: Metrics
    appended: Callable[[Appended], None]
    label: str
    mappings: Mappings = field(default_factory=Mappings)
    streams: dict[str, StreamPoll] = field(default_factory=dict)

    @property
    def source_id(self) -> str:
        """
        Return which source it is.
        """
        return self.source.source_id

    @property
    def now(self) -> datetime:
        """
        Return the present by the dialer's clock.
        """
        return self.ledger.now

    def look(self, observed_at: datetime, origin: str) -> Look:
        """
        Return a look at the dialer, when and why.
        """
        # What somebody asks for of the past is published, however old it is.
        publish_from = self.rules.publish_from if origin in (LIVE, PUSH) else EPOCH
        return Look(observed_at, publish_from, self.ledger.skew, origin)

    def at_dialer(self, at: datetime) -> datetime:
        """
        Return an instant of our clock by the dialer's.
        """
        return at + self.ledger.skew

    async def append(
        self,
        stream: str,
        calls: Sequence[CallChange] = (),
        subjects: Sequence[SubjectChange] = (),
        **last: Any,
    ) -> None:
        """
        Append changes in as few transactions as they fit in; `last` (fields of Append) goes with the last.

        Raises:
            RevisionConflict: a subject has moved on; what was before it is appended.
        """
        limit = self.journal.max_events_per_append(self.source_id)
        parts = list(_parts(calls, subjects, limit))
        for some_calls, some_subjects in parts[:-1]:
            await self._write(self._change(stream, some_calls, some_subjects))
        some_calls, some_subjects = parts[-1]
        if some_calls or some_subjects or last:
            await self._write(self._change(stream, some_calls, some_subjects, **last))

    def _change(
        self, stream: str, calls: Sequence[CallChange], subjects: Sequence[SubjectChange], **last: Any
    ) -> Append:
        return Append(
            self.source_id,
            stream,
            self.clock.now(),
            calls=tuple(calls),
            subjects=tuple(subjects),
            **last,
        )

    async def _write(self, change: Append) -> None:
        started = self.clock.monotonic()
        appended = await handed_on(self.journal.append(change), self.appended)
        self.metrics.journal_append_duration_seconds.observe(self.clock.monotonic() - started)
        if appended.events:
            latency = self.metrics.event_ingest_latency_seconds.labels(self.label, change.stream)
            latency.observe_many(
                [
                    (event.recorded_at - event.occurred_at).total_seconds()
                    for event in appended.events
                    if not is_of_the_past(event.body)
                ]
            )


def _parts(
    calls: Sequence[CallChange], subjects: Sequence[SubjectChange], limit: int
) -> Iterator[tuple[list[CallChange], list[SubjectChange]]]:
    """
    Cut changes into parts of at most `limit` events each, whole changes; there is at least one part.
    """
    some_calls: list[CallChange] = []
    some_subjects: list[SubjectChange] = []
    events = 0
    changes: list[SubjectChange | CallChange] = [*subjects, *calls]
    for change in changes:
        if events and events + len(change.events) > limit:
            yield some_calls, some_subjects
            some_calls, some_subjects, events = [], [], 0
        events += len(change.events)
        if isinstance(change, CallChange):
            some_calls.append(change)
        else:
            some_subjects.append(change)
    yield some_calls, some_subjects
