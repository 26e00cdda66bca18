"""
Elision's page: what it answers to each function, text or JSON as the vendor's document shows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from relay.twin.elision.store import CAMPAIGNS, USER_GROUPS, LeadList, Store, User

WRITES: Final = 8
LEAD_NUMBERS: Final = range(6, 17)
_ADDED: Final = ("agent_user", "agent_pass", "agent_user_level", "agent_full_name", "agent_user_group")
_OPTIONAL: Final = "THIS IS AN OPTIONAL FIELD"
# What an optional parameter of update_user must look like, and how the refusal calls it.
_RULES: Final = {
    "agent_full_name": (".{1,50}", "YOU MUST USE A VALID FULL NAME"),
    "agent_user_level": ("[1-9]", "YOU MUST USE A VALID USER LEVEL"),
    "phone_login": ("[-_0-9A-Za-z]{1,20}", "YOU MUST USE A VALID PHONE LOGIN"),
    "phone_pass": ("[-_0-9A-Za-z]{1,20}", "YOU MUST USE A VALID PHONE PASSWORD"),
    "voicemail_id": (r"\d{1,10}", "YOU MUST USE A VALID VOICEMAIL ID"),
    "email": (".+@.+", "YOU MUST USE A VALID EMAIL"),
    "active": ("[YN]", "ACTIVE MUST BE Y OR N"),
}


class Page:
    """
    Answers requests out of a store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._functions: Mapping[str, Callable[[User, Mapping[str, str]], str]] = {
            "add_user": self._add_user,
            "update_user": self._update_user,
            "add_list": self._add_list,
            "active_lists": self._active_lists,
            "add_multi_lead": self._add_multi_lead,
        }

    def answer(self, params: Mapping[str, str]) -> str:
        """
        Answer a request; every refusal is a 200 with a text.
        """
        user, password = params.get("user", ""), params.get("pass", "")
        caller = self._store.users.get(user)
        if caller is None or not password or caller.password != password:
            return f"ERROR: Login incorrect, please try again: |{user}|{password}|BAD|\n"
        function = self._functions.get(params.get("function", ""))
        if function is None:
            return "ERROR: NO FUNCTION SPECIFIED\n"
        if len(params.get("source", "")) < 2:
            return f"ERROR: Invalid Source: |{params.get('source', '')}|\n"
        return function(caller, params)

    def _add_user(self, caller: User, params: Mapping[str, str]) -> str:
        if not _may_change(caller):
            return _said("ERROR", "add_user USER DOES NOT HAVE PERMISSION TO ADD USERS", caller.user, 0)
        user, password, level, name, group = (params.get(field, "") for field in _ADDED)
        if not all((user, password, level, name, group)):
            return _said("ERROR", "add_user YOU MUST USE ALL REQUIRED FIELDS", caller.user, user, "")
        if not re.fullmatch("[1-9]", level) or int(level) > caller.level:
            text = "add_user USER DOES NOT HAVE PERMISSION TO ADD USERS IN THIS USER LEVEL"
            return _said("ERROR", text, caller.user, level)
        if group not in USER_GROUPS:
            return _said("ERROR", "add_user USER GROUP DOES NOT EXIST", caller.user, group)
        if user in self._store.users:
            return _said("ERROR", "add_user USER ALREADY EXISTS", caller.user, user)
        self._store.users[user] = User(user, password, int(level), name, group)
        return _said(
            "SUCCESS", "add_user USER HAS BEEN ADDED", caller.user, user, password, level, name, group
        )

    def _update_user(self, caller: User, params: Mapping[str, str]) -> str:
        if not _may_change(caller):
            return _said("ERROR", "update_user USER DOES NOT HAVE PERMISSION TO UPDATE USERS", caller.user, 0)
        user = params.get("agent_user", "")
        if not user:
            return _said("ERROR", "update_user YOU MUST USE ALL REQUIRED FIELDS", caller.user, "", "")
        person = self._store.users.get(user)
        if person is None:
            return _said("ERROR", "update_user USER DOES NOT EXIST", caller.user, user)
        if person.level > caller.level:
            text = "update_user USER DOES NOT HAVE PERMISSION TO UPDATE THIS USER"
            return _said("ERROR", text, caller.user, user)
        refusal = _wrong(caller, person, params)
        if refusal is not None:
            return refusal
        _change(person, params)
        return _said("SUCCESS", "update_user USER HAS BEEN UPDATED", caller.user, user)

    def _add_list(self, caller: User, params: Mapping[str, str]) -> str:
        if not _may_change(caller):
            text = f"{caller.user} User does not have permission to add list in the system"
            # The answer tells the password back (the vendor's document, page 8).
            return _json(False, text, {"user": caller.user, "password": caller.password})
        data = {name: params.get(name, "") for name in ("list_id", "list_name", "campaign_id")}
        list_id, name, campaign = data.values()
        if not (list_id and name and campaign):
            return _json(False, "Please send list id , campaign id and list name", data)
        if campaign not in CAMPAIGNS:
            return _json(False, f"{campaign} campaign does not exist", data)
        if list_id in self._store.lists:
            return _json(False, f"{list_id} list already exist", data)
        self._store.lists[list_id] = LeadList(list_id, name, campaign, params.get("active") == "Y")
        return _json(True, f"{list_id} list created", data)

    def _active_lists(self, caller: User, params: Mapping[str, str]) -> str:
        return _json(True, "lists are listed successfully", self._store.active_lists())

    def _add_multi_lead(self, caller: User, params: Mapping[str, str]) -> str:
        leads = _leads(params.get("multi_leads", ""))
        if not leads:
            text = "add_multi_lead YOU MUST USE ALL REQUIRED FIELDS"
            return orjson.dumps(["ERROR", text, caller.user, ""]).decode()
        verdicts = {f"lead {number}": self._add_lead(lead) for number, lead in enumerate(leads, 1)}
        return orjson.dumps(verdicts).decode()

    def _add_lead(self, lead: Mapping[str, Any]) -> dict[str, Any]:
        phone, list_id = str(lead.get("phone_number", "")), str(lead.get("list_id", ""))
        if not phone.isdigit() or len(phone) not in LEAD_NUMBERS:
            return {"success": False, "message": "Invalid phone number", "data": phone}
        if list_id not in self._store.lists:
            return {"success": False, "message": "Invalid list id", "data": list_id}
        added = self._store.add_lead(list_id, phone, dict(lead))
        data = f"{phone}|{list_id}|{added.lead_id}||NEW|"
        return {"success": True, "message": "Record(s) Created", "data": data}


