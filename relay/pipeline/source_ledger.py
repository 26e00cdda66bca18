"""
What the journal holds about one source itself: how far it was read, its state, the events that tell it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from relay.journal.port import Append, Appended, PollJournal, StreamState
from relay.model.change import Reject, SourceChange, SourceHead
from relay.model.clock import Clock
from relay.model.coverage import Interval
from relay.model.errors import RevisionConflict
from relay.model.ids import IdMaker
from relay.normalise.source_events import SourceEvents
from relay.pipeline.poll_state import UP, StreamPoll, state_of
from relay.pipeline.waiting import handed_on
from relay.sources.port import Pull

LONGEST_CALL: Final = timedelta(hours=24)
AboutSource = Callable[[Sequence[Reject]], SourceChange | None]


class SourceLedger:
    """
    Reads and writes the journal's view of one source.

    Args:
        source_id: which source.
        journal: where it stands.
        ids: maker of event ids.
        clock: the time of recording.
        appended: told of the events once they are durable.
    """

    def __init__(
        self,
        source_id: str,
        journal: PollJournal,
        ids: IdMaker,
        clock: Clock,
        appended: Callable[[Appended], None],
    ) -> None:
        self.source_id = source_id
        self._journal = journal
        self._ids = ids
        self._clock = clock
        self._appended = appended

    async def stream_states(self) -> dict[str, StreamState]:
        """
        Return the stored states of the streams.
        """
        return await self._journal.stream_states(self.source_id)

    async def head(self) -> SourceHead:
        """
        Return the source as last appended.
        """
        return await self._journal.source_head(self.source_id)

    async def window_start(self, stream: str, lookback: timedelta) -> datetime:
        """
        Say from when to read a stream: the look-back, and further where something older may still change.

        The first read reaches back to publish_from, later ones to a look-back before where the last one
        had got; and to the oldest call that is still open.
        """
        starts = [self._clock.now() - lookback]
        intervals = (await self._journal.coverage(self.source_id)).get(stream)
        read_to = intervals[-1].end if intervals else self._clock.now()
        starts.append(read_to - lookback if intervals else (await self.head()).publish_from)
        oldest_open = await self._journal.oldest_open_start(self.source_id)
        if oldest_open is not None:
            # A row that the vendor never closes must not make every page grow for ever.
            starts.append(max(oldest_open, read_to - LONGEST_CALL))
        return min(starts)

    async def read_through(self, streams: Sequence[str]) -> dict[str, Interval | None]:
        """
        Return the newest stretch of time that was read completely, for each of some streams.
        """
        coverage = await self._journal.coverage(self.source_id)
        return {name: coverage[name][-1] if name in coverage else None for name in streams}

    async def about(
        self, streams: Mapping[str, StreamPoll], stream: str, observed_at: datetime
    ) -> AboutSource:
        """
        Return what to write about the source with a page of a stream, once its rejects are known.
        """
        events = SourceEvents(self._ids, await self.head(), observed_at)

        def change(rejects: Sequence[Reject]) -> SourceChange | None:
            events.state(state_of(streams.values()), None, _states(streams))
            events.rejected(stream, rejects)
            return events.change()

        return change

    async def note(
        self, streams: Mapping[str, StreamPoll], stream: StreamPoll, reason: str | None, status: Pull | None
    ) -> None:
        """
        Write the states of the source and of one stream where they changed, and the system status.
        """
        state = state_of(streams.values())
        observed_at = status.requested_at if status else self._clock.now()
        while True:
            events = SourceEvents(self._ids, await self.head(), observed_at)
            events.state(state, None if state == UP else reason, _states(streams))
            if status is not None:
                events.system_status(status.rows[0]["status"])
            change = Append(
                self.source_id,
                stream.name,
                self._clock.now(),
                source=events.change(),
                stream_state=stream.stored,
            )
            try:
                await handed_on(self._journal.append(change), self._appended)
                return
            except RevisionConflict:
                continue  # another writer on this journal was first: say it again from what is there now


def _states(streams: Mapping[str, StreamPoll]) -> dict[str, str]:
    return {name: stream.stored.state for name, stream in streams.items()}
