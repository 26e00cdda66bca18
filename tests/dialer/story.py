"""
A dialer whose agents do what a test says, and relay over it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from relay.dialer_assembly import dialer_poll
from relay.model.clock import Clock
from relay.model.source_work import PUSH
from relay.model.times import to_ms
from relay.pipeline.dialer.dialer_poll import DialerPoll
from relay.sources.port import POLL, Answered, FunctionSource
from relay.testing.manual_clock import ManualClock
from relay.twin.vicidial.faults import Fault
from relay.twin.vicidial.script import Script
from relay.twin.vicidial.settings import DialerTwinSettings, Floor
from tests.dialer.floor import SOURCE, DialerFloor
from tests.normalise.office import check_sent

SCRIPTED = DialerTwinSettings(floor=Floor(agents=4, is_scripted=True))
DID = "3125551212"


@dataclass
class AheadClock:
    """
    A clock that is some time ahead of another.
    """

    clock: ManualClock
    ahead: timedelta

    def now(self) -> datetime:
        """
        Return the present.
        """
        return self.clock.now() + self.ahead

    def now_ms(self) -> int:
        """
        Return the present in milliseconds since 1970.
        """
        return to_ms(self.now())

    def monotonic(self) -> float:
        """
        Return the seconds since some instant.
        """
        return self.clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """
        Return after some seconds.
        """
        await self.clock.sleep(seconds)


@dataclass
class SlowSource:
    """
    A source whose answers take time by the manual clock.
    """

    source: FunctionSource
    story: Story

    @property
    def source_id(self) -> str:
        """
        Return whose source it is.
        """
        return self.source.source_id

    async def call(
        self, function: str, params: Mapping[str, str], *, purpose: str = POLL, is_write: bool = False
    ) -> Answered:
        """
        Call a function, and let time go by.
        """
        answered = await self.source.call(function, params, purpose=purpose, is_write=is_write)
        self.story.clock.advance(self.story.takes_s)
        return answered


@dataclass
class Story(DialerFloor):
    """
    A floor under a test's control.
    """

    ahead_s: float = 0.0
    takes_s: float = 0.0

    @classmethod
    def of(
        cls, folder: Path, settings: DialerTwinSettings = SCRIPTED, ahead_s: float = 0.0, **keys: Any
    ) -> Self:
        """
        Make one whose dialer's clock is ahead; `keys` are those of relay's configuration of the dialer.
        """
        return cls(folder, settings, keys, ahead_s=ahead_s)

    def dialers_clock(self) -> Clock:
        """
        Return a clock that is ahead of relay's.
        """
        return AheadClock(self.clock, timedelta(seconds=self.ahead_s))

    def watched(self, source: FunctionSource) -> FunctionSource:
        """
        Return the source, whose every answer takes `takes_s`.
        """
        return SlowSource(super().watched(source), self)

    @property
    def script(self) -> Script:
        """
        Return what says what happens, at this instant.
        """
        self.twin.twin.bring_up()
        return Script(self.twin.world)

    def asked(self, function: str) -> list[datetime]:
        """
        Return when a function was asked for and answered.
        """
        return [at for name, at, _ in self.polled if name == function]

    def spoil(self, name: str, rate: float = 1.0, function: str | None = None) -> None:
        """
        Switch a fault of the dialer on.
        """
        self.twin.faults.on(Fault(name, rate, function))

    async def push(self, body: Mapping[str, Any]) -> None:
        """
        Put down what the dialer pushes, as REST does.
        """
        await self.journal.work.put_down(SOURCE, PUSH, body, lambda _: b"", self.clock.now())
        self.poll.wake()

    async def told(self, *types: str) -> list[str]:
        """
        Return the types of all events but those of the source itself, or only some.
        """
        events = await self.events(*types)
        return [event["type"] for event in events if not event["type"].startswith("source.")]

    async def states(self) -> list[str]:
        """
        Return the states of the source that were told.
        """
        return [event["data"]["state"] for event in await self.events("source.state_changed")]

    async def kill(self) -> None:
        """
        Let relay end in the middle of whatever it does.
        """
        self._running.cancel()
        await asyncio.wait({self._running})
        await self._relay_rooms.aclose()

    async def second_poll(self) -> DialerPoll:
        """
        Return another loop over the same dialer and journal.
        """
        return await dialer_poll(self.config(), self.source, self.around)

    async def restart(self) -> None:
        """
        Stop relay, and start it on the same journal.
        """
        await self.stop_relay()
        await self.start_relay()

    async def check(self) -> list[dict[str, Any]]:
        """
        Return all events, after asserting of each subject that its revisions rise by one and no id and no
        milestone comes twice, and of each event that it is as its schema says.
        """
        events = await self.events()
        revisions: dict[str, int] = {}
        milestones = set()
        for event in events:
            check_sent(event)
            subject, revision = event["subject"], event["data"]["revision"]
            assert revisions.get(subject, 0) + 1 == revision, event
            revisions[subject] = revision
            kind = event["type"]
            if kind in ("call.started", "call.answered") or kind in ENDS:
                milestone = (subject, "end" if kind in ENDS else kind)
                assert milestone not in milestones, event
                milestones.add(milestone)
        assert len(events) == len({event["id"] for event in events})
        return events


ENDS = ("call.finished", "call.abandoned", "call.timed_out", "call.missed")
