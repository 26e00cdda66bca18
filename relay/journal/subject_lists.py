"""
Subjects that are no calls as people look for them: by kind, source and name.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import orjson
from sqlalchemy import bindparam, select, tuple_

from relay.journal import schema
from relay.journal.cursors import FIRST_SUBJECT, SubjectPlace, place_of, text_of
from relay.journal.questions import Question, Row, Snapshot, as_text
from relay.model.listing import Page, SubjectItem
from relay.model.times import from_ms

_t = schema.subjects
_ITEM: Final = (
    _t.c.subject,
    _t.c.source_id,
    _t.c.kind,
    _t.c.name,
    _t.c.revision,
    as_text(_t.c.record),
    _t.c.changed_ms,
)
_of_kind = (
    select(*_ITEM)
    .where(_t.c.kind == bindparam("kind"))
    .order_by(_t.c.source_id, _t.c.name)
    .limit(bindparam("limit"))
)

SUBJECT: Final = Question(select(*_ITEM).where(_t.c.subject == bindparam("subject")))
OF_KIND: Final = Question(
    _of_kind.where(tuple_(_t.c.source_id, _t.c.name) > tuple_(bindparam("source_id"), bindparam("name")))
)
OF_SOURCE: Final = Question(
    _of_kind.where(_t.c.source_id == bindparam("source_id"), _t.c.name > bindparam("name"))
)


def subject(look: Snapshot, name: str) -> SubjectItem | None:
    """
    Return a subject by its name.
    """
    row = look.row(SUBJECT, subject=name)
    return None if row is None else _item(row)


def list_subjects(
    look: Snapshot, kinds: Collection[str], source_id: str | None, after: str | None, limit: int
) -> Page[SubjectItem]:
    """
    Return a page of subjects by kind, source and name.

    Raises:
        NoSuchPlace: `after` is no place in the list.
    """
    place = place_of(after, FIRST_SUBJECT)
    rows: list[Row] = []
    for kind in sorted(kinds):
        if kind >= place.kind and len(rows) <= limit:
            begin = place if kind == place.kind else FIRST_SUBJECT
            rows += look.rows(
                OF_KIND if source_id is None else OF_SOURCE,
                kind=kind,
                source_id=begin.source_id if source_id is None else source_id,
                name=begin.name,
                limit=limit + 1 - len(rows),
            )
    items = tuple(map(_item, rows[:limit]))
    if len(rows) <= limit:
        return Page(items, None)
    return Page(items, text_of(SubjectPlace(items[-1].kind, items[-1].source_id, items[-1].name)))


def _item(row: Row) -> SubjectItem:
    text, source_id, kind, name, revision, record, changed_ms = row
    return SubjectItem(text, source_id, kind, name, revision, orjson.loads(record), from_ms(changed_ms))
