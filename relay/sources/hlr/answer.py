"""
Read what a provider of number look-ups answered: docs/hlr.md says what it is to look like.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import orjson

from relay.model.errors import SourceGarbled, SourceRefused, SourceUnreachable
from relay.model.number_status import NUMBER_STATUSES
from relay.sources.wire import Answer, sample

PROVIDER: Final = "hlr"
_NO_DIGIT: Final = re.compile(r"\D")


def read_lookup(answer: Answer, number: str, secrets: Iterable[str]) -> str:
    """
    Return the status of `number`, one of NUMBER_STATUSES.

    Raises:
        SourceRefused: 401 or 403.
        SourceUnreachable: any other status but 200, 429 too.
        SourceGarbled: not what was agreed on, or about another number.
    """
    if answer.status in (401, 403):
        raise SourceRefused(PROVIDER, "auth", f"the provider refuses the token (HTTP {answer.status})")
    if answer.status != 200:
        reason = {429: "rate_limited"}.get(answer.status, "http_5xx" if answer.status >= 500 else "http_4xx")
        raise SourceUnreachable(PROVIDER, reason, f"the provider answered HTTP {answer.status}")
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        document = None
    problem = _problem(document, number)
    if problem is not None:
        raise SourceGarbled(PROVIDER, "bad_payload", problem, sample(answer.body, secrets))
    return str(document["status"])


def _problem(document: object, number: str) -> str | None:
    if not isinstance(document, dict):
        return "the provider's answer is no JSON object"
    told = document.get("number")
    if not isinstance(told, str) or _NO_DIGIT.sub("", told) != number.removeprefix("+"):
        return "the provider's answer is not about the number that was asked for"
    if document.get("status") not in NUMBER_STATUSES:
        return f"the provider's `status` is none of {', '.join(NUMBER_STATUSES)}"
    return None
