"""
The OpenAPI 3.1 document, made from the table of operations and the models that check requests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from relay.api.admission import SAFE_METHODS
from relay.api.answers import ProblemDocument
from relay.api.operation import EVENT_STREAM, JSON, KEY_IGNORED, KEY_REQUIRED, Operation
from relay.api.problems import CONTENT_TYPE, KINDS
from relay.api.queries import SEQ_PATTERN
from relay.api.request import IDEMPOTENCY_KEY, KEY_PATTERN, LAST_EVENT_ID, PATH_PATTERNS
from relay.version import __version__

REPLAYED: Final = "Idempotent-Replayed"
SCHEME: Final = "api_key"
_REF: Final = "#/components/schemas/{model}"
_TITLES: Final = {200: "As asked for.", 201: "It was made.", 202: "It will be done.", 204: "Done."}
_ABOUT: Final = (
    "Lists come in pages: send `next` of one as `after` for the following one. Every failure is a problem"
    " document (RFC 9457). A POST with an Idempotency-Key is done once, however often it is sent."
)

Document = dict[str, Any]


def document_of(operations: Sequence[Operation], needs_key: bool) -> Document:
    """
    Return the description of all operations.

    Args:
        operations: the table.
        needs_key: whether relay has API keys.
    """
    schemas = _schemas(operations)
    paths: dict[str, Document] = {}
    for operation in operations:
        described = _Described(operation, needs_key)
        paths.setdefault(operation.path, {})[operation.method.lower()] = described.document()
    document: Document = {
        "openapi": "3.1.0",
        "info": {"title": "relay", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(_tag(one) for one in operations)],
        "paths": paths,
        "components": {"schemas": schemas},
    }
    if needs_key:
        scheme = {"type": "http", "scheme": "bearer", "description": "An API key of the configuration."}
        document["components"]["securitySchemes"] = {SCHEME: scheme}
    return document


def as_bytes(document: Document) -> bytes:
    """
    Return a document as it is answered.
    """
    return orjson.dumps(document)


def problem_statuses(operation: Operation, needs_key: bool) -> list[int]:
    """
    Return the statuses of all problems that an operation may answer.
    """
    statuses = {422, 500, 503, *operation.problems}
    if not needs_key or operation.method not in SAFE_METHODS:
        statuses.add(403)
    if needs_key and operation.scope is not None:
        statuses |= {401, 403}
    if "{" in operation.path:
        statuses.add(404)
    if operation.method in ("POST", "PATCH"):
        statuses |= {400, 408, 413}
    if operation.method == "POST":
        statuses.add(409)
    if operation.body is not None or operation.takes is not None:
        statuses.add(415)
    return sorted(statuses)


class _Described:
    def __init__(self, operation: Operation, needs_key: bool) -> None:
        self._operation = operation
        self._needs_key = needs_key

    def document(self) -> Document:
        operation = self._operation
        document: Document = {
            "operationId": operation.name,
            "tags": [_tag(operation)],
            "summary": operation.summary,
            "parameters": [*self._of_path(), *_of_query(operation.query), *self._of_headers()],
            "responses": {str(operation.status): self._good()}
            | {str(status): _problem(status) for status in problem_statuses(operation, self._needs_key)},
        }
        if operation.body is not None:
            content = {JSON: {"schema": _ref(operation.body)}}
            document["requestBody"] = {"required": True, "content": content}
        if operation.takes is not None:
            taken = {kind: {"schema": dict(schema)} for kind, schema in operation.takes.content.items()}
            document["requestBody"] = {"required": operation.takes.is_required, "content": taken}
        if self._needs_key:
            document["security"] = [{SCHEME: [operation.scope]}] if operation.scope is not None else []
        return document

    def _of_path(self) -> Iterator[Document]:
        for name in re.findall(r"\{(\w+)\}", self._operation.path):
            yield {
                "name": name,
                "in": "path",
                "required": True,
                "schema": {"type": "string", "pattern": PATH_PATTERNS[name]},
            }

    def _of_headers(self) -> Iterator[Document]:
        if self._operation.method == "POST" and self._operation.key != KEY_IGNORED:
            about = "Sent again with the same key, the same request is done once and answered alike."
            is_required = self._operation.key == KEY_REQUIRED
            yield _header(IDEMPOTENCY_KEY, KEY_PATTERN, about, is_required)
        if self._operation.content_type == EVENT_STREAM:
            yield _header(LAST_EVENT_ID, SEQ_PATTERN, "Go on after this id; goes before `after`.")

    def _good(self) -> Document:
        operation = self._operation
        response: Document = {"description": _TITLES[operation.status]}
        if operation.status != 204:
            schema = {"type": "string"} if operation.content_type == EVENT_STREAM else {"type": "object"}
            if operation.gives is not None:
                schema = _ref(operation.gives)
            elif operation.gives_schemas:
                schema = reference_to(next(iter(operation.gives_schemas)))
            response["content"] = {operation.content_type: {"schema": schema}}
        headers: Document = {}
        if operation.status == 201:
            headers["Location"] = _answer_header("Where it is.", is_required=True)
        if operation.status == 202:
            headers["Location"] = _answer_header("Where to see how far it is, if anywhere.")
        if operation.method == "POST" and operation.key != KEY_IGNORED:
            headers[REPLAYED] = _answer_header("true: this was answered before, and not done again.")
        return response | ({"headers": headers} if headers else {})


def _problem(status: int) -> Document:
    title = next(kind.title for kind in KINDS if kind.status == status)
    response: Document = {
        "description": f"{title}.",
        "content": {CONTENT_TYPE: {"schema": _ref(ProblemDocument)}},
    }
    headers = {name for kind in KINDS if kind.status == status for name in kind.headers}
    if headers:
        response["headers"] = {name: _answer_header(f"{title}.") for name in sorted(headers)}
    return response


def _of_query(kind: type[BaseModel]) -> Iterator[Document]:
    whole = kind.model_json_schema(ref_template=_REF)
    for name, schema in whole.get("properties", {}).items():
        # Null stands for a parameter that is left out, which a text cannot say.
        alternatives = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
        described = {**schema, **alternatives[0]}
        about = described.pop("description", None)
        for word in ("anyOf", "title"):
            described.pop(word, None)
        if described.get("default") in (None, []):
            described.pop("default", None)
        is_required = name in whole.get("required", ())
        parameter = {"name": name, "in": "query", "required": is_required, "schema": described}
        yield parameter | ({"description": about} if about else {})


def _header(name: str, pattern: str, about: str, is_required: bool = False) -> Document:
    schema = {"type": "string", "pattern": pattern}
    return {"name": name, "in": "header", "required": is_required, "schema": schema, "description": about}


def _answer_header(about: str, is_required: bool = False) -> Document:
    return {"description": about, "required": is_required, "schema": {"type": "string"}}


def _schemas(operations: Sequence[Operation]) -> Document:
    models: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(ProblemDocument, "serialization"): None}
    for operation in operations:
        if operation.gives is not None:
            models[operation.gives, "serialization"] = None
        if operation.body is not None:
            models[operation.body, "validation"] = None
    _, definitions = models_json_schema(list(models), ref_template=_REF)
    schemas: Document = definitions["$defs"]
    for operation in operations:
        schemas |= operation.gives_schemas
        if operation.takes is not None:
            schemas |= operation.takes.schemas
    return schemas


def reference_to(name: str) -> Document:
    """
    Return a reference to a schema of the document.
    """
    return {"$ref": _REF.format(model=name)}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    # As pydantic names the parts: Listing[Item] is Listing_Item_.
    return {"$ref": _REF.format(model=re.sub(r"[^A-Za-z0-9_]", "_", model.__name__))}


def _tag(operation: Operation) -> str:
    parts = operation.path.strip("/").split("/")
    return parts[1] if parts[0] == "v1" else "contract"