def _may_change(caller: User) -> bool:
    return caller.level >= WRITES and caller.may_change


def _said(verdict: str, text: str, *details: object) -> str:
    return f"{verdict}: {text} - {'|'.join(map(str, details))}\n"


def _json(is_success: bool, message: str, data: object) -> str:
    return orjson.dumps({"success": is_success, "message": message, "data": data}).decode()


def _leads(text: str) -> list[Mapping[str, Any]]:
    try:
        leads = orjson.loads(text)
    except orjson.JSONDecodeError:
        return []
    return [lead for lead in leads if isinstance(lead, dict)] if isinstance(leads, list) else []


def _wrong(caller: User, person: User, params: Mapping[str, str]) -> str | None:
    """
    Return the refusal of the first optional parameter that is not as it must be.
    """
    for name, (pattern, text) in _RULES.items():
        value = params.get(name, "")
        if value and not re.fullmatch(pattern, value):
            return _said("ERROR", f"update_user {text}, {_OPTIONAL}", caller.user, value)
    level, group = params.get("agent_user_level", ""), params.get("agent_user_group", "")
    if level and int(level) > caller.level:
        text = f"update_user YOU MUST USE A VALID USER LEVEL, {_OPTIONAL}"
        return _said("ERROR", text, caller.user, level, caller.level, person.level)
    if group and group not in USER_GROUPS:
        return _said(
            "ERROR", f"update_user YOU MUST USE A VALID USER GROUP, {_OPTIONAL}", caller.user, group, 0
        )
    return None


def _change(person: User, params: Mapping[str, str]) -> None:
    person.password = params.get("agent_pass") or person.password
    person.full_name = params.get("agent_full_name") or person.full_name
    person.level = int(params.get("agent_user_level") or person.level)
    person.user_group = params.get("agent_user_group") or person.user_group
    for name in ("phone_login", "phone_pass", "voicemail_id", "email", "active"):
        if params.get(name):
            person.fields[name] = params[name]
