"""
What the journal holds about one source itself: how far it was read, its state, the events that tell it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from relay.journal.port import Append, Appended, PollJournal, StreamState
from relay.model.change import SourceHead
from relay.model.clock import Clock
from relay.model.coverage import Gap, Interval
from relay.model.errors import RevisionConflict
from relay.model.ids import IdMaker
from relay.normalise.gaps import Duty, gap_changes, settled_up_to, with_read
from relay.normalise.source_events import SourceEvents
from relay.normalise.visibility import Visibility, sightings
from relay.pipeline.page import Conclusion, PageResult
from relay.pipeline.poll_state import UP, WINDOW_OVERRUN, PollSettings, StreamPoll, state_of
from relay.pipeline.tiers import Standing
from relay.pipeline.waiting import handed_on
from relay.sources.port import Pull

OLD_GAP: Final = timedelta(days=2)  # older ones are read apart, not by growing each page
USUAL_REACH: Final = timedelta(minutes=10)  # until it is measured
SEEN_AT_ONCE: Final = timedelta(minutes=10)  # a longer pause between two reads tells nothing of rows
UNSETTLED_FOR: Final = timedelta(days=3)

Streams = Mapping[str, StreamPoll]


@dataclass(frozen=True, slots=True)
class SourceLook:
    """
    A source as the journal has it: its head, what was read of its streams, and their open gaps.
    """

    head: SourceHead
    coverage: Mapping[str, Sequence[Interval]]
    open_gaps: Sequence[Gap]
    oldest_open: datetime | None
    oldest_unsettled: datetime | None

    def gaps_of(self, stream: str) -> list[Gap]:
        """
        Return the open gaps of a stream.
        """
        return [gap for gap in self.open_gaps if gap.stream == stream]


class SourceLedger:
    """
    Reads and writes the journal's view of one source.

    Args:
        source_id: which source.
        journal: where it stands.
        ids: maker of event ids.
        clock: the time of recording.
        settings: when time that was not read becomes a gap.
        appended: told of the events once they are durable.
    """

    def __init__(
        self,
        source_id: str,
        journal: PollJournal,
        ids: IdMaker,
        clock: Clock,
        settings: PollSettings,
        appended: Callable[[Appended], None],
    ) -> None:
        self.source_id = source_id
        self.skew = timedelta(0)
        self._journal = journal
        self._ids = ids
        self._clock = clock
        self._settings = settings
        self._appended = appended

    @property
    def now(self) -> datetime:
        """
        Return the present by the phone system's clock, as far as its last answer told it.
        """
        return self._clock.now() + self.skew

    async def stream_states(self) -> dict[str, StreamState]:
        """
        Return the stored states of the streams.
        """
        return await self._journal.stream_states(self.source_id)

    async def head(self) -> SourceHead:
        """
        Return the head of the source's own subject.
        """
        return await self._journal.source_head(self.source_id)

    async def look(self) -> SourceLook:
        """
        Return the source as last appended.
        """
        journal, source_id = self._journal, self.source_id
        return SourceLook(
            await journal.source_head(source_id),
            await journal.coverage(source_id),
            await journal.open_gaps(source_id),
            await journal.oldest_open_start(source_id),
            await journal.oldest_unsettled_start(source_id, self.now - UNSETTLED_FOR),
        )

    def standing(self, look: SourceLook, stream: StreamPoll) -> Standing:
        """
        Return how a stream stands.
        """
        covered = look.coverage.get(stream.name, ())
        gaps = [gap.start for gap in look.gaps_of(stream.name) if gap.start >= self.now - OLD_GAP]
        return Standing(
            read_to=covered[-1].end if covered else None,
            deep_at=stream.deep_at,
            window_at=stream.window_at,
            oldest_open=look.oldest_open,
            oldest_unsettled=look.oldest_unsettled,
            oldest_gap=min(gaps, default=None),
            must_be_deep=stream.must_be_deep,
            head_rows=stream.head_rows,
        )

    def lookback(self, stream: StreamPoll) -> timedelta:
        """
        Return how far back a stream must be read, as configured or as measured.
        """
        return Visibility.of_json(stream.stored.visibility).lookback(self._settings.lookback)

    def reach(self, stream: StreamPoll) -> timedelta:
        """
        Return how long after its start a row of a stream may be seen first.
        """
        late_s = Visibility.of_json(stream.stored.visibility).late_s
        return USUAL_REACH if late_s is None else timedelta(seconds=late_s)

    def concluding(
        self, look: SourceLook, streams: Streams, stream: StreamPoll, pull: Pull
    ) -> Callable[[PageResult], Conclusion]:
        """
        Return what says what to write about the source with a page of a stream.
        """

        def conclude(result: PageResult) -> Conclusion:
            events = SourceEvents(self._ids, look.head, pull.requested_at)
            coverage = dict(look.coverage)
            state = result.state
            if result.read is not None:
                coverage[stream.name] = with_read(coverage.get(stream.name, ()), result.read.covered)
                state = self._with_visibility(look, stream, result, pull, events)
            gaps = self._gaps(look, coverage, streams, events, {stream.name: len(result.new)})
            events.state(state_of(streams.values()), None, _states(streams))
            events.rejected(stream.name, result.rejects)
            self._watermark(look, coverage, streams, gaps, events)
            return Conclusion(events.change(), state, tuple(gaps))

        return conclude

    async def note(
        self, streams: Streams, stream: StreamPoll, reason: str | None, status: Pull | None
    ) -> None:
        """
        Write the states of the source and of one stream where they changed, gaps, and the system status.
        """
        state = state_of(streams.values())
        observed_at = status.requested_at if status else self._clock.now()
        while True:
            look = await self.look()
            events = SourceEvents(self._ids, look.head, observed_at)
            events.state(state, None if state == UP else reason, _states(streams))
            gaps = self._gaps(look, look.coverage, streams, events, {})
            if status is not None:
                events.system_status(status.rows[0]["status"])
            change = Append(
                self.source_id,
                stream.name,
                self._clock.now(),
                source=events.change(),
                stream_state=stream.stored,
                gaps=tuple(gaps),
            )
            try:
                await handed_on(self._journal.append(change), self._appended)
                return
            except RevisionConflict:
                continue  # another writer on this journal was first: say it again from what is there now

    def _with_visibility(
        self, look: SourceLook, stream: StreamPoll, result: PageResult, pull: Pull, events: SourceEvents
    ) -> StreamState:
        covered = look.coverage.get(stream.name, ())
        if not covered or not result.new or result.read is None:
            return result.state
        last, as_of = covered[-1], result.read.as_of
        if as_of - last.end > SEEN_AT_ONCE:
            return result.state
        seen = Visibility.of_json(result.state.visibility)
        was = seen.summary()
        if seen.learn(sightings(result.new, last.end, last.start, as_of)) is not None:
            events.drift(stream.name, was, seen.summary())
        return replace(result.state, visibility=seen.as_json())

    def _gaps(
        self,
        look: SourceLook,
        coverage: Mapping[str, Sequence[Interval]],
        streams: Streams,
        events: SourceEvents,
        recovered: Mapping[str, int],
    ) -> list[Gap]:
        changes: list[Gap] = []
        for stream in streams.values():
            if not stream.is_call_stream:
                continue
            covered = coverage.get(stream.name, ())
            has_hole = len(covered) > 1
            duty = Duty(
                stream.name,
                self.now if stream.is_absent else self._owed_from(look, covered),
                self.now,
                self._clock.now(),
                timedelta(seconds=self._settings.gap_after_s),
                WINDOW_OVERRUN if has_hole and stream.trouble is None else stream.reason,
            )
            changes += gap_changes(duty, covered, look.gaps_of(stream.name), recovered.get(stream.name, 0))
        events.gaps(look.open_gaps, changes)
        return changes

    def _watermark(
        self,
        look: SourceLook,
        coverage: Mapping[str, Sequence[Interval]],
        streams: Streams,
        gaps: Sequence[Gap],
        events: SourceEvents,
    ) -> None:
        changed = {(gap.stream, gap.start): gap for gap in gaps}
        still_open = [
            gap
            for gap in ({(gap.stream, gap.start): gap for gap in look.open_gaps} | changed).values()
            if gap.closed_at is None
        ]
        begin, until = [], [at for at in (look.oldest_open, look.oldest_unsettled) if at is not None]
        for stream in streams.values():
            if not stream.is_call_stream or stream.is_absent:
                continue
            covered = coverage.get(stream.name, ())
            start = self._owed_from(look, covered)
            own = [gap for gap in still_open if gap.stream == stream.name]
            read_at = None if stream.deep_at is None else stream.deep_at - self.lookback(stream)
            begin.append(start)
            until.append(settled_up_to(covered, start, own, read_at))
        if begin:
            events.watermark(max(begin), min(until))

    def _owed_from(self, look: SourceLook, covered: Sequence[Interval]) -> datetime:
        start = look.head.publish_from + self.skew
        return min(start, covered[0].start) if covered else min(start, self.now)


def _states(streams: Streams) -> dict[str, str]:
    return {name: stream.stored.state for name, stream in streams.items()}
