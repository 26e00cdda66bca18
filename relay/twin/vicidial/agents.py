"""
An agent at work: what the server keeps of it, and what it shows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple

from relay.model.times import from_ms, rfc3339
from relay.twin.vicidial.calls import Call
from relay.twin.vicidial.leads import Lead
from relay.twin.vicidial.office import User

LOGGED_OUT: Final = "LOGGED_OUT"  # no row at all; the word is ours
PAUSED: Final = "PAUSED"
READY: Final = "READY"
CLOSER: Final = "CLOSER"
QUEUE: Final = "QUEUE"
INCALL: Final = "INCALL"
WAITING: Final = (READY, CLOSER)

LOGIN: Final = "LOGIN"  # the pause code of who was not ready since the login
DISPO: Final = "DISPO"
PREVIEW: Final = "PREVIEW"
RING: Final = "RING"
PARK: Final = "PARK"
THREE_WAY: Final = "3-WAY"
DEAD: Final = "DEAD"
DIAL: Final = "DIAL"


class Shown(NamedTuple):
    """
    What the server shows of an agent, but for names and groups; lead 0 and an empty call id are none.
    """

    status: str
    sub_status: str = ""
    pause_code: str = ""
    call_id: str = ""
    lead_id: int = 0
    campaign: str = ""
    calls_today: int = 0


class StateChange(NamedTuple):
    """
    From `at_ms` on the server showed this of an agent.
    """

    agent: str
    at_ms: int
    shown: Shown

    def as_json(self) -> dict[str, Any]:
        """
        Return the change as `/truth` shows it.
        """
        return {"agent": self.agent, "at": rfc3339(from_ms(self.at_ms)), **self.shown._asdict()}


@dataclass(slots=True)
class WorkRecord:
    """
    A row of the agent log: from a pause to the end of the next call, seconds spent in milliseconds.
    """

    number: int
    user: str
    session: int
    started_ms: int
    pause_code: str = ""
    status: str = ""
    spent_ms: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Agent:
    """
    One agent.  `spell` rises with every change, so that what was planned for an older one can be dropped.
    """

    person: User
    session_id: str
    campaign: str
    is_closer: bool
    is_on_hook: bool = False
    status: str = LOGGED_OUT
    callerid: str = ""
    lead: Lead | None = None
    previewed: Lead | None = None
    is_ringing: bool = False
    is_parked: bool = False
    call: Call | None = None
    calls_by_day: dict[tuple[date, str], int] = field(default_factory=dict)
    record: WorkRecord | None = None
    session: int = 0
    login_order: int = 0
    spell: int = 0
    since_ms: int = 0

    @property
    def user(self) -> str:
        """
        Return the user name.
        """
        return self.person.user

    @property
    def is_logged_in(self) -> bool:
        """
        Tell whether the agent has a row.
        """
        return self.status != LOGGED_OUT

    @property
    def in_disposition(self) -> bool:
        """
        Tell whether the call is over and not yet dispositioned.
        """
        return self.status == PAUSED and self.lead is not None

    @property
    def ready_status(self) -> str:
        """
        Return how the server calls this agent when ready.
        """
        return CLOSER if self.is_closer else READY
