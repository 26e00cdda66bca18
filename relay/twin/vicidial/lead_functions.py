"""
Leads by themselves: reading a field, checking a number, adding one.
"""

from __future__ import annotations

import re
from typing import Final

from relay.twin.vicidial.asking import Answer, Ask, Reply
from relay.twin.vicidial.lead_extras import extras
from relay.twin.vicidial.leads import INBOUND_LIST, LEAD_FIELDS, Lead

CALL_TIMES: Final = ("24hours", "9am-9pm", "12pm-5pm")
NUMBER_LENGTHS: Final = range(6, 17)
AREA_CODE: Final = re.compile(r"[2-9](?!11)\d{2}")
# Scope of a duplicate check, and how the refusal calls it.
_SCOPES: Final = {"LIST": "LIST", "CAMP": "CAMPAIGN LISTS", "SYS": "SYSTEM"}
_DUPLICATE: Final = re.compile(r"DUP(TITLEALTPHONE|NAMEPHONE|)(LIST|CAMP|SYS)")


def lead_field_info(ask: Ask) -> str | Reply:
    """
    Tell one field of a lead, without a newline at its end; an unknown field breaks PHP 8.
    """
    lead_id, name = ask.get("lead_id"), ask.get("field_name")
    is_custom = ask.get("custom_fields") == "Y"
    if not lead_id or not name:
        return ask.error("INVALID SEARCH PARAMETERS", lead_id, name)
    lead = ask.world.office.leads.get(int(lead_id)) if lead_id.isdigit() else None
    if lead is None:
        return ask.error("LEAD NOT FOUND", lead_id)
    if is_custom and ask.get("list_id") and _number(ask.get("list_id")) not in ask.world.office.lists:
        return ask.error("LIST NOT FOUND", lead_id, ask.get("list_id"))
    value = lead.custom.get(name) if is_custom else lead.value(name)
    if value is not None:
        return value
    return Reply("", 500) if ask.has_php8 else ask.error("LEAD FIELD NOT FOUND", lead_id, name)


def check_phone_number(ask: Ask) -> str:
    """
    Tell whether a number can be called now, for each way to find its time zone.
    """
    call_time = ask.get("local_call_time")
    if call_time not in CALL_TIMES:
        return ask.refused("THIS IS NOT A VALID CALL TIME", call_time, "")
    refusal = _bad_number(ask)
    if refusal is not None:
        return refusal
    opening = {"24hours": range(24), "9am-9pm": range(9, 21), "12pm-5pm": range(12, 17)}[call_time]
    is_open = int(ask.world.local_hour in opening)
    methods = [
        m for m in ("AREACODE", "POSTAL", "TZCODE", "NANPA") if m in (ask.get("tz_method") or "AREACODE")
    ]
    found = "#".join(f"{method}: {is_open}|-5" for method in methods)
    details = (ask.get(name) for name in ("postal_code", "state", "owner"))
    return f"{found}#PHONE: {ask.get('phone_number')}|{ask.get('phone_code') or 1}|{'|'.join(details)}|\n"


def add_lead(ask: Ask) -> str:
    """
    Add a lead; what else was asked for follows in lines of its own.
    """
    refusal = _bad_number(ask)
    if refusal is not None:
        return refusal
    office, phone = ask.world.office, ask.get("phone_number")
    list_id = _number(ask.get("list_id") or str(INBOUND_LIST))
    if list_id not in office.lists:
        return ask.noted("ERROR", "NOT AN ALLOWED LIST ID", phone, ask.get("list_id"))
    refusal = _duplicate(ask, list_id)
    if refusal is not None:
        return refusal
    lead = insert(ask, list_id)
    gmt = lead.fields["gmt_offset_now"]
    added = ask.noted("SUCCESS", "LEAD HAS BEEN ADDED", phone, list_id, lead.lead_id, gmt, ask.caller.user)
    return f"{_nanpa_notice(ask)}{added}{_alt_phones(ask, lead)}{extras(ask, lead, 'ADDED')}"


