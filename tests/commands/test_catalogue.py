"""
The tables are whole: every function that the vendors document, and nothing left empty in them.
"""

from __future__ import annotations

import re

import pytest

from relay.commands.catalogue import ALL, FUNCTIONS, Function, check, function, functions_of
from relay.commands.examples import example_of
from relay.commands.function import CHOICE, DECIMAL, DIGITS, DONE, FLAG, INTEGER, LIST, RECORDS, TEXT, WORDS
from relay.model.errors import NotFound

DOCUMENTED = {
    "dialer360": (
        "version sounds_list moh_list vm_list blind_monitor agent_ingroup_info recording_lookup "
        "did_log_export phone_number_log agent_stats_export user_group_status in_group_status agent_status"
        " callid_info lead_field_info update_log_entry add_lead update_lead add_user update_user"
        " add_group_alias add_phone update_phone add_phone_alias update_phone_alias add_list update_list"
        " server_refresh check_phone_number logged_in_agents update_campaign"
    ),
    "elision": "add_user update_user add_list active_lists add_multi_lead",
    "voipcloud": "call-to-number get-system-status",
}
READS = (
    "version sounds_list moh_list vm_list agent_ingroup_info recording_lookup did_log_export phone_number_log"
    " agent_stats_export user_group_status in_group_status agent_status callid_info lead_field_info"
    " check_phone_number logged_in_agents active_lists get-system-status"
)
every_function = pytest.mark.parametrize("one", ALL, ids=lambda one: f"{one.kind} {one.name}")


@pytest.mark.parametrize("kind", DOCUMENTED)
def test_every_documented_function_is_there_and_no_other(kind: str) -> None:
    assert set(DOCUMENTED[kind].split()) == set(functions_of(kind))


def test_what_changes_nothing_is_a_read_and_all_else_a_write() -> None:
    assert set(READS.split()) == {one.name for one in ALL if not one.is_write}


def test_a_function_is_found_by_kind_and_name() -> None:
    assert ("elision", "add_list") == (
        function("elision", "add_list").kind,
        function("elision", "add_list").name,
    )
    assert {} == functions_of("landline")
    with pytest.raises(NotFound, match="no function `reboot`"):
        function("dialer360", "reboot")
    with pytest.raises(NotFound, match="kind `landline`"):
        function("landline", "add_list")


@every_function
def test_nothing_is_left_empty(one: Function) -> None:
    parameters = [*one.parameters, *(field for parameter in one.parameters for field in parameter.fields)]
    texts = [
        one.summary,
        *(rule.why for rule in one.rules),
        *(parameter.description for parameter in parameters),
    ]

    assert [] == [text for text in texts if not text.strip().endswith(".")]
    assert [] == [
        parameter.name for parameter in parameters if not re.fullmatch("[a-z0-9_]+", parameter.name)
    ]
    assert len({parameter.name for parameter in one.parameters}) == len(one.parameters)


@every_function
def test_every_parameter_has_its_limits(one: Function) -> None:
    parameters = [*one.parameters, *(field for parameter in one.parameters for field in parameter.fields)]

    assert [] == [
        parameter.name
        for parameter in parameters
        if (parameter.kind in (TEXT, DIGITS, LIST, RECORDS) and parameter.length is None)
        or (parameter.kind in (INTEGER, DECIMAL) and parameter.limits is None)
        or (parameter.kind == CHOICE and not parameter.choices)
        or (parameter.kind == FLAG and len(parameter.yes_no) != 2)
    ]


@every_function
def test_transport_is_no_parameter(one: Function) -> None:
    assert set() == {parameter.name for parameter in one.parameters} & {
        "function",
        "user",
        "pass",
        "source",
        "DB",
    }


@every_function
def test_rules_speak_of_parameters_that_are_there(one: Function) -> None:
    named = {name for rule in one.rules for names in rule.needs for name in names}
    named |= {name for rule in one.rules for name in rule.forbids}
    named |= {rule.when.parameter for rule in one.rules if rule.when is not None}

    assert set() == named - {parameter.name for parameter in one.parameters}


@every_function
def test_what_the_vendor_says_is_in_the_words_and_said_once(one: Function) -> None:
    texts = [saying.text for saying in one.sayings]

    assert set() == {saying.word for saying in one.sayings} - WORDS
    assert sorted(set(texts)) == sorted(texts)


@every_function
def test_a_write_can_succeed_and_fail(one: Function) -> None:
    words = {saying.word for saying in one.sayings}

    assert not one.is_write or (words & DONE and words - DONE)


@every_function
def test_the_example_passes_the_check(one: Function) -> None:
    assert [] == check(one, example_of(one))


def test_writes_need_the_higher_level() -> None:
    levels = {one.name: one.permission.user_level for one in ALL if one.permission and one.is_write}

    assert {"blind_monitor": 7} == {name: level for name, level in levels.items() if level != 8}


def test_events_come_from_what_the_vendor_says() -> None:
    events = {one.name: one.events for one in FUNCTIONS["dialer360"].values() if one.events}

    assert {
        "add_lead": ("lead.created", "lead.rejected"),
        "update_lead": ("lead.updated", "lead.created", "lead.rejected"),
        "add_user": ("user.created",),
        "update_user": ("user.updated",),
        "add_list": ("list.changed",),
        "update_list": ("list.changed",),
    } == events
