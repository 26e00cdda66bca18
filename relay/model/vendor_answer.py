"""
What a phone system answered to one request by function name, in the shared words.

A *verdict* says in one word what an answer means for whoever asked.  The words are closed: an answer that
fits none of them is `unknown`, and counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

ROWS: Final = "rows"  # data; see `rows`
EMPTY: Final = "empty"  # asked and answered: there is nothing (no agent logged in, no record found)
SUCCESS: Final = "success"  # a change was made
NOTICE: Final = "notice"  # a remark and nothing else: something was done in part, or nothing had to be
LOGGED_OUT: Final = "logged_out"  # the agent is not logged in: a state, no failure
NOT_FOUND: Final = "not_found"  # agent, call, lead, list, … is not there, or hidden from this user
DENIED: Final = "denied"  # the user may log in and may not do this
AUTH: Final = "auth"  # user or password is wrong, or a second factor is asked for
LOCKED: Final = "locked"  # too many failed logins: nobody gets in for 15 minutes
IP_BLOCKED: Final = "ip_blocked"  # our address is not on the list
BAD_ARGUMENT: Final = "bad_argument"  # a parameter is missing or wrong, or it does not fit what is there
SERVER_FAULT: Final = "server_fault"  # the phone system itself is broken: 5xx, database down, no body
UNKNOWN: Final = "unknown"  # none of these: kept, counted, and never taken for "nothing there"

VERDICTS: Final = (
    ROWS, EMPTY, SUCCESS, NOTICE, LOGGED_OUT, NOT_FOUND, DENIED, AUTH, LOCKED, IP_BLOCKED, BAD_ARGUMENT,
    SERVER_FAULT, UNKNOWN,
)  # fmt: skip

# The login was refused, whatever was asked, and why, as the source's state and metrics say it.
LOGIN_REFUSED: Final[Mapping[str, str]] = {AUTH: "auth", LOCKED: "auth", IP_BLOCKED: "ip_blocked"}


class Message(NamedTuple):
    """
    One line of an answer that speaks: `kind` ERROR, SUCCESS, NOTICE or VERSION, the vendor's `text` without
    the kind and without what follows the separator, and that as `details`.  Nothing in it is secret.
    """

    kind: str
    text: str
    details: tuple[str, ...] = ()


class RejectedLine(NamedTuple):
    """
    A part of an answer that could not be read, secrets removed, and why.
    """

    line: str
    why: str


@dataclass(frozen=True, slots=True)
class VendorAnswer:
    """
    One answer, read.

    `rows` have the function's columns by name, every value as the vendor wrote it; columns that the
    function is not known to have are under `extra` as a list.  `messages` are in the order of the answer.
    `raw` is its text, secrets removed, cut to a bounded length.
    """

    verdict: str
    messages: tuple[Message, ...] = ()
    rows: tuple[Mapping[str, Any], ...] = ()
    rejected: tuple[RejectedLine, ...] = ()
    raw: str = ""
