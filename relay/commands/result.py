"""
What becomes of a vendor's answer: the result of a command, and the HTTP status of a failed one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from relay.commands.catalogue import ALL
from relay.commands.function import DONE, DUPLICATE, THROTTLED, Function, Saying
from relay.model.vendor_answer import (
    AUTH,
    BAD_ARGUMENT,
    DENIED,
    IP_BLOCKED,
    LOCKED,
    LOGIN_REFUSED,
    NOT_FOUND,
    NOTICE,
    ROWS,
    SERVER_FAULT,
    SUCCESS,
    UNKNOWN,
    Message,
    VendorAnswer,
)

SUCCEEDED: Final = "succeeded"
FAILED: Final = "failed"
STATUSES: Final = (SUCCEEDED, FAILED, UNKNOWN)


class Problem(NamedTuple):
    """
    How a failed command is told over HTTP, and why so.
    """

    status: int
    title: str
    reason: str


PROBLEMS: Final[Mapping[str, Problem]] = MappingProxyType(
    {
        BAD_ARGUMENT: Problem(422, "The phone system refused it", "the caller can change what it asks for"),
        DUPLICATE: Problem(409, "It is there already", "it does not fit what the phone system has"),
        NOT_FOUND: Problem(404, "The phone system has no such thing", "what the caller named is not there"),
        DENIED: Problem(403, "The phone system forbids it", "relay's user there lacks the right"),
        AUTH: Problem(502, "The phone system does not know relay", "relay's own password, not the caller's"),
        IP_BLOCKED: Problem(502, "The phone system shuts relay out", "relay's own address, not the caller's"),
        LOCKED: Problem(503, "The phone system is locked", "it passes by itself, after 15 minutes"),
        THROTTLED: Problem(503, "The phone system takes no more requests", "it passes when its window ends"),
        SERVER_FAULT: Problem(502, "The phone system is broken", "nothing the caller could change"),
        UNKNOWN: Problem(502, "The phone system's answer is unclear", "it may have been done or not"),
    }
)

# The vendor refuses what was asked for, and would not had something else been asked.
_REJECTIONS: Final = frozenset({BAD_ARGUMENT, DUPLICATE, NOT_FOUND, DENIED})
# What keeps its meaning whatever else stands in the answer.
_SHUT_OUT: Final = frozenset({*LOGIN_REFUSED, SERVER_FAULT})
_NAMES: Final = frozenset({"auth", *(function.name for function in ALL)})
_TRUE: Final = frozenset({True, "true", "True", "1"})


@dataclass(frozen=True, slots=True)
class CommandResult:
    """
    What came of a command.

    `message` is the vendor's text, or empty.  `data` has `details` (what the message tells, by name), `rows`,
    `notices` (its other messages) and `rejected` (how many lines could not be read).  `word` says in one
    word what the answer means; `events` are the types of the events it makes, beside `command.*`.
    """

    status: str
    message: str
    data: Mapping[str, Any]
    raw: str
    word: str
    events: tuple[str, ...] = ()

    @property
    def problem(self) -> Problem | None:
        """
        Return the HTTP problem to answer with; None where it succeeded.
        """
        return None if self.status == SUCCEEDED else PROBLEMS[self.word]


class _Judged(NamedTuple):
    message: Message
    saying: Saying | None
    word: str


def saying_of(function: Function, text: str) -> Saying | None:
    """
    Return which saying of a function a message is, the longest that fits; None: it is not known.

    The function's name, or another's that it was handed to, may stand before the text.
    """
    first, _, rest = text.partition(" ")
    bare = rest if first in _NAMES else text
    fitting = [saying for saying in function.sayings if saying.fits(bare)]
    return max(fitting, key=lambda saying: len(saying.text), default=None)


def result_of(function: Function, answer: VendorAnswer) -> CommandResult:
    """
    Return the result that an answer is.

    Of several messages one decides: a success, wherever it stands (a lead that was added stays added whatever
    the remarks behind it), else the last refusal (the first may only introduce it), else the first remark.
    Where the reader could not read all of it, or was shut out, only a success still stands, or nothing.
    A write that the vendor did not clearly refuse or do is `unknown`.
    """
    judged = [_judge(function, answer, message) for message in answer.messages]
    deciding = _deciding(judged)
    word = _word(deciding, answer.verdict)
    rows = [dict(row) for row in answer.rows]
    events = _events(judged)
    notices = [one.message.text for one in judged if one is not deciding]
    if function.row_verdict and rows:  # each row has its own message
        word, events = _by_row(function, answer, rows)
        notices = []
    if word not in DONE and word in _REJECTIONS and function.rejected_event:
        events = (function.rejected_event,)
    return CommandResult(
        status=_status(function, word),
        message=deciding.message.text if deciding else "",
        data={
            "details": _details(deciding),
            "rows": rows,
            "notices": notices,
            "rejected": len(answer.rejected),
        },
        raw=answer.raw,
        word=word,
        events=events if word in DONE or word in _REJECTIONS else (),
    )


def unanswered(function: Function, why: str) -> CommandResult:
    """
    Return the result of a request that got no answer: a write may have been done all the same.
    """
    data = {"details": {}, "rows": [], "notices": [], "rejected": 0}
    return CommandResult(_status(function, UNKNOWN), why, data, "", UNKNOWN)


def _judge(function: Function, answer: VendorAnswer, message: Message) -> _Judged:
    saying = saying_of(function, message.text)
    if saying is not None and not (saying.word == SUCCESS and message.kind == "ERROR"):
        return _Judged(message, saying, saying.word)
    if message.kind == "ERROR":
        return _Judged(message, None, UNKNOWN if answer.verdict in DONE else answer.verdict)
    return _Judged(message, None, {"SUCCESS": SUCCESS, "VERSION": ROWS}.get(message.kind, NOTICE))


def _deciding(judged: list[_Judged]) -> _Judged | None:
    for one in judged:
        if one.word == SUCCESS:
            return one
    for one in reversed(judged):
        if one.word not in DONE:
            return one
    return judged[0] if judged else None


def _word(deciding: _Judged | None, verdict: str) -> str:
    if deciding is None or verdict in _SHUT_OUT:
        return verdict
    return deciding.word if deciding.word == SUCCESS or verdict != UNKNOWN else UNKNOWN


def _by_row(
    function: Function, answer: VendorAnswer, rows: list[dict[str, Any]]
) -> tuple[str, tuple[str, ...]]:
    column = function.row_verdict or ""
    sayings = [saying_of(function, str(row.get("message", ""))) for row in rows]
    done = [saying for saying, row in zip(sayings, rows, strict=True) if row.get(column) in _TRUE]
    if done:
        types = [one.event for one in done if one is not None]
        types += [function.rejected_event] if len(done) < len(rows) else []
        return SUCCESS, tuple(dict.fromkeys(name for name in types if name is not None))
    refused = next((one for one in sayings if one is not None and one.word not in DONE), None)
    if refused is not None:
        return refused.word, ()
    return (UNKNOWN if answer.verdict in DONE else answer.verdict), ()


def _events(judged: list[_Judged]) -> tuple[str, ...]:
    types = [one.saying.event for one in judged if one.saying is not None]
    return tuple(dict.fromkeys(name for name in types if name is not None))


def _status(function: Function, word: str) -> str:
    if word in DONE:
        return SUCCEEDED
    return UNKNOWN if function.is_write and word in (SERVER_FAULT, UNKNOWN) else FAILED


def _details(deciding: _Judged | None) -> dict[str, str]:
    if deciding is None or deciding.saying is None:
        return {}
    pairs = zip(deciding.saying.names, deciding.message.details, strict=False)  # builds send more or fewer
    return {name: text for name, text in pairs if name}
