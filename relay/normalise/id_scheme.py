"""
What leg ids of a stream follow from: the facts of a row, or the vendor's own id.

The scheme is stored with the stream.  An id column that appears later counts only for calls that start
after it was seen: what was read before keeps the ids it was published with.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from relay.model.times import EPOCH, from_rfc3339, rfc3339

FACTS: Final = "facts"
_NATIVE: Final = "native since "


def scheme_after(scheme: str, has_native_ids: bool, is_first_page: bool, seen_at: datetime) -> str:
    """
    Return the scheme of a stream after a page, given the one before it.
    """
    if scheme != FACTS or not has_native_ids:
        return scheme
    return _NATIVE + rfc3339(EPOCH if is_first_page else seen_at)


def native_since(scheme: str) -> datetime | None:
    """
    Return from which start on calls follow the vendor's own ids; None: they follow the facts.
    """
    return from_rfc3339(scheme.removeprefix(_NATIVE)) if scheme.startswith(_NATIVE) else None
