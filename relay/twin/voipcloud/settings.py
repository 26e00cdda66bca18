"""
Everything that can be chosen about a simulated PBX.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from relay.model.call import CALL_STREAMS

LARGEST_OFFICE = 8_000  # DIDs come from one block of numbers that belong to nobody


@dataclass(frozen=True, slots=True)
class OfficeSize:
    """
    How many users, queues and ring groups there are; queues ring up to 4 users, ring groups up to 3.
    """

    users: int = 8
    queues: int = 2
    ring_groups: int = 1

    def __post_init__(self) -> None:
        if self.users < 1 or self.queues < 0 or self.ring_groups < 0:
            raise ValueError("an office has at least one user, and no negative numbers of anything")
        if self.users + self.queues + self.ring_groups > LARGEST_OFFICE:
            raise ValueError(f"users, queues and ring groups may be at most {LARGEST_OFFICE} together")


@dataclass(frozen=True, slots=True)
class Traffic:
    """
    How much is called.

    The office lives `speed` times faster than the clock: `calls_per_minute` are of its own minutes, so
    calls_per_minute x speed begin in a real one, and talks are `speed` times shorter.  The clock itself is
    never bent: every time in every row is real.  `past_calls` ended before the twin started.
    `stop_after` ends new calls after so many (None: never).  `variety` has queues overflow, users transfer
    and callers withhold their number (`relay.twin.voipcloud.variety`).
    """

    calls_per_minute: float = 4.0
    speed: float = 1.0
    past_calls: int = 0
    stop_after: int | None = None
    variety: bool = False

    def __post_init__(self) -> None:
        if self.calls_per_minute <= 0 or self.speed <= 0:
            raise ValueError("calls_per_minute and speed must be above 0")
        if self.past_calls < 0 or (self.stop_after or 0) < 0:
            raise ValueError("past_calls and stop_after must not be negative")

    @property
    def gap_s(self) -> float:
        """
        Return the mean real seconds between the beginnings of two calls.
        """
        return 60.0 / self.calls_per_minute / self.speed


@dataclass(frozen=True, slots=True)
class Rules:
    """
    How the API treats its clients.

    More than `requests` in any `per_s` seconds are answered 429.  `whitelist` holds the addresses that may
    ask (empty: all).  `absent` streams are answered 404, and no call is made that only they would show.
    A limit above `largest_page` is answered 400, and an offset above it too unless `has_deep_offsets`.
    """

    requests: int = 100
    per_s: float = 900.0
    has_retry_after: bool = True
    whitelist: tuple[str, ...] = ()
    absent: frozenset[str] = frozenset()
    largest_page: int = 10_000
    has_deep_offsets: bool = True

    def __post_init__(self) -> None:
        if self.requests < 1 or self.per_s <= 0 or self.largest_page < 1:
            raise ValueError("requests, per_s and largest_page must be above 0")
        unknown = sorted(self.absent.difference(CALL_STREAMS))
        if unknown:
            raise ValueError(f"absent: no such stream: {', '.join(unknown)}")


@dataclass(frozen=True, slots=True)
class AnswerShape:
    """
    How the tenant writes, where the documents leave it open.

    Times and days are those of `timezone`, written with its offset or, `has_naive_times`, without; rows come
    as a bare array or, `is_wrapped`, under `data`.
    """

    timezone: str = "Australia/Sydney"
    is_wrapped: bool = False
    has_naive_times: bool = False


@dataclass(frozen=True, slots=True)
class PushSettings:
    """
    Where the phone system posts what happens, with `X-Pbx-Token`; a share `loss` of it gets lost.
    """

    url: str
    token: str
    loss: float = 0.0

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ValueError("push needs a URL with http:// or https://")
        if not 0 <= self.loss <= 1:
            raise ValueError("the loss of pushes must be from 0 to 1")


@dataclass(frozen=True, slots=True)
class TwinSettings:
    """
    One simulated PBX.  The same seed, start instant and schedule of faults make the same calls and rows.
    """

    token: str
    seed: int = 1
    office: OfficeSize = field(default_factory=OfficeSize)
    traffic: Traffic = field(default_factory=Traffic)
    rules: Rules = field(default_factory=Rules)
    shape: AnswerShape = field(default_factory=AnswerShape)
    push: PushSettings | None = None
