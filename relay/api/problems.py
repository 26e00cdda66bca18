"""
What went wrong, as RFC 9457 problem documents: the only place that makes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson
from pydantic import ValidationError

from relay.commands.result import PROBLEMS as VENDOR_PROBLEMS
from relay.config.faults import in_words
from relay.model.errors import (
    Conflict,
    JournalBusy,
    JournalUnusable,
    NotFound,
    ParametersInvalid,
    RelayError,
)

# Where the configuration file has other words.
_WORDS: Final = {
    "extra_forbidden": "is unknown",
    "model_type": "must be an object",
    "dict_type": "must be an object",
}
CONTENT_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:relay:problem:"
RETRY_AFTER_S: Final = 1
MAX_ERRORS: Final = 100
REALM: Final = 'Bearer realm="relay"'


@dataclass(frozen=True, slots=True)
class FieldError:
    """
    One field of a request, and what is wrong with it.
    """

    field: str
    problem: str


@dataclass(frozen=True, slots=True)
class Problem:
    """
    One kind of failure, `word`, and what there is to say about this one; `members` stand in the document
    besides.
    """

    word: str
    status: int
    title: str
    detail: str = ""
    errors: tuple[FieldError, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """
        Return the document.
        """
        return orjson.dumps(
            {
                "type": TYPE_PREFIX + self.word,
                "title": self.title,
                "status": self.status,
                "detail": _text(self.detail),
                "errors": [
                    {"field": _text(error.field), "problem": _text(error.problem)} for error in self.errors
                ],
                **self.members,
            }
        )

    def about(self, detail: str, headers: Mapping[str, str] | None = None) -> Problem:
        """
        Return the same kind of problem with the words for one case.
        """
        return replace(self, detail=detail, headers={**self.headers, **(headers or {})})


class Refused(RelayError):
    """
    A request is answered with a problem instead.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail or problem.title)
        self.problem = problem


_AGAIN: Final = {"Retry-After": str(RETRY_AFTER_S)}
MALFORMED: Final = Problem("malformed", 400, "The request cannot be read")
KEY_NEEDED: Final = Problem(
    "key_needed", 400, "An Idempotency-Key is needed",
    "This changes a phone system. Send a new Idempotency-Key for each change, and the same one when you"
    " repeat a request: then it is done once.",
)  # fmt: skip
UNAUTHORISED: Final = Problem(
    "unauthorised", 401, "A valid API key is needed", "Send Authorization: Bearer KEY.",
    headers={"WWW-Authenticate": REALM},
)  # fmt: skip
FORBIDDEN: Final = Problem("forbidden", 403, "This is not allowed")
NOT_FOUND: Final = Problem("not_found", 404, "There is no such thing")
WRONG_METHOD: Final = Problem("wrong_method", 405, "This cannot be done there")
TOO_SLOW: Final = Problem("too_slow", 408, "The request did not arrive in time")
CONFLICT: Final = Problem("conflict", 409, "This does not fit what is there")
TOO_LARGE: Final = Problem("too_large", 413, "The request is too large")
NOT_JSON: Final = Problem("not_json", 415, "The body is of a kind that is not taken")
INVALID: Final = Problem("invalid", 422, "The request holds something that cannot be")
BUG: Final = Problem("bug", 500, "relay has a bug here", "It was logged; nothing more is told.")
BUSY: Final = Problem("busy", 503, "relay is busy", "Try again.", headers=_AGAIN)
STOPPING: Final = Problem(
    "stopping", 503, "relay is about to stop", "The journal cannot be used.", headers=_AGAIN
)
BUDGET_SPENT: Final = Problem("budget_spent", 429, "The phone system may not be asked now", headers=_AGAIN)
NO_ANSWER: Final = Problem("no_answer", 504, "The phone system did not answer in time")
CUT_OFF: Final = Problem("cut_off", 502, "The phone system's answer was lost")
NOT_SENT: Final = Problem("not_sent", 502, "The phone system cannot be reached")
NUMBER_REFUSED: Final = Problem("number_refused", 422, "The number of the lead was refused, nothing was sent")
# A phone system's own refusals: vendor_bad_argument, …
VENDOR: Final = {
    word: Problem(f"vendor_{word}", kind.status, kind.title) for word, kind in VENDOR_PROBLEMS.items()
}
KINDS: Final = (
    MALFORMED, KEY_NEEDED, UNAUTHORISED, FORBIDDEN, NOT_FOUND, WRONG_METHOD, TOO_SLOW, CONFLICT, TOO_LARGE,
    NOT_JSON, INVALID, BUDGET_SPENT, BUG, BUSY, STOPPING, NUMBER_REFUSED, *VENDOR.values(), NOT_SENT, CUT_OFF,
    NO_ANSWER,
)  # fmt: skip


def problem_of(error: Exception) -> Problem | None:
    """
    Return what an error means to whoever asked, or None for a bug.
    """
    match error:
        case Refused():
            return error.problem
        case NotFound():
            return NOT_FOUND.about(str(error))
        case Conflict():
            return CONFLICT.about(str(error))
        case ParametersInvalid():
            return invalid(FieldError(fault.key, fault.problem) for fault in error.faults).problem
        case JournalBusy():
            return BUSY
        case JournalUnusable():
            return STOPPING
    return None


def invalid(errors: Iterable[FieldError]) -> Refused:
    """
    Return the refusal of a request with faulty fields.
    """
    listed = tuple(errors)
    detail = "; ".join(f"{error.field} {error.problem}" for error in listed[:3])
    if len(listed) > 3:
        detail += f"; and {len(listed) - 3} more"
    return Refused(replace(INVALID, detail=detail, errors=listed[:MAX_ERRORS]))


def field_errors(error: ValidationError) -> list[FieldError]:
    """
    Return what pydantic found, in words for a person; what was given is not repeated.
    """
    details = error.errors(include_url=False, include_input=False)
    return [
        FieldError(_place(detail["loc"]), _WORDS.get(detail["type"]) or in_words(detail))
        for detail in details[: MAX_ERRORS + 1]
    ]


def _place(steps: Sequence[str | int]) -> str:
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return place.removeprefix(".") or "body"


def _text(text: str) -> str:
    # What a client sent may hold characters that no UTF-8 can.
    return text.encode("utf-8", "replace").decode()
