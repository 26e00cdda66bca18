"""
Which endpoints want an event: a cached list, refreshed when `endpoints_version` moves.
"""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from relay.journal import schema
from relay.journal.rows import endpoint_of
from relay.model.endpoint import Endpoint
from relay.model.event import Event

_OWN_SUBJECT = "endpoint/"
_t = schema.endpoints


class Matcher:
    """
    Finds the endpoints of an event; decides once for each (type, source).
    """

    def __init__(self) -> None:
        self._version = -1
        self._endpoints: tuple[Endpoint, ...] = ()
        self._chosen: dict[tuple[str, str | None], tuple[Endpoint, ...]] = {}
        self._chosen_nos: dict[tuple[str, str | None], list[int]] = {}

    @property
    def takers(self) -> int:
        """
        Return how many endpoints may get a delivery row for one event.
        """
        return len(self._endpoints)

    def refresh(self, conn: Connection, version: int) -> None:
        """
        Read the endpoints anew where they have changed since.
        """
        if version != self._version:
            rows = conn.execute(select(_t).where(_t.c.deleted_ms.is_(None)).order_by(_t.c.no))
            self._endpoints = tuple(end for end in map(endpoint_of, rows) if end.takes_new_events)
            self._chosen.clear()
            self._chosen_nos.clear()
            self._version = version

    def endpoints_for(self, event: Event) -> list[int]:
        """
        Return the numbers of the endpoints that want an event; never the one it is about.
        """
        key = event.type, event.source_id
        nos = self._chosen_nos.get(key)
        if nos is None:
            chosen = self._chosen[key] = tuple(end for end in self._endpoints if end.matches(*key))
            nos = self._chosen_nos[key] = [end.no for end in chosen]
        if event.subject.startswith(_OWN_SUBJECT):
            return [end.no for end in self._chosen[key] if event.subject != _OWN_SUBJECT + end.id]
        return nos


def match_anew(conn: Connection) -> None:
    """
    Have every append after this transaction look at the endpoints again.
    """
    conn.execute(update(schema.meta).values(endpoints_version=schema.meta.c.endpoints_version + 1))
