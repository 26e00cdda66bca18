"""
Faults that a test or a demo switches on by POST /control, and what that request may say.

    {"making_calls": false}                                     no new calls (true: again)
    {"garble": {"stream": "user_calls", "row": 0}}              spoil the row that finished first (null: none)
    {"answer": {"status": 503, "body": "…", "times": 2}}        answer so, whatever is asked (null: no more)
    {"system_status": {"status": "degraded"}}                   what get-system-status answers
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from relay.model.call import CALL_STREAMS

WORDS: Final = ("making_calls", "garble", "answer", "system_status")


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
    is_making_calls: bool
    garbled: tuple[str, int] | None
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
        is_making_calls=making_calls,
        garbled=_garbled(said.get("garble")),
        answer=_answer(said.get("answer")),
        system_status=system_status,
    )


def _garbled(said: object) -> tuple[str, int] | None:
    match said:
        case None:
            return None
        case {"stream": str(stream), "row": int(row)} if stream in CALL_STREAMS and row >= 0:
            return stream, row
    raise ControlError("garble must be null or have a stream and a row from 0")


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
