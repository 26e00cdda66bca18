"""
Answers of vendors, line by line.
"""

from __future__ import annotations

from relay.commands.catalogue import function
from relay.commands.result import CommandResult, result_of
from relay.model.vendor_answer import Message, VendorAnswer


def heard(line: str) -> Message:
    """
    Return a line of an answer, `KIND: text - a|b`, as a message.
    """
    kind, _, rest = line.partition(": ")
    text, _, details = rest.partition(" - ")
    return Message(kind, text, tuple(details.split("|")) if details else ())


def judged(name: str, verdict: str, *lines: str, kind: str = "dialer360") -> CommandResult:
    """
    Return the result of an answer of some lines.
    """
    return result_of(
        function(kind, name), VendorAnswer(verdict, tuple(map(heard, lines)), raw="\n".join(lines))
    )
