"""
update_lead: find leads, then change, delete or only tell them.
"""

from __future__ import annotations

from typing import Final

from relay.twin.vicidial.arguments import BLANK
from relay.twin.vicidial.asking import Answer, Ask
from relay.twin.vicidial.lead_extras import extras
from relay.twin.vicidial.lead_functions import NUMBER_LENGTHS, insert
from relay.twin.vicidial.leads import LEAD_FIELDS, Lead

_KEYS: Final = {"LEAD_ID": "lead_id", "VENDOR_LEAD_CODE": "vendor_lead_code", "PHONE_NUMBER": "phone_number"}


def update_lead(ask: Ask) -> str:
    """
    Change what the search finds; nothing to change is answered by nothing at all.
    """
    method = ask.get("search_method") or "LEAD_ID"
    searched = [name for word, name in _KEYS.items() if word in method and ask.get(name)]
    sent = tuple(ask.get(name) for name in _KEYS.values())
    if not searched:
        return ask.noted("ERROR", "NO VALID SEARCH METHOD", ask.caller.user, method, *sent)
    list_id = ask.get("list_id")
    if list_id and (not list_id.isdigit() or int(list_id) not in ask.world.office.lists):
        return ask.noted("ERROR", "NOT AN ALLOWED LIST ID", ask.get("phone_number"), list_id)
    found = _found(ask, searched)
    if not found:
        return _not_found(ask, sent)
    return "".join(_changed(ask, lead) for lead in found)


def _found(ask: Ask, searched: list[str]) -> list[Lead]:
    """
    Return the leads of the first key that finds any, last added first.
    """
    records = ask.get("records")
    most = int(records) if records.isdigit() else 1
    lists = _lists_searched(ask)
    for name in searched:
        wanted = ask.get(name)
        leads = [
            lead
            for lead in ask.world.office.leads
            if lead.value(name) == wanted and (lists is None or lead.list_id in lists)
        ]
        if leads:
            return leads[::-1][:most]
    return []


def _lists_searched(ask: Ask) -> set[int] | None:
    where, list_id, lists = ask.get("search_location"), ask.get("list_id"), ask.world.office.lists
    if not list_id or where not in ("LIST", "CAMPAIGN"):
        return None
    if where == "LIST":
        return {int(list_id)}
    return {one.list_id for one in lists.values() if one.campaign == lists[int(list_id)].campaign}


def _not_found(ask: Ask, sent: tuple[str, ...]) -> str:
    text = "NO MATCHES FOUND IN THE SYSTEM"
    if ask.get("insert_if_not_found") != "Y":
        return ask.refused(text, *sent)
    phone, list_id = ask.get("phone_number"), ask.get("list_id")
    notice = ask.refused(text, *sent, verdict="NOTICE")
    if not list_id or not ask.get("phone_code") or len(phone) not in NUMBER_LENGTHS or not phone.isdigit():
        return notice + ask.refused("INVALID DATA FOR LEAD INSERTION", *sent)
    lead = insert(ask, int(list_id))
    added = (phone, list_id, lead.lead_id, lead.fields["gmt_offset_now"], ask.caller.user)
    return notice + ask.noted("SUCCESS", "LEAD HAS BEEN ADDED", *added) + extras(ask, lead, "ADDED")


def _changed(ask: Ask, lead: Lead) -> str:
    office, user = ask.world.office, ask.caller.user
    if ask.get("no_update") == "Y":
        told = [str(lead.value(name)) for name in ("lead_id", "vendor_lead_code", "phone_number", "list_id")]
        found = ask.refused(
            "LEADS FOUND IN THE SYSTEM", *told, lead.fields["entry_list_id"], verdict="NOTICE"
        )
        return found + extras(ask, lead, "UPDATED")
    if ask.get("delete_lead") == "Y":
        office.leads.remove(lead)
        deleted = ask.noted("SUCCESS", "LEAD HAS BEEN DELETED 0|0", user, lead.lead_id, 1, 0, 0, "")
        if ask.get("custom_fields") != "Y":
            return deleted
        gone = (lead.phone, lead.lead_id, lead.list_id, 1, user)
        return deleted + ask.noted("NOTICE", "CUSTOM FIELDS ENTRY DELETED 1", *gone)
    given = _given(ask)
    updated = ""
    if given or ask.get("reset_lead") == "Y":
        tail = ("", "", "") if ask.build.is_newer else ()
        updated = ask.noted("SUCCESS", "LEAD HAS BEEN UPDATED", user, lead.lead_id, _set(lead, given), *tail)
    return updated + extras(ask, lead, "UPDATED")


def _given(ask: Ask) -> dict[str, str]:
    """
    Return the fields to change; what was searched by is none of them.
    """
    by = [name for word, name in _KEYS.items() if word in (ask.get("search_method") or "LEAD_ID")]
    given = {name: ask.get(name) for name in LEAD_FIELDS if ask.get(name) and name not in by}
    renamed = {"status": "status", "user_field": "user", "list_id_field": "list_id"}
    given |= {own: ask.get(name) for name, own in renamed.items() if ask.get(name)}
    if ask.get("update_phone_number") == "Y" and ask.get("phone_number"):
        given["phone_number"] = ask.get("phone_number")
    return {name: "" if value == BLANK else value for name, value in given.items()}


def _set(lead: Lead, given: dict[str, str]) -> int:
    """
    Change a lead; return how many rows that changed: none where everything was so already.
    """
    before = {name: lead.value(name) for name in given}
    for name, value in given.items():
        if name == "list_id":
            lead.list_id = int(value) if value.isdigit() else lead.list_id
        elif name == "phone_number":
            lead.phone = value
        elif name in ("status", "user"):
            setattr(lead, name, value)
        else:
            lead.fields[name] = value
    return int(before != {name: lead.value(name) for name in given})


FUNCTIONS: Final[dict[str, Answer]] = {"update_lead": update_lead}
