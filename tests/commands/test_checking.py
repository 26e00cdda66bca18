"""
The check names everything that is wrong at once; limits hold at their edges.
"""

from __future__ import annotations

from typing import Any

import pytest

from relay.commands.catalogue import ALL, Function, Parameter, check, function
from relay.commands.checking import Fault
from relay.commands.examples import example_of
from relay.commands.function import CHOICE, DATE, DATETIME, DECIMAL, DIGITS, FLAG, INTEGER, LIST, TEXT

ADD_LEAD = function("dialer360", "add_lead")
ADD_USER = function("dialer360", "add_user")
every_function = pytest.mark.parametrize("one", ALL, ids=lambda one: f"{one.kind} {one.name}")


def faulty(one: Function, given: dict[str, Any]) -> list[str]:
    """
    Return the parameters that the check finds fault with.
    """
    return [fault.parameter for fault in check(one, given)]


def with_lead(**more: Any) -> list[Fault]:
    """
    Return the faults of an add_lead that is well otherwise.
    """
    return check(ADD_LEAD, {"phone_number": "7275551212", **more})


@every_function
def test_each_required_parameter_is_named_when_it_is_missing(one: Function) -> None:
    required = [parameter.name for parameter in one.parameters if parameter.required]

    assert set(required) <= set(faulty(one, {}))
    for name in required:
        body = {key: value for key, value in example_of(one).items() if key != name}
        assert Fault(name, "is required") in check(one, body)


def test_all_faults_are_told_at_once() -> None:
    given = {"agent_user": "john.doe", "agent_user_level": 10, "email": "a+b@example.com", "colour": "red"}

    names = faulty(ADD_USER, given)
    assert ["agent_user", "agent_pass", "agent_user_level", "agent_full_name", "agent_user_group"] == names[
        :5
    ]
    assert ["email", "colour"] == names[5:]


@pytest.mark.parametrize("name", ["function", "user", "pass", "source", "DB"])
def test_what_relay_sets_itself_may_not_be_given(name: str) -> None:
    assert [Fault(name, "relay sets it itself")] == with_lead(**{name: "1", "custom_fields": True})


def test_an_unknown_parameter_is_a_fault() -> None:
    problem = "there is no such parameter; fields of the list's own need custom_fields"

    assert [Fault("favorite_color", problem)] == with_lead(favorite_color="blue")
    assert [Fault("colour", "there is no such parameter")] == check(
        function("dialer360", "server_refresh"), {"colour": "red"}
    )


def test_fields_of_the_list_are_taken_with_custom_fields() -> None:
    assert [] == with_lead(custom_fields=True, favorite_color="blue", shoe_size=44)
    assert ["favorite_color"] == [
        fault.parameter for fault in with_lead(custom_fields="Y", favorite_color="a;b")
    ]


@pytest.mark.parametrize("kind", [TEXT, DIGITS])
@pytest.mark.parametrize(("length", "fits"), [(2, False), (3, True), (5, True), (6, False)])
def test_lengths_hold_at_their_edges(kind: str, length: int, fits: bool) -> None:
    assert fits == (not faults_of(Parameter("p", kind, "", (3, 5)), "1" * length))


