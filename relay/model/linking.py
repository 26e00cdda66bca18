"""
Linking in numbers: the weights by which legs become one call, and the account given of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final

# What one leg may be to another.
SAME_NATIVE_ID: Final = "same_native_id"
ANSWERED_BY: Final = "answered_by"  # the phone on which a queue or ring group was answered
RANG_IN: Final = "rang_in"  # a phone that a queue or ring group rang in vain
OVERFLOWED: Final = "overflowed"  # what a queue or ring group gave a caller on to
RANG_TOGETHER: Final = "rang_together"  # phones that began to ring in one moment
TALKED_ON: Final = "talked_on"  # who had the caller when the queue's own row ended, after a transfer
RANG_IN_TURN: Final = "rang_in_turn"  # phones that rang one after the other
TRANSFERRED: Final = "transferred"  # the phone that a caller was handed on to

# What became of a pair.
LINKED: Final = "linked"
BELOW_THRESHOLD: Final = "below_threshold"
NO_MARGIN: Final = "no_margin"
REJECTED: Final = "rejected"
UNRELATED: Final = "unrelated"


@dataclass(frozen=True, slots=True)
class LinkRules:
    """
    Weights, thresholds and times of linking; docs/decisions/0020 says why they are what they are.

    A pair links from `threshold` points on, where the best other reading has `margin` points less.  A
    matching of more than `most_exact` legs, or a component of more than `most_legs`, is taken best first.
    """

    threshold: int = 5
    margin: int = 2
    same_caller: int = 1
    same_did: int = 1
    same_agent: int = 3
    same_answer: int = 3
    same_finish: int = 2
    rang: int = 3
    overflowed: int = 3
    at_once: int = 2
    in_turn: int = 3
    transferred: int = 3
    talked_on: int = 1
    same_instant: timedelta = timedelta(seconds=2)
    overflow_within: timedelta = timedelta(seconds=3)
    attended_overlap: timedelta = timedelta(seconds=60)
    sure_from: int = 7
    most_exact: int = 24
    most_legs: int = 60


@dataclass(frozen=True, slots=True)
class PairAccount:
    """
    Two legs that were held against each other: points with reasons, and what became of it.

    `why` names the contradiction where it was rejected, of this pair or of others of the two calls;
    `shared_number` where several called from the number at once, `in_turn_alone` where only the turn of
    phones spoke for joining two calls that were published.
    """

    leg_id: str
    other_leg_id: str
    other_call_id: str
    relation: str | None
    score: int
    reasons: Mapping[str, int]
    verdict: str
    why: str | None = None


@dataclass(frozen=True, slots=True)
class LinkAccount:
    """
    Why the legs of a call are together, and why those near it are not among them.
    """

    call_id: str
    link_confidence: float | None
    pairs: tuple[PairAccount, ...]

    def as_json(self) -> dict[str, Any]:
        """
        Return it for machines.
        """
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Regrouped:
    """
    A call as it would be under other rules: when it began, and the legs of which calls it would hold.
    """

    started_at: str
    leg_ids: tuple[str, ...]
    call_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DryRun:
    """
    What other rules would change: calls that would be joined, and calls that would fall apart.
    """

    legs: int
    calls: int
    calls_then: int
    joined: tuple[Regrouped, ...]
    split: tuple[Regrouped, ...]

    def as_json(self) -> dict[str, Any]:
        """
        Return it for machines.
        """
        return asdict(self)
