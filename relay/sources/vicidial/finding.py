"""
Find the messages and rows in the lines of an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from relay.model.vendor_answer import EMPTY, LOGGED_OUT, LOGIN_REFUSED, NOT_FOUND, UNKNOWN
from relay.sources.vicidial.columns import TABLES
from relay.sources.vicidial.elision_answers import ACTIVE_LISTS, JSON_FUNCTIONS, read_json
from relay.sources.vicidial.messages import Heard, hear
from relay.sources.vicidial.noise import HTML_PAGE, is_page, why_unreadable
from relay.sources.vicidial.pages import IN_GROUPS, PAGE_FUNCTIONS, read_page
from relay.sources.vicidial.plain_answers import read_callable, read_labels, read_value, read_version
from relay.sources.vicidial.reading import SERVER_ERROR, Found
from relay.sources.vicidial.redaction import Redactor
from relay.sources.vicidial.table import DELIMITERS, read_table

VERSION: Final = "version"
FIELD_OF_A_LEAD: Final = "lead_field_info"
NUMBER_CHECK: Final = "check_phone_number"
# With several numbers these print them in front of the message about them, without a newline.
_ECHO_NUMBERS: Final = frozenset({"add_lead", "update_lead"})
_CHANGES: Final = ("add_", "update_", "copy_", "delete_", "server_refresh", "blind_monitor")
# "No agents" tells user and nothing else; with more behind it, the newline before a row got lost.
_MOST_DETAILS: Final = {"logged_in_agents": 2}
MANY_DETAILS: Final = 8
_MARKUP: Final = re.compile(r"<(?:!doctype|html|body|table|a)\b", re.IGNORECASE)
CUT: Final = "cut off: no newline at its end"


class Question(NamedTuple):
    """
    What was asked, as far as it decides how the answer is read.
    """

    function: str
    version: str | None
    stage: str
    http_status: int


def find(question: Question, lines: list[str], is_cut: bool, redactor: Redactor) -> Found:
    """
    Read the lines of an answer; `is_cut` where the last one has no newline.
    """
    function = question.function
    if function in JSON_FUNCTIONS:
        found = _find_json(function, lines, redactor)
        if found is not None:
            return found
    if function == FIELD_OF_A_LEAD:
        return _find_value(lines, is_cut)
    found, data = _find_messages(function, lines)
    if not any(line.strip() for line in data):
        return found
    if function in PAGE_FUNCTIONS and any(_MARKUP.search(line) is not None for line in data):
        _find_page(question, data, found)
    elif function == VERSION:
        _find_version(data, found)
    elif function == NUMBER_CHECK:
        _find_callable(data, found)
    elif function == IN_GROUPS:
        _find_labels(data, is_cut, found)
    elif function.startswith(_CHANGES) or function == ACTIVE_LISTS:
        _reject(data, found)
    else:
        _find_rows(question, data, is_cut and data[-1] == lines[-1], found)
    return found


def _find_messages(function: str, lines: Iterable[str]) -> tuple[Found, list[str]]:
    """
    Take the messages out of the lines; return them, and what stands outside of messages.
    """
    found, data = Found(), []
    for line in lines:
        before, heard = hear(line)
        found.heard.extend(heard)
        if not heard or (before.strip() and function not in _ECHO_NUMBERS):
            data.append(before)
        for one in heard:
            if function in TABLES and (why := _why_doubtful(function, one)) is not None:
                found.reject(f"{one.message.kind}: {one.message.text.partition('|')[0]}", why)
    return found, data


def _why_doubtful(function: str, heard: Heard) -> str | None:
    """
    Say why a message may hide a row, or belong to another answer; None where it does not.
    """
    if heard.verdict in LOGIN_REFUSED:  # what they echo holds whatever our password does
        return None
    if heard.verdict == UNKNOWN:
        return "a message that relay does not know"
    if heard.verdict in (EMPTY, LOGGED_OUT, NOT_FOUND) and heard.function not in ("", function):
        return "a message of another function"
    if len(heard.message.details) > _MOST_DETAILS.get(function, MANY_DETAILS):
        return "more details than the message has"
    return None


def _find_rows(question: Question, data: list[str], is_cut: bool, found: Found) -> None:
    function = question.function
    if is_cut:
        # The server ends each row with a newline: half a number is a number too.
        found.reject(data.pop(), CUT)
    if function not in TABLES:
        _find_unknown_rows(data, DELIMITERS[question.stage], found)
        return
    reading = read_table(function, question.version, question.stage, data)
    if any(one.why == HTML_PAGE for one in reading.rejected):
        _reject(data, found)
        return
    found.rows.extend(row.values for row in reading.rows)
    found.rejected.extend(reading.rejected)
    if not found.rows and not found.rejected and not found.heard:
        found.reject(next((line for line in data if line.strip()), ""), "a header and no row")


def _find_unknown_rows(data: Sequence[str], delimiter: str, found: Found) -> None:
    """
    Give the fields of a function without known columns as `extra`: no name is certain.
    """
    if any(map(is_page, data)):
        _reject(data, found)
        return
    for line in filter(str.strip, data):
        why = why_unreadable(line)
        if delimiter in line and why == why_unreadable(""):
            found.rows.append({"extra": line.removesuffix("\r").split(delimiter)})
        else:
            found.reject(line, why)


def _find_value(lines: Sequence[str], is_cut: bool) -> Found:
    before, heard = hear(lines[0]) if lines else ("", ())
    if heard and not before.strip():
        found, data = _find_messages(FIELD_OF_A_LEAD, lines)
        _reject(data, found)
        return found
    found = Found()
    value = read_value(lines, is_cut)
    if value is None:
        _reject(lines, found)
    else:
        found.rows.append(value)
    return found


def _find_version(data: Sequence[str], found: Found) -> None:
    for line in filter(str.strip, data):
        version = read_version(line)
        if version is None or found.version is not None:
            found.reject(line, why_unreadable(line))
        else:
            found.version, row = version
            found.rows.append(row)


def _find_page(question: Question, data: Sequence[str], found: Found) -> None:
    is_ours = question.http_status < SERVER_ERROR
    rows = read_page(question.function, "\n".join(data)) if is_ours else None
    if rows is None:
        found.reject("\n".join(data), HTML_PAGE)
    else:
        found.rows.extend(rows)


def _find_callable(data: Sequence[str], found: Found) -> None:
    for line in filter(str.strip, data):
        rows = read_callable(line.removesuffix("\r"))
        if rows is None:
            found.reject(line, why_unreadable(line))
        else:
            found.rows.extend(rows)


def _find_labels(data: Sequence[str], is_cut: bool, found: Found) -> None:
    row = None if is_cut else read_labels(data)
    if row is None:
        _reject(data, found)
    else:
        found.rows.append(row)


def _find_json(function: str, lines: Sequence[str], redactor: Redactor) -> Found | None:
    """
    Read the part of an answer that is JSON, and the lines round it as messages; None where none is JSON.
    """
    start = next((place for place, line in enumerate(lines) if line.lstrip()[:1] in ("{", "[")), None)
    if start is None:
        return None
    end = len(lines)
    reading = read_json(function, "\n".join(lines[start:end]), redactor)
    if reading is None:
        end = start + 1
        reading = read_json(function, lines[start], redactor)
    if reading is None:
        return None
    found, data = _find_messages(function, [*lines[:start], *lines[end:]])
    found.verdict = None if found.heard else reading.verdict
    found.heard.extend(reading.heard)
    found.rows.extend(reading.rows)
    found.rejected.extend(reading.rejected)
    _reject(data, found)
    return found


def _reject(lines: Sequence[str], found: Found) -> None:
    """
    Keep lines that could not be read; an HTML page is one thing.
    """
    if any(map(is_page, lines)):
        found.reject("\n".join(lines), HTML_PAGE)
        return
    for line in filter(str.strip, lines):
        found.reject(line, why_unreadable(line))
