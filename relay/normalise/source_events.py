"""
Write the events about a source itself: its state, gaps and completeness, rows it could not read, what the
vendor reports of its system or does in another way than before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from relay.model import catalogue
from relay.model.change import Reject, SourceChange, SourceHead
from relay.model.coverage import Gap
from relay.model.event import LIVE, Event
from relay.model.ids import IdMaker, facts_digest, subject
from relay.model.times import rfc3339, rfc3339_or_null

MAX_SAMPLES: Final = 5
MAX_HOURS: Final = 24
ONE_HOUR: Final = timedelta(hours=1)


class SourceEvents:
    """
    Collects the events of one poll on the subject of its source.
    """

    def __init__(self, ids: IdMaker, head: SourceHead, observed_at: datetime) -> None:
        self._ids = ids
        self._before = head
        self._observed_at = observed_at
        self._head = head
        self._made: list[Event] = []

    def change(self) -> SourceChange | None:
        """
        Return what was collected, or None where nothing was.
        """
        if self._head == self._before:
            return None
        return SourceChange(self._head, tuple(self._made), self._before.revision)

    def state(self, state: str, reason: str | None, streams: Mapping[str, str]) -> None:
        """
        Say that the source is reached in another way than before.
        """
        if state != self._head.state:
            previous, self._head = self._head.state, replace(self._head, state=state)
            facts = {"state": state, "previous_state": previous, "reason": reason, "streams": dict(streams)}
            self._add(catalogue.SOURCE_STATE_CHANGED, facts, ("state",))

    def rejected(self, stream: str, rejects: Sequence[Reject]) -> None:
        """
        Say that rows of a stream could not be read: one event with a few samples.
        """
        if rejects:
            samples = [
                {"digest": reject.digest.hex(), "why": reject.why, "row": reject.row}
                for reject in rejects[:MAX_SAMPLES]
            ]
            facts = {"stream": stream, "count": len(rejects), "samples": samples}
            self._add(catalogue.SOURCE_ROW_REJECTED, facts, ())

    def gaps(self, before: Sequence[Gap], changes: Sequence[Gap]) -> None:
        """
        Say which gaps opened or closed; one that only ends elsewhere now is not news.
        """
        known = {(gap.stream, gap.start) for gap in before}
        for gap in changes:
            is_new = (gap.stream, gap.start) not in known
            if gap.closed_at is None and not is_new:
                continue
            facts = {
                "stream": gap.stream,
                "gap_from": rfc3339(gap.start),
                "gap_to": rfc3339_or_null(gap.end),
                "reason": gap.reason,
                "rows_recovered": gap.rows_recovered,
            }
            self._add(catalogue.SOURCE_GAP_OPENED if is_new else catalogue.SOURCE_GAP_CLOSED, facts, ())

    def watermark(self, begin: datetime, until: datetime) -> None:
        """
        Say which hours since `begin` are complete, as everything before `until` is.

        At most MAX_HOURS of them; the others are said the next time.
        """
        at = self._head.watermark or _next_hour(begin)
        for _ in range(MAX_HOURS):
            if at + ONE_HOUR > until:
                return
            facts = {"hour_from": rfc3339(at), "hour_to": rfc3339(at + ONE_HOUR)}
            self._add(catalogue.SOURCE_WATERMARK, facts, ())
            at += ONE_HOUR
            self._head = replace(self._head, watermark=at)

    def drift(self, stream: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        """
        Say that the rows of a stream appear at another time of the call than before.
        """
        facts = {"stream": stream, "what": "visibility", "was": dict(was), "now": dict(now)}
        self._add(catalogue.SOURCE_SCHEMA_DRIFT, facts, ("now",))

    def system_status(self, status: Any) -> None:
        """
        Say that the vendor reports another status of its system than before.
        """
        if status != self._head.system_status:
            previous, self._head = self._head.system_status, replace(self._head, system_status=status)
            facts = {"status": status, "previous_status": previous}
            self._add(catalogue.SYSTEM_STATUS_CHANGED, facts, ("status",))

    def _add(self, event_type: str, facts: dict[str, Any], changed: tuple[str, ...]) -> None:
        head = self._head
        text = subject("source", head.source_id)
        event_id = self._ids.following(text, head.last_event_id, facts_digest(event_type, facts))
        self._made.append(
            Event(
                id=event_id,
                type=event_type,
                source_id=head.source_id,
                subject=text,
                revision=head.revision + 1,
                occurred_at=self._observed_at,
                observed_at=self._observed_at,
                precision_s=None,
                data=facts,
                changed=changed if head.revision else (),
                origin=LIVE,
            )
        )
        self._head = replace(head, revision=head.revision + 1, last_event_id=event_id)


def _next_hour(at: datetime) -> datetime:
    """
    Return the first full hour that is not before an instant.
    """
    hour = at.replace(minute=0, second=0, microsecond=0)
    return hour if hour == at else hour + ONE_HOUR
