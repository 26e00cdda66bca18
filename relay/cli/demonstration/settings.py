"""
What a demonstration is asked for, and how much is called in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from relay.cli.demonstration.schedule import Spell, schedule
from relay.twin.voipcloud.settings import OfficeSize, Rules, Traffic, TwinSettings

SHORTEST_S: Final = 20
CALLS_CLAIMED: Final = 100
LINKED_CLAIMED: Final = 20
REQUESTS: Final = 200
PER_S: Final = 10.0
TOKEN: Final = "demo"  # noqa: S105 (guards a simulation)

_CALLS_AT_LEAST: Final = 160  # planned, so that chance never leaves fewer than are claimed
_CALLS_PER_S: Final = 3.0
_SPEED: Final = 30.0
_OFFICE: Final = OfficeSize(users=40, queues=5, ring_groups=3)


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """
    One demonstration; ports that are 0 are free ones.

    `kafka` is HOST:PORT of a broker to publish to as well, `keep` a folder that stays.  `faults` are those
    that the phone system plays, by name; with `variety` calls overflow, are transferred, withhold numbers.
    """

    seconds: int
    seed: int
    kafka: str | None = None
    keep: Path | None = None
    twin_port: int = 0
    api_port: int = 0
    ops_port: int = 0
    faults: tuple[str, ...] = ()
    variety: bool = False
    dialer_port: int = 0

    @property
    def kill_at_s(self) -> float:
        """
        Return when relay is killed, in seconds from the start.
        """
        return self.seconds * Random(f"{self.seed} kill").uniform(0.25, 0.4)  # noqa: S311 (a moment, no secret)

    @property
    def failing_s(self) -> tuple[float, float]:
        """
        Return from when until when the receiver fails.
        """
        start_s = self.seconds * Random(f"{self.seed} fail").uniform(0.5, 0.6)  # noqa: S311
        return start_s, start_s + min(8.0, self.seconds * 0.15)

    @property
    def spells(self) -> tuple[Spell, ...]:
        """
        Return when which fault of the phone system is on.
        """
        return schedule(self.faults, self.seconds, self.seed)

    def twin(self) -> TwinSettings:
        """
        Return a phone system on which enough is called in the time there is.

        Its times are real; its talks are short, as if the office lived faster.
        """
        calls_per_s = max(_CALLS_PER_S, _CALLS_AT_LEAST / self.seconds)
        return TwinSettings(
            token=TOKEN,
            seed=self.seed,
            office=_OFFICE,
            traffic=Traffic(calls_per_minute=calls_per_s * 60 / _SPEED, speed=_SPEED, variety=self.variety),
            rules=Rules(requests=REQUESTS, per_s=PER_S),
        )
