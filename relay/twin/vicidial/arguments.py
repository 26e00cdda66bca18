"""
What the page checks of arguments alone, without looking at what there is: one table, function by function.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from relay.twin.vicidial.asking import Ask

BLANK: Final = "--BLANK--"  # empties a field
_OPTIONAL: Final = ", THIS IS AN OPTIONAL FIELD"
_CUSTOM: Final = ("one", "two", "three", "four", "five")


class Rule(NamedTuple):
    """
    An optional parameter: what it must look like, and what is said where it does not.
    """

    name: str
    pattern: str
    text: str


def _valid(name: str, pattern: str, what: str) -> Rule:
    return Rule(name, pattern, f"YOU MUST USE A VALID {what}{_OPTIONAL}")


def _must(name: str, pattern: str, text: str) -> Rule:
    return Rule(name, pattern, f"{text}{_OPTIONAL}")


_YES_OR_NO: Final = "[YN]"
_ACTIVE: Final = _must("active", _YES_OR_NO, "ACTIVE MUST BE Y OR N")
_LIST_RULES: Final = (
    _must("reset_time", r"\d{4}(-\d{4})*", "RESET TIME IS NOT VALID"),
    _must("expiration_date", r"\d{4}-\d\d-\d\d", "EXPIRATION DATE IS NOT VALID"),
    _must("tz_method", "COUNTRY_AND_AREA_CODE|POSTAL_CODE|NANPA_PREFIX|OWNER_TIME_ZONE_CODE",
          "TIME ZONE METHOD IS NOT VALID"),
    _must("local_call_time", "campaign|24hours|9am-9pm|12pm-5pm", "LOCAL CALL TIME DOES NOT EXIST"),
    *(_must(f"xferconf_{one}", ".{1,50}", f"TRANSFER CONF OVERRIDE {one.upper()} IS NOT VALID")
      for one in _CUSTOM),
)  # fmt: skip
# All parameters that a function cannot do without, in the order in which the refusal repeats them.
REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "add_user": ("agent_user", "agent_pass", "agent_user_level", "agent_full_name", "agent_user_group"),
    "update_user": ("agent_user",),
    "add_group_alias": ("caller_id_number",),
    "add_phone": (
        "extension", "dialplan_number", "voicemail_id", "phone_login", "phone_pass", "server_ip", "protocol",
        "registration_password", "phone_full_name", "local_gmt", "outbound_cid",
    ),
    "update_phone": ("extension", "server_ip"),
    "add_phone_alias": ("alias_id", "phone_logins", "alias_name"),
    "update_phone_alias": ("alias_id",),
    "add_list": ("list_id", "list_name", "campaign_id"),
    "update_list": ("list_id",),
    "update_campaign": ("campaign_id",),
}  # fmt: skip
OPTIONAL: Final[dict[str, tuple[Rule, ...]]] = {
    "update_user": (
        _valid("agent_full_name", ".{1,50}", "FULL NAME"),
        _valid("agent_user_level", "[1-9]", "USER LEVEL"),
        _valid("phone_login", "[-_0-9A-Za-z]{1,20}", "PHONE LOGIN"),
        _valid("phone_pass", "[-_0-9A-Za-z]{1,20}", "PHONE PASSWORD"),
        _valid("hotkeys_active", "[01]", "HOTKEYS SETTING"),
        _valid("voicemail_id", r"\d{1,10}", "VOICEMAIL ID"),
        _valid("email", ".{1,100}", "EMAIL"),
        *(_valid(f"custom_{one}", ".{1,100}", f"CUSTOM {one.upper()}") for one in _CUSTOM),
        _ACTIVE,
        _must("wrapup_seconds_override", r"-1|\d{1,4}",
              "wrapup_seconds_override MUST BE A VALID DIGIT BETWEEN -1 AND 9999"),
        _valid("campaign_rank", "-?[0-9]", "CAMPAIGN RANK"),
        _valid("campaign_grade", "[1-9]|10", "CAMPAIGN GRADE"),
    ),
    "update_phone": (
        Rule("local_gmt", r"-?\d{1,2}\.\d\d", "YOU MUST USE A VALID TIMEZONE"),
        Rule("dialplan_number", r"\d{1,20}", "YOU MUST USE A VALID DIALPLAN NUMBER"),
        Rule("voicemail_id", r"\d{1,10}", "YOU MUST USE A VALID VOICEMAIL NUMBER"),
        Rule("phone_pass", ".{1,20}", "YOU MUST USE A VALID PHONE PASSWORD"),
        Rule("registration_password", ".{1,20}", "YOU MUST USE A VALID REGISTRATION PASSWORD"),
        Rule("protocol", "IAX2|SIP|Zap|EXTERNAL", "YOU MUST USE A VALID PROTOCOL"),
        Rule("phone_full_name", ".{1,50}", "YOU MUST USE A VALID PHONE NAME"),
        Rule("phone_context", ".{1,20}", "YOU MUST USE A VALID PHONE CONTEXT"),
        Rule("email", ".+@.+", "YOU MUST USE A VALID EMAIL"),
        _ACTIVE,
        _must("outbound_cid", r"\d{6,18}", "OUTBOUND CID MUST BE FROM 6 TO 18 DIGITS"),
        _must("outbound_alt_cid", r"\d{6,18}", "OUTBOUND ALT CID MUST BE FROM 6 TO 18 DIGITS"),
        _must("phone_ring_timeout", r"[2-9]|\d\d|1[0-7]\d|180",
              "PHONE RING TIMEOUT MUST BE FROM 2 TO 180 SECONDS"),
        _must("delete_vm_after_email", _YES_OR_NO, "DELETE VOICEMAIL AFTER EMAIL MUST BE Y OR N"),
    ),
    "update_phone_alias": (Rule("alias_name", ".{2,50}", "YOU MUST USE A VALID ALIAS NAME"),),
    "add_list": _LIST_RULES,
    "update_list": (
        _must("list_name", ".{6,30}", "LIST NAME MUST BE FROM 6 TO 30 CHARACTERS"),
        _ACTIVE,
        _must("outbound_cid", r"\d{6,20}", "OUTBOUND CID MUST BE FROM 6 TO 18 DIGITS"),
        _must("am_message", ".{2,100}", "ANSWERING MACHINE MESSAGE MUST LESS THAN 101 DIGITS"),
        *_LIST_RULES,
    ),
    "update_campaign": (
        _must("campaign_name", ".{6,40}", "CAMPAIGN NAME MUST BE FROM 6 TO 40 CHARACTERS"),
        _ACTIVE,
        _must("auto_dial_level", r"[0-3](\.\d{1,3})?|4(\.00?1?)?", "AUTO DIAL LEVEL MUST BE FROM 0 TO 4.001"),
        _must("hopper_level", r"[1-9]\d{0,3}", "HOPPER LEVEL MUST BE FROM 1 TO 2000"),
        _must("dial_timeout", r"[1-9]\d{0,2}", "DIAL TIMEOUT MUST BE FROM 1 TO 120"),
        _must("dial_method", "MANUAL|RATIO|INBOUND_MAN|ADAPT_AVERAGE|ADAPT_HARD_LIMIT|ADAPT_TAPERED",
              "DIAL METHOD IS NOT VALID"),
    ),
}  # fmt: skip


def missing(ask: Ask, echoed: tuple[str, ...] = ()) -> str | None:
    """
    Return the refusal of a request that lacks something; it repeats what was sent, secrets too.
    """
    names = REQUIRED[ask.function]
    if all(ask.get(name) for name in names):
        return None
    return ask.refused("YOU MUST USE ALL REQUIRED FIELDS", *(ask.get(name) for name in echoed or names))


def wrong(ask: Ask) -> str | None:
    """
    Return the refusal of the first optional parameter that is not as it must be.
    """
    for rule in OPTIONAL.get(ask.function, ()):
        value = ask.get(rule.name)
        if value and value != BLANK and not re.fullmatch(rule.pattern, value):
            return ask.refused(rule.text, value)
    return None


def updates(ask: Ask, *more: str) -> dict[str, str]:
    """
    Return the optional parameters that were sent, a blanked one as empty.
    """
    names = (*(rule.name for rule in OPTIONAL.get(ask.function, ())), *more)
    return {name: "" if ask.get(name) == BLANK else ask.get(name) for name in names if ask.get(name)}
