"""
The calls of a dialer, and everything that its logs and the truth say of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from relay.model.times import from_ms, rfc3339, rfc3339_or_null
from relay.twin.vicidial.leads import Lead

AUTO: Final = "auto"
MANUAL: Final = "manual"
INBOUND: Final = "inbound"
TRANSFER: Final = "transfer"
LETTERS: Final[Mapping[str, str]] = {AUTO: "V", MANUAL: "M", INBOUND: "Y", TRANSFER: "J"}
CALL_TYPES: Final[Mapping[str, str]] = {
    AUTO: "OUTBOUND_AUTO", MANUAL: "OUTBOUND_MANUAL", INBOUND: "INBOUND", TRANSFER: "INBOUND"
}  # fmt: skip


def local(at_ms: int, zone: ZoneInfo) -> datetime:
    """
    Return an instant as the server's own clock shows it, with whole seconds.
    """
    return from_ms(at_ms // 1000 * 1000).astimezone(zone)


def call_id(letter: str, at_ms: int, lead_id: int, zone: ZoneInfo) -> str:
    """
    Return the vendor's id of a call: letter, month without its first digit, DDHHMMSS local, lead id.
    """
    return f"{letter}{f'{local(at_ms, zone):%m%d%H%M%S}'[1:]}{lead_id:010d}"


@dataclass(slots=True)
class Call:
    """
    One call of the dialer.

    `started_ms` is when its id was made: dialled, or come in.  `connected_ms` is when the customer of an
    outbound call picked up, `answered_ms` when an agent did, `ended_ms` when the customer was gone.
    `status` is that of its log row: QUEUE, INCALL, then the disposition.  `group` is the campaign, or the
    in-group of an inbound call.  `agents` are all who took part, the first of them answered it.
    """

    key: str
    kind: str
    call_id: str
    uniqueid: str
    lead: Lead
    group: str
    started_ms: int
    did: str | None = None
    phone: str = ""
    list_id: int = 0
    agents: list[str] = field(default_factory=list)
    connected_ms: int | None = None
    offered_ms: int | None = None
    answered_ms: int | None = None
    ended_ms: int | None = None
    dispositioned_ms: int | None = None
    status: str = "QUEUE"
    user: str = ""
    hangup_reason: str = ""
    recording_id: int | None = None
    recording_url: str = ""
    recording_ready_ms: int | None = None
    times_shown: int = 0  # in so many answers about all agents it stood

    @property
    def is_inbound(self) -> bool:
        """
        Tell whether it is in the log of the in-groups rather than in that of the campaigns.
        """
        return self.kind in (INBOUND, TRANSFER)

    @property
    def is_dialling(self) -> bool:
        """
        Tell whether it is a manual call that the customer has not answered yet.
        """
        return self.kind == MANUAL and self.connected_ms is None and self.ended_ms is None

    @property
    def logged_ms(self) -> int:
        """
        Return the call_date of its log row: its beginning, or of an outbound call its answer.
        """
        if self.is_inbound or self.connected_ms is None:
            return self.started_ms
        return self.connected_ms

    @property
    def length_s(self) -> int | None:
        """
        Return the length_in_sec of its log row; None while it goes on.
        """
        return None if self.ended_ms is None else self.ended_ms // 1000 - self.logged_ms // 1000

    @property
    def talk_s(self) -> int | None:
        """
        Return how long agent and customer talked; 0 for a call that no agent took, None while it goes on.
        """
        if self.ended_ms is None:
            return None
        if self.answered_ms is None:
            return 0
        return self.ended_ms // 1000 - self.answered_ms // 1000

    @property
    def outcome(self) -> str | None:
        """
        Return answered, abandoned or no_answer; None while it goes on.
        """
        if self.ended_ms is None:
            return None
        if self.answered_ms is not None:
            return "answered"
        return "abandoned" if self.is_inbound or self.connected_ms is not None else "no_answer"

    def as_json(self) -> dict[str, Any]:
        """
        Return the call as `/truth` shows it.
        """
        return {
            "key": self.key,
            "kind": self.kind,
            "call_id": self.call_id,
            "uniqueid": self.uniqueid,
            "direction": "inbound" if self.is_inbound else "outbound",
            "lead_id": self.lead.lead_id,
            "list_id": self.list_id,
            "vendor_lead_code": self.lead.fields.get("vendor_lead_code", ""),
            "phone": self.phone,
            "did": self.did,
            "agent": self.agents[0] if self.agents else None,
            "agents": list(self.agents),
            "campaign": None if self.is_inbound else self.group,
            "in_group": self.group if self.is_inbound else None,
            "started_at": rfc3339(from_ms(self.started_ms)),
            "connected_at": _at(self.connected_ms),
            "offered_at": _at(self.offered_ms),
            "answered_at": _at(self.answered_ms),
            "ended_at": _at(self.ended_ms),
            "dispositioned_at": _at(self.dispositioned_ms),
            "answered": self.outcome == "answered" if self.ended_ms is not None else None,
            "outcome": self.outcome,
            "talk_s": self.talk_s,
            "length_s": self.length_s,
            "status": self.status,
            "disposition": self.status if self.dispositioned_ms is not None else None,
            "hangup_reason": self.hangup_reason,
            "recording_id": self.recording_id,
            "recording_url": self.recording_url or None,
            "recording_ready_at": _at(self.recording_ready_ms),
            "times_shown": self.times_shown,
        }


def _at(ms: int | None) -> str | None:
    return rfc3339_or_null(None if ms is None else from_ms(ms))
