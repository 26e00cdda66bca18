"""
Lead statuses and agent mappings: made, changed and removed, with a version for each source.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, delete, func, insert, select, update

from relay.journal import schema
from relay.journal.commands_port import MAX_MAPPINGS
from relay.journal.source_work import require_source
from relay.model.errors import Conflict, NotFound
from relay.model.mapping import AgentMapping, LeadStatus, Mappings

_s, _l, _a = schema.sources, schema.lead_statuses, schema.agent_mappings
NO_MAPPINGS: Final = Mappings()


def mappings(conn: Connection, source_id: str) -> Mappings:
    """
    Return the mappings of a source: version 0 and none where there is no such source.
    """
    version = conn.execute(select(_s.c.mappings_version).where(_s.c.source_id == source_id)).scalar()
    if not version:
        return NO_MAPPINGS
    codes = select(_l.c.dialer_status, _l.c.code).where(_l.c.source_id == source_id, _l.c.is_default)
    agents = select(_a.c.agent_id, _a.c.external_id).where(_a.c.source_id == source_id)
    return Mappings(
        version,
        dict(conn.execute(codes).all()),
        dict(conn.execute(agents).all()),
    )


def put_lead_status(conn: Connection, status: LeadStatus, is_new: bool | None) -> LeadStatus:
    """
    Make or change a lead status; of each dialer status one code is the default.

    Raises:
        NotFound, Conflict: see `relay.journal.commands_port.MappingJournal`.
    """
    key = and_(_l.c.source_id == status.source_id, _l.c.code == status.code)
    values = {
        "source_id": status.source_id,
        "code": status.code,
        "dialer_status": status.dialer_status,
        "description": status.description,
        "is_default": False,
    }
    old = _put(conn, _l, key, values, is_new, f"lead status {status.code} of {status.source_id}")
    if old is not None and old.dialer_status != status.dialer_status:
        _choose_default(conn, status.source_id, old.dialer_status)
    _choose_default(
        conn,
        status.source_id,
        status.dialer_status,
        left=None if status.is_default else status.code,
        wanted=status.code if status.is_default else None,
    )
    return lead_status_of(conn.execute(select(_l).where(key)).one())


def delete_lead_status(conn: Connection, source_id: str, code: str) -> None:
    """
    Remove a lead status; where it was the default, the first other code takes its place.

    Raises:
        NotFound: there is none.
    """
    key = and_(_l.c.source_id == source_id, _l.c.code == code)
    old = conn.execute(select(_l).where(key)).one_or_none()
    if old is None:
        raise NotFound(f"there is no lead status {code} of {source_id}")
    conn.execute(delete(_l).where(key))
    _choose_default(conn, source_id, old.dialer_status)
    _has_changed(conn, source_id)


def put_agent_mapping(conn: Connection, mapping: AgentMapping, is_new: bool | None) -> AgentMapping:
    """
    Make or change an agent mapping.

    Raises:
        NotFound, Conflict: as `put_lead_status`.
    """
    key = and_(_a.c.source_id == mapping.source_id, _a.c.agent_id == mapping.agent_id)
    values = {
        "source_id": mapping.source_id,
        "agent_id": mapping.agent_id,
        "external_id": mapping.external_id,
        "description": mapping.description,
    }
    _put(conn, _a, key, values, is_new, f"mapping of agent {mapping.agent_id} of {mapping.source_id}")
    return mapping


def delete_agent_mapping(conn: Connection, source_id: str, agent_id: str) -> None:
    """
    Remove an agent mapping.

    Raises:
        NotFound: there is none.
    """
    key = and_(_a.c.source_id == source_id, _a.c.agent_id == agent_id)
    if not conn.execute(delete(_a).where(key)).rowcount:
        raise NotFound(f"there is no mapping of agent {agent_id} of {source_id}")
    _has_changed(conn, source_id)


def lead_status_of(row: Row[Any]) -> LeadStatus:
    """
    Return the lead status that a row of `lead_statuses` holds.
    """
    return LeadStatus(row.source_id, row.code, row.dialer_status, row.description, bool(row.is_default))


def _put(
    conn: Connection,
    table: Table,
    key: ColumnElement[bool],
    values: Mapping[str, Any],
    is_new: bool | None,
    what: str,
) -> Row[Any] | None:
    """
    Insert or update one row; return what it was.
    """
    source_id = values["source_id"]
    require_source(conn, source_id)
    old = conn.execute(select(table).where(key)).one_or_none()
    if is_new is True and old is not None:
        raise Conflict(f"there is a {what} already")
    if is_new is False and old is None:
        raise NotFound(f"there is no {what}")
    if old is None:
        count = select(func.count()).select_from(table).where(table.c.source_id == source_id)
        if conn.execute(count).scalar_one() >= MAX_MAPPINGS:
            raise Conflict(f"{source_id} has {MAX_MAPPINGS} of them, which is the most")
        conn.execute(insert(table).values(values))
    else:
        conn.execute(update(table).where(key).values(values))
    _has_changed(conn, source_id)
    return old


def _choose_default(
    conn: Connection, source_id: str, dialer_status: str, left: str | None = None, wanted: str | None = None
) -> None:
    """
    Make one code the default of a dialer status: the wanted one, else the one that is, else the first.

    `left` is chosen only where there is no other.
    """
    of_status = and_(_l.c.source_id == source_id, _l.c.dialer_status == dialer_status)
    query = select(_l.c.code, _l.c.is_default).where(of_status).order_by(_l.c.code)
    rows = [tuple(row) for row in conn.execute(query)]
    if not rows:
        return
    others = [(code, is_default) for code, is_default in rows if code != left] or rows
    chosen = wanted or next((code for code, is_default in others if is_default), others[0][0])
    if [code for code, is_default in rows if is_default] != [chosen]:
        conn.execute(update(_l).where(of_status).values(is_default=_l.c.code == chosen))


def _has_changed(conn: Connection, source_id: str) -> None:
    version = _s.c.mappings_version
    conn.execute(update(_s).where(_s.c.source_id == source_id).values(mappings_version=version + 1))
