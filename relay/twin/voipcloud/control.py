"""
What POST /control may say: faults by name, and a few words besides.

    {"faults": {"late_rows": {"by_s": 20}, "skew": null}}       switch faults on and off (null: all off)
    {"making_calls": false}                                     no new calls (true: again)
    {"garble": {"stream": "user_calls", "row": 0}}              the fault garbled_row (null: off)
    {"answer": {"status": 503, "body": "…", "times": 2}}        answer so, whatever is asked (null: no more)
    {"system_status": {"status": "degraded"}}                   what get-system-status answers
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from relay.twin.voipcloud.fault_kinds import GarbledRow, name_of
from relay.twin.voipcloud.faults import read_fault

WORDS: Final = ("faults", "making_calls", "garble", "answer", "system_status")


class ControlError(ValueError):
    """
    A control request that says nothing known.
    """


@dataclass(slots=True)
class RawAnswer:
    """
    An answer given in place of the right one, `times` times (None: until switched off).
    """

    status: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """
    A control request, read; `words` tells which of its parts were said, since null means something.
    """

    words: frozenset[str]
    faults: dict[str, dict[str, Any] | None] | None
    is_making_calls: bool
    answer: RawAnswer | None
    system_status: dict[str, Any]


def read_control(said: object) -> Control:
    """
    Read the body of a control request.

    Raises:
        ControlError: an unknown word, or a value that is not as above.
    """
    if not isinstance(said, dict) or not said or not set(WORDS).issuperset(said):
        raise ControlError(f"say one or more of {', '.join(WORDS)}")
    making_calls = said.get("making_calls", True)
    system_status = said.get("system_status", {})
    if not isinstance(making_calls, bool) or not isinstance(system_status, dict):
        raise ControlError("making_calls must be true or false, system_status an object")
    return Control(
        words=frozenset(said),
        faults=_faults(said),
        is_making_calls=making_calls,
        answer=_answer(said.get("answer")),
        system_status=system_status,
    )


def _faults(said: Mapping[str, Any]) -> dict[str, dict[str, Any] | None] | None:
    """
    Return what to switch; None where everything is to be off.
    """
    faults = said.get("faults", {})
    if faults is None:
        return None
    if not isinstance(faults, dict):
        raise ControlError("faults must be null, or an object with a fault's details, or null, by its name")
    if "garble" in said:
        faults = {**faults, name_of(GarbledRow): said["garble"]}
    try:
        for name, details in faults.items():
            read_fault(name, {} if details is None else details)
    except ValueError as error:
        raise ControlError(str(error)) from error
    return faults


def _answer(said: object) -> RawAnswer | None:
    if said is None:
        return None
    if not isinstance(said, Mapping) or not {"status", "body", "headers", "times"}.issuperset(said):
        raise ControlError("answer must be null or have status, body, headers, times")
    status, times = said.get("status"), said.get("times")
    if not isinstance(status, int) or not 200 <= status <= 599:
        raise ControlError("answer.status must be from 200 to 599")
    if times is not None and (not isinstance(times, int) or times < 1):
        raise ControlError("answer.times must be null or at least 1")
    headers = said.get("headers") or {}
    return RawAnswer(status, str(said.get("body", "")), {str(k): str(v) for k, v in headers.items()}, times)
