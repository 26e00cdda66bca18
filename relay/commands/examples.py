"""
A body for each function that passes its check: for OpenAPI, the documents and the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from relay.commands.checking import check
from relay.commands.function import (
    CHOICE,
    DATE,
    DATETIME,
    DECIMAL,
    FLAG,
    INTEGER,
    LIST,
    RECORDS,
    Function,
    Parameter,
)

_VALUES: Final[Mapping[str, Any]] = {
    "agent_user": "1001",
    "agent_pass": "demo-pass",
    "agent_full_name": "Alice Adams",
    "agent_user_group": "AGENTS",
    "alias_id": "alice",
    "alias_name": "Phones of Alice",
    "call_id": "V1210245330000000128",
    "campaign_id": "TESTCAMP",
    "caller_id_number": "7275551212",
    "email": "alice@example.com",
    "extension": "55000",
    "field_name": "first_name",
    "group": "TESTCAMP",
    "in_groups": ["SALESLINE"],
    "lead_id": "193715",
    "list_id": "1101",
    "list_name": "Spring offer",
    "local_call_time": "9am-9pm",
    "local_gmt": -5,
    "number_to_call": "+61255501234",
    "outbound_cid": "7275551212",
    "phone_code": "1",
    "phone_login": "55000",
    "phone_logins": ["55000", "55001"],
    "phone_pass": "demo-pass",
    "phone_full_name": "Phone of Alice",
    "protocol": "SIP",
    "registration_password": "demo-pass",
    "server_ip": "10.10.10.15",
    "session_id": "8600051",
    "status": "SALE",
    "user_groups": ["AGENTS"],
    "user_number": "201",
    "active": True,
    "first_name": "Bob",
    "last_name": "Wilson",
}
# What is changed in the example, where only what is to be changed is required.
_MORE: Final[Mapping[str, tuple[str, ...]]] = {
    "add_lead": ("list_id", "first_name", "last_name"),
    "update_lead": ("last_name",),
    "update_user": ("active",),
    "update_phone": ("phone_full_name",),
    "update_phone_alias": ("alias_name",),
    "update_list": ("active",),
    "update_campaign": ("active",),
}
_BY_KIND: Final[Mapping[str, Any]] = {
    INTEGER: 1,
    DECIMAL: 1,
    FLAG: True,
    DATE: "2026-11-21",
    DATETIME: "2026-11-21 09:00:00",
}


def example_of(function: Function) -> dict[str, Any]:
    """
    Return a body with what the function requires, and a little more where that alone would do nothing.
    """
    names = [one.name for one in function.parameters if one.required]
    names += [name for name in _MORE.get(function.name, ()) if name not in names]
    body = {name: example_value(function.parameter(name)) for name in names}
    for fault in check(function, body):  # a rule asks for more
        body.setdefault(fault.parameter, example_value(function.parameter(fault.parameter)))
    return body


def example_value(parameter: Parameter) -> Any:
    """
    Return a value that fits a parameter.
    """
    if parameter.kind == RECORDS:
        return [{field.name: example_value(field) for field in parameter.fields if field.required}]
    if parameter.name == "phone_number":
        return ["7275551212"] if parameter.kind == LIST else "7275551212"
    if parameter.kind == CHOICE:
        return parameter.choices[0]
    if parameter.name in _VALUES:
        return _VALUES[parameter.name]
    if parameter.kind in _BY_KIND:
        return _BY_KIND[parameter.kind]
    if parameter.kind == LIST:
        return [parameter.choices[0]] if parameter.choices else ["1"]
    return "1" * max(1, (parameter.length or (1, 1))[0])
