"""
What the journal holds about one source itself: how far it was read, its state, the events that tell it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from relay.journal.port import Append, Appended, PollJournal, SourceView, StreamState
from relay.model.change import Reject, SourceHead
from relay.model.clock import Clock
from relay.model.coverage import POLLS, Gap, Interval
from relay.model.errors import RevisionConflict
from relay.model.ids import IdMaker
from relay.normalise.gaps import Duty, gap_changes, settled_up_to, unread, with_read
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
CLOCK_ERROR: Final = timedelta(minutes=5)  # where reading began stays, though the clock is seen to be slow

Streams = Mapping[str, StreamPoll]


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
        self.pushed_since: datetime | None = None
        self._journal = journal
        self._ids = ids
        self._clock = clock
        self._settings = settings
        self._appended = appended
        self._started_at = clock.now()

    @property
    def now(self) -> datetime:
        """
        Return the present by the phone system's clock, as far as its last answer told it.
        """
        return self._clock.now() + self.skew

    def note_push(self, received_at: datetime) -> None:
        """
        Note that the phone system pushes: from now on rows without a push are counted as lost ones.
        """
        self.pushed_since = min(self.pushed_since or received_at, received_at)

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

    async def view(self) -> SourceView:
        """
        Return the source as last appended.
        """
        return await self._journal.view(self.source_id, self.now - UNSETTLED_FOR)

    def standing(self, view: SourceView, stream: StreamPoll) -> Standing:
        """
        Return how a stream stands.
        """
        covered = self._owed(view, view.coverage.get(stream.name, ()))
        gaps = [gap.start for gap in view.gaps_of(stream.name) if gap.start >= self.now - OLD_GAP]
        return Standing(
            read_to=covered[-1].end if covered else None,
            deep_at=stream.deep_at,
            window_at=stream.window_at,
            oldest_open=view.oldest_open,
            oldest_unsettled=view.oldest_unsettled,
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

    def oldest_unread(self, view: SourceView, stream: str) -> datetime:
        """
        Return the first instant that a stream owes and that was not read, by the phone system's clock.
        """
        covered = view.coverage.get(stream, ())
        owed = self._owed_from(view, covered)
        return next((hole.start for hole in unread(covered, owed, self.now)), self.now)

    def concluding(
        self, view: SourceView, streams: Streams, stream: StreamPoll, pull: Pull
    ) -> Callable[[PageResult], Conclusion]:
        """
        Return what says what to write about the source with a page of a stream.
        """

        def conclude(result: PageResult) -> Conclusion:
            events = SourceEvents(self._ids, view.head, pull.requested_at)
            coverage = dict(view.coverage)
            state = result.state
            if result.read is not None:
                coverage[stream.name] = with_read(coverage.get(stream.name, ()), result.read.covered)
                state = self._with_visibility(view, stream, result, pull, events)
                if result.read.tier in POLLS:
                    stream.was_whole()
            gaps = self._gaps(view, coverage, streams, events, {stream.name: len(result.new)})
            events.state(state_of(streams.values()), None, _states(streams))
            events.rejected(stream.name, result.rejects)
            self._watermark(view, coverage, streams, gaps, events)
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
            view = await self.view()
            events = SourceEvents(self._ids, view.head, observed_at)
            events.state(state, None if state == UP else reason, _states(streams))
            gaps = self._gaps(view, view.coverage, streams, events, {})
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

    async def reject(self, stream: str, reject: Reject, taken_item: int) -> None:
        """
        Keep what was put down for the source and cannot be read, and say so.
        """
        while True:
            head = await self.head()
            events = SourceEvents(self._ids, head, self._clock.now())
            events.rejected(stream, (reject,))
            change = Append(
                self.source_id,
                stream,
                self._clock.now(),
                source=events.change(),
                rejects=(reject,),
                taken_items=(taken_item,),
            )
            try:
                await handed_on(self._journal.append(change), self._appended)
                return
            except RevisionConflict:
                continue  # as above

    def _with_visibility(
        self, view: SourceView, stream: StreamPoll, result: PageResult, pull: Pull, events: SourceEvents
    ) -> StreamState:
        covered = view.coverage.get(stream.name, ())
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
        view: SourceView,
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
            has_hole = len(self._owed(view, covered)) > 1
            duty = Duty(
                stream.name,
                self.now if stream.is_absent else self._owed_from(view, covered),
                self.now,
                self._clock.now(),
                timedelta(seconds=self._settings.gap_after_s),
                WINDOW_OVERRUN if has_hole and stream.trouble is None else stream.reason,
            )
            changes += gap_changes(duty, covered, view.gaps_of(stream.name), recovered.get(stream.name, 0))
        events.gaps(view.open_gaps, changes)
        return changes

    def _watermark(
        self,
        view: SourceView,
        coverage: Mapping[str, Sequence[Interval]],
        streams: Streams,
        gaps: Sequence[Gap],
        events: SourceEvents,
    ) -> None:
        changed = {(gap.stream, gap.start): gap for gap in gaps}
        still_open = [
            gap
            for gap in ({(gap.stream, gap.start): gap for gap in view.open_gaps} | changed).values()
            if gap.closed_at is None
        ]
        begin, until = [], [at for at in (view.oldest_open, view.oldest_unsettled) if at is not None]
        for stream in streams.values():
            if not stream.is_call_stream or stream.is_absent:
                continue
            covered = coverage.get(stream.name, ())
            start = self._owed_from(view, covered)
            own = [gap for gap in still_open if gap.stream == stream.name]
            read_at = None if stream.deep_at is None else stream.deep_at - self.lookback(stream)
            begin.append(start)
            until.append(settled_up_to(covered, start, own, read_at))
        if begin:
            events.watermark(max(begin), min(until))

    def _owed_from(self, view: SourceView, covered: Sequence[Interval]) -> datetime:
        owed = self._owed(view, covered)
        if not owed:  # never read: what lies before relay came is no gap, before it had the chance
            return self._started_at + self.skew
        first, begin = owed[0].start, view.head.publish_from + self.skew
        return begin if first - begin > CLOCK_ERROR else max(first, begin)

    def _owed(self, view: SourceView, covered: Sequence[Interval]) -> list[Interval]:
        """
        Return the coverage of the time since publishing began; what is older is a backfill's, no duty.
        """
        begin = view.head.publish_from + self.skew
        return [interval for interval in covered if interval.end >= begin]


def _states(streams: Streams) -> dict[str, str]:
    return {name: stream.stored.state for name, stream in streams.items()}
