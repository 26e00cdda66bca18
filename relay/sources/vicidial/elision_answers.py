"""
Elision's answers: JSON beside the text lines of VICIdial (`vendor/elision_crm_integration.txt`).

    {"success": false, "message": "1101 list already exist", "data": {…}}
    {"lead 1": {"success": true, "message": "Record(s) Created", "data": "1234567893|1101|1036||NEW|"}}
    ["ERROR", "add_multi_lead YOU MUST USE ALL REQUIRED FIELDS", "api", ""]
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from relay.model.vendor_answer import EMPTY, NOTICE, ROWS, SUCCESS, UNKNOWN, Message, RejectedLine
from relay.sources.vicidial.messages import KIND_ERROR, KIND_NOTICE, KIND_SUCCESS, Heard, judged
from relay.sources.vicidial.redaction import Redactor

JSON_FUNCTIONS: Final = frozenset({"add_list", "active_lists", "add_multi_lead", "add_user", "update_user"})
ACTIVE_LISTS: Final = "active_lists"
_KINDS: Final = frozenset({KIND_ERROR, KIND_SUCCESS, KIND_NOTICE})
_LEAD: Final = re.compile(r"lead \d+")


class JsonReading(NamedTuple):
    """
    What a JSON answer says: its messages, its rows, what could not be read; `verdict` None: the messages'.
    """

    heard: list[Heard]
    rows: list[Mapping[str, Any]]
    rejected: list[RejectedLine]
    verdict: str | None = None


def read_json(function: str, text: str, redactor: Redactor) -> JsonReading | None:
    """
    Read an answer in JSON; None where the text is none.
    """
    try:
        answer = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return None
    if isinstance(answer, list):
        answer = redactor.json(answer)
        is_message = len(answer) > 1 and all(isinstance(one, str) for one in answer) and answer[0] in _KINDS
        return JsonReading([_heard(answer[0], answer[1], tuple(answer[2:]))], [], []) if is_message else None
    if not isinstance(answer, dict):
        return None
    answer = redactor.json(answer)
    if _is_result(answer):
        return _result(function, answer)
    if answer and all(_LEAD.fullmatch(name) and _is_result(one) for name, one in answer.items()):
        return _leads(answer)
    return None


def _is_result(answer: object) -> bool:
    return (
        isinstance(answer, dict)
        and isinstance(answer.get("success"), bool)
        and isinstance(answer.get("message"), str)
    )


def _result(function: str, answer: Mapping[str, Any]) -> JsonReading:
    data = answer.get("data")
    if function == ACTIVE_LISTS and answer["success"] and isinstance(data, list):
        heard = _heard(KIND_SUCCESS, answer["message"], ())
        return _lists([heard], data)
    kind = KIND_SUCCESS if answer["success"] else KIND_ERROR
    values = data.values() if isinstance(data, dict) else data if isinstance(data, list) else [data]
    details = tuple(one if isinstance(one, str) else json.dumps(one) for one in values if one is not None)
    return JsonReading([_heard(kind, answer["message"], details)], [], [])


def _lists(heard: list[Heard], data: list[Any]) -> JsonReading:
    reading = JsonReading(heard, [], [], ROWS if data else EMPTY)
    for one in data:
        found = _splits(one) if isinstance(one, str) else []
        if len(found) == 1:
            reading.rows.append(found[0])
        else:
            why = "can be read in two ways" if found else "not as documented"
            reading.rejected.append(RejectedLine(str(one), why))
    return reading if reading.rows or not data else reading._replace(verdict=UNKNOWN)


def _splits(text: str) -> list[Mapping[str, Any]]:
    """
    Return each way of reading "CAMPAIGN-LIST-name": campaign and name may hold dashes too.
    """
    found: list[Mapping[str, Any]] = []
    for end in range(2, 9):
        rest = text[end:]
        match = re.match(r"-(\d{2,14})-", rest)
        if match is not None:
            row = {"campaign_id": text[:end], "list_id": match.group(1), "list_name": rest[match.end() :]}
            found.append(row)
    return found


def _leads(answer: Mapping[str, Mapping[str, Any]]) -> JsonReading:
    """
    Give each lead its row; all taken is a success, all refused what the first was refused for, else in part.
    """
    heard = [
        _heard(KIND_SUCCESS if one["success"] else KIND_ERROR, one["message"], (name,))
        for name, one in answer.items()
    ]
    rows: list[Mapping[str, Any]] = [{"lead": name, **one} for name, one in answer.items()]
    if all(one["success"] for one in answer.values()):
        verdict = SUCCESS
    else:
        verdict = NOTICE if any(one["success"] for one in answer.values()) else heard[0].verdict
    return JsonReading(heard, rows, [], verdict)


def _heard(kind: str, text: str, details: tuple[str, ...]) -> Heard:
    return Heard(Message(kind, text, details), judged(kind, text), f"{kind}: {text}: ")
