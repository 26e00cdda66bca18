"""
Every type of event has a schema and an example, and they agree.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from relay.model.catalogue import CALL_FINISHED, CATALOGUE, EVENT_TYPES
from relay.model.event import schema_uri
from relay.model.examples import example
from relay.model.schemas import data_schema, envelope_schema


def problems(schema: dict[str, Any], instance: object) -> list[str]:
    """
    Return what an independent validator finds wrong.
    """
    return [error.json_path for error in Draft202012Validator(schema).iter_errors(instance)]


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_the_schemas_are_json_schema(event_type: str) -> None:
    for schema in (data_schema(event_type), envelope_schema(event_type)):
        Draft202012Validator.check_schema(schema)
        assert schema == json.loads(json.dumps(schema))


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_the_example_fits_the_schemas_and_the_contract(event_type: str) -> None:
    event = example(event_type)

    assert event_type == event["type"]
    assert [] == problems(envelope_schema(event_type), event)
    assert [] == problems(data_schema(event_type), event["data"])
    assert (
        event["data"] == EVENT_TYPES[event_type].data.model_validate(event["data"], strict=True).model_dump()
    )


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_an_event_without_an_attribute_does_not_fit(event_type: str) -> None:
    for name in example(event_type):
        event = example(event_type)
        del event[name]

        assert ["$"] == problems(envelope_schema(event_type), event)


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_data_without_a_field_or_with_a_foreign_one_does_not_fit(event_type: str) -> None:
    for name in example(event_type)["data"]:
        data = example(event_type)["data"]
        del data[name]

        assert ["$"] == problems(data_schema(event_type), data)

    foreign = example(event_type)
    foreign["data"]["foreign"] = 1
    assert ["$.data"] == problems(envelope_schema(event_type), foreign)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("id",), "short"),
        (("time",), "2026-11-21T10:00:00Z"),
        (("sequence",), "3"),
        (("source",), "pbx-sydney"),
        (("type",), "call.missed"),
        (("data", "talk_s"), -1),
        (("data", "started_at"), "2026-11-21 10:00:00"),
        (("data", "direction"), "sideways"),
        (("data", "legs", 0, "stream"), "agents"),
    ],
)
def test_a_bad_value_does_not_fit(path: tuple[Any, ...], value: object) -> None:
    event = example(CALL_FINISHED)
    inside: Any = event
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = value

    found = problems(envelope_schema(CALL_FINISHED), event)

    assert ["$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)] == found


def test_the_schema_of_the_data_is_the_one_that_events_name() -> None:
    assert {schema_uri(kind.name) for kind in CATALOGUE} == {data_schema(name)["$id"] for name in EVENT_TYPES}
    assert schema_uri(CALL_FINISHED) == example(CALL_FINISHED)["dataschema"]


def test_the_examples_tell_one_story() -> None:
    started, finished, given_up = (
        example(name) for name in ("call.started", CALL_FINISHED, "delivery.exhausted")
    )

    assert started["subject"] == finished["subject"] == given_up["data"]["event_subject"]
    assert finished["id"] == given_up["data"]["event_id"]
    assert "/sources/pbx-sydney" == finished["source"]
    assert "/endpoints/crm" == given_up["source"]
    assert finished["data"]["talk_s"] == finished["data"]["duration_s"] - finished["data"]["wait_s"]
