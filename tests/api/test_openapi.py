"""
The OpenAPI document: valid, whole, and made of what checks the requests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from relay.api import answers, bodies, command_answers, mapping_answers, mapping_bodies, source_answers
from relay.api.openapi import document_of, problem_statuses
from relay.api.operation import KEY_IGNORED, Operation
from relay.api.operations import OPERATIONS
from relay.api.problems import KINDS
from relay.api.request import parameter_names
from tests.api.conftest import NEW, Api

DOCUMENT = document_of(OPERATIONS, needs_key=True)
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
BY_NAME = {operation.name: operation for operation in OPERATIONS}


def described() -> Iterator[tuple[Operation, dict[str, Any]]]:
    """
    Yield every operation of the document with the one it describes.
    """
    for path, methods in DOCUMENT["paths"].items():
        for method, document in methods.items():
            operation = BY_NAME[document["operationId"]]
            assert (operation.path, operation.method.lower()) == (path, method)
            yield operation, document


def references(document: object) -> Iterator[str]:
    """
    Yield every reference in a document.
    """
    if isinstance(document, dict):
        for name, inner in document.items():
            if name == "$ref":
                yield inner
            yield from references(inner)
    elif isinstance(document, list):
        for inner in document:
            yield from references(inner)


def schemas(document: object) -> Iterator[Any]:
    """
    Yield every schema in a document that stands outside of the components.
    """
    if isinstance(document, dict):
        for name, inner in document.items():
            if name == "schema":
                yield inner
            else:
                yield from schemas(inner)
    elif isinstance(document, list):
        for inner in document:
            yield from schemas(inner)


async def test_it_is_served_as_it_is_made(api: Api) -> None:
    assert document_of(OPERATIONS, needs_key=False) == await api.got("/openapi.json")


def test_every_operation_is_in_it_once() -> None:
    assert [operation.name for operation in OPERATIONS] == [
        operation.name for operation, _ in sorted(described(), key=lambda pair: OPERATIONS.index(pair[0]))
    ]
    assert len(OPERATIONS) == len(BY_NAME)
    assert "3.1.0" == DOCUMENT["openapi"]


def test_every_schema_is_valid() -> None:
    for schema in [*SCHEMAS.values(), *schemas(DOCUMENT["paths"])]:
        Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    named = {reference.removeprefix("#/components/schemas/") for reference in references(DOCUMENT)}

    assert named == SCHEMAS.keys()


def test_words_of_pydantic_stay_out_of_the_schemas() -> None:
    words = {word for schema in schemas(DOCUMENT["paths"]) for word in schema}

    assert words <= {
        "$ref", "type", "pattern", "items", "minItems", "maxItems", "minLength", "maxLength", "minimum",
        "maximum", "default", "enum", "format", "examples",
    }  # fmt: skip


def test_every_parameter_of_a_path_is_described() -> None:
    for operation, document in described():
        in_path = [one["name"] for one in document["parameters"] if one["in"] == "path"]

        assert re.findall(r"\{(\w+)\}", operation.path) == in_path


def test_every_parameter_of_a_query_is_described_as_it_is_checked() -> None:
    for operation, document in described():
        in_query = {one["name"]: one for one in document["parameters"] if one["in"] == "query"}

        assert parameter_names(operation.query) == in_query.keys()
        assert all(one["description"] for one in in_query.values())


def test_the_headers_that_count_are_described() -> None:
    for operation, document in described():
        in_header = [one["name"] for one in document["parameters"] if one["in"] == "header"]
        takes_key = operation.method == "POST" and operation.key != KEY_IGNORED
        keyed = ["Idempotency-Key"] if takes_key else []
        resumed = ["Last-Event-ID"] if operation.path.endswith("/stream") else []

        assert [*keyed, *resumed] == in_header


def test_every_answer_says_what_it_holds() -> None:
    for operation, document in described():
        good = document["responses"][str(operation.status)]
        bad = {status: one for status, one in document["responses"].items() if status[0] in "45"}

        assert (operation.status == 204) == ("content" not in good)
        assert sorted(map(str, problem_statuses(operation, needs_key=True))) == sorted(bad)
        assert all("application/problem+json" in one["content"] for one in bad.values())


def test_keys_and_scopes_are_described_where_they_are_needed() -> None:
    for operation, document in described():
        needed = [{"api_key": [operation.scope]}] if operation.scope else []

        assert needed == document["security"]
        assert (operation.scope is not None) == ("401" in document["responses"])
    assert "securitySchemes" not in document_of(OPERATIONS, needs_key=False)["components"]


def test_every_kind_of_problem_can_be_answered_by_an_operation() -> None:
    possible = {status for operation in OPERATIONS for status in problem_statuses(operation, needs_key=True)}

    # 405 is about methods that are no operations.
    assert {kind.status for kind in KINDS} - {405} == possible


@pytest.mark.parametrize(
    "model",
    [
        bodies.EndpointNew,
        bodies.EndpointChanges,
        bodies.SecretNew,
        bodies.Reconciliation,
    ],
)
def test_a_default_is_one_that_would_be_taken(model: type[BaseModel]) -> None:
    properties = SCHEMAS[model.__name__]["properties"]
    defaults = {name: schema["default"] for name, schema in properties.items() if "default" in schema}
    needed = {name: value for name, value in NEW.items() if name in properties}

    model.model_validate({**needed, **defaults})


@pytest.mark.parametrize(
    ("model", "field", "good", "bad"),
    [
        (bodies.EndpointNew, "url", "https://crm.example.com/", "ftp://crm.example.com/"),
        (bodies.EndpointNew, "events", ["call.*"], ["call.nothing"]),
        (bodies.EndpointNew, "events", ["*"], []),
        (bodies.SecretNew, "secret", "whsec_" + "A" * 32, "whsec_" + "A" * 31),
        (bodies.SecretNew, "secret", "whsec_" + "A" * 86 + "==", "whsec_" + "A" * 88),
        (bodies.SecretNew, "secret", "whsec_" + "A" * 35 + "=", "whsec_" + "A" * 28),
        (bodies.SecretNew, "overlap_s", 604_800, 604_801),
        (bodies.Reconciliation, "day", "2026-11-21", 20261121),
        (bodies.Reconciliation, "from", "2026-11-21T00:00:00Z", 1),
        (
            bodies.Aliases,
            "items",
            [{"source_id": "pbx", "natural_id": "a", "call_id": "b"}],
            [{"call_id": "b"}],
        ),
        (mapping_bodies.LeadStatusChanges, "dialer_status", "SALE", "NO SALE"),
        (mapping_bodies.AgentMappingChanges, "external_id", "Zoë", ""),
        (bodies.Aliases, "items", [], [{"source_id": "pbx", "natural_id": "A", "call_id": "b"}]),
    ],
)
def test_what_the_schema_takes_is_taken_and_what_it_refuses_is_refused(
    model: type[BaseModel], field: str, good: object, bad: object
) -> None:
    validator = Draft202012Validator({**SCHEMAS[model.__name__], "components": {"schemas": SCHEMAS}})
    needed = {name: value for name, value in NEW.items() if name in model.model_fields}
    taken, refused = {**needed, field: good}, {**needed, field: bad}

    assert (True, False) == (validator.is_valid(taken), validator.is_valid(refused))
    model.model_validate(taken)
    with pytest.raises(ValueError, match=field):
        model.model_validate(refused)


def test_the_answers_are_those_of_the_table() -> None:
    models = {
        model.__name__
        for part in (answers, source_answers, mapping_answers, command_answers)
        for model in vars(part).values()
        if isinstance(model, type)
        and issubclass(model, BaseModel)
        and model not in (BaseModel, answers.Listing, mapping_answers.SubjectAnswer)
    }

    assert models <= SCHEMAS.keys()
