"""
The events of a stretch of the journal that an endpoint wants, whether or not it has a delivery of them.

The stretch is one of seqs; where an instant lies in it is found by halving (`relay.journal.event_lists`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Text, bindparam, cast, func, select

from relay.journal import schema
from relay.journal.cursors import seq_place
from relay.journal.event_lists import CLOCK_SLACK_MS, FIRST_AFTER, last_seq, seq_recorded_at
from relay.journal.questions import (
    Question,
    Snapshot,
    if_given,
    is_of_type,
    is_one_of,
    json_list,
    ms_from,
    type_values,
)
from relay.model.errors import NotFound

_e, _n = schema.events, schema.endpoints
_TAKEN: Final = "taken_"

ENDPOINT: Final = Question(
    select(_n.c.no, _n.c.id, _n.c.event_patterns, _n.c.source_ids, _n.c.start_seq, _n.c.options).where(
        _n.c.id == bindparam("endpoint_id"), _n.c.deleted_ms.is_(None)
    )
)
# Conditions on `events`, with the parameters of `Taker.values` and `Stretch.values`.
IS_TAKEN: Final[tuple[ColumnElement[bool], ...]] = (
    is_of_type(_e.c.type, _TAKEN),
    is_one_of(_e.c.source_id, f"{_TAKEN}sources"),
    _e.c.subject != bindparam("own_subject"),
    if_given("conditions", func.holds(bindparam("conditions"), cast(_e.c.body, Text))),
)
IS_RECORDED: Final[tuple[ColumnElement[bool], ...]] = (
    if_given("recorded_from", _e.c.recorded_ms >= bindparam("recorded_from")),
    if_given("recorded_before", _e.c.recorded_ms < bindparam("recorded_before")),
)
IN_STRETCH: Final = _e.c.seq.between(bindparam("first"), bindparam("upto"))


class Taker(NamedTuple):
    """
    An endpoint, and which events it wants; never those about itself.
    """

    endpoint_no: int
    endpoint_id: str
    types: tuple[str, ...]
    source_ids: tuple[str, ...]
    start_seq: int
    conditions: tuple[str, ...] = ()

    def values(self) -> dict[str, Any]:
        """
        Return the parameters of `IS_TAKEN`, and `endpoint_no`.
        """
        return {
            **type_values(self.types, _TAKEN),
            f"{_TAKEN}sources": json_list(self.source_ids),
            "own_subject": f"endpoint/{self.endpoint_id}",
            "endpoint_no": self.endpoint_no,
            "conditions": orjson.dumps(self.conditions).decode() if self.conditions else None,
        }


class Stretch(NamedTuple):
    """
    The events after `from_seq` up to `to_seq`, of which only those recorded in [start, end) count.
    """

    from_seq: int
    to_seq: int
    start: datetime | None
    end: datetime | None

    def values(self) -> dict[str, Any]:
        """
        Return the parameters of `IS_RECORDED`.
        """
        return {"recorded_from": _ms_or_null(self.start), "recorded_before": _ms_or_null(self.end)}

    def since(self, taker: Taker) -> Stretch:
        """
        Return it without the events of before an endpoint was there, unless it was said when to begin.
        """
        return self if self.start is not None else self._replace(from_seq=max(self.from_seq, taker.start_seq))

    def step(self, look: Snapshot, after: int, scanned_rows: int) -> dict[str, int] | None:
        """
        Return the parameters of `IN_STRETCH` for the events behind a seq, so many of them at the most; None
        where there are no more.
        """
        first = look.value(FIRST_AFTER, after=after)
        if first is None or first > self.to_seq:
            return None
        return {"first": first, "upto": min(first + scanned_rows - 1, self.to_seq)}


def taker(look: Snapshot, endpoint_id: str) -> Taker:
    """
    Return what an endpoint wants.

    Raises:
        NotFound: there is none with this id.
    """
    row = look.row(ENDPOINT, endpoint_id=endpoint_id)
    if row is None:
        raise NotFound(f"there is no endpoint `{endpoint_id}`")
    no, name, types, source_ids, start_seq, options = row
    conditions = tuple(orjson.loads(options).get("conditions", ()))
    return Taker(no, name, tuple(orjson.loads(types)), tuple(orjson.loads(source_ids)), start_seq, conditions)


def stretch(look: Snapshot, start: datetime | None, end: datetime | None, after: str | None) -> Stretch:
    """
    Return the stretch of what was recorded in [start, end), behind a place in it.

    Raises:
        NoSuchPlace: `after` is no seq.
    """
    from_seq, last = seq_place(after), last_seq(look)
    to_seq = last
    if start is not None:
        from_seq = max(from_seq, seq_recorded_at(look, last, ms_from(start) - CLOCK_SLACK_MS) - 1)
    if end is not None:
        to_seq = min(last, seq_recorded_at(look, last, ms_from(end) + CLOCK_SLACK_MS) - 1)
    return Stretch(min(from_seq, to_seq), to_seq, start, end)


def _ms_or_null(at: datetime | None) -> int | None:
    return None if at is None else ms_from(at)
