"""
The contract of `data` for what a dialer shows besides calls: agents, groups, inbound numbers.

See `relay.model.event_data`, which has the fields that every event has.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from relay.model.event_data import EventData, Seconds, Time

Count = int | None

AgentStatus = Literal["READY", "CLOSER", "QUEUE", "MQUEUE", "INCALL", "PAUSED", "LOGGED_OUT"]
SubStatus = Literal["DISPO", "PREVIEW", "RING", "DEAD", "3-WAY", "PARK", "DIAL"]


class AgentData(EventData):
    """
    The whole agent after this event, never a delta: upsert by `agent_id` where `revision` is higher.

    Between two polls a status may come and go unseen; `precision_s` tells how far apart the polls were and
    `skipped_transitions` what is known to have been missed.
    """

    agent_id: str = Field(description="The dialer's user id.")
    agent_name: str | None = Field(description="Full name.")
    agent_external_id: str | None = Field(description="Id of the agent in the CRM, where mapped.")
    status: AgentStatus = Field(
        description="READY: waits for outbound calls. CLOSER: waits, takes calls of in-groups too. QUEUE, "
        "MQUEUE: a call is being handed over. INCALL: in a call or its wrap-up. PAUSED. LOGGED_OUT."
    )
    sub_status: SubStatus | None = Field(
        description="RING: the phone rings. DISPO: chooses a disposition. PREVIEW: looks at a lead. DIAL: "
        "the other side rings. PARK: the caller is on hold. 3-WAY: with another agent. DEAD: the caller hung "
        "up. Null: none of these."
    )
    pause_code: str | None = Field(description="Why paused; null unless paused without a sub-status.")
    campaign: str | None = Field(description="Campaign logged in to.")
    user_group: str | None = Field(description="User group of the agent.")
    call_id: str | None = Field(description="Call that the agent has, as in call events; null for none.")
    phone_number: str | None = Field(description="The customer's number, where it was asked for.")
    lead_id: str | None = Field(description="Lead that the agent has before the eyes.")
    calls_today: int | None = Field(ge=0, description="Calls of this agent, campaign and day, by the dialer.")
    previous_status: AgentStatus | None = Field(description="Status before; null where it was not known.")
    since: Time = Field(description="When this status was taken up: the middle of the interval it lies in.")
    dwell_s: Seconds | None = Field(
        description="How long the previous status and sub-status lasted; null where their begin was not seen."
    )
    skipped_transitions: int | None = Field(
        ge=0,
        description="Calls that came and went between two polls, proven by calls_today; null where nothing "
        "can be known.",
    )


class AgentStatsData(EventData):
    """
    What an agent did in a closed window of time, by the dialer's own count.
    """

    agent_id: str = Field(description="The dialer's user id.")
    agent_name: str | None = Field(description="Full name.")
    agent_external_id: str | None = Field(description="Id of the agent in the CRM, where mapped.")
    user_group: str | None = Field(description="User group of the agent.")
    window_from: Time = Field(description="Start of the window.")
    window_to: Time = Field(description="Its end.")
    calls: int | None = Field(ge=0, description="Calls in it.")
    login_s: Seconds | None = Field(description="Time logged in.")
    talk_s: Seconds | None = Field(description="Time in calls.")
    wait_s: Seconds | None = Field(description="Time waiting for calls.")
    pause_s: Seconds | None = Field(description="Time paused.")
    wrapup_s: Seconds | None = Field(description="Time choosing dispositions; null where not told.")
    dead_s: Seconds | None = Field(description="Time after the caller hung up; null where not told.")
    sessions: int | None = Field(ge=0, description="Logins.")
    pauses: int | None = Field(ge=0, description="Pauses.")


class GroupData(EventData):
    """
    The gauges of an in-group or user group, at most one event in `min_interval_s` of the source.
    """

    group_id: str = Field(description="Name of the group.")
    kind: Literal["in_group", "user_group"] = Field(
        description="in_group: a queue of inbound calls. user_group: a team of agents."
    )
    calls_total: Count = Field(ge=0, description="Calls waiting and in hand; null where not told.")
    calls_waiting: Count = Field(
        ge=0, description="Calls waiting; of a user group the dialer counts those of the whole system."
    )
    calls_active: Count = Field(ge=0, description="Calls in hand; null where not told.")
    agents_logged_in: Count = Field(ge=0, description="Agents logged in.")
    agents_ready: Count = Field(ge=0, description="Agents that wait for calls.")
    agents_in_call: Count = Field(ge=0, description="Agents in calls.")
    agents_paused: Count = Field(ge=0, description="Agents paused.")
    agents_in_dispo: Count = Field(ge=0, description="Agents choosing a disposition.")
    agents_in_dead_call: Count = Field(ge=0, description="Agents whose caller hung up; null where not told.")
    agents_in_dial: Count = Field(ge=0, description="Agents whose call rings; null where not told.")


class DidCallData(EventData):
    """
    A call that the log of an inbound number shows.
    """

    did: str = Field(description="The number that was called.")
    call_id: str | None = Field(description="The call it is, as in call events; null where not known.")
    from_raw: str | None = Field(description="Caller, as the dialer wrote it.")
    from_e164: str | None = Field(description="Caller in E.164.")
    started_at: Time = Field(description="When it came in.")
    duration_s: Seconds | None = Field(description="How long it lasted; null while it may still last.")


class ListData(EventData):
    """
    A list of leads.
    """

    list_id: str = Field(description="Number of the list.")
    list_name: str | None = Field(description="Its name.")
    campaign: str | None = Field(description="Campaign that calls it.")
    active: bool | None = Field(description="Whether it is called; null where not told.")


class LeadData(EventData):
    """
    A lead that a command added, changed, or could not add.
    """

    lead_id: str | None = Field(description="Its number in the dialer; null where it was rejected.")
    list_id: str | None = Field(description="List it is on.")
    phone_raw: str | None = Field(description="Its number, as given.")
    phone_e164: str | None = Field(description="Its number in E.164.")
    vendor_lead_code: str | None = Field(description="The customer's code of the lead.")
    status: str | None = Field(description="Its status in the dialer, where the command set one.")
    status_mapped: str | None = Field(description="The same in the words of the CRM.")
    command_id: str = Field(description="The command that did it.")
    reason: str | None = Field(description="Why it was rejected; null where it was not.")


class UserData(EventData):
    """
    A user of the dialer that a command added or changed.
    """

    agent_id: str = Field(description="The dialer's user id.")
    agent_name: str | None = Field(description="Full name, where the command gave it.")
    agent_external_id: str | None = Field(description="Id of the agent in the CRM, where mapped.")
    user_group: str | None = Field(description="User group, where the command gave it.")
    active: bool | None = Field(description="Whether it may log in, where the command said so.")
    command_id: str = Field(description="The command that did it.")


class CommandData(EventData):
    """
    What became of a command.
    """

    command_id: str = Field(description="Which command.")
    function: str = Field(description="The vendor's function that was called.")
    status: Literal["succeeded", "failed", "unknown"] = Field(
        description="unknown: sent, and no answer came; it is never sent again."
    )
    message: str | None = Field(description="What the vendor said; null where nothing was said.")
    requested_by: str | None = Field(description="Name of the API key that asked for it.")
    requested_at: Time = Field(description="When it was asked for.")


class CommandLinkedData(CommandData):
    """
    The call that a command caused was found.
    """

    call_id: str = Field(description="The call.")
