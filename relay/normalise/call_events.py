"""
Write the events of one call, in order, with revisions and ids.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from relay.model import call as words
from relay.model import catalogue
from relay.model.call import Call
from relay.model.event import Event
from relay.model.ids import IdMaker, facts_digest
from relay.model.times import from_rfc3339, rfc3339
from relay.normalise.call_record import Record, as_answered, as_started, changed_fields
from relay.normalise.rules import CallRules

WHOLE_SECOND_S: Final = 1  # vendors tell whole seconds: half a second either way, rounded up

_END_TYPE: Final = {
    words.ABANDONED: catalogue.CALL_ABANDONED,
    words.TIMED_OUT: catalogue.CALL_TIMED_OUT,
    words.MISSED: catalogue.CALL_MISSED,
}


class CallEvents:
    """
    Collects the events of one call, in `made`, and moves the call along with them.
    """

    def __init__(
        self, ids: IdMaker, rules: CallRules, call: Call, observed_at: datetime, origin: str
    ) -> None:
        self._ids = ids
        self._rules = rules
        self._observed_at = observed_at
        self._origin = origin
        self._call = call
        self._revision = call.revision
        self._last_event_id = call.last_event_id
        self._record = call.record
        self._is_answer_published = call.is_answer_published
        self._is_end_published = call.is_end_published
        self._is_settled = call.is_settled
        self.made: list[Event] = []

    @property
    def call(self) -> Call:
        """
        Return the call after the events made so far.
        """
        return self._call._replace(
            state=words.ENDED if self._is_end_published else self._call.state,
            is_answer_published=self._is_answer_published,
            is_end_published=self._is_end_published,
            is_settled=self._is_settled,
            revision=self._revision,
            last_event_id=self._last_event_id,
            record=self._record,
        )

    def start(self, record: Record) -> None:
        """
        Say that the call started, unless that was said.
        """
        if self._revision == 0:
            inferred = record["state"] != words.STARTED
            self._milestone(
                catalogue.CALL_STARTED, "started", as_started(record), record["started_at"], inferred
            )

    def answer(self, record: Record, precision_s: int | None = WHOLE_SECOND_S) -> None:
        """
        Say that somebody answered, unless that was said or nobody did.
        """
        if record["answered_at"] is not None and not self._is_answer_published:
            inferred = record["state"] == words.ENDED
            self._milestone(
                catalogue.CALL_ANSWERED,
                "answered",
                as_answered(record),
                record["answered_at"],
                inferred,
                precision_s,
            )
            self._is_answer_published = True

    def end(self, record: Record, precision_s: int | None = WHOLE_SECOND_S) -> None:
        """
        Say that the call ended; a negative end was concluded from what did not come.
        """
        outcome = record["outcome"]
        event_type = _END_TYPE.get(outcome, catalogue.CALL_FINISHED)
        # Nobody knows when a call ended that was never confirmed: it is over since it was looked for.
        at = record["ended_at"] or rfc3339(self._observed_at)
        self._milestone(event_type, "end", record, at, outcome != words.ANSWERED, precision_s)
        self._is_end_published = True

    def update(self, record: Record) -> None:
        """
        Say what changed after the end; the state stays ended.
        """
        if changed_fields(self._record, record):
            self._follow(catalogue.CALL_UPDATED, record, {})

    def disposition(self, record: Record) -> None:
        """
        Say what became of the call, in the words of the dialer.
        """
        self._follow(catalogue.CALL_DISPOSITIONED, record, {})

    def recording(self, record: Record) -> None:
        """
        Say that the recording can be fetched.
        """
        self._follow(catalogue.CALL_RECORDING_READY, record, {})

    def absorb(self, record: Record, call_id: str) -> None:
        """
        Say that another published call became part of this one.
        """
        if not self._is_end_published:
            record = as_answered(record) if self._is_answer_published else as_started(record)
        self._follow(catalogue.CALL_MERGED, record, {"absorbed_into": None, "absorbed_call_id": call_id})

    def merge_into(self, call_id: str) -> None:
        """
        Say that this call is part of another: its last event, which stands for its end.
        """
        record = self._record | {"state": words.ENDED}
        self._follow(
            catalogue.CALL_MERGED,
            record,
            {"absorbed_into": call_id, "absorbed_call_id": None},
            is_final=True,
        )

    def settle(self, settled_at: datetime) -> None:
        """
        Say that nothing more is expected: safe to bill.
        """
        event_id = self._ids.milestone(self._call.subject, "settled")
        self._add(catalogue.CALL_SETTLED, event_id, self._record, settled_at, None, (), is_final=True)
        self._is_settled = True

    def stay_silent(self, record: Record) -> None:
        """
        Keep what the call is without a word: it ended before publishing began.
        """
        self._record = record

    def _milestone(
        self,
        event_type: str,
        milestone: str,
        record: Record,
        at: str,
        inferred: bool,
        precision_s: int | None = WHOLE_SECOND_S,
    ) -> None:
        changed = changed_fields(self._record, record) if self._revision else ()
        event_id = self._ids.milestone(self._call.subject, milestone)
        self._add(event_type, event_id, record, from_rfc3339(at), precision_s, changed, inferred)

    def _follow(self, event_type: str, record: Record, more: Record, is_final: bool = False) -> None:
        data = record | more
        event_id = self._ids.following(
            self._call.subject, self._last_event_id, facts_digest(event_type, data)
        )
        changed = changed_fields(self._record, data)
        self._add(event_type, event_id, data, self._observed_at, None, changed, is_final=is_final)
        self._record = record

    def _add(
        self,
        event_type: str,
        event_id: str,
        data: Record,
        occurred_at: datetime,
        precision_s: int | None,
        changed: tuple[str, ...],
        inferred: bool = False,
        is_final: bool = False,
    ) -> None:
        self._revision += 1
        self._last_event_id, self._record = event_id, data
        self.made.append(
            Event(
                id=event_id,
                type=event_type,
                source_id=self._rules.source_id,
                subject=self._call.subject,
                revision=self._revision,
                occurred_at=occurred_at,
                observed_at=self._observed_at,
                precision_s=precision_s,
                data=data,
                final=is_final,
                inferred=inferred,
                changed=changed,
                origin=self._origin,
            )
        )
