"""
What VoIPcloud answers to the functions that are no lists (vendor/voipcloud_api, "Codes").

Pure.  The document shows no answer: the HTTP status decides, or a `code` inside of a 200.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from relay.model.errors import (
    SourceAbsent,
    SourceError,
    SourceGarbled,
    SourceRefused,
    SourceThrottled,
    SourceUnreachable,
)
from relay.model.vendor_answer import (
    AUTH,
    BAD_ARGUMENT,
    IP_BLOCKED,
    NOT_FOUND,
    ROWS,
    SERVER_FAULT,
    SUCCESS,
    UNKNOWN,
    Message,
    VendorAnswer,
)
from relay.sources.voipcloud.answers import IP_BLOCKED as BY_ADDRESS
from relay.sources.voipcloud.answers import VoipcloudAnswers
from relay.sources.wire import Answer

CALL_TO_NUMBER: Final = "call-to-number"
GET_SYSTEM_STATUS: Final = "get-system-status"
MAX_RAW: Final = 65_536
MAX_MESSAGE: Final = 500
# The document's own words, where an answer has none.
_WORDS: Final = {
    SUCCESS: "Success",
    BAD_ARGUMENT: "Parameters error",
    AUTH: "Authorization error",
    IP_BLOCKED: "Authorization error",
    NOT_FOUND: "Tenant or required data not found",
}


def read_function(
    function: str, answer: Answer, answers: VoipcloudAnswers, token: str, now: datetime
) -> VendorAnswer:
    """
    Read the answer to a function.

    Args:
        function: its name.
        answer: the whole answer.
        answers: knows the codes.
        token: ours; not shown where the answer repeats it.
        now: when it was answered.

    Raises:
        SourceThrottled: 429.
    """
    raw = answer.body.decode("utf-8", "replace").replace(token, "[redacted]")[:MAX_RAW]
    if answer.status == 200 and not answer.body.strip() and function == CALL_TO_NUMBER:
        return VendorAnswer(SUCCESS, (Message("SUCCESS", _WORDS[SUCCESS]),), raw=raw)
    try:
        document = answers.document(answer, now)
    except SourceThrottled:
        raise
    except SourceError as error:
        verdict = _verdict(error, answer)
        said = _said(answer, token) or _WORDS.get(verdict)
        return VendorAnswer(verdict, (Message("ERROR", said),) if said else (), raw=raw)
    if function == CALL_TO_NUMBER:
        said = _said(answer, token) or _WORDS[SUCCESS]
        return VendorAnswer(SUCCESS, (Message("SUCCESS", said),), raw=raw)
    return VendorAnswer(ROWS, rows=tuple(_rows(document)), raw=raw)


def _verdict(error: SourceError, answer: Answer) -> str:
    match error:
        case SourceRefused():
            return IP_BLOCKED if error.reason == BY_ADDRESS else AUTH
        case SourceAbsent():
            return NOT_FOUND
        case SourceUnreachable():
            return UNKNOWN if error.reason == "vendor_error" else SERVER_FAULT  # code 0: "Unknown error"
        case SourceGarbled() if error.reason == "http_4xx":
            return BAD_ARGUMENT
    return UNKNOWN


def _said(answer: Answer, token: str) -> str | None:
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None
    message = document.get("message") if isinstance(document, dict) else None
    if not isinstance(message, str) or not message.strip():
        return None
    return " ".join(message.replace(token, "[redacted]").split())[:MAX_MESSAGE]


def _rows(document: Any) -> list[Mapping[str, Any]]:
    inner = document
    if isinstance(document, dict) and isinstance(document.get("data"), dict | list):
        inner = document["data"]
    if isinstance(inner, list) and all(isinstance(one, dict) for one in inner):
        return inner
    return [inner if isinstance(inner, dict) else {"status": inner}]
