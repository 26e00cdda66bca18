"""
What everything that works for one source has in common.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from relay.journal.port import PollJournal
from relay.model.clock import Clock
from relay.normalise.calls import CallAssembler
from relay.pipeline.ingest import Ingest
from relay.pipeline.poll_state import ACCOUNT_TROUBLES, PollSettings, StreamPoll
from relay.pipeline.source_ledger import SourceLedger
from relay.sources.port import Source
from relay.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class PollContext:
    """
    One source with its journal, and how its streams stand (empty until the first step).

    `empty_once` holds what was answered without rows and is to be asked for again, and when it was: a stream,
    since when and until when (None: the present).
    """

    source: Source
    journal: PollJournal
    ledger: SourceLedger
    ingest: Ingest
    assembler: CallAssembler
    settings: PollSettings
    clock: Clock
    metrics: Metrics
    streams: dict[str, StreamPoll] = field(default_factory=dict)
    empty_once: dict[tuple[str, datetime, datetime | None], datetime] = field(default_factory=dict)

    @property
    def source_id(self) -> str:
        """
        Return which source it is.
        """
        return self.source.source_id

    @property
    def call_streams(self) -> list[str]:
        """
        Return the call streams that the tenant has, as far as is known.
        """
        return [one.name for one in self.streams.values() if one.is_call_stream and not one.is_absent]

    @property
    def were_all_read(self) -> bool:
        """
        Tell whether each of them was read as far back as calls may still change.
        """
        return all(self.streams[name].deep_at is not None for name in self.call_streams)

    @property
    def is_refused(self) -> bool:
        """
        Tell whether the whole account is refused now.
        """
        return any(one.trouble in ACCOUNT_TROUBLES for one in self.streams.values())

    @property
    def is_in_trouble(self) -> bool:
        """
        Tell whether a call stream does not answer now.
        """
        return any(self.streams[name].trouble is not None for name in self.call_streams)

    @property
    def now(self) -> datetime:
        """
        Return the present by the phone system's clock.
        """
        return self.ledger.now

    def label(self) -> str:
        """
        Return the label of the source's metrics.
        """
        return self.metrics.source_label(self.source_id)

    def postpone(self, streams: Iterable[StreamPoll], until: datetime) -> None:
        """
        Ask none of some streams before an instant.
        """
        for stream in streams:
            stream.next_at = max(stream.next_at, until)
