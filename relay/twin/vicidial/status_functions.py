"""
What the agents are doing: the functions that are polled.
"""

from __future__ import annotations

from typing import Final

from relay.model.times import from_ms
from relay.twin.vicidial.agents import DIAL, Agent, Shown
from relay.twin.vicidial.asking import Answer, Ask
from relay.twin.vicidial.calls import local
from relay.twin.vicidial.gauges import in_group_gauges, user_group_gauges
from relay.twin.vicidial.office import OUTBOUND_CAMPAIGN

SHORTEST_NAME: Final = 2


def version(ask: Ask) -> str:
    """
    Answer without a login: build, local time, epoch and zone, on one line that ends with a pipe.
    """
    now = local(ask.world.now_ms, ask.world.zone)
    offset, dst = now.utcoffset(), now.dst()
    hours = 0.0 if offset is None else offset.total_seconds() / 3600
    is_summer = bool(dst)
    standard = hours - 1 if is_summer else hours
    # The page adds the hour of summer to a text, and PHP drops the decimals in doing so.
    current = f"{hours:g}" if is_summer else f"{standard:.2f}"
    epoch = int(from_ms(ask.world.now_ms).timestamp())
    return (
        f"VERSION: {ask.build.version}|BUILD: {ask.build.build}|DATE: {now:%Y-%m-%d %H:%M:%S}|EPOCH: {epoch}|"
        f"DST: {int(is_summer)}|TZ: {standard:.2f}|TZNOW: {current}|\n"
    )


def logged_in_agents(ask: Ask) -> str:
    """
    List the agents that are logged in, filtered by campaigns and user groups where these are sent.
    """
    campaigns, groups = ask.get("campaigns"), ask.get("user_groups")
    rows = [
        (agent, shown)
        for agent, shown in ask.world.floor.showing.rows()
        if ask.caller.sees(agent.person.user_group)
        and (not campaigns or agent.campaign in campaigns.split("|"))
        and (not groups or agent.person.user_group in groups.split("|"))
    ]
    if not rows:
        return ask.error("NO LOGGED IN AGENTS", "")
    has_sub = ask.get("show_sub_status") == "YES"
    header = ask.headers("logged_in_agents sub" if has_sub else "logged_in_agents")
    return ask.table(header, (_agent_row(ask, agent, shown, has_sub) for agent, shown in rows))


def _agent_row(ask: Ask, agent: Agent, shown: Shown, has_sub: bool) -> list[object]:
    shown, person = _as_known(ask, shown), agent.person
    row: list[object] = [
        agent.user, agent.campaign, agent.session_id, shown.status, shown.lead_id, shown.call_id,
        shown.calls_today, person.full_name, person.user_group, person.level,
    ]  # fmt: skip
    return [*row, shown.pause_code, shown.sub_status] if has_sub else row


def _as_known(ask: Ask, shown: Shown) -> Shown:
    """
    Return what is shown of an agent as this build knows it; the older one has no DIAL.
    """
    if shown.sub_status == DIAL and not ask.build.is_newer:
        return shown._replace(sub_status="")
    return shown


def agent_status(ask: Ask) -> str:
    """
    Show one agent; who belongs to a group that the user may not see is not found.
    """
    user = ask.get("agent_user")
    if len(user) < SHORTEST_NAME:
        return ask.error("INVALID SEARCH PARAMETERS", user)
    agent = ask.world.floor.agents.get(user)
    person = ask.world.office.users.get(user)
    if person is None or not ask.caller.sees(person.user_group):
        return ask.error("AGENT NOT FOUND", user)
    if agent is None or not agent.is_logged_in:
        return ask.error("AGENT NOT LOGGED IN", user)
    shown = _as_known(ask, ask.world.floor.showing.shown(agent))
    lead = ask.world.office.leads.get(shown.lead_id)
    header = ask.headers("agent_status")
    if ask.get("include_ip") == "YES" and ask.build.is_newer:
        header = (*header, "computer_ip")  # named, and not sent: nobody logged in two days ago
    row = [
        shown.status, shown.call_id, shown.lead_id, shown.campaign, shown.calls_today, person.full_name,
        person.user_group, person.level, shown.pause_code, shown.sub_status,
        "" if lead is None else lead.phone, "" if lead is None else lead.fields["vendor_lead_code"],
        agent.session_id,
    ]  # fmt: skip
    return ask.table(header, [row])


def in_group_status(ask: Ask) -> str:
    """
    Count the calls and agents of in-groups, all of them summed into one row.
    """
    asked = ask.get("in_groups")
    if not asked:
        return ask.error("INVALID SEARCH PARAMETERS", "")
    names = _names(ask, asked)
    gauges = in_group_gauges(ask.world.floor, ask.world.exchange, names)
    return _gauge_row(ask, names, gauges)


def user_group_status(ask: Ask) -> str:
    """
    Count the agents of user groups, all of them summed into one row.
    """
    asked = ask.get("user_groups")
    if not asked:
        return ask.error("INVALID SEARCH PARAMETERS", "")
    names = _names(ask, asked)
    gauges = user_group_gauges(ask.world.floor, ask.world.exchange, names)
    return _gauge_row(ask, names, gauges)


def _names(ask: Ask, asked: str) -> list[str]:
    if not ask.build.is_newer:
        asked = asked.replace(",", "")  # the older build's filter
    return asked.split("|")


def _gauge_row(ask: Ask, names: list[str], gauges: dict[str, int]) -> str:
    values = list(gauges.values())
    if not ask.build.is_newer:
        values.pop()  # agents_in_dial
    return ask.table(ask.headers(ask.function), [[" ".join(names), *values]])


def agent_ingroup_info(ask: Ask) -> str:
    """
    Show the in-groups that a logged-in agent takes calls from: text, or else a piece of a page.
    """
    user = ask.get("agent_user")
    agent = ask.world.floor.agents.get(user)
    if agent is None or not agent.is_logged_in:
        return ask.noted("ERROR", "INVALID USER ID", user, ask.caller.user)
    in_groups = " ".join(ask.world.office.in_groups) if agent.is_closer else ""
    blended = "Y" if agent.campaign == OUTBOUND_CAMPAIGN else "N"
    if ask.get("stage") == "text":
        return (
            f"SUCCESS:  - {user}|text\nSELECTED INGROUPS:  {in_groups} -\nOUTBOUND AUTODIAL: {blended}\n"
            "MANAGER OVERRIDE: N\nMANAGER: \n\n"
        )
    return (
        '<TABLE WIDTH=680 CELLPADDING=0 CELLSPACING=5 BGCOLOR="#D9E6FE"><TR><TD ALIGN=LEFT>\n'
        f"Agent: {user} - {agent.person.full_name} </TD><TD>\n &nbsp; Campaign: {agent.campaign}</TD></TR>\n"
        f"<TR><TD>Selected In-Groups: {in_groups}</TD></TR></TABLE>\n"
    )


FUNCTIONS: Final[dict[str, Answer]] = {
    "logged_in_agents": logged_in_agents,
    "agent_status": agent_status,
    "in_group_status": in_group_status,
    "user_group_status": user_group_status,
    "agent_ingroup_info": agent_ingroup_info,
}
