"""
What the page checks of arguments alone, without looking at what there is.

Which parameters a function needs, and what each must look like, is in the catalogue of functions; here is
what the page says where one is not so, and where it is stricter than its document.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from relay.commands import catalogue
from relay.commands.catalogue import DIALER360
from relay.twin.vicidial.asking import Ask

BLANK: Final = "--BLANK--"  # empties a field
_OPTIONAL: Final = ", THIS IS AN OPTIONAL FIELD"
_CUSTOM: Final = ("one", "two", "three", "four", "five")


class Rule(NamedTuple):
    """
    An optional parameter: what is said where it is not as it must be, and what it must look like, where that
    is not as the catalogue says.
    """

    name: str
    text: str
    pattern: str | None = None


def _valid(name: str, what: str) -> Rule:
    return Rule(name, f"YOU MUST USE A VALID {what}{_OPTIONAL}")


def _must(name: str, text: str, pattern: str | None = None) -> Rule:
    return Rule(name, f"{text}{_OPTIONAL}", pattern)


_ACTIVE: Final = _must("active", "ACTIVE MUST BE Y OR N")
_LIST_RULES: Final = (
    _must("reset_time", "RESET TIME IS NOT VALID"),
    _must("expiration_date", "EXPIRATION DATE IS NOT VALID"),
    _must("tz_method", "TIME ZONE METHOD IS NOT VALID"),
    _must("local_call_time", "LOCAL CALL TIME DOES NOT EXIST"),
    *(_must(f"xferconf_{one}", f"TRANSFER CONF OVERRIDE {one.upper()} IS NOT VALID", ".{1,50}")
      for one in _CUSTOM),
)  # fmt: skip
OPTIONAL: Final[dict[str, tuple[Rule, ...]]] = {
    "update_user": (
        _valid("agent_full_name", "FULL NAME"),
        _valid("agent_user_level", "USER LEVEL"),
        _valid("phone_login", "PHONE LOGIN"),
        _valid("phone_pass", "PHONE PASSWORD"),
        _valid("hotkeys_active", "HOTKEYS SETTING"),
        _valid("voicemail_id", "VOICEMAIL ID"),
        _valid("email", "EMAIL"),
        *(_valid(f"custom_{one}", f"CUSTOM {one.upper()}") for one in _CUSTOM),
        _ACTIVE,
        _must("wrapup_seconds_override", "wrapup_seconds_override MUST BE A VALID DIGIT BETWEEN -1 AND 9999"),
        _valid("campaign_rank", "CAMPAIGN RANK"),
        _valid("campaign_grade", "CAMPAIGN GRADE"),
    ),
    "update_phone": (
        Rule("local_gmt", "YOU MUST USE A VALID TIMEZONE"),
        Rule("dialplan_number", "YOU MUST USE A VALID DIALPLAN NUMBER"),
        Rule("voicemail_id", "YOU MUST USE A VALID VOICEMAIL NUMBER"),
        Rule("phone_pass", "YOU MUST USE A VALID PHONE PASSWORD"),
        Rule("registration_password", "YOU MUST USE A VALID REGISTRATION PASSWORD"),
        Rule("protocol", "YOU MUST USE A VALID PROTOCOL"),
        Rule("phone_full_name", "YOU MUST USE A VALID PHONE NAME"),
        Rule("phone_context", "YOU MUST USE A VALID PHONE CONTEXT"),
        Rule("email", "YOU MUST USE A VALID EMAIL"),
        _ACTIVE,
        _must("outbound_cid", "OUTBOUND CID MUST BE FROM 6 TO 18 DIGITS"),
        _must("outbound_alt_cid", "OUTBOUND ALT CID MUST BE FROM 6 TO 18 DIGITS"),
        _must("phone_ring_timeout", "PHONE RING TIMEOUT MUST BE FROM 2 TO 180 SECONDS"),
        _must("delete_vm_after_email", "DELETE VOICEMAIL AFTER EMAIL MUST BE Y OR N"),
    ),
    "update_phone_alias": (Rule("alias_name", "YOU MUST USE A VALID ALIAS NAME", ".{2,50}"),),
    "add_list": _LIST_RULES,
    "update_list": (
        _must("list_name", "LIST NAME MUST BE FROM 6 TO 30 CHARACTERS"),
        _ACTIVE,
        _must("outbound_cid", "OUTBOUND CID MUST BE FROM 6 TO 18 DIGITS"),
        _must("am_message", "ANSWERING MACHINE MESSAGE MUST LESS THAN 101 DIGITS"),
        *_LIST_RULES,
    ),
    "update_campaign": (
        _must("campaign_name", "CAMPAIGN NAME MUST BE FROM 6 TO 40 CHARACTERS"),
        _ACTIVE,
        _must("auto_dial_level", "AUTO DIAL LEVEL MUST BE FROM 0 TO 4.001", r"[0-3](\.\d{1,3})?|4(\.00?1?)?"),
        _must("hopper_level", "HOPPER LEVEL MUST BE FROM 1 TO 2000"),
        _must("dial_timeout", "DIAL TIMEOUT MUST BE FROM 1 TO 120"),
        _must("dial_method", "DIAL METHOD IS NOT VALID"),
    ),
}  # fmt: skip


def required(function: str) -> tuple[str, ...]:
    """
    Return the parameters that a function cannot do without, in the order in which its refusal repeats them.
    """
    return tuple(one.name for one in catalogue.function(DIALER360, function).parameters if one.required)


def missing(ask: Ask, echoed: tuple[str, ...] = ()) -> str | None:
    """
    Return the refusal of a request that lacks something; it repeats what was sent, secrets too.
    """
    names = required(ask.function)
    if all(ask.get(name) for name in names):
        return None
    return ask.refused("YOU MUST USE ALL REQUIRED FIELDS", *(ask.get(name) for name in echoed or names))


def wrong(ask: Ask) -> str | None:
    """
    Return the refusal of the first optional parameter that is not as it must be.
    """
    for rule in OPTIONAL.get(ask.function, ()):
        value = ask.get(rule.name)
        if value and value != BLANK and not _fits(ask.function, rule, value):
            return ask.refused(rule.text, value)
    return None


def _fits(function: str, rule: Rule, value: str) -> bool:
    if rule.pattern is not None:
        return re.fullmatch(rule.pattern, value) is not None
    faults = catalogue.check(catalogue.function(DIALER360, function), {rule.name: value})
    return rule.name not in {fault.parameter for fault in faults}


def updates(ask: Ask, *more: str) -> dict[str, str]:
    """
    Return the optional parameters that were sent, a blanked one as empty.
    """
    names = (*(rule.name for rule in OPTIONAL.get(ask.function, ())), *more)
    return {name: "" if ask.get(name) == BLANK else ask.get(name) for name in names if ask.get(name)}
