"""
Conditions and fields of endpoints are checked with everything else in the file.
"""

from __future__ import annotations

import pytest

from tests.config.conftest import ENDPOINT, SOURCE, ConfigFile


def test_conditions_that_can_be_meant_are_taken(file: ConfigFile) -> None:
    conditions = """
conditions = [
  'data.queue in ["sales"]', 'data.talk_s > 30', 'data.outcome == "answered"', 'data.legs is not null',
  'data.final == true', 'type != "call.started"', 'data.absorbed_into is null', 'data.link_confidence >= 1',
]
fields = ["queue", "talk_s", "legs"]
"""

    endpoint = file.load(SOURCE + ENDPOINT + conditions).endpoints[0]

    assert 8 == len(endpoint.options().conditions)
    assert ("queue", "talk_s", "legs") == endpoint.options().fields


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        (
            "data.queue = 3",
            "at character 11: expected one of ==, !=, >, >=, <, <=, in, not in, is null, is not null",
        ),
        ("data.quue is null", "no event wanted has a field `data.quue`; did you mean `data.queue`?"),
        ("data.dwell_s > 3", "no event wanted has a field `data.dwell_s`; did you mean `data.wait_s`?"),
        ('data.talk_s > "30"', "`data.talk_s` holds a number, never \"30\""),
        ("data.queue == true", "`data.queue` holds text, never true"),
        ('data.outcome == "answred"', "`data.outcome` is never `answred`; did you mean `answered`?"),
        ('type == "agent.logged_in"', "`type` is never `agent.logged_in`"),
        (
            'data.legs == "a"',
            "`data.legs` is a list or a table, of which only `is null` and `is not null` can be asked",
        ),
    ],
)  # fmt: skip
def test_one_that_can_not_is_told_with_its_place(file: ConfigFile, condition: str, problem: str) -> None:
    faults = file.faults(f"{SOURCE}{ENDPOINT}conditions = ['data.queue is null', '''{condition}''']")

    assert [f"endpoints[crm].conditions[1]: {problem}"] == faults


def test_all_faults_are_told_at_once(file: ConfigFile) -> None:
    faults = file.faults(
        SOURCE
        + ENDPOINT
        + "conditions = ['data.x == 1', 'data.talk_s >> 3']\nfields = ['quue']\ntimeout_s = 0"
    )

    assert [
        "endpoints[crm].conditions[0]",
        "endpoints[crm].conditions[1]",
        "endpoints[crm].fields[0]",
        "endpoints[crm].timeout_s",
    ] == sorted(fault.split(": ")[0] for fault in faults)


def test_a_field_of_any_of_the_types_will_do(file: ConfigFile) -> None:
    text = SOURCE + ENDPOINT.replace('"call.*"', '"call.*", "agent.*", "system.*"')

    endpoint = file.load(text + "conditions = ['data.dwell_s > 3', 'data.status == \"odd\"']").endpoints[0]

    assert 2 == len(endpoint.conditions)


def test_of_an_endpoint_that_wants_nothing_known_only_that_is_said(file: ConfigFile) -> None:
    text = SOURCE + ENDPOINT.replace("call.*", "calls.*")

    faults = file.faults(text + "conditions = ['data.x == 1']")

    assert ["endpoints[crm].events[0]"] == [fault.split(": ")[0] for fault in faults]
