"""
Places in a list, as opaque text for URLs.
"""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from typing import Final, NamedTuple, TypeVar

import orjson

from relay.model.errors import NoSuchPlace

MAX_CHARS: Final = 400
MAX_SEQ_DIGITS: Final = 18
LAST: Final = 2**62  # after every number that the journal holds
_NOT_OURS: Final = "this is not the `next` of an earlier page"


class CallPlace(NamedTuple):
    """
    Before all calls of a start with this id or a greater one; before all of that start where it is empty.
    """

    started_ms: int
    call_id: str


class DeliveryPlace(NamedTuple):
    """
    Before a delivery; with an endpoint number of 0 before all deliveries of an event.
    """

    seq: int
    endpoint_no: int
    job: int


class ReadPlace(NamedTuple):
    """
    Before a complete read.
    """

    as_of_ms: int
    read_id: int


class RejectPlace(NamedTuple):
    """
    Before a reject; its digest in hexadecimal digits.
    """

    first_seen_ms: int
    source_id: str
    stream: str
    digest: str


class JobPlace(NamedTuple):
    """
    Before a job of a source.
    """

    job_id: int


class AliasPlace(NamedTuple):
    """
    After an alias.
    """

    source_id: str
    natural_id: str


class SubjectPlace(NamedTuple):
    """
    After a subject that is no call.
    """

    kind: str
    source_id: str
    name: str


class MappingPlace(NamedTuple):
    """
    After a lead status or an agent mapping.
    """

    source_id: str
    name: str


class CommandPlace(NamedTuple):
    """
    Before a command, or a bulk job.
    """

    requested_ms: int
    id: str


class RowPlace(NamedTuple):
    """
    After a row of a bulk job.
    """

    row_no: int


NEWEST_CALL: Final = CallPlace(LAST, "newest")
NEWEST_DELIVERY: Final = DeliveryPlace(LAST, LAST, LAST)
NEWEST_READ: Final = ReadPlace(LAST, LAST)
NEWEST_REJECT: Final = RejectPlace(LAST, "", "", "")
NEWEST_JOB: Final = JobPlace(LAST)
FIRST_ALIAS: Final = AliasPlace("", "")
FIRST_SUBJECT: Final = SubjectPlace("", "", "")
FIRST_MAPPING: Final = MappingPlace("", "")
NEWEST_COMMAND: Final = CommandPlace(LAST, "")
FIRST_ROW: Final = RowPlace(-1)
P = TypeVar(
    "P",
    CallPlace,
    DeliveryPlace,
    ReadPlace,
    RejectPlace,
    JobPlace,
    AliasPlace,
    SubjectPlace,
    MappingPlace,
    CommandPlace,
    RowPlace,
)


def text_of(place: tuple[int | str, ...]) -> str:
    """
    Write a place as text that a URL may hold as it is.
    """
    return urlsafe_b64encode(orjson.dumps(list(place))).decode().rstrip("=")


def place_of(text: str | None, first: P) -> P:
    """
    Read a place in a list that begins at `first`, which None stands for.

    Raises:
        NoSuchPlace: not made by `text_of` of such a place.
    """
    if text is None:
        return first
    parts = _parts(text)
    if not isinstance(parts, list) or list(map(type, parts)) != list(map(type, first)):
        raise NoSuchPlace(_NOT_OURS)
    if not all(-LAST <= part <= LAST for part in parts if isinstance(part, int)):
        raise NoSuchPlace(_NOT_OURS)
    return type(first)._make(parts)


def bytes_in(digits: str) -> bytes:
    """
    Return the bytes that a place has as hexadecimal digits.

    Raises:
        NoSuchPlace: they are none.
    """
    try:
        return bytes.fromhex(digits)
    except ValueError as error:
        raise NoSuchPlace(_NOT_OURS) from error


def seq_place(text: str | None) -> int:
    """
    Read a seq; None is before the first.

    Raises:
        NoSuchPlace: not a number that a seq can be.
    """
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_SEQ_DIGITS):
        raise NoSuchPlace("a place in the list of events is a seq: a number, in digits")
    return int(text)


def _parts(text: str) -> object:
    if len(text) > MAX_CHARS:
        raise NoSuchPlace(_NOT_OURS)
    try:
        parts: object = orjson.loads(b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except ValueError as error:
        raise NoSuchPlace(_NOT_OURS) from error
    return parts
