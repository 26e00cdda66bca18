"""
What add_lead and update_lead do besides: custom fields, the hopper, callbacks.  Each says so in a NOTICE.
"""

from __future__ import annotations

from typing import Final

from relay.twin.vicidial.asking import Ask
from relay.twin.vicidial.calls import local
from relay.twin.vicidial.leads import Lead

CUSTOM_FIELDS: Final = ("favorite_color", "notes")
CALLING_HOURS: Final = range(9, 21)


def extras(ask: Ask, lead: Lead, verb: str) -> str:
    """
    Return the lines of everything that was asked for besides; `verb` is ADDED or UPDATED.
    """
    return f"{custom_fields(ask, lead, verb)}{_hopper(ask, lead)}{_callback(ask, lead, verb)}"


def custom_fields(ask: Ask, lead: Lead, verb: str) -> str:
    """
    Set the custom fields that were sent.
    """
    if ask.get("custom_fields") != "Y":
        return ""
    office = ask.world.office
    phone, where = ask.get("phone_number"), (lead.lead_id, lead.list_id)
    if not office.has_custom_fields:
        return ask.noted("NOTICE", f"CUSTOM FIELDS NOT {verb}, CUSTOM FIELDS DISABLED", phone, "Y", 0)
    lead_list = office.lists.get(lead.list_id)
    if lead_list is None or not lead_list.is_custom:
        text = f"CUSTOM FIELDS NOT {verb}, NO CUSTOM FIELDS DEFINED FOR THIS LIST"
        return ask.noted("NOTICE", text, phone, *where)
    given = {name: ask.get(name) for name in CUSTOM_FIELDS if ask.get(name)}
    if not given:
        return ask.noted("NOTICE", f"CUSTOM FIELDS NOT {verb}, NO FIELDS DEFINED", phone, *where)
    lead.custom.update(given)
    tail = (1,) if verb == "ADDED" else (0, lead.list_id, 1)
    return ask.noted("NOTICE", f"CUSTOM FIELDS VALUES {verb}", phone, *where, *tail)


def _hopper(ask: Ask, lead: Lead) -> str:
    if ask.get("add_to_hopper") != "Y":
        return ""
    hopper, user = ask.world.office.hopper, ask.caller.user
    if lead.lead_id in hopper:
        text = "NOT ADDED TO HOPPER, LEAD IS ALREADY IN THE HOPPER"
        return ask.noted("NOTICE", text, lead.phone, lead.lead_id, user)
    is_checked = ask.get("hopper_local_call_time_check") == "Y"
    if is_checked and ask.world.local_hour not in CALLING_HOURS:
        text, gmt = "NOT ADDED TO HOPPER, OUTSIDE OF LOCAL TIME", lead.fields["gmt_offset_now"]
        return ask.noted("NOTICE", text, lead.phone, lead.lead_id, gmt, 0, user)
    hopper.append(lead.lead_id)
    return ask.noted("NOTICE", "ADDED TO HOPPER", lead.phone, lead.lead_id, len(hopper), user)


def _callback(ask: Ask, lead: Lead, verb: str) -> str:
    """
    Set a lead as scheduled callback, change the one it has, or remove it.
    """
    wanted, office = ask.get("callback"), ask.world.office
    if wanted == "REMOVE" and office.callbacks.pop(lead.lead_id, None) is not None:
        return ask.noted("NOTICE", "SCHEDULED CALLBACK REMOVED", lead.lead_id, "")
    if wanted != "Y":
        return ""
    campaign, user = ask.get("campaign_id"), ask.get("callback_user")
    kind = "USERONLY" if ask.get("callback_type") == "USERONLY" else "ANYONE"
    has_one = lead.lead_id in office.callbacks
    done, not_done = ("UPDATED", "NOT UPDATED") if has_one else ("ADDED", "NOT ADDED")
    when = ask.get("callback_datetime").replace("+", " ")
    if has_one and not any((campaign, when, ask.get("callback_status"), ask.get("callback_comments"))):
        return ask.noted("NOTICE", f"SCHEDULED CALLBACK {not_done}, NO FIELDS SPECIFIED", lead.lead_id, "")
    if not has_one and campaign not in office.campaigns:
        return ask.noted(
            "NOTICE", f"SCHEDULED CALLBACK {not_done}, CAMPAIGN NOT VALID", lead.lead_id, campaign
        )
    if kind == "USERONLY" and user not in office.users:
        text = f"SCHEDULED CALLBACK {not_done}, USER NOT VALID"
        return ask.noted("NOTICE", text, lead.lead_id, campaign, user, "")
    if when in ("", "NOW"):
        when = f"{local(ask.world.now_ms, ask.world.zone):%Y-%m-%d %H:%M:%S}"
    status = ask.get("callback_status") or "CALLBK"
    office.callbacks[lead.lead_id] = {"at": when, "campaign": campaign, "user": user, "status": status}
    lead.status = "CBHOLD"
    return ask.noted("NOTICE", f"SCHEDULED CALLBACK {done}", lead.lead_id, when, campaign, user, kind, status)