@pytest.mark.parametrize(
    ("kind", "value", "fits"),
    [
        (INTEGER, -100, False), (INTEGER, -99, True), (INTEGER, "99", True), (INTEGER, 100, False),
        (INTEGER, 1.5, False), (INTEGER, True, False), (INTEGER, "1e1", False), (INTEGER, "", False),
        (DECIMAL, -99.01, False), (DECIMAL, -99, True), (DECIMAL, 98.9999, True),
        (DECIMAL, "99.00001", False),
        (DECIMAL, 1.00001, False), (DECIMAL, float("nan"), False), (DECIMAL, float("inf"), False),
    ],
)  # fmt: skip
def test_numbers_hold_their_limits(kind: str, value: Any, fits: bool) -> None:
    assert fits == (not faults_of(Parameter("p", kind, "", limits=(-99, 99)), value))


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (FLAG, (True, False, "Y", "N"), ("y", "YES", 1, None, "")),
        (CHOICE, ("IN", "OUT"), ("in", "", 1, None, ["IN"])),
        (
            DATE,
            ("2026-02-28",),
            ("2026-02-29", "26-02-28", "2026-2-28", "28.02.2026", 20260228, "2026-02-28\n"),
        ),
        (
            DATETIME,
            ("2026-02-28 23:59:59", "2026-02-28T00:00:00", "IN"),
            ("2026-02-28", "2026-02-28 24:00:00", "2026-02-28T00:00:00Z", "2026-02-28T00:00:00+01:00", "now"),
        ),
        (LIST, (["IN"], ["IN", "OUT"], "IN|OUT", "OUT"), ([], "", ["UP"], "IN,OUT", [None], [["IN"]], {}, 1)),
        (TEXT, ("IN", "1", 1), (None, True, 1.5, [], {}, -1, 10**15)),
        (DIGITS, ("0", 0, 999), (None, True, 1.5, "-1", -1, "1 2", "\u0661", 10**15)),
    ],
)
def test_values_of_each_kind(kind: str, good: tuple[Any, ...], bad: tuple[Any, ...]) -> None:
    choices = {FLAG: (), TEXT: (), DIGITS: (), DATE: ()}.get(kind, ("IN", "OUT"))
    parameter = Parameter("p", kind, "", (1, 20), choices=choices, separator="|")

    assert [] == [value for value in good if faults_of(parameter, value)]
    assert [] == [value for value in bad if not faults_of(parameter, value)]


@pytest.mark.parametrize("character", ["\n", "\r", "\t", "\0", "\x1b", "\x7f", "\x85", "\u2028"])
def test_control_characters_are_refused_everywhere(character: str) -> None:
    texts = ["comments", "first_name", "vendor_lead_code", "callback_comments", "owner"]

    assert texts == [name for name in texts if with_lead(**{name: f"a{character}b"})]
    assert [] == [fault for fault in with_lead(comments="a b") if fault]


@pytest.mark.parametrize(
    ("name", "text", "lost"),
    [
        ("agent_user", "john.doe", "'.'"),
        ("agent_pass", "p@ss:word!", "'!' ':' '@'"),
        ("agent_full_name", "Smith, Mary", "','"),
        ("agent_full_name", "Zoë", "'ë'"),
        ("email", "a+b@example.com", "'+'"),
        ("agent_user_group", "A|B", "'|'"),
    ],
)
def test_what_the_server_would_drop_is_a_fault(name: str, text: str, lost: str) -> None:
    body = example_of(ADD_USER) | {name: text}

    assert [Fault(name, f"the phone system would drop or change {lost}")] == check(ADD_USER, body)


def test_comments_keep_what_rows_do_not() -> None:
    assert [] == with_lead(comments="a, b | it's 5 % & more", vendor_lead_code="A,B'C", last_name="O'Brien")
    assert ["vendor_lead_code", "source_id"] == [
        fault.parameter for fault in with_lead(vendor_lead_code="A|B", source_id="a|b")
    ]


def test_only_what_can_be_emptied_takes_null() -> None:
    update = function("dialer360", "update_lead")

    assert [] == check(update, {"lead_id": 27, "province": None, "city": "--BLANK--"})
    assert ["lead_id"] == faulty(update, {"lead_id": None})
    assert ["province", "city"] == faulty(
        ADD_LEAD, {"phone_number": "7275551212", "province": "--BLANK--", "city": None}
    )[::-1]


def test_every_record_is_checked_and_named_by_its_place() -> None:
    add = function("elision", "add_multi_lead")
    good = {"phone_number": 1234567893, "list_id": "1101"}

    leads = [good, {"phone_number": "12", "colour": "red"}, good | {"postal_code": "a,b"}]
    names = ["phone_number", "list_id", "colour"]
    assert [*(f"multi_leads[1].{name}" for name in names), "multi_leads[2].postal_code"] == faulty(
        add, {"multi_leads": leads}
    )
    assert ["multi_leads"] == faulty(add, {"multi_leads": []})
    assert ["multi_leads"] == faulty(add, {"multi_leads": [good, "x"]})
    assert [] == faulty(add, {"multi_leads": [good] * 500})
    assert ["multi_leads"] == faulty(add, {"multi_leads": [good] * 501})


def faults_of(parameter: Parameter, value: Any) -> list[Fault]:
    """
    Return the faults of a value.
    """
    return check(Function("f", "dialer360", "", (parameter,), ()), {"p": value})
