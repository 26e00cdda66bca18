"""
Everything that can be chosen about a simulated dialer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from relay.twin.vicidial.builds import BUILDS, NEWEST

MOST_AGENTS: Final = 900  # session ids have three free digits
CALLS_PER_AGENT_MINUTE: Final = 1.25  # keeps the agents as busy as those of the poll test


@dataclass(frozen=True, slots=True)
class Floor:
    """
    Who works and how much is called.

    `calls_per_minute` are offered (None: as many as keep the agents busy).  The floor lives `speed` times
    faster than the clock: more calls begin and everything is shorter, while every time written is real.
    It has lived for `past_s` seconds when the twin starts.  A share `short_calls` of the calls is over
    within a second.  A floor that `is_scripted` does nothing by itself: `Script` says what happens.
    """

    agents: int = 12
    calls_per_minute: float | None = None
    speed: float = 1.0
    past_s: float = 0.0
    short_calls: float = 0.05
    is_scripted: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.agents <= MOST_AGENTS:
            raise ValueError(f"agents must be from 1 to {MOST_AGENTS}")
        if self.speed <= 0 or (self.calls_per_minute is not None and self.calls_per_minute <= 0):
            raise ValueError("calls_per_minute and speed must be above 0")
        if self.past_s < 0 or not 0 <= self.short_calls <= 1:
            raise ValueError("past_s must not be negative, short_calls from 0 to 1")

    @property
    def gap_s(self) -> float:
        """
        Return the mean real seconds between two calls offered.
        """
        per_minute = self.calls_per_minute or CALLS_PER_AGENT_MINUTE * self.agents
        return 60.0 / per_minute / self.speed


@dataclass(frozen=True, slots=True)
class Access:
    """
    The API user, who may do everything, and the addresses that may ask as such a user (none: all).

    An address is exact, or a network of 256 as in `10.1.2.x`.
    """

    user: str = "api"
    password: str = "twin"  # noqa: S105 (guards nothing)
    whitelist: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dialect:
    """
    How the server writes: local times of `timezone`, columns and headers of the build `version`.

    `is_latin1`: the database speaks Latin-1 while the header still says UTF-8.  `has_php8`: an apostrophe
    in an answer makes it a 500, with the whole right body, as PHP 8 does it.
    """

    timezone: str = "America/New_York"
    version: str = NEWEST
    is_latin1: bool = False
    has_php8: bool = True

    def __post_init__(self) -> None:
        if self.version not in BUILDS:
            raise ValueError(f"version must be one of {', '.join(BUILDS)}")


@dataclass(frozen=True, slots=True)
class HookUrls:
    """
    The URLs that the server calls by GET when something happens, with `--A--name--B--` where values go.

    Start Call URL, Dispo Call URL, No Agent Call URL, Dead Call URL, and the agent events push; a share
    `loss` of the requests is never sent.
    """

    start: str | None = None
    dispo: str | None = None
    no_agent: str | None = None
    dead: str | None = None
    agent_events: str | None = None
    loss: float = 0.0

    def __post_init__(self) -> None:
        for url in (self.start, self.dispo, self.no_agent, self.dead, self.agent_events):
            if url is not None and not url.startswith(("http://", "https://")):
                raise ValueError("a hook needs a URL with http:// or https://")
        if not 0 <= self.loss <= 1:
            raise ValueError("the loss of hooks must be from 0 to 1")

    @property
    def has_any(self) -> bool:
        """
        Tell whether anything is called at all.
        """
        return any((self.start, self.dispo, self.no_agent, self.dead, self.agent_events))


@dataclass(frozen=True, slots=True)
class DialerTwinSettings:
    """
    One simulated dialer.  The same seed, start instant and controls make the same agents, calls and logs.
    """

    seed: int = 1
    floor: Floor = field(default_factory=Floor)
    access: Access = field(default_factory=Access)
    dialect: Dialect = field(default_factory=Dialect)
    hooks: HookUrls = field(default_factory=HookUrls)
