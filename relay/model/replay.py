"""
What people ask for once they doubt that a receiver has everything: replays, and what was acknowledged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from relay.model.source_work import RUNNING, WAITING
from relay.model.times import from_ms, to_ms

UNFINISHED: Final = (WAITING, RUNNING)
DEFAULT_RATE_PER_S: Final = 50.0
NONE: Final = "none"  # the status of an event that has no delivery

# Why a replay is not going on, or what it left was discarded.
REPLAY_CANCELLED: Final = "replay_cancelled"
ENDPOINT_PAUSED: Final = "endpoint_paused"
ENDPOINT_DISABLED: Final = "endpoint_disabled"
ENDPOINT_DELETED: Final = "endpoint_deleted"

# Why an event has no delivery.
BEFORE_START: Final = "before_start"  # recorded before the endpoint was registered
NOT_MADE: Final = "not_made"  # it was disabled then, or wanted other events


@dataclass(frozen=True, slots=True)
class ReplayFilter:
    """
    Which events of those that an endpoint wants are sent again; what is left out lets everything through.

    `types` are patterns; `recorded_before` is not part of the stretch.  `only_missing` leaves out what the
    endpoint has acknowledged, or is about to be sent, under whatever job, when its turn comes.
    """

    recorded_from: datetime | None = None
    recorded_before: datetime | None = None
    types: tuple[str, ...] = ()
    source_ids: tuple[str, ...] = ()
    call_id: str | None = None
    agent_id: str | None = None
    agent_name: str | None = None
    queue: str | None = None
    outcome: str | None = None
    only_missing: bool = False

    def as_json(self) -> dict[str, Any]:
        """
        Return what was given, as plain values.
        """
        given = {name: getattr(self, name) for name in self.__slots__}
        given |= {name: to_ms(given[name]) for name in _TIMES if given[name] is not None}
        return {name: value for name, value in given.items() if value not in (None, (), False)}

    @classmethod
    def of_json(cls, stored: dict[str, Any]) -> ReplayFilter:
        """
        Read what `as_json` gave.
        """
        read: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
        }
        for name in _TIMES:
            if name in read:
                read[name] = from_ms(read[name])
        return cls(**read)


_TIMES: Final = ("recorded_from", "recorded_before")


@dataclass(frozen=True, slots=True)
class Replay:
    """
    A job that sends events to an endpoint again.

    It goes through the events after `from_seq` up to `to_seq`, and has looked at all up to `at_seq`; `made`
    counts the deliveries it made, at most `rate_per_s` in a second.
    """

    job_id: int
    endpoint_id: str
    wanted: ReplayFilter
    state: str
    rate_per_s: float
    from_seq: int
    to_seq: int
    at_seq: int
    made: int
    made_at: datetime
    finished_at: datetime | None = None
    reason: str | None = None

    @property
    def progress(self) -> float:
        """
        Return the share of its events that it has looked at.
        """
        whole = self.to_seq - self.from_seq
        return 1.0 if whole <= 0 else (self.at_seq - self.from_seq) / whole


@dataclass(frozen=True, slots=True)
class ReplayStand:
    """
    A replay that has not ended, and where its endpoint is: `pending` of its deliveries wait, of which `due`
    could be sent now.
    """

    replay: Replay
    endpoint_state: str
    is_deleted: bool
    pending: int
    due: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """
    Events that a replay sends, by seq with their ids, and up to which seq it has looked for them.
    """

    events: tuple[tuple[int, str], ...]
    at_seq: int


@dataclass(frozen=True, slots=True)
class ReplayTrial:
    """
    What a replay would send now: how many events, and the first of them.

    `is_complete` tells that all events were looked at: of very many only the first are.
    """

    endpoint_id: str
    events: int
    first_event_ids: tuple[str, ...]
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """
    What became of the events of a stretch that an endpoint wants, by the best of its deliveries of each:
    `by_status` counts them, those without a delivery as `none`.

    Of too many events the first were counted, and `next` is where to go on (None: all were).
    """

    endpoint_id: str
    by_status: dict[str, int]
    next: str | None

    @property
    def matching(self) -> int:
        """
        Return how many events there are.
        """
        return sum(self.by_status.values())


@dataclass(frozen=True, slots=True)
class MissingItem:
    """
    An event that an endpoint wants, has not acknowledged and is not about to be sent; `status` is of its best
    delivery, or `none`.
    """

    seq: int
    event_id: str
    event_type: str
    subject: str
    recorded_at: datetime
    status: str
    reason: str | None
