"""
Lists, campaigns, and the status of a call in the log.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from relay.twin.vicidial.arguments import missing, updates, wrong
from relay.twin.vicidial.asking import Answer, Ask
from relay.twin.vicidial.office import LeadList

SCRIPTS: Final = ("DEMOSCRIPT",)
_OPTIONAL: Final = ", THIS IS AN OPTIONAL FIELD"
_MORE: Final = ("campaign_id", "script", "drop_inbound_group", "list_description", "web_form_address")


def add_list(ask: Ask) -> str:
    """
    Add a list to a campaign.
    """
    refusal = missing(ask)
    if refusal is not None:
        return refusal
    office = ask.world.office
    list_id, name, campaign = (ask.get(field) for field in ("list_id", "list_name", "campaign_id"))
    if campaign not in office.campaigns:
        return ask.refused("CAMPAIGN DOES NOT EXIST", campaign)
    if not list_id.isdigit() or int(list_id) in office.lists:
        return ask.refused("LIST ALREADY EXISTS", list_id)
    refusal = _unknown(ask) or wrong(ask)
    if refusal is not None:
        return refusal
    is_active = ask.get("active") == "Y"
    office.lists[int(list_id)] = LeadList(int(list_id), name, campaign, is_active, fields=updates(ask))
    return ask.noted("SUCCESS", "LIST HAS BEEN ADDED", ask.caller.user, list_id, name, campaign)


def update_list(ask: Ask) -> str:
    """
    Change a list; resetting and deleting come after, each with a NOTICE.
    """
    refusal = missing(ask)
    if refusal is not None:
        return refusal
    office, given_id = ask.world.office, ask.get("list_id")
    lead_list = office.lists.get(int(given_id)) if given_id.isdigit() else None
    if lead_list is None:
        if ask.get("insert_if_not_found") != "Y":
            return ask.refused("LIST DOES NOT EXIST", given_id)
        text = "LIST DOES NOT EXIST, SENDING TO add_list FUNCTION"
        added = add_list(replace(ask, params={**ask.params, "function": "add_list"}))
        return ask.refused(text, given_id, verdict="NOTICE") + added
    refusal = _unknown(ask) or wrong(ask)
    if refusal is not None:
        return refusal
    return _updated(ask, lead_list) + _cleared(ask, lead_list)


def _updated(ask: Ask, lead_list: LeadList) -> str:
    given = updates(ask, *_MORE)
    if not given:
        return ask.refused("NO UPDATES DEFINED", "", verdict="NOTICE")
    lead_list.name = given.get("list_name", lead_list.name)
    lead_list.campaign = given.get("campaign_id", lead_list.campaign)
    lead_list.is_active = given.get("active", "Y" if lead_list.is_active else "N") == "Y"
    lead_list.fields.update(given)
    return ask.noted("SUCCESS", "LIST HAS BEEN UPDATED", ask.caller.user, lead_list.list_id)


def _cleared(ask: Ask, lead_list: LeadList) -> str:
    """
    Reset or delete a list and its leads, where that was asked for and is allowed.
    """
    office, user, list_id, said = ask.world.office, ask.caller.user, lead_list.list_id, ""
    if ask.get("reset_list") == "Y":
        lead_list.resets += 1
        said += ask.noted("NOTICE", "LEADS IN LIST HAVE BEEN RESET", user, list_id, "")
    may_delete = "delete_lists" in ask.caller.permissions
    if ask.get("delete_list") == "Y":
        if may_delete:
            del office.lists[list_id]
            said += ask.noted("NOTICE", "LIST HAS BEEN DELETED", user, list_id, 1)
        else:
            said += ask.noted("NOTICE", "USER DOES NOT HAVE PERMISSION TO DELETE LISTS", user, 0)
    if ask.get("delete_leads") == "Y":
        if may_delete:
            leads = office.leads.of_list(list_id)
            for lead in leads:
                office.leads.remove(lead)
            said += ask.noted("NOTICE", "LEADS IN LIST HAVE BEEN DELETED", user, list_id, len(leads))
        else:
            said += ask.noted("NOTICE", "USER DOES NOT HAVE PERMISSION TO DELETE LEADS", user, 0)
    return said


def _unknown(ask: Ask) -> str | None:
    """
    Return the refusal of a campaign, script or in-group that there is not.
    """
    office = ask.world.office
    known = {
        "campaign_id": (office.campaigns, "CAMPAIGN"),
        "script": (SCRIPTS, "SCRIPT"),
        "drop_inbound_group": (office.in_groups, "IN-GROUP"),
    }
    for name, (there, what) in known.items():
        value = ask.get(name)
        if value and value not in there:
            return ask.refused(f"{what} DOES NOT EXIST{_OPTIONAL}", value)
    return None


def update_campaign(ask: Ask) -> str:
    """
    Change a campaign.
    """
    refusal = missing(ask)
    if refusal is not None:
        return refusal
    campaign = ask.get("campaign_id")
    if campaign not in ask.world.office.campaigns:
        return ask.refused("CAMPAIGN DOES NOT EXIST", campaign)
    refusal = wrong(ask)
    if refusal is not None:
        return refusal
    given = updates(ask)
    if not given:
        return ask.refused("NO UPDATES DEFINED", "", verdict="NOTICE")
    ask.world.office.campaigns[campaign].update(given)
    return ask.noted("SUCCESS", "CAMPAIGN HAS BEEN UPDATED", ask.caller.user, campaign)


def update_log_entry(ask: Ask) -> str:
    """
    Change the status of a call in the log; only its 20-character id is found, since a uniqueid loses its dot.
    """
    call_id, group, status = ask.get("call_id"), ask.get("group"), ask.get("status")
    office, user = ask.world.office, ask.caller.user
    if group not in office.campaigns and group not in office.in_groups:
        return ask.error("GROUP NOT FOUND", group)
    if not call_id or not status:
        return ask.error("INVALID SEARCH PARAMETERS", group, call_id, status)
    call = ask.world.exchange.by_id.get(call_id)
    if call is None or call.group != group:
        return ask.error("NO RECORDS FOUND", group, call_id, status)
    old = call.status
    details = (user, group, call_id, status, old, call.uniqueid)
    if old == status:
        return ask.error("NO RECORDS UPDATED", *details[1:])
    call.status = status
    return ask.noted("SUCCESS", "RECORD HAS BEEN UPDATED", user, *details, "")


FUNCTIONS: Final[dict[str, Answer]] = {
    "add_list": add_list,
    "update_list": update_list,
    "update_campaign": update_campaign,
    "update_log_entry": update_log_entry,
}
