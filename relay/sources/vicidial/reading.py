"""
What was found in an answer so far, and the verdict that follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from relay.model.vendor_answer import (
    DENIED,
    EMPTY,
    LOGGED_OUT,
    LOGIN_REFUSED,
    NOT_FOUND,
    NOTICE,
    ROWS,
    SERVER_FAULT,
    SUCCESS,
    UNKNOWN,
    Message,
    RejectedLine,
)
from relay.sources.vicidial.messages import Heard, decide

# What would say that there is nothing: never true beside a row or a line that could not be read.
_NOTHING: Final = (EMPTY, LOGGED_OUT, NOT_FOUND)
_REFUSED: Final = (*LOGIN_REFUSED, DENIED, SERVER_FAULT)
SERVER_ERROR: Final = 500


def is_the_dialers(http_status: int) -> bool:
    """
    Tell whether an answer with a status is the dialer's own: it knows no other than 200, and PHP 500.
    """
    return 200 <= http_status < 300 or http_status == SERVER_ERROR


@dataclass(slots=True)
class Found:
    """
    The parts of one answer; secrets are still in it.
    """

    heard: list[Heard] = field(default_factory=list)
    rows: list[Mapping[str, Any]] = field(default_factory=list)
    rejected: list[RejectedLine] = field(default_factory=list)
    version: Message | None = None
    verdict: str | None = None  # where the answer says more than its messages

    def reject(self, line: str, why: str) -> None:
        """
        Keep a part that could not be read.
        """
        self.rejected.append(RejectedLine(line, why))


def verdict_of(found: Found, http_status: int) -> str:
    """
    Say in one word what an answer means.

    Messages decide (`messages.decide`), but "there is nothing" stands only alone: beside a row or an
    unreadable line it is `unknown`.  Rows beside a refusal are the refusal.  A 5xx is believed only where
    every line could be read: PHP fails after it has written the answer (vicidial.md section 5).  Of what is
    not the dialer's own only a refusal counts.  Where nothing could be read a 5xx or no body at all is the
    server's fault, anything else is unknown.
    """
    is_doubtful = bool(found.rejected)
    spoken = found.verdict or decide(found.heard)
    if not is_the_dialers(http_status) and spoken not in _REFUSED:
        return SERVER_FAULT if http_status >= SERVER_ERROR else UNKNOWN
    if http_status >= SERVER_ERROR and is_doubtful and spoken not in _REFUSED:
        return SERVER_FAULT
    if spoken in _NOTHING and (found.rows or is_doubtful):
        return UNKNOWN
    if found.rows and spoken in (None, SUCCESS, NOTICE) and found.verdict is None:
        return ROWS
    if spoken is not None:
        return spoken
    return UNKNOWN if is_doubtful and http_status < SERVER_ERROR else SERVER_FAULT
