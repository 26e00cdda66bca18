"""
What really happened in a simulated phone system: the yardstick of the audit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relay.model.times import from_rfc3339, rfc3339, rfc3339_or_null


@dataclass(frozen=True, slots=True)
class TruthCall:
    """
    One conversation.

    `key` is the twin's own number and is known to nobody else.  While the call is open, `ended_at` and
    what follows from it are None.  `wait_s` runs to the answer, or to the end where nobody answered;
    `talk_s` of an unanswered call is 0 once it ended.  `agent_name` is who answered, or the one agent
    whose phone rang alone.
    """

    key: str
    kind: str
    direction: str
    from_number: str
    to_number: str
    did: str | None
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    duration_s: int | None
    talk_s: int | None
    wait_s: int | None
    answered: bool
    outcome: str | None
    agent_name: str | None
    queue: str | None
    ring_group: str | None
    legs: int

    def as_json(self) -> dict[str, Any]:
        """
        Return the call as `/truth` shows it.
        """
        return {
            "key": self.key,
            "kind": self.kind,
            "direction": self.direction,
            "from": self.from_number,
            "to": self.to_number,
            "did": self.did,
            "started_at": rfc3339(self.started_at),
            "answered_at": rfc3339_or_null(self.answered_at),
            "ended_at": rfc3339_or_null(self.ended_at),
            "duration_s": self.duration_s,
            "talk_s": self.talk_s,
            "wait_s": self.wait_s,
            "answered": self.answered,
            "outcome": self.outcome,
            "agent_name": self.agent_name,
            "queue": self.queue,
            "ring_group": self.ring_group,
            "legs": self.legs,
        }

    @classmethod
    def from_json(cls, call: Mapping[str, Any]) -> TruthCall:
        """
        Read back what `as_json` wrote.

        Raises:
            KeyError, ValueError: not such a call.
        """
        same = ("key", "kind", "direction", "did", "duration_s", "talk_s", "wait_s", "answered", "outcome")
        return cls(
            from_number=call["from"],
            to_number=call["to"],
            started_at=from_rfc3339(call["started_at"]),
            answered_at=_instant_or_none(call["answered_at"]),
            ended_at=_instant_or_none(call["ended_at"]),
            **{name: call[name] for name in (*same, "agent_name", "queue", "ring_group", "legs")},
        )


def _instant_or_none(text: str | None) -> datetime | None:
    return None if text is None else from_rfc3339(text)