def insert(ask: Ask, list_id: int) -> Lead:
    """
    Add the lead that a request describes.
    """
    fields = {name: ask.get(name) for name in LEAD_FIELDS if ask.get(name)}
    return ask.world.office.leads.add(list_id, ask.get("phone_number"), fields, ask.world.now_ms)


def _bad_number(ask: Ask) -> str | None:
    phone, user = ask.get("phone_number"), ask.caller.user
    if not phone.isdigit() or len(phone) not in NUMBER_LENGTHS:
        return ask.noted("ERROR", "INVALID PHONE NUMBER LENGTH", phone, user)
    if ask.get("usacan_prefix_check") == "Y" and phone[3] in "01":
        return ask.noted("ERROR", "INVALID PHONE NUMBER PREFIX", phone, user)
    if ask.get("usacan_areacode_check") == "Y" and not (len(phone) == 10 and AREA_CODE.match(phone)):
        return ask.noted("ERROR", "INVALID PHONE NUMBER AREACODE", phone, user)
    prefixes = ask.world.office.nanpa_prefixes
    if ask.get("nanpa_ac_prefix_check") == "Y" and prefixes is not None and phone[:6] not in prefixes:
        return ask.noted("ERROR", "INVALID PHONE NUMBER NANPA AREACODE PREFIX", phone, user)
    if ask.get("dnc_check") in ("Y", "AREACODE") and phone in ask.world.office.dnc:
        return ask.noted("ERROR", "PHONE NUMBER IN DNC", phone, user)
    return None


def _nanpa_notice(ask: Ask) -> str:
    if ask.get("nanpa_ac_prefix_check") != "Y" or ask.world.office.nanpa_prefixes is not None:
        return ""
    return ask.noted("NOTICE", "NANPA options disabled, NANPA prefix data not loaded", 0, ask.caller.user)


def _duplicate(ask: Ask, list_id: int) -> str | None:
    """
    Return the refusal of a lead that is there already, by whatever it was asked to be compared with.
    """
    office, phone = ask.world.office, ask.get("phone_number")
    campaign = office.lists[list_id].campaign
    for sameness, scope in _DUPLICATE.findall(ask.get("duplicate_check")):
        lists = {
            "LIST": {list_id},
            "CAMP": {one.list_id for one in office.lists.values() if one.campaign == campaign},
        }.get(scope)
        for lead in office.leads:
            if (lists is not None and lead.list_id not in lists) or not _is_same(ask, lead, sameness):
                continue
            where = (list_id, lead.lead_id, *(() if scope == "LIST" and not sameness else (lead.list_id,)))
            what, told = {
                "": ("PHONE NUMBER", (phone,)),
                "TITLEALTPHONE": ("TITLE ALT_PHONE", (ask.get("title"), ask.get("alt_phone"))),
                "NAMEPHONE": ("NAME PHONE", (ask.get("first_name"), ask.get("last_name"), phone)),
            }[sameness]
            return ask.noted("ERROR", f"DUPLICATE {what} IN {_SCOPES[scope]}", *told, *where)
    return None


def _is_same(ask: Ask, lead: Lead, sameness: str) -> bool:
    names = {"TITLEALTPHONE": ("title", "alt_phone"), "NAMEPHONE": ("first_name", "last_name")}.get(
        sameness, ()
    )
    is_same = all(lead.fields.get(name, "") == ask.get(name) for name in names)
    return is_same and (sameness == "TITLEALTPHONE" or lead.phone == ask.get("phone_number"))


def _alt_phones(ask: Ask, lead: Lead) -> str:
    """
    Load the further numbers of a lead: the page prints each without a newline in front of its notice.
    """
    given = [part for part in ask.get("multi_alt_phones").split("!") if part]
    if not given:
        return ""
    stray = "".join(part.replace("_", "|") for part in given)
    loaded = ask.noted("NOTICE", "MULTI-ALT-PHONE NUMBERS LOADED", len(given), lead.lead_id, ask.caller.user)
    return f"{stray}{loaded}"


def _number(text: str) -> int:
    return int(text) if text.isdigit() else -1


FUNCTIONS: Final[dict[str, Answer]] = {
    "lead_field_info": lead_field_info,
    "check_phone_number": check_phone_number,
    "add_lead": add_lead,
}
