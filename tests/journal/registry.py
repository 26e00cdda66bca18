"""
Registers endpoints and looks into the journal's file, for tests of the registry.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime
from pathlib import Path

from sqlalchemy import ClauseElement
from sqlalchemy.dialects import sqlite

from relay.journal.api_port import Once
from relay.journal.store import SqlJournal
from relay.model.endpoint import Delivery, EndpointSpec, RegisteredEndpoint
from relay.model.listing import DeliveryItem, DeliveryKey
from tests.journal.making import NOW, endpoint_spec

LATER_MS = 10**14
KEY = b"k" * 24


async def create(
    journal: SqlJournal, spec: EndpointSpec | None = None, now: datetime = NOW, once: Once | None = None
) -> RegisteredEndpoint:
    """
    Register an endpoint by REST; the one with the id of `spec` that is there then.
    """
    wanted = spec or endpoint_spec()
    await journal.registry.create_endpoint(wanted, lambda made: made.endpoint.id.encode(), now, once)
    return await registered(journal, wanted.id, now)


async def registered(journal: SqlJournal, name: str, now: datetime = NOW) -> RegisteredEndpoint:
    """
    Return an endpoint as it is registered.
    """
    (found,) = [one for one in await journal.registry.registered(now) if one.endpoint.id == name]
    return found


async def resend(journal: SqlJournal, key: DeliveryKey, now: datetime = NOW) -> DeliveryItem:
    """
    Make a delivery again and return what the caller is told of it.
    """
    told: list[DeliveryItem] = []

    def answer(item: DeliveryItem) -> bytes:
        told.append(item)
        return b"made"

    await journal.registry.resend(key, answer, now, None)
    return told[0]


async def due(journal: SqlJournal, endpoint_no: int, *, resends: bool = False) -> list[Delivery]:
    """
    Return what is due, however late.
    """
    return list((await journal.page_in(endpoint_no, LATER_MS, 10_000, 0, resends=resends)).due)


def searches(path: Path, statement: ClauseElement) -> list[str]:
    """
    Return how SQLite finds what a statement asks for: the searches and scans of its plan.
    """
    text = statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    plan = [str(row[3]) for row in query(path, f"EXPLAIN QUERY PLAN {text}")]
    return [step.partition(" (")[0] for step in plan if step.startswith(("SEARCH", "SCAN"))]


def query(path: Path, statement: str) -> list[tuple[object, ...]]:
    """
    Look into the file directly.
    """
    with sqlite3.connect(path) as direct:
        return direct.execute(statement).fetchall()
