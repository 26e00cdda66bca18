"""
The closed table of what VICIdial says, and what it means.

Texts match without the name of the function before them; details never count.  What no entry matches is
`unknown`: it is kept, and the caller counts it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from relay.model.vendor_answer import (
    AUTH,
    BAD_ARGUMENT,
    DENIED,
    EMPTY,
    IP_BLOCKED,
    LOCKED,
    LOGGED_OUT,
    LOGIN_REFUSED,
    NOT_FOUND,
    NOTICE,
    SERVER_FAULT,
    SUCCESS,
    UNKNOWN,
    Message,
)

KIND_ERROR: Final = "ERROR"
KIND_SUCCESS: Final = "SUCCESS"
KIND_NOTICE: Final = "NOTICE"
DATABASE_DOWN: Final = "MySQL connect ERROR"

_ERRORS: Final = (
    (SERVER_FAULT, rf"{DATABASE_DOWN}|audio store web directory does not exist"),
    (AUTH, r"Login incorrect, please try again|Invalid Username/Password"),
    (LOCKED, r"Too many login attempts, try again in \d+ minutes"),
    (IP_BLOCKED, r"Your IP Address is not allowed"),
    (DENIED, r"USER DOES NOT HAVE PERMISSION\b.*|(?:.* )?User does not have permission\b.*"),
    (DENIED, r"NOT AN? ALLOWED (?:LIST|CAMPAIGN) ID|CENTRAL SOUND CONTROL IS NOT ACTIVE"),
    (EMPTY, r"NO LOGGED IN AGENTS|NO RECORDS FOUND(?: FOR THIS PHONE NUMBER)?|NO RECORDINGS FOUND"),
    (LOGGED_OUT, r"AGENT NOT LOGGED IN"),
    (NOT_FOUND, r"[A-Z][A-Z_ -]* NOT FOUND|NO MATCHES FOUND IN THE SYSTEM"),
    (NOT_FOUND, r"[A-Z][A-Z_ -]* DOES NOT EXIST(?: .*)?|.* does not exist"),
    (BAD_ARGUMENT, r"NO FUNCTION SPECIFIED|Invalid Source"),
    (BAD_ARGUMENT, r"INVALID [A-Z].*|NO VALID [A-Z].*|YOU MUST [A-Z].*"),
    (NOT_FOUND, r"THIS IS NOT A VALID CALL TIME"),
    (
        BAD_ARGUMENT,
        r"NO UPDATES DEFINED|NO RECORDS UPDATED|LIST RESET FAILED|CUSTOM FIELDS NOT UPDATED, .*",
    ),
    (BAD_ARGUMENT, r".* MUST BE .*|.*, THIS IS AN OPTIONAL FIELD"),
    (BAD_ARGUMENT, r"[A-Z][A-Z_ -]* ALREADY EXISTS?(?: .*)?|.* already exists?|DUPLICATE [A-Z].*"),
    (BAD_ARGUMENT, r"PHONE NUMBER (?:IS )?(?:IN|NOT|OUTSIDE)\b.*|.* DNC\b.*"),
    (
        BAD_ARGUMENT,
        r"Please send .*|Invalid phone number",
    ),
)
_SUCCESSES: Final = (
    (SUCCESS, r"|(?:.* )?(?:HAS|HAVE) BEEN [A-Z].*|.* IS VALID.*"),
    (SUCCESS, r"lists are listed successfully|.* list created|Record\(s\) Created"),
)
_NOTICES: Final = (
    (EMPTY, r"NO RECORDS FOUND FOR THIS PHONE NUMBER"),
    (
        NOTICE,
        r"CUSTOM FIELDS .*|(?:NOT ADDED TO|ADDED TO|REMOVED FROM) HOPPER(?:, .*)?|SCHEDULED CALLBACK .*",
    ),
    (
        NOTICE,
        r"MULTI-ALT-PHONE NUMBERS (?:NOT )?LOADED.*|NO UPDATES DEFINED|(?:.* )?(?:HAS|HAVE) BEEN [A-Z].*",
    ),
    (NOTICE, r"LEADS FOUND IN THE SYSTEM|NO MATCHES FOUND IN THE SYSTEM|NANPA options disabled, .*"),
    (NOTICE, r"LIST DOES NOT EXIST, SENDING TO add_list FUNCTION"),
)
_TABLE: Final = {
    kind: tuple((verdict, re.compile(text)) for verdict, text in entries)
    for kind, entries in ((KIND_ERROR, _ERRORS), (KIND_SUCCESS, _SUCCESSES), (KIND_NOTICE, _NOTICES))
}
# Of a change, "no records found" is no empty answer: the record to change is not there.
_OF_A_CHANGE: Final = {"update_log_entry NO RECORDS FOUND": NOT_FOUND}

_MARKER: Final = re.compile(r"(ERROR|SUCCESS|NOTICE): ?")
_DATABASE: Final = re.compile(rf"{DATABASE_DOWN}: *")
_FUNCTION: Final = re.compile(r"[a-z]+(?:_[a-z]+)* (?=[A-Z]|$)")
_SEPARATOR: Final = re.compile(r": ?|:$| - | -$")
MAX_TEXT: Final = 300
MAX_NAMES: Final = 8  # markers looked at in one line


class Heard(NamedTuple):
    """
    One message of an answer, what it means, and its line up to the details.
    """

    message: Message
    verdict: str
    head: str

    @property
    def function(self) -> str:
        """
        Return the function that it names, or "".
        """
        return _function(self.message.text).strip()


class HeardLine(NamedTuple):
    """
    A line: what stands before the first message, and the messages.
    """

    before: str
    heard: tuple[Heard, ...]


def hear(line: str) -> HeardLine:
    """
    Find the messages of a line.

    At the line's start the marker is enough.  Inside it (stray text is glued in front of a NOTICE, or a
    newline got lost) only a known text makes a message: free text may hold the word.
    """
    if ":" not in line:
        return HeardLine(line, ())
    database = _DATABASE.search(line)
    if database is not None:
        details = tuple(filter(None, [line[database.end() :].strip()]))
        message = Message(KIND_ERROR, DATABASE_DOWN, details)
        return HeardLine(line[: database.start()], (Heard(message, SERVER_FAULT, database.group()),))
    starts = [match for match, _ in zip(_MARKER.finditer(line), range(MAX_NAMES), strict=False)]
    found: list[Heard] = []
    end = len(line)
    before = line
    for match in reversed(starts):
        one = _heard(match.group(1), match.group(), line[match.end() : end])
        if one.verdict != UNKNOWN or match.start() == 0:
            found.append(one)
            before = line[: match.start()]
            end = match.start()
    return HeardLine(before, tuple(reversed(found)))


def judged(kind: str, text: str) -> str:
    """
    Return the verdict of a message text; `unknown` where the table has none.
    """
    if len(text) > MAX_TEXT:
        return UNKNOWN
    if text in _OF_A_CHANGE:
        return _OF_A_CHANGE[text]
    bare = text[len(_function(text)) :].strip()
    return next((verdict for verdict, known in _TABLE[kind] if known.fullmatch(bare)), UNKNOWN)


def decide(heard: Sequence[Heard]) -> str | None:
    """
    Choose the verdict of an answer that speaks; None where it says nothing.

    A refused login stands above all.  Otherwise the last ERROR or SUCCESS decides: what was tried last says
    how it ended, NOTICEs before and after it are remarks.  Where only NOTICEs came, one that is unknown
    makes the answer unknown, and one that says "nothing found" makes it empty.
    """
    verdicts = [one.verdict for one in heard]
    for refused in LOGIN_REFUSED:
        if refused in verdicts:
            return refused
    deciding = [one.verdict for one in heard if one.message.kind in (KIND_ERROR, KIND_SUCCESS)]
    if deciding:
        return deciding[-1]
    return next((verdict for verdict in (UNKNOWN, EMPTY, NOTICE) if verdict in verdicts), None)


def _heard(kind: str, marker: str, rest: str) -> Heard:
    separator = _SEPARATOR.search(rest)
    if separator is None:
        text, details, head = rest.strip(), "", f"{marker}{rest}"
    else:
        text, details = rest[: separator.start()].strip(), rest[separator.end() :]
        head = f"{marker}{rest[: separator.end()]}"
    message = Message(kind, text, _details(details.rstrip("\r")))
    return Heard(message, judged(kind, text), head)


def _details(text: str) -> tuple[str, ...]:
    inner = text.strip().removeprefix("|").removesuffix("|")
    return tuple(inner.split("|")) if inner else ()


def _function(text: str) -> str:
    match = _FUNCTION.match(text)
    return match.group() if match is not None else ""
