"""
Move a subject that is no call along: with an event that follows its last one, or without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relay.model.event import LIVE, Event
from relay.model.ids import IdMaker, facts_digest, subject
from relay.model.subject_state import SubjectChange, SubjectState
from relay.normalise.poll_times import Moment


@dataclass(frozen=True, slots=True)
class News:
    """
    What is to be said of a subject: `data` is the whole record, `facts` the part of it that the vendor says
    (the id of the event follows from it), `moment` when it happened.
    """

    type: str
    data: dict[str, Any]
    facts: Mapping[str, Any]
    moment: Moment
    changed: tuple[str, ...]
    inferred: bool = False


def new_subject(source_id: str, kind: str, name: str, seen_at: datetime) -> SubjectState:
    """
    Return a subject of which nothing is known yet.
    """
    return SubjectState(subject(kind, source_id, name), source_id, kind, name, 0, None, {}, {}, seen_at)


def keep(state: SubjectState, notes: dict[str, Any], asked_at: datetime) -> SubjectChange:
    """
    Return a subject with other notes, and no event.
    """
    return SubjectChange(state._replace(notes=notes, changed_at=asked_at), (), state.revision)


def tell(
    ids: IdMaker, state: SubjectState, news: News, notes: dict[str, Any], asked_at: datetime
) -> SubjectChange:
    """
    Return a subject after an event that says what is new.
    """
    event = Event(
        id=ids.following(state.subject, state.last_event_id, facts_digest(news.type, dict(news.facts))),
        type=news.type,
        source_id=state.source_id,
        subject=state.subject,
        revision=state.revision + 1,
        occurred_at=news.moment.at,
        observed_at=asked_at,
        precision_s=news.moment.precision_s,
        data=news.data,
        inferred=news.inferred,
        changed=news.changed,
        origin=LIVE,
    )
    after = state._replace(
        revision=event.revision,
        last_event_id=event.id,
        record=news.data,
        notes=notes,
        changed_at=asked_at,
    )
    return SubjectChange(after, (event,), state.revision)
