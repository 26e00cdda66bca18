"""
Read one answer of a VICIdial server (Dialer360 and Elision are built on it).

Plain text with HTTP status 200 for nearly everything: each line is a message or a row, and only together
they mean something.  What is measured stands in vicidial.md; where an answer can be read in two ways, or
not at all, its lines are rejected: a wrong row is worse than none.  `rejected` is never empty where any part
could not be read, and then a poll must take nothing from the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from relay.model.vendor_answer import NOTICE, ROWS, SERVER_FAULT, Message, RejectedLine, VendorAnswer
from relay.sources.vicidial.columns import is_free_text
from relay.sources.vicidial.decoding import read_text
from relay.sources.vicidial.finding import FIELD_OF_A_LEAD, Question, find
from relay.sources.vicidial.messages import hear
from relay.sources.vicidial.noise import without_warnings
from relay.sources.vicidial.reading import SERVER_ERROR, Found, is_the_dialers, verdict_of
from relay.sources.vicidial.redaction import HIDDEN, Redactor

MAX_RAW: Final = 65_536
MAX_REJECTED: Final = 101
MAX_REJECTED_LINE: Final = 500
MOST_MESSAGES: Final = 100  # first ones, and last ones
MOST_DETAILS: Final = 400
NOTHING_TO_CHANGE: Final = "update_lead"  # then it answers 200 and an empty body


def read_answer(
    function: str,
    body: bytes,
    *,
    http_status: int = 200,
    version: str | None = None,
    stage: str = "pipe",
    secrets: Sequence[str] = (),
) -> VendorAnswer:
    """
    Read the answer to `function`; never raises for anything in the body, in time linear to its size.

    `version` is what the function `version` told ("2.14-202"), where known: it decides between sets of
    columns.  `stage` (pipe, csv, tab) is the one asked for; the others are tried where it does not fit.
    `secrets` are our user and password: neither they nor what the server echoes appear in the result.
    """
    text = read_text(body)
    redactor = Redactor(secrets, text.lines)
    lines = without_warnings(text.lines)
    if not body or not any(line.strip() for line in lines):
        return _nothing(function, http_status, body, redactor)
    is_cut = text.is_cut and lines[-1] == text.lines[-1]
    found = find(Question(function, version, stage, http_status), lines, is_cut, redactor)
    _take_out_damaged(found, redactor)
    verdict = verdict_of(found, http_status)
    messages = _bounded_messages(found, redactor)
    is_broken = (http_status >= SERVER_ERROR and verdict != ROWS) or not is_the_dialers(http_status)
    return VendorAnswer(
        verdict=verdict,
        messages=messages if found.version is None else (found.version, *messages),
        rows=() if is_broken else tuple(_without_secrets(row, redactor) for row in found.rows),
        rejected=_bounded(found.rejected, redactor),
        raw=_raw(text.lines, redactor),
    )


def _nothing(function: str, http_status: int, body: bytes, redactor: Redactor) -> VendorAnswer:
    """
    Read an answer without a word: it is never "nobody is logged in".
    """
    if http_status >= SERVER_ERROR:
        return VendorAnswer(SERVER_FAULT)
    if function == FIELD_OF_A_LEAD:
        return VendorAnswer(ROWS, rows=({"value": body.decode("latin-1") if body.isspace() else ""},))
    return VendorAnswer(NOTICE if function == NOTHING_TO_CHANGE else SERVER_FAULT)


def _take_out_damaged(found: Found, redactor: Redactor) -> None:
    """
    Believe no row of an answer that has our password inside a number or a name: something else was glued in.
    """
    if any(redactor.is_inside(row[name]) for row in found.rows for name in row if not is_free_text(name)):
        found.rows = []
        found.reject(HIDDEN, "a secret stands in its rows")


def _without_secrets(row: Mapping[str, Any], redactor: Redactor) -> Mapping[str, Any]:
    """
    Clean free text.  What was checked to be a number, a time or an agent's id is the phone system's own: an
    agent who happens to be named like our user must stay that agent.
    """
    return {
        name: redactor.json(value) if is_free_text(name) else value  # a list under `extra`
        for name, value in row.items()
    }


def _bounded(rejected: Sequence[RejectedLine], redactor: Redactor) -> tuple[RejectedLine, ...]:
    first = rejected[:MAX_REJECTED]
    kept = [RejectedLine(redactor.line(line, MAX_REJECTED_LINE), why) for line, why in first]
    if len(rejected) > MAX_REJECTED:
        kept.append(RejectedLine("", f"and {len(rejected) - MAX_REJECTED} more"))
    return tuple(kept)


def _bounded_messages(found: Found, redactor: Redactor) -> tuple[Message, ...]:
    """
    Return the messages without secrets: no answer that says something has as many, or as long ones.
    """
    heard = found.heard
    if len(heard) > 2 * MOST_MESSAGES:
        found.reject("", f"and {len(heard) - 2 * MOST_MESSAGES} more messages")
        heard = [*heard[:MOST_MESSAGES], *heard[-MOST_MESSAGES:]]  # the last one may decide
    return tuple(
        Message(
            kind, text[:MAX_REJECTED_LINE], tuple(one[:MAX_REJECTED_LINE] for one in details[:MOST_DETAILS])
        )
        for kind, text, details in map(redactor.message, heard)
    )


def _raw(lines: Sequence[str], redactor: Redactor) -> str:
    """
    Return the answer's text without secrets, its first 64 Ki characters.
    """
    pieces: list[str] = []
    size = 0
    for line in lines:
        before, heard = hear(line) if len(line) <= MAX_RAW else (line, ())
        if heard:
            start = redactor.line(before, MAX_RAW)
            piece = start + "".join(map(redactor.message_line, heard))
        else:
            piece = redactor.line(line, MAX_RAW)
        pieces.append(piece)
        size += len(piece) + 1
        if size > MAX_RAW:
            break
    return "\n".join(pieces)[:MAX_RAW]
