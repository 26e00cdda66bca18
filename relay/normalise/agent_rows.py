"""
Read what a VICIdial server shows of its agents: rows of `logged_in_agents` and of `agent_status`.

One row that is not as documented makes the whole poll bad: what is missing in it could otherwise be taken
for an agent who logged out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, get_args

from relay.model.dialer_data import AgentStatus, SubStatus
from relay.model.errors import RecordRejected

LOGGED_OUT: Final = "LOGGED_OUT"  # relay's own word: the vendor shows no row then
PAUSED: Final = "PAUSED"
INCALL: Final = "INCALL"
DEAD: Final = "DEAD"
DISPO: Final = "DISPO"
BEING_HANDED_OVER: Final = frozenset({"QUEUE", "MQUEUE"})

_STATUSES: Final = frozenset(get_args(AgentStatus)) - {LOGGED_OUT}
_SUB_STATUSES: Final = frozenset(get_args(SubStatus))


class AgentSeen(NamedTuple):
    """
    An agent as one poll shows it; None where the vendor shows nothing.

    `callerid` is the vendor's id of the call, `lead_id` the lead before the eyes, `calls_today` the calls of
    this agent, campaign and day.  The last two are told by `agent_status` alone.
    """

    agent_id: str
    status: str
    sub_status: str | None
    pause_code: str | None
    campaign: str | None
    callerid: str | None
    lead_id: str | None
    calls_today: int | None
    agent_name: str | None
    user_group: str | None
    phone_number: str | None = None
    vendor_lead_code: str | None = None


def read_logged_in_agents(rows: Sequence[Mapping[str, Any]]) -> list[AgentSeen]:
    """
    Read the rows of `logged_in_agents` with `show_sub_status=YES`, each column a text by its name.

    Raises:
        RecordRejected: a row, which it carries, is not as documented, or shows an agent a second time.
    """
    agents = []
    known: set[str] = set()
    for row in rows:
        agent_id = _text(row, "user")
        if agent_id is None or agent_id in known:
            raise RecordRejected(row, "user is empty" if agent_id is None else "user stands in two rows")
        known.add(agent_id)
        agents.append(_read(agent_id, row, _text(row, "sub_status")))
    return agents


def read_agent_status(agent_id: str, row: Mapping[str, Any]) -> AgentSeen:
    """
    Read the row of `agent_status` about one agent, whose id the row does not repeat.

    Raises:
        RecordRejected: it is not as documented.
    """
    seen = _read(agent_id, row, _text(row, "real_time_sub_status"))
    return seen._replace(
        phone_number=_text(row, "phone_number"), vendor_lead_code=_text(row, "vendor_lead_code")
    )


def _read(agent_id: str, row: Mapping[str, Any], sub_status: str | None) -> AgentSeen:
    status = _text(row, "status")
    if status is None or status not in _STATUSES:
        raise RecordRejected(row, f"status {status!r} of agent {agent_id} is not known")
    if sub_status is not None and sub_status not in _SUB_STATUSES:
        raise RecordRejected(row, f"sub-status {sub_status!r} of agent {agent_id} is not known")
    pause_code = _text(row, "pause_code")
    lead_id = _digits(row, "lead_id")
    calls_today = _digits(row, "calls_today")
    return AgentSeen(
        agent_id=agent_id,
        status=status,
        sub_status=sub_status,
        # It belongs to a log record that lasts until the next call is over, so it is shown in calls too.
        pause_code=pause_code if status == PAUSED and sub_status is None else None,
        campaign=_text(row, "campaign_id"),
        callerid=_text(row, "callerid"),
        lead_id=None if lead_id == "0" else lead_id,
        calls_today=None if calls_today is None else int(calls_today),
        agent_name=_text(row, "full_name"),
        user_group=_text(row, "user_group"),
    )


def _text(row: Mapping[str, Any], column: str) -> str | None:
    value = row.get(column)
    if not isinstance(value, str):
        raise RecordRejected(row, f"{column} is missing")
    return value.strip() or None


def _digits(row: Mapping[str, Any], column: str) -> str | None:
    value = _text(row, column)
    if value is not None and not (value.isascii() and value.isdigit() and len(value) <= 18):
        raise RecordRejected(row, f"{column} {value!r} is not a number")
    return value
