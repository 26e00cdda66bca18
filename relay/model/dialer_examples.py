"""
What the examples of a dialer's events say: agents, groups, leads, commands.

The numbers are reserved for fiction in North America.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from relay.model import catalogue
from relay.model.ids import subject
from relay.model.times import rfc3339

DIALER: Final = "dialer"


class DialerExample(NamedTuple):
    """
    One example: its type, subject, revision and data, `after_s` seconds after the start of the story.
    """

    type: str
    subject: str
    revision: int
    after_s: int
    data: Mapping[str, Any]
    changed: tuple[str, ...] = ()
    precision_s: int | None = 1


def dialer_examples(start: datetime, call_id: str) -> tuple[DialerExample, ...]:
    """
    Return the examples of a dialer whose story begins at `start`; `call_id` is the call that it tells of.
    """

    def at(after_s: int) -> str:
        return rfc3339(start + timedelta(seconds=after_s))

    agent = subject("agent", DIALER, "1002")
    return (
        DialerExample(catalogue.AGENT_LOGGED_IN, agent, 1, 0, _agent(at(0), "PAUSED", calls_today=0)),
        DialerExample(
            catalogue.AGENT_STATUS_CHANGED, agent, 2, 64,
            _agent(
                at(64), "INCALL", call_id=call_id, phone_number="7275550101", lead_id="101", calls_today=1,
                previous_status="READY", dwell_s=22, skipped_transitions=0,
            ),
            ("status", "call_id", "phone_number", "lead_id", "calls_today", "since"),
        ),
        DialerExample(
            catalogue.AGENT_LOGGED_OUT, agent, 3, 30_000,
            _agent(at(30_000), "LOGGED_OUT", previous_status="PAUSED", dwell_s=310, calls_today=61),
            ("status", "since"),
        ),
        DialerExample(catalogue.AGENT_STATS, agent, 4, 31_000, _stats(at(0), at(30_600)), (), None),
        *_groups(),
        *_records(at, call_id),
        *_commands(at(40), call_id),
    )  # fmt: skip


def _agent(since: str, status: str, **more: Any) -> dict[str, Any]:
    return {
        "agent_id": "1002",
        "agent_name": "Bob Baker",
        "agent_external_id": "crm-417",
        "status": status,
        "sub_status": None,
        "pause_code": None,
        "campaign": "TESTCAMP",
        "user_group": "AGENTS",
        "call_id": None,
        "phone_number": None,
        "lead_id": None,
        "calls_today": None,
        "previous_status": None,
        "since": since,
        "dwell_s": None,
        "skipped_transitions": None,
        **more,
    }


def _stats(window_from: str, window_to: str) -> dict[str, Any]:
    return {
        **{name: _agent(window_from, "PAUSED")[name] for name in ("agent_id", "agent_name", "user_group")},
        "agent_external_id": "crm-417",
        "window_from": window_from,
        "window_to": window_to,
        "calls": 61,
        "login_s": 29_880,
        "talk_s": 17_220,
        "wait_s": 6_100,
        "pause_s": 6_200,
        "wrapup_s": 2_440,
        "dead_s": 130,
        "sessions": 1,
        "pauses": 64,
    }


def _groups() -> tuple[DialerExample, ...]:
    gauges = {
        "calls_waiting": 2, "agents_logged_in": 5, "agents_ready": 1, "agents_in_call": 4,
        "agents_paused": 0, "agents_in_dispo": 0, "agents_in_dial": 0,
    }  # fmt: skip
    in_group = {"group_id": "SALESLINE", "kind": "in_group", **gauges, "agents_in_dead_call": None}
    team = {"group_id": "AGENTS", "kind": "user_group", **gauges, "agents_in_dead_call": 1}
    return (
        DialerExample(
            catalogue.IN_GROUP_STATUS_CHANGED, subject("in_group", DIALER, "SALESLINE"), 7, 66,
            {**in_group, "calls_total": 5, "calls_active": 3}, ("calls_waiting", "agents_ready"), 3,
        ),
        DialerExample(
            catalogue.USER_GROUP_STATUS_CHANGED, subject("user_group", DIALER, "AGENTS"), 3, 66,
            {**team, "calls_total": None, "calls_active": None}, ("agents_in_call",), 3,
        ),
    )  # fmt: skip


def _records(at: Any, call_id: str) -> tuple[DialerExample, ...]:
    lead = {
        "lead_id": "193716", "list_id": "999", "phone_raw": "7275550101", "phone_e164": "+17275550101",
        "vendor_lead_code": "VLC00101", "status": "NEW", "status_mapped": "Open", "command_id": "cmd_9f8a",
        "reason": None,
    }  # fmt: skip
    rejected = {"lead_id": None, "status": None, "status_mapped": None, "reason": "DUPLICATE PHONE NUMBER"}
    user = {
        "agent_id": "1040", "agent_name": "Erin Evans", "agent_external_id": None, "user_group": "AGENTS",
        "active": True, "command_id": "cmd_9f8c",
    }  # fmt: skip
    called = {
        "did": "3125550199", "call_id": call_id, "from_raw": "7275550101", "from_e164": "+17275550101",
        "started_at": at(40), "duration_s": 96,
    }  # fmt: skip
    a_list = {"list_id": "999", "list_name": "Spring leads", "campaign": "TESTCAMP", "active": True}
    of_lead, of_user = subject("lead", DIALER, "193716"), subject("user", DIALER, "1040")
    return (
        DialerExample(
            catalogue.DID_CALL_LOGGED, subject("did", DIALER, "3125550199"), 1, 40, called, (), 1
        ),
        DialerExample(catalogue.LIST_CHANGED, subject("list", DIALER, "999"), 1, 100, a_list, (), 150),
        DialerExample(catalogue.LEAD_CREATED, of_lead, 1, 40, lead),
        DialerExample(
            catalogue.LEAD_UPDATED, of_lead, 2, 50, {**lead, "status": "SALE", "status_mapped": "Won"},
            ("status", "status_mapped"),
        ),
        DialerExample(
            catalogue.LEAD_REJECTED, subject("command", DIALER, "cmd_9f8b"), 1, 40, {**lead, **rejected}
        ),
        DialerExample(catalogue.USER_CREATED, of_user, 1, 40, user),
        DialerExample(catalogue.USER_UPDATED, of_user, 2, 90, {**user, "active": False}, ("active",)),
    )  # fmt: skip


def _commands(requested_at: str, call_id: str) -> tuple[DialerExample, ...]:
    done = {
        "command_id": "cmd_9f8a", "function": "add_lead", "status": "succeeded",
        "message": "add_lead LEAD HAS BEEN ADDED", "requested_by": "crm", "requested_at": requested_at,
    }  # fmt: skip
    refused = {"status": "failed", "message": "add_lead NOT AN ALLOWED LIST ID", "command_id": "cmd_9f8b"}
    lost = {"status": "unknown", "message": None, "command_id": "cmd_9f8d", "function": "update_lead"}
    call = {"command_id": "cmd_9f8e", "function": "call-to-number", "message": None}
    return (
        DialerExample(catalogue.COMMAND_SUCCEEDED, subject("command", DIALER, "cmd_9f8a"), 1, 41, done),
        DialerExample(
            catalogue.COMMAND_FAILED, subject("command", DIALER, "cmd_9f8b"), 2, 41, {**done, **refused}
        ),
        DialerExample(
            catalogue.COMMAND_UNKNOWN, subject("command", DIALER, "cmd_9f8d"), 1, 70, {**done, **lost}
        ),
        DialerExample(
            catalogue.COMMAND_LINKED, subject("command", DIALER, "cmd_9f8e"), 2, 52,
            {**done, **call, "call_id": call_id},
        ),
    )  # fmt: skip
