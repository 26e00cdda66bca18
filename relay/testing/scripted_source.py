"""
A source that answers from a script: pages of rows, or errors.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from relay.model.call import CALL_STREAMS
from relay.model.clock import Clock
from relay.model.errors import SourceError
from relay.model.times import from_vendor
from relay.sources.port import Pull, Window

Page = list[dict[str, Any]]
UTC_ZONE: Final = ZoneInfo("UTC")
ONE_SECOND: Final = timedelta(seconds=1)


class ScriptedSource:
    """
    Stands at `relay.sources.port.Source`.

    Each stream answers what was scripted for it, in order; the last page goes on for ever.  A window of the
    newest rows shows no more of a page.  `pulled` are the windows asked for, `names` those given with the
    last of each stream, `allowed` what polls were held to.
    """

    def __init__(
        self,
        source_id: str,
        clock: Clock,
        call_streams: tuple[str, ...] = CALL_STREAMS,
        zone: ZoneInfo = UTC_ZONE,
    ) -> None:
        self.source_id = source_id
        self.call_streams = call_streams
        self.status_streams: tuple[str, ...] = ()
        self.pulled: list[tuple[str, Window]] = []
        self.names: dict[str, tuple[str, ...]] = {}
        self.allowed: list[int | None] = []
        self.skew = timedelta(0)
        self._clock = clock
        self._zone = zone
        self._cuts: dict[str, tuple[datetime, str]] = {}
        self._script: dict[str, deque[Page | SourceError]] = defaultdict(deque)

    def then(self, stream: str, *answers: Page | SourceError) -> None:
        """
        Add answers to a stream's script.
        """
        self._script[stream].extend(answers)

    def show(self, stream: str, page: Page) -> None:
        """
        Answer a page from now on.
        """
        self._script[stream] = deque([page])

    def cut(self, stream: str, covered_from: datetime, reason: str) -> None:
        """
        Prove of every page from now on no more than what started since.
        """
        self._cuts[stream] = (covered_from, reason)

    def mend(self, stream: str) -> None:
        """
        Prove whole windows again.
        """
        self._cuts.pop(stream, None)

    def allow(self, polls: int | None) -> None:
        """
        Take note; there is no limit.
        """
        self.allowed.append(polls)

    async def pull(self, stream: str, window: Window, names: Sequence[str] = ()) -> Pull:
        """
        Answer the next of the script.
        """
        self.pulled.append((stream, window))
        self.names[stream] = tuple(names)
        script = self._script[stream]
        answer = script.popleft() if script else []
        if isinstance(answer, SourceError):
            raise answer
        if not script:
            script.append(answer)
        now = self._clock.now()
        as_of = now + self.skew
        covered_to = min(window.end or as_of, as_of)
        covered_from, cut_by = self._cuts.get(stream, (window.start, None))
        rows = answer
        if window.rows is not None and len(answer) >= window.rows:
            rows = answer[: window.rows]
            covered_from = max(covered_from, self._oldest(rows, as_of))
        return Pull(
            stream=stream,
            rows=rows,
            requested_at=now,
            window_start=window.start,
            covered_from=min(max(covered_from, window.start), covered_to),
            covered_to=covered_to,
            skew=self.skew,
            cut_by=cut_by,
        )

    def _oldest(self, rows: Page, as_of: datetime) -> datetime:
        """
        Return a second after the oldest start that can be read; `as_of` where none can.
        """
        for row in reversed(rows):
            try:
                return from_vendor(row["call_start_at"], self._zone) + ONE_SECOND
            except (KeyError, TypeError, ValueError):
                continue
        return as_of

    async def quota_remaining(self) -> int | None:
        """
        Say that there is no limit.
        """
        return None
