"""
What parameters ask of each other: each rule holds, and breaks.
"""

from __future__ import annotations

from typing import Any

import pytest

from relay.commands.catalogue import ALL, Function, Rule, check, function
from relay.commands.examples import example_of, example_value

RULES = [(one, rule) for one in ALL for rule in one.rules]
every_rule = pytest.mark.parametrize(
    ("one", "rule"), RULES, ids=[f"{one.kind} {one.name}: {rule.why}" for one, rule in RULES]
)


def about(one: Function, rule: Rule, given: dict[str, Any]) -> list[str]:
    """
    Return the parameters that a rule finds fault with.
    """
    return [fault.parameter for fault in check(one, given) if fault.problem.endswith(rule.why)]


def held(one: Function, rule: Rule, value: str) -> dict[str, Any]:
    """
    Return a body in which the rule's condition holds, without any parameter that it speaks of.
    """
    named = {name for names in rule.needs for name in names} | set(rule.forbids)
    body = {name: given for name, given in example_of(one).items() if name not in named}
    return body if rule.when is None else body | {rule.when.parameter: value}


@every_rule
def test_a_rule_breaks(one: Function, rule: Rule) -> None:
    for value in rule.when.values if rule.when else ("",):
        body = held(one, rule, value)
        forbidden = {name: example_value(one.parameter(name)) for name in rule.forbids}

        assert about(one, rule, body | forbidden)


@every_rule
def test_a_rule_holds(one: Function, rule: Rule) -> None:
    for value in rule.when.values if rule.when else ("",):
        for names in rule.needs or ((),):
            needed = {name: example_value(one.parameter(name)) for name in names}

            assert [] == about(one, rule, held(one, rule, value) | needed)


@every_rule
def test_a_rule_is_silent_where_its_condition_does_not_hold(one: Function, rule: Rule) -> None:
    if rule.when is None:
        return
    parameter = one.parameter(rule.when.parameter)
    words = parameter.choices or parameter.yes_no
    others = [word for word in words if word not in rule.when.values]

    assert others
    assert [] == about(one, rule, held(one, rule, others[0]))


@pytest.mark.parametrize(
    "given",
    [
        {"lead_id": 876409},
        {"uniqueid": "1795247133.158"},
        {"agent_user": "1000", "date": "2010-12-03"},
        {"agent_user": "1000", "extension": "SIP-100"},
        {"date": "2010-12-03", "extension": "SIP-100"},
    ],
)
def test_a_search_for_recordings_with_enough_to_go_by(given: dict[str, Any]) -> None:
    assert [] == check(function("dialer360", "recording_lookup"), given)


@pytest.mark.parametrize("given", [{}, {"agent_user": "1000"}, {"date": "2010-12-03"}, {"extension": "100"}])
def test_a_search_for_recordings_with_too_little(given: dict[str, Any]) -> None:
    (fault,) = check(function("dialer360", "recording_lookup"), given)

    assert "agent_user and date" in fault.problem


def test_the_vendors_default_counts_where_nothing_is_given() -> None:
    update = function("dialer360", "update_lead")

    assert ["lead_id"] == [
        fault.parameter for fault in check(update, {"last_name": "X", "phone_number": 7275551212})
    ]


def test_a_callback_names_all_it_lacks() -> None:
    given = {"phone_number": 7275551111, "callback": "Y", "callback_type": "USERONLY"}

    faults = check(function("dialer360", "add_lead"), given)
    assert ["campaign_id", "callback_datetime", "callback_user"] == [fault.parameter for fault in faults]


def test_a_rule_waits_until_its_condition_can_be_read() -> None:
    given = {"phone_number": 7275551111, "callback": "maybe"}

    assert ["callback"] == [fault.parameter for fault in check(function("dialer360", "add_lead"), given)]
