"""
Which endpoints want an event: a cached list, refreshed when `endpoints_version` moves.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select, update

from relay.journal import schema
from relay.journal.rows import endpoint_of
from relay.model.delivery_options import ORDER_SUBJECT
from relay.model.endpoint import Endpoint

_OWN_SUBJECT = "endpoint/"
_t = schema.endpoints


class Matching:
    """
    The endpoints as they were at one version; decides once for each (type, source).

    `orders` are the order modes, by number, of those that want another than `subject`.
    """

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._endpoints = tuple(endpoint for endpoint in endpoints if endpoint.takes_new_events)
        orders = {endpoint.no: endpoint.options.order for endpoint in self._endpoints}
        self.orders = {no: order for no, order in orders.items() if order != ORDER_SUBJECT}
        self._chosen: dict[tuple[str, str | None], list[int]] = {}

    def __len__(self) -> int:
        return len(self._endpoints)

    def endpoints_for(self, event_type: str, source_id: str | None, subject: str) -> list[int]:
        """
        Return the numbers of the endpoints that want an event; never the one it is about.
        """
        if subject.startswith(_OWN_SUBJECT):
            return self._wanting(event_type, source_id, subject.removeprefix(_OWN_SUBJECT))
        nos = self._chosen.get((event_type, source_id))
        if nos is None:
            nos = self._chosen[event_type, source_id] = self._wanting(event_type, source_id, None)
        return nos

    def _wanting(self, event_type: str, source_id: str | None, but_not: str | None) -> list[int]:
        return [
            endpoint.no
            for endpoint in self._endpoints
            if endpoint.matches(event_type, source_id) and endpoint.id != but_not
        ]


class Matcher:
    """
    Holds the matching of the endpoints as they are.

    `current` is replaced whole, in the writer's thread, and may be read in any other.
    """

    def __init__(self) -> None:
        self._version = -1
        self.current = Matching(())

    @property
    def takers(self) -> int:
        """
        Return how many endpoints may get a delivery row for one event.
        """
        return len(self.current)

    def refresh(self, conn: Connection, version: int) -> None:
        """
        Read the endpoints anew where they have changed since.
        """
        if version != self._version:
            rows = conn.execute(select(_t).where(_t.c.deleted_ms.is_(None)).order_by(_t.c.no))
            self.current = Matching(map(endpoint_of, rows))
            self._version = version


def match_anew(conn: Connection) -> None:
    """
    Have every append after this transaction look at the endpoints again.
    """
    conn.execute(update(schema.meta).values(endpoints_version=schema.meta.c.endpoints_version + 1))
