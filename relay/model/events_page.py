"""
The page `docs/events.md`, made from the catalogue.  `python -m relay.model.events_page` prints it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from inspect import getdoc
from typing import Any, Final

import orjson
from pydantic import BaseModel

from relay.model import event_data
from relay.model.catalogue import CALL_FINISHED, CATALOGUE
from relay.model.event import schema_uri
from relay.model.examples import example
from relay.model.schemas import envelope_schema

HEAD: Final = """\
# Events

Made from `relay/model/catalogue.py` and `relay/model/event_data.py` by `make docs`; do not edit.

Webhooks and Kafka carry the same bytes: a CloudEvent 1.0 in structured JSON. `data` holds the whole record
after the event, never a delta. Times are RFC 3339 in UTC with milliseconds; durations are whole seconds in
fields named `_s`; `null` means unknown and is never written as 0. Ignore attributes and fields that you do
not know: more may come.

`relay schema TYPE` prints the JSON Schema of a type, `relay schema TYPE --example` an event.

"""
# What the schema of one type says of itself, said for all types.
_OF_ALL_TYPES: Final[dict[str, Any]] = {
    "type": {"type": "string", "description": "One of the types above."},
    "dataschema": {
        "type": "string",
        "description": "Names the schema of `data`: `" + schema_uri("<type>") + "`.",
    },
    "data": {"type": "object", "description": "See below."},
}
_WORDS: Final = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
    "null": "null",
}


def events_page() -> str:
    """
    Return the whole page.
    """
    parts = [
        HEAD,
        "## Types\n\n",
        *_types(),
        "\n## The envelope\n\n",
        *_table(envelope_schema(CALL_FINISHED)["properties"] | _OF_ALL_TYPES),
        "\n## In the `data` of every event\n\n",
        *_table(event_data.EventData.model_json_schema()["properties"]),
        *_shapes(),
        "\n## An example\n\n```json\n",
        orjson.dumps(example(CALL_FINISHED), option=orjson.OPT_INDENT_2).decode(),
        "\n```\n",
    ]
    return "".join(parts)


def _types() -> Iterator[str]:
    yield "| type | data | when |\n|---|---|---|\n"
    for kind in CATALOGUE:
        yield f"| `{kind.name}` | [{kind.data.__name__}](#{kind.data.__name__.lower()}) | {kind.when} |\n"


def _shapes() -> Iterator[str]:
    common = event_data.EventData.model_fields
    shapes: dict[type[BaseModel], None] = dict.fromkeys(kind.data for kind in CATALOGUE)
    shapes |= dict.fromkeys((event_data.LegData, event_data.RejectedRow))
    for shape in shapes:
        fields = shape.model_json_schema()["properties"]
        yield f"\n## {shape.__name__}\n\n{getdoc(shape)}\n\n"
        yield from _table({name: field for name, field in fields.items() if name not in common})


def _table(fields: Mapping[str, Any]) -> Iterator[str]:
    yield "| field | type | meaning |\n|---|---|---|\n"
    for name, field in fields.items():
        meaning = field.get("description", "")
        yield f"| `{name}` | {_kind(field)} | {meaning} |\n"


def _kind(field: Mapping[str, Any]) -> str:
    """
    Say in a few words what a field of a JSON Schema may hold.
    """
    if "anyOf" in field:
        return " or ".join(_kind(option) for option in field["anyOf"])
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if field.get("type") == "array":
        return f"list of {_kind(field['items'])}"
    if field.get("type") == "string" and "T\\d\\d" in field.get("pattern", ""):
        return "time"
    return _WORDS.get(field.get("type", ""), "anything")


if __name__ == "__main__":
    sys.stdout.write(events_page())
