"""
Places in a list, as opaque text for URLs.
"""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from typing import Final, NamedTuple

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


NEWEST_CALL: Final = CallPlace(LAST, "newest")
NEWEST_DELIVERY: Final = DeliveryPlace(LAST, LAST, LAST)


def text_of(place: CallPlace | DeliveryPlace) -> str:
    """
    Write a place as text that a URL may hold as it is.
    """
    return urlsafe_b64encode(orjson.dumps(list(place))).decode().rstrip("=")


def call_place(text: str | None) -> CallPlace:
    """
    Read a place in the list of calls; None is its beginning.

    Raises:
        NoSuchPlace: not made by `text_of`.
    """
    if text is None:
        return NEWEST_CALL
    match _parts(text):
        case [int(started_ms), str(call_id)] if _is_number(started_ms):
            return CallPlace(started_ms, call_id)
    raise NoSuchPlace(_NOT_OURS)


def delivery_place(text: str | None) -> DeliveryPlace:
    """
    Read a place in the list of deliveries; None is its beginning.

    Raises:
        NoSuchPlace: not made by `text_of`.
    """
    if text is None:
        return NEWEST_DELIVERY
    match _parts(text):
        case [int(seq), int(endpoint_no), int(job)] if all(map(_is_number, (seq, endpoint_no, job))):
            return DeliveryPlace(seq, endpoint_no, job)
    raise NoSuchPlace(_NOT_OURS)


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


def _is_number(value: int) -> bool:
    return not isinstance(value, bool) and -LAST <= value <= LAST
