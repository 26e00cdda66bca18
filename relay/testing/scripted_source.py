"""
A source that answers from a script: pages of rows, or errors.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from relay.model.call import CALL_STREAMS
from relay.model.clock import Clock
from relay.model.errors import SourceError
from relay.sources.port import Pull, Window

Page = list[dict[str, Any]]


class ScriptedSource:
    """
    Stands at `relay.sources.port.Source`.

    Each stream answers what was scripted for it, in order; the last page goes on for ever.
    """

    def __init__(self, source_id: str, clock: Clock, call_streams: tuple[str, ...] = CALL_STREAMS) -> None:
        self.source_id = source_id
        self.call_streams = call_streams
        self.status_streams: tuple[str, ...] = ()
        self.pulled: list[tuple[str, Window]] = []
        self.skew = timedelta(0)
        self._clock = clock
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

    def allow(self, polls: int | None) -> None:
        """
        Take note of nothing: there is no limit.
        """

    async def pull(self, stream: str, window: Window, names: Sequence[str] = ()) -> Pull:
        """
        Answer the next of the script.
        """
        self.pulled.append((stream, window))
        script = self._script[stream]
        answer = script.popleft() if script else []
        if isinstance(answer, SourceError):
            raise answer
        if not script:
            script.append(answer)
        now = self._clock.now()
        return Pull(stream, answer, now, window.start, window.start, now + self.skew, self.skew)

    async def quota_remaining(self) -> int | None:
        """
        Say that there is no limit.
        """
        return None
