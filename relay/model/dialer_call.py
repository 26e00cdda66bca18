"""
What a dialer shows of one call, put together from everything it was asked.

A dialer has no list of calls with all their facts: an agent's status shows that there is one, another
request its number, a third what became of it.  `DialerCall` is what is known so far.  It is stored as the
row of the call's only leg, so that the next answer adds to it, also after a restart.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from relay.model.times import from_rfc3339, rfc3339

_TIMES: Final = ("started_at", "answered_at", "ended_at", "logged_at")


class DialerCall(NamedTuple):
    """
    One call of a dialer as known so far; None: not known.

    `vendor_id` is the dialer's call id (None where only a log told of the call).  Times are UTC; where a
    poll told them they are the middle of the interval between two polls, and `answered_precision_s` and
    `ended_precision_s` half its width.  `status` is the dialer's status of the call once it is final,
    `talk_s` its own count of it.  `logged_at` is the time under which its logs list the call,
    `linked_call_id` the call of another source that is the same conversation.  `is_pushed` while only a push
    told of the call; `is_lost` where nothing else ever did, so that neither answer nor end is known.
    """

    vendor_id: str | None
    direction: str
    started_at: datetime
    phone: str | None = None
    did: str | None = None
    queue: str | None = None
    campaign: str | None = None
    agent_id: str | None = None
    agent_name: str | None = None
    lead_id: str | None = None
    list_id: str | None = None
    vendor_lead_code: str | None = None
    answered_at: datetime | None = None
    answered_precision_s: int | None = None
    ended_at: datetime | None = None
    ended_precision_s: int | None = None
    talk_s: int | None = None
    status: str | None = None
    hangup_reason: str | None = None
    recording_url: str | None = None
    logged_at: datetime | None = None
    linked_call_id: str | None = None
    is_pushed: bool = False
    is_lost: bool = False

    @property
    def is_final(self) -> bool:
        """
        Tell whether the dialer has said what became of it.
        """
        return self.status is not None

    def as_row(self) -> dict[str, Any]:
        """
        Return it as JSON values, without what is not known.
        """
        return {
            name: rfc3339(value) if isinstance(value, datetime) else value
            for name, value in self._asdict().items()
            if value is not None and value is not False
        }

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> DialerCall:
        """
        Read back what `as_row` wrote.

        Raises:
            KeyError, TypeError, ValueError: it is no such row.
        """
        known: dict[str, Any] = {name: row.get(name) for name in cls._fields if name in row}
        known.setdefault("vendor_id", None)
        for name in _TIMES:
            if name in known:
                known[name] = from_rfc3339(row[name])
        return cls(**known)

    def told(self, **facts: Any) -> DialerCall:
        """
        Return it with facts that are known now; None and "" tell nothing.
        """
        return self._replace(**{name: value for name, value in facts.items() if value not in (None, "")})
