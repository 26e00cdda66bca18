"""
The gauges of in-groups and user groups, one group a request: a server adds several up into one row.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from relay.model import vendor_answer as verdicts
from relay.model.errors import RecordRejected, RevisionConflict, SourceGarbled
from relay.model.ids import subject
from relay.model.subject_state import IN_GROUP
from relay.normalise.groups import GroupDiff, read_in_group, read_user_group
from relay.normalise.poll_times import PollTimes
from relay.pipeline.dialer.asking import ask
from relay.pipeline.dialer.dialer_context import DialerContext


class _Asked(NamedTuple):
    function: str
    parameter: str


_ASKED: Final = {
    IN_GROUP: _Asked("in_group_status", "in_groups"),
    "user_group": _Asked("user_group_status", "user_groups"),
}


class GroupPoll:
    """
    Asks for the groups of one kind in turn.

    Args:
        context: the dialer.
        stream: under which name it is counted.
        kind: in_group or user_group.
        names: of the groups; at least one.
        diff: says what two polls differ in.
    """

    def __init__(
        self, context: DialerContext, stream: str, kind: str, names: tuple[str, ...], diff: GroupDiff
    ) -> None:
        self.stream = stream
        self._context = context
        self._kind = kind
        self._names = names
        self._diff = diff
        self._turn = 0
        self._polled_at: dict[str, datetime] = {}

    async def step(self) -> timedelta:
        """
        Ask for the next group; return how long to wait before the one after it.

        Raises:
            SourceError: no good answer.
        """
        context, asked = self._context, _ASKED[self._kind]
        name = self._names[self._turn % len(self._names)]
        self._turn += 1  # a group that fails keeps no other waiting
        answered = await ask(context, self.stream, asked.function, {asked.parameter: name, "stage": "pipe"})
        answer = answered.answer
        if answer.verdict != verdicts.ROWS or len(answer.rows) != 1:
            why = f"{asked.function} answered {answer.verdict}"
            raise SourceGarbled(context.source_id, "bad_payload", why, answer.raw[:200])
        read = read_in_group if self._kind == IN_GROUP else read_user_group
        try:
            seen = read(name, answer.rows[0])
        except RecordRejected as error:
            raise SourceGarbled(context.source_id, "bad_payload", error.why, answer.raw[:200]) from error
        about = subject(self._kind, context.source_id, name)
        times = PollTimes(answered.requested_at, self._polled_at.get(name), context.ledger.skew)
        while True:
            state = (await context.journal.subjects_named([about])).get(about)
            change = self._diff.diff(state, seen, times)
            try:
                await context.append(self.stream, subjects=() if change is None else (change,))
                break
            except RevisionConflict:
                continue  # made anew from what is there now
        self._polled_at[name] = answered.requested_at
        return timedelta(seconds=context.settings.group_every_s / len(self._names))
