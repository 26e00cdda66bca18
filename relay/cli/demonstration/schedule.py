"""
When which fault of the phone system is on: one after the other, some overlapping.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from relay.model.call import CALL_STREAMS
from relay.twin.voipcloud.fault_kinds import FAULTS, REAL_TIME, AnswerFault

# What a demonstration can show: its clock is true, and its calls fit into one page.
PLAYABLE: Final = tuple(name for name, kind in FAULTS.items() if kind.needs in (None, REAL_TIME))
REQUEST_TIMEOUT_S: Final = 3.0
_FROM, _UNTIL = 0.08, 0.92  # of the time in which calls are made
_LONGER_BY: Final = (0.7, 1.6)  # than the time from one fault's beginning to the next's
# Talks last seconds here, so faults do as well; the rest is as usual.
_DETAILS: Final[dict[str, dict[str, Any]]] = {
    "late_rows": {"by_s": 6},
    "skew": {"by_s": 4},
    "slow": {"by_s": REQUEST_TIMEOUT_S + 2},
    "wrong_token": {"times": 1},  # after one, nothing is asked for a whole request window
    "blocked_address": {"times": 1},
}


@dataclass(frozen=True, slots=True)
class Spell:
    """
    One fault for a while, in seconds from the start.
    """

    name: str
    details: Mapping[str, Any]
    from_s: float
    until_s: float


def schedule(names: Sequence[str], seconds: float, seed: int) -> tuple[Spell, ...]:
    """
    Spread faults over the time in which calls are made, in an order that the seed decides.
    """
    rng = Random(f"{seed} faults")  # noqa: S311 (moments, no secrets)
    order = rng.sample(list(names), len(names))
    step_s = seconds * (_UNTIL - _FROM) / max(1, len(order))
    spells = []
    for number, name in enumerate(order):
        from_s = seconds * _FROM + number * step_s
        until_s = min(from_s + step_s * rng.uniform(*_LONGER_BY), seconds * _UNTIL)
        spells.append(Spell(name, _details(name, rng), from_s, until_s))
    return tuple(spells)


def _details(name: str, rng: Random) -> dict[str, Any]:
    """
    Return how a fault is played: whole answers go wrong in one stream, so that the others show their rows.
    """
    details = dict(_DETAILS.get(name, {}))
    if issubclass(FAULTS[name], AnswerFault) and "times" not in details:
        details["stream"] = rng.choice(CALL_STREAMS)
    if name == "too_many_requests":
        details["retry_after_s"] = rng.choice((2, None))
    return details


def chosen(text: str | None) -> tuple[str, ...]:
    """
    Read `all` or names with commas between them.

    Raises:
        ValueError: a name that is none, or of a fault that a demonstration cannot show.
    """
    if text is None:
        return ()
    if text == "all":
        return PLAYABLE
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        if name not in FAULTS:
            raise ValueError(f"there is no fault {name!r}, only all, {', '.join(PLAYABLE)}")
        if name not in PLAYABLE:
            raise ValueError(f"{name} needs {FAULTS[name].needs}, which a demonstration has not")
    return names
