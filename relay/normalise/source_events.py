"""
Write the events about a source itself: its state, rows it could not read, the vendor's system status.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from relay.model import catalogue
from relay.model.change import Reject, SourceChange, SourceHead
from relay.model.event import LIVE, Event
from relay.model.ids import IdMaker, facts_digest, subject

MAX_SAMPLES: Final = 5


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
