"""
The schemas are valid, agree with the checks, and what fits them can be sent as plain text.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from relay.commands.catalogue import ALL, Function, check, function
from relay.commands.checking import wire_params
from relay.commands.examples import example_of
from relay.commands.result import SUCCEEDED, CommandResult, result_of
from relay.commands.schemas import request_schema, result_schema
from relay.model.vendor_answer import SUCCESS, Message, VendorAnswer
from tests.commands.generating import bodies

every_function = pytest.mark.parametrize("one", ALL, ids=lambda one: f"{one.kind} {one.name}")
CONTROL = r"[\x00-\x1f\x7f-\x9f\u2028\u2029]"
quickly = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


def fits(one: Function, body: dict[str, Any]) -> bool:
    """
    Tell whether a body fits the schema of a function.
    """
    return Draft202012Validator(request_schema(one)).is_valid(body)


@every_function
def test_the_schemas_are_valid(one: Function) -> None:
    Draft202012Validator.check_schema(request_schema(one))
    Draft202012Validator.check_schema(result_schema(one))

    assert fits(one, example_of(one))


@every_function
@quickly
@given(data=st.data())
def test_what_fits_the_schema_passes_the_check_and_is_sent_as_plain_text(
    one: Function, data: st.DataObject
) -> None:
    body = example_of(one) | data.draw(bodies(request_schema(one)))

    # Rules are in the schema too: schema and check say the same of them.
    assert fits(one, body) == (check(one, body) == [])
    if fits(one, body):
        params = wire_params(one, body)
        assert body.keys() <= params.keys()
        assert [] == [
            text for text in params.values() if not isinstance(text, str) or re.search(CONTROL, text)
        ]


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("add_lead", {"favorite_color": "blue"}),
        ("add_lead", {"favorite_color": "blue", "custom_fields": False}),
        ("add_lead", {"favorite_color": "blue", "custom_fields": True}),
        ("add_lead", {"pass": "x", "custom_fields": True}),
        ("add_lead", {"two words": "x", "custom_fields": True}),
        ("add_lead", {"entry_list_id": 101, "custom_fields": "Y"}),
        ("add_lead", {"callback": True}),
        ("add_lead", {"callback": True, "campaign_id": "TESTCAMP", "callback_datetime": "NOW"}),
        ("add_lead", {"phone_number": "+17275551212"}),
        ("add_lead", {"comments": "two\nlines"}),
        ("update_lead", {"last_name": None}),
        ("update_lead", {"search_method": "PHONE_NUMBER"}),
        ("update_lead", {"search_method": "PHONE_NUMBER", "phone_number": 7275551212}),
        ("update_lead", {"search_location": "LIST"}),
        ("check_phone_number", {"tz_method": ["POSTAL"]}),
        ("check_phone_number", {"tz_method": ["POSTAL"], "postal_code": "33701"}),
        ("update_user", {"camp_rg_only": True}),
        ("update_user", {"camp_rg_only": False}),
        ("update_phone", {"email": None}),
        ("update_phone", {"phone_login": None}),
        ("update_phone", {"phone_login": "--BLANK--"}),
    ],
)
def test_schema_and_check_agree_on_rules(name: str, more: dict[str, Any]) -> None:
    one = function("dialer360", name)
    body = example_of(one) | more

    assert fits(one, body) == (check(one, body) == [])


def test_a_secret_is_marked() -> None:
    properties = request_schema(function("dialer360", "add_phone"))["properties"]

    secrets = [name for name, part in properties.items() if part.get("writeOnly")]
    assert ["phone_pass", "registration_password"] == secrets


def test_a_result_fits_its_schema() -> None:
    one = function("dialer360", "add_lead")
    details = ("7275551112", "999", "402", "-5", "apiuser")
    answer = VendorAnswer(SUCCESS, (Message("SUCCESS", "add_lead LEAD HAS BEEN ADDED", details),))

    result = result_of(one, answer)
    Draft202012Validator(result_schema(one)).validate(shown(result))
    assert SUCCEEDED == result.status


def shown(result: CommandResult) -> Any:
    """
    Return a result as the API shows it.
    """
    parts = {"status": result.status, "message": result.message, "data": result.data, "raw": result.raw}
    return json.loads(json.dumps(parts))
