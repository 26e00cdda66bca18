"""
Values made from a JSON Schema, as far as the schemas of commands use it.
"""

from __future__ import annotations

import re
from typing import Any, Final

from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from relay.commands.function import BLANK

Schema = dict[str, Any]
# All of ASCII, and some of what may come besides.
CHARACTERS: Final = [chr(code) for code in range(128)] + list("\x85\u2028\xa0é\u0141\u6f22\U0001f600")


def values(schema: Schema) -> st.SearchStrategy[Any]:
    """
    Return a strategy of values that fit a schema.
    """
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([values(part) for part in schema["anyOf"]])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of([_of_kind(kind, schema) for kind in kinds])


def bodies(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    """
    Return a strategy of whole objects, rules left aside, without fields of the list's own.
    """
    required = {name: values(schema["properties"][name]) for name in schema["required"]}
    optional = {name: values(part) for name, part in schema["properties"].items() if name not in required}
    # Few of many: an object with everything in it takes long to make and shows no more.
    chosen = st.lists(st.sampled_from(sorted(optional)), max_size=4, unique=True) if optional else st.just([])
    return chosen.flatmap(
        lambda names: st.fixed_dictionaries(required | {one: optional[one] for one in names})
    )


def _of_kind(kind: str, schema: Schema) -> st.SearchStrategy[Any]:
    if kind == "integer":
        return st.integers(schema["minimum"], schema["maximum"])
    if kind == "number":
        least, most = int(schema["minimum"]), int(schema["maximum"])
        return st.integers(least * 4, most * 4).map(lambda quarters: quarters / 4)
    if kind == "array":
        most = min(schema.get("maxItems", 3), 3)
        item = bodies(schema["items"]) if "properties" in schema["items"] else values(schema["items"])
        return st.lists(item, min_size=schema.get("minItems", 0), max_size=most)
    if schema.get("format") == "date":
        return st.dates().map(str)
    return _texts(schema)


def _texts(schema: Schema) -> st.SearchStrategy[str]:
    pattern = schema["allOf"][0]["pattern"] if "allOf" in schema else schema["pattern"]
    if pattern.startswith(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T]"):
        return st.datetimes().map(lambda at: at.replace(microsecond=0).isoformat())
    if not pattern.endswith("]*$"):
        return st.from_regex(pattern, fullmatch=True).filter(Draft202012Validator(schema).is_valid)
    least, most = schema["minLength"], schema["maxLength"]
    alphabet = [one for one in CHARACTERS if re.fullmatch(pattern, one)]
    return st.text(alphabet, min_size=least, max_size=min(most, least + 20)).filter(
        lambda text: text != BLANK
    )
