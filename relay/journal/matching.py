"""
Which endpoints want an event: a cached list, refreshed when `endpoints_version` moves.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select, update

from relay.journal import schema
from relay.journal.condition_index import Conditional, ConditionIndex
from relay.journal.rows import endpoint_of
from relay.model.conditions import Document, parse_condition
from relay.model.delivery_options import ORDER_SUBJECT
from relay.model.endpoint import Endpoint

_OWN_SUBJECT = "endpoint/"
_t = schema.endpoints


class Matching:
    """
    The endpoints as they were at one version; decides once for each (type, source) who may want its events,
    and once for each event which of those with conditions do.

    `orders` are the order modes, by number, of those that want another than `subject`.
    """

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._endpoints = tuple(endpoint for endpoint in endpoints if endpoint.takes_new_events)
        orders = {endpoint.no: endpoint.options.order for endpoint in self._endpoints}
        self.orders = {no: order for no, order in orders.items() if order != ORDER_SUBJECT}
        self._nos = {endpoint.id: endpoint.no for endpoint in self._endpoints}
        self._conditions = {
            endpoint.no: tuple(map(parse_condition, endpoint.options.conditions))
            for endpoint in self._endpoints
            if endpoint.options.conditions
        }
        self._takers: dict[str, int] = {}
        self._chosen: dict[tuple[str, str | None], tuple[list[int], ConditionIndex | None]] = {}
        self._indexes: dict[tuple[int, ...], ConditionIndex] = {}

    def takers(self, source_id: str) -> int:
        """
        Return how many endpoints may want events of a source.
        """
        takers = self._takers.get(source_id)
        if takers is None:
            wanting = (one for one in self._endpoints if not one.sources or source_id in one.sources)
            takers = self._takers[source_id] = sum(1 for _ in wanting)
        return takers

    def endpoints_for(
        self, event_type: str, source_id: str | None, subject: str, document: Document
    ) -> list[int]:
        """
        Return the numbers of the endpoints that want an event, in order; never the one it is about.
        """
        chosen = self._chosen.get((event_type, source_id))
        if chosen is None:
            chosen = self._chosen[event_type, source_id] = self._choose(event_type, source_id)
        nos, index = chosen
        if index is not None:
            found = index.endpoints_for(document)
            nos = sorted(nos + found) if found else nos
        if subject.startswith(_OWN_SUBJECT):
            own = self._nos.get(subject.removeprefix(_OWN_SUBJECT))
            return [no for no in nos if no != own]
        return nos

    def _choose(self, event_type: str, source_id: str | None) -> tuple[list[int], ConditionIndex | None]:
        """
        Return the endpoints that want all events of a type and source, and an index of those that ask more.
        """
        nos = [one.no for one in self._endpoints if one.matches(event_type, source_id)]
        asking = tuple(no for no in nos if no in self._conditions)
        if not asking:
            return nos, None
        index = self._indexes.get(asking)  # most types and sources have the same
        if index is None:
            index = ConditionIndex(Conditional(no, self._conditions[no]) for no in asking)
            self._indexes[asking] = index
        return [no for no in nos if no not in self._conditions], index


class Matcher:
    """
    Holds the matching of the endpoints as they are.

    `current` is replaced whole, in the writer's thread, and may be read in any other.
    """

    def __init__(self) -> None:
        self._version = -1
        self.current = Matching(())

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
