"""
Phones, aliases of phones, aliases of caller ids, the servers, and listening in.
"""

from __future__ import annotations

from typing import Final

from relay.twin.vicidial.arguments import REQUIRED, missing, updates, wrong
from relay.twin.vicidial.asking import Answer, Ask
from relay.twin.vicidial.office import SERVER_IP, Phone

_NO_SERVER: Final = "SERVER DOES NOT EXIST"


def add_phone(ask: Ask) -> str:
    """
    Add a phone to a server.
    """
    refusal = missing(ask)
    if refusal is not None:
        return refusal
    phones, server, extension = ask.world.office.phones, ask.get("server_ip"), ask.get("extension")
    if server != SERVER_IP:
        return ask.refused(_NO_SERVER, server)
    if (server, extension) in phones:
        return ask.refused("PHONE ALREADY EXISTS ON THIS SERVER", server, extension)
    login = ask.get("phone_login")
    if _has_login(ask, login):
        return ask.refused("LOGIN ALREADY EXISTS", login)
    fields = {name: ask.get(name) for name in REQUIRED["add_phone"]}
    phones[server, extension] = Phone(extension, server, login, fields)
    details = (extension, server, ask.get("protocol"), ask.get("dialplan_number"))
    return ask.noted("SUCCESS", "PHONE HAS BEEN ADDED", ask.caller.user, *details)


def update_phone(ask: Ask) -> str:
    """
    Change or delete a phone of a server.
    """
    refusal = missing(ask)
    if refusal is not None:
        return refusal
    phones, server, extension = ask.world.office.phones, ask.get("server_ip"), ask.get("extension")
    if server != SERVER_IP:
        return ask.refused(_NO_SERVER, server)
    phone = phones.get((server, extension))
    if phone is None:
        return ask.refused("PHONE DOES NOT EXIST ON THIS SERVER", server, extension)
    if ask.get("delete_phone") == "Y":
        if "delete_phones" not in ask.caller.permissions:
            text = "USER DOES NOT HAVE PERMISSION TO DELETE PHONES"
            return ask.noted("NOTICE", text, ask.caller.user, extension)
        del phones[server, extension]
        return ask.noted("SUCCESS", "PHONE HAS BEEN DELETED", ask.caller.user, extension, server, "")
    login = ask.get("phone_login")
    if login and login != phone.login and _has_login(ask, login):
        return ask.refused("LOGIN ALREADY EXISTS", login)
    refusal = wrong(ask)
    if refusal is not None:
        return refusal
    given = updates(ask, "phone_login", "admin_user_group", "template_id")
    if not given:
        return ask.refused("NO UPDATES DEFINED", "")
    phone.login = given.get("phone_login", phone.login)
    phone.fields.update(given)
    return ask.noted("SUCCESS", "PHONE HAS BEEN UPDATED", ask.caller.user, extension, server, "")


def add_phone_alias(ask: Ask) -> str:
    """
    Add a name for several phones.
    """
    refusal = missing(ask)
    if refusal is not None:
        return refusal
    alias, logins, name = (ask.get(field) for field in REQUIRED["add_phone_alias"])
    if alias in ask.world.office.phone_aliases:
        return ask.refused("PHONE ALIAS ALREADY EXISTS", alias)
    refusal = _unknown_login(ask, logins)
    if refusal is not None:
        return refusal
    ask.world.office.phone_aliases[alias] = (name, logins)
    return ask.noted("SUCCESS", "PHONE ALIAS HAS BEEN ADDED", ask.caller.user, alias, name, logins)


def update_phone_alias(ask: Ask) -> str:
    """
    Change or delete a name for several phones.
    """
    refusal = missing(ask)
    if refusal is not None:
        return refusal
    aliases, alias = ask.world.office.phone_aliases, ask.get("alias_id")
    if alias not in aliases:
        return ask.refused("PHONE ALIAS DOES NOT EXIST", alias)
    if ask.get("delete_alias") == "Y":
        del aliases[alias]
        return ask.noted("SUCCESS", "PHONE ALIAS HAS BEEN DELETED", ask.caller.user, alias)
    name, logins = aliases[alias]
    refusal = wrong(ask) or _unknown_login(ask, ask.get("phone_logins"))
    if refusal is not None:
        return refusal
    if not ask.get("alias_name") and not ask.get("phone_logins"):
        return ask.refused("NO UPDATES DEFINED", "")
    aliases[alias] = (ask.get("alias_name") or name, ask.get("phone_logins") or logins)
    return ask.noted("SUCCESS", "PHONE ALIAS HAS BEEN UPDATED", ask.caller.user, alias, "")


def add_group_alias(ask: Ask) -> str:
    """
    Add a caller id under a name; the number stands for what is not sent.
    """
    refusal = missing(ask, ("caller_id_number", "group_alias_id", "group_alias_name"))
    if refusal is not None:
        return refusal
    number = ask.get("caller_id_number")
    alias = ask.get("group_alias_id") or number
    if alias in ask.world.office.group_aliases:
        return ask.refused("GROUP ALIAS ALREADY EXISTS", alias)
    ask.world.office.group_aliases[alias] = number
    name = ask.get("group_alias_name") or number
    return ask.noted("SUCCESS", "GROUP ALIAS HAS BEEN ADDED", ask.caller.user, alias, name, number)


def server_refresh(ask: Ask) -> str:
    """
    Let all servers read their configuration anew.
    """
    if ask.get("stage") != "REFRESH":
        return ask.refused("YOU MUST USE ALL REQUIRED FIELDS", ask.get("stage"))
    return ask.noted("SUCCESS", "SERVER REFRESH HAS BEEN TRIGGERED", ask.caller.user, 0)


def blind_monitor(ask: Ask) -> str:
    """
    Let a phone ring and listen in to the session of an agent.
    """
    office, user = ask.world.office, ask.caller.user
    session, server, login = (ask.get(name) for name in ("session_id", "server_ip", "phone_login"))
    is_there = any(agent.session_id == session for agent in ask.world.floor.showing.logged_in())
    if not is_there or server != SERVER_IP:
        return ask.noted("ERROR", "INVALID SESSION ID", session, server, user)
    phone = next((phone for phone in office.phones.values() if phone.login == login), None)
    if phone is None:
        return ask.noted("ERROR", "INVALID PHONE LOGIN", login, user)
    office.monitored += 1
    # The server's address in three digits each, then what is dialled: 0 for listening without a voice.
    mode = "" if ask.get("stage") == "BARGE" else "0"
    dialled = f"{'*'.join(part.zfill(3) for part in server.split('.'))}*{mode}{session}"
    details = (login, dialled, phone.fields["dialplan_number"], session, office.monitored, user)
    return ask.noted("SUCCESS", "HAS BEEN LAUNCHED", *details)


def _has_login(ask: Ask, login: str) -> bool:
    return any(phone.login == login for phone in ask.world.office.phones.values())


def _unknown_login(ask: Ask, logins: str) -> str | None:
    for login in filter(None, logins.split(",")):
        if not _has_login(ask, login):
            return ask.refused("PHONE DOES NOT EXIST", login)
    return None


FUNCTIONS: Final[dict[str, Answer]] = {
    "add_phone": add_phone,
    "update_phone": update_phone,
    "add_phone_alias": add_phone_alias,
    "update_phone_alias": update_phone_alias,
    "add_group_alias": add_group_alias,
    "server_refresh": server_refresh,
    "blind_monitor": blind_monitor,
}
