"""
Read a request: path, query parameters, headers and body, all checked before a handler sees them.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from hashlib import blake2b
from typing import Any, Final, get_origin

import orjson
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from multidict import MultiMapping
from pydantic import BaseModel, ValidationError

from relay.api.mapping_queries import CODE_PATTERN, KIND_PATTERN, NAME_PATTERN
from relay.api.operation import KEY_IGNORED, KEY_OPTIONAL, KEY_REQUIRED, MAX_BODY
from relay.api.problems import (
    INVALID,
    KEY_NEEDED,
    MALFORMED,
    NOT_FOUND,
    NOT_JSON,
    TOO_LARGE,
    TOO_SLOW,
    FieldError,
    Refused,
    field_errors,
    invalid,
)
from relay.api.queries import (
    BULK_ID_PATTERN,
    CALL_ID_PATTERN,
    COMMAND_ID_PATTERN,
    EVENT_ID_PATTERN,
    SEQ_PATTERN,
)
from relay.config.section import ID_PATTERN
from relay.journal.api_port import Once

MAX_FIELDS: Final = 64
MAX_PARAMETERS: Final = 200
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
LAST_EVENT_ID: Final = "Last-Event-ID"
KEY_PATTERN: Final = "^[!-~]([ -~]{0,198}[!-~])?$"
PATH_PATTERNS: Final = {
    "endpoint_id": ID_PATTERN,
    "source_id": ID_PATTERN,
    "event_id": EVENT_ID_PATTERN,
    "call_id": CALL_ID_PATTERN,
    "agent_id": NAME_PATTERN,
    "group_id": NAME_PATTERN,
    "kind": KIND_PATTERN,
    "code": CODE_PATTERN,
    "job_id": "^[0-9]{1,18}$",
    "delivery_id": r"^[a-z0-9-]{1,40}\.[a-z0-9_]{20,64}\.[0-9]{1,18}$",
    "command_id": COMMAND_ID_PATTERN,
    "bulk_id": BULK_ID_PATTERN,
    "type": r"^[a-z_]{1,40}(\.[a-z_]{1,40})+$",
}
_IN_A_THREAD: Final = 16 * 1024
_PATHS: Final = {name: re.compile(pattern) for name, pattern in PATH_PATTERNS.items()}
_KEY: Final = re.compile(KEY_PATTERN)
_SEQ: Final = re.compile(SEQ_PATTERN)


class _GivenTwice(ValueError):
    pass


def path_of(request: web.Request) -> Mapping[str, str]:
    """
    Return the parameters of the path.

    Raises:
        Refused: 404, one of them names nothing that could be.
    """
    given = request.match_info
    for name, text in given.items():
        if not _PATHS[name].fullmatch(text):
            raise Refused(NOT_FOUND.about(f"That is no {name.replace('_', ' ')}."))
    return given


def query_of(given: MultiMapping[str], kind: type[BaseModel]) -> BaseModel:
    """
    Return the query parameters as their model.

    Raises:
        Refused: 422, for each that is unknown, repeated or wrong.
    """
    if not given and not any(field.is_required() for field in kind.model_fields.values()):
        return _empty(kind)
    lists = _lists(kind)
    wanted: dict[str, object] = {}
    repeated: list[FieldError] = []
    if len(given) > MAX_PARAMETERS:
        raise Refused(INVALID.about(f"There are more than {MAX_PARAMETERS} parameters."))
    for name in dict.fromkeys(given):  # a mapping that may hold a name twice
        values = given.getall(name)
        wanted[name] = tuple(values) if name in lists else values[0]
        if len(values) > 1 and name not in lists and name in parameter_names(kind):
            repeated.append(FieldError(name, "is given twice"))
    try:
        query = kind.model_validate(wanted)
    except ValidationError as error:
        raise invalid([*field_errors(error), *set(repeated)]) from None
    if repeated:
        raise invalid(set(repeated))
    return query


def once_of(request: web.Request, owner: str, body: bytes, key: str = KEY_OPTIONAL) -> Once | None:
    """
    Return what makes a repeated POST known again, where the client wants that.

    Raises:
        Refused: 400, there must be an Idempotency-Key; 422, it is none.
    """
    given = request.headers.getall(IDEMPOTENCY_KEY, [])
    if request.method != "POST" or key == KEY_IGNORED:
        return None
    if not given and key == KEY_REQUIRED:
        raise Refused(KEY_NEEDED)
    if not given:
        return None
    if len(given) > 1 or not _KEY.fullmatch(given[0]):
        raise invalid([FieldError(IDEMPOTENCY_KEY, "must be given once, as 1 to 200 printable characters")])
    digest = blake2b(f"{request.method} {request.path}\n".encode(), digest_size=32)
    digest.update(body)
    return Once(owner, given[0], digest.digest())


def last_event_id_of(request: web.Request) -> str | None:
    """
    Return the place that a reader of the event stream has reached.

    Raises:
        Refused: 422, it is none.
    """
    given = request.headers.getall(LAST_EVENT_ID, [])
    if not given:
        return None
    if len(given) > 1 or not _SEQ.fullmatch(given[0]):
        raise invalid([FieldError(LAST_EVENT_ID, "must be the id of an event of the stream")])
    return given[0]


async def body_of(
    request: web.Request, media_types: Collection[str], within_s: float, max_bytes: int = MAX_BODY
) -> bytes:
    """
    Return the bytes of the body, which must be there within so many seconds.

    Args:
        request: the request.
        media_types: what it may be (none: there must be no body).
        within_s: how long it may take.
        max_bytes: how large it may be.

    Raises:
        Refused: 400, 408, 413 or 415.
    """
    if not request.body_exists:
        return b""
    if media_types and not _is_one_of(request, media_types):
        wanted = " or ".join(media_types)
        raise Refused(NOT_JSON.about(f"Send Content-Type: {wanted}, in UTF-8, without an encoding."))
    body = await received(request, max_bytes, within_s)
    if body and not media_types:
        raise Refused(MALFORMED.about("This takes no body."))
    return body


async def received(request: web.Request, max_bytes: int, within_s: float) -> bytes:
    """
    Return the bytes of the body, whatever they are.

    Raises:
        Refused: 400, 408 or 413.
    """
    too_large = Refused(TOO_LARGE.about(f"A body has at most {max_bytes} bytes."))
    if (request.content_length or 0) > max_bytes:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(within_s):
            async for piece in request.content.iter_any():
                body += piece
                if len(body) > max_bytes:
                    raise too_large
    except TimeoutError:
        raise Refused(TOO_SLOW) from None
    except (HttpProcessingError, web.RequestPayloadError):
        raise Refused(MALFORMED.about("The body does not arrive as its headers say.")) from None
    return bytes(body)


async def parsed_body(body: bytes, kind: type[BaseModel]) -> BaseModel:
    """
    Return the body as its model.

    Raises:
        Refused: 400 where it is no JSON, 422 with each field that is unknown or wrong.
    """
    document = await document_of(body)
    if isinstance(document, dict) and len(document) > MAX_FIELDS:
        raise Refused(INVALID.about(f"The body has more than {MAX_FIELDS} fields."))
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        raise invalid(field_errors(error)) from None


async def document_of(body: bytes) -> Any:
    """
    Return what a body says.

    Raises:
        Refused: 400 where it is no JSON, 422 where it says something twice.
    """
    # A big body may hold very many small things: read in a thread, the deliveries go on meanwhile.
    return await asyncio.to_thread(_parsed, body) if len(body) > _IN_A_THREAD else _parsed(body)


def _parsed(body: bytes) -> Any:
    try:
        # The first reader is strict: no NaN, no lone surrogates, UTF-8 only, bounded depth.
        orjson.loads(body)
        return json.loads(body, object_pairs_hook=_without_repeats, parse_float=_number)
    except _GivenTwice as error:
        raise invalid([FieldError(str(error), "is given twice")]) from None
    except (ValueError, RecursionError):
        raise Refused(MALFORMED.about("The body is not JSON.")) from None


def _without_repeats(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name, value in pairs:
        if name in document:
            raise _GivenTwice(name[:100])
        document[name] = value
    return document


def _number(text: str) -> int | float:
    number = float(text)
    # To JSON Schema 5.0 is an integer.
    return int(number) if number.is_integer() else number


def _is_one_of(request: web.Request, media_types: Collection[str]) -> bool:
    is_plain = request.headers.get("Content-Encoding", "identity").lower() == "identity"
    charset = (request.charset or "utf-8").lower()
    return is_plain and request.content_type in media_types and charset in ("utf-8", "utf8")


@cache
def parameter_names(kind: type[BaseModel]) -> frozenset[str]:
    """
    Return the names of the parameters that a query may have.
    """
    return frozenset(field.alias or name for name, field in kind.model_fields.items())


@cache
def _lists(kind: type[BaseModel]) -> frozenset[str]:
    return frozenset(
        name for name, field in kind.model_fields.items() if get_origin(field.annotation) is tuple
    )


@cache
def _empty(kind: type[BaseModel]) -> BaseModel:
    return kind.model_validate({})
