"""
What came of one command, as far as is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from relay.commands.function import Function
from relay.commands.result import FAILED, CommandResult, unanswered
from relay.model.command import Command
from relay.model.vendor_answer import UNKNOWN

# How relay came to know.
ANSWERED: Final = "answered"
TIMED_OUT: Final = "timed_out"  # no answer in time
CUT_OFF: Final = "cut_off"  # the connection was lost, or relay ended, before the answer was there
NOT_SENT: Final = "not_sent"  # no connection, or the login is refused: nothing was done
REFUSED: Final = "refused"  # relay's own check of the numbers: nothing was sent


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    A command with its verdict; `until` is when the phone system takes requests again, where it said so, and
    `took_s` how long it took to answer.
    """

    command: Command
    result: CommandResult
    cause: str = ANSWERED
    until: datetime | None = None
    took_s: float = 0.0


def never_sent(why: str) -> CommandResult:
    """
    Return the result of a command that did not reach the phone system.
    """
    data: dict[str, Any] = {"details": {}, "rows": [], "notices": [], "rejected": 0}
    return CommandResult(FAILED, why, data, "", UNKNOWN)


def never_answered(function: Function, why: str) -> CommandResult:
    """
    Return the result of a command without an answer: a write may have been done all the same.
    """
    return unanswered(function, why)


def kept_result(function: Function, result: CommandResult, cause: str) -> dict[str, Any]:
    """
    Return what the journal keeps of a result; of a read neither rows nor text, which can be asked for again.

    Beside what is shown: `events`, the types of the events that the owner of the source makes of it, and
    `word` and `cause`, by which relay knows why there is no better verdict.
    """
    data = dict(result.data) if function.is_write else {**result.data, "rows": []}
    return {
        "status": result.status,
        "message": result.message,
        "data": data,
        "raw": result.raw if function.is_write else "",
        "events": list(result.events),
        "word": result.word,
        "cause": cause,
    }
