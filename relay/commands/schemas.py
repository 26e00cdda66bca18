"""
JSON Schema 2020-12 of a function's request body and of its result, for OpenAPI and the documents.

What fits the schema passes `check`, except for what no schema says: days that do not exist, and the length
of a list once it is joined.  `check` takes more than the schema: the vendor's text for numbers and lists.
"""

from __future__ import annotations

import re
from typing import Any, Final

from relay.commands.checking import CUSTOM_FIELD, CUSTOM_NAME, TRANSPORT
from relay.commands.function import (
    BLANK,
    CHOICE,
    DATE,
    DATETIME,
    DECIMAL,
    DIGITS,
    FLAG,
    INTEGER,
    LIST,
    RECORDS,
    Function,
    Parameter,
    Rule,
    When,
)
from relay.commands.result import STATUSES
from relay.commands.writing import DATE_PATTERN, MAX_NUMBER, TIME_PATTERN
from relay.model.schemas import DIALECT

Schema = dict[str, Any]
_TEXT: Final = {"type": "string"}


def request_schema(function: Function) -> Schema:
    """
    Return the schema of the body of a command: one object of parameters, rules included.
    """
    properties = {one.name: parameter_schema(one) for one in function.parameters}
    schema: Schema = {
        "$schema": DIALECT,
        "title": f"{function.kind} {function.name}",
        "description": function.summary,
        "type": "object",
        "properties": properties,
        "required": [one.name for one in function.parameters if one.required],
        "additionalProperties": False,
    }
    conditions = [_rule(function, rule) for rule in function.rules]
    if function.custom_fields is not None:
        schema["additionalProperties"] = _text(CUSTOM_FIELD)
        more = {"pattern": f"^{CUSTOM_NAME}$", "not": {"enum": sorted(TRANSPORT)}}
        conditions.append(
            {
                "if": _when(function, function.custom_fields),
                "then": {"propertyNames": {"anyOf": [{"enum": list(properties)}, more]}},
                "else": {"propertyNames": {"enum": list(properties)}},
            }
        )
    return schema | ({"allOf": conditions} if conditions else {})


def result_schema(function: Function) -> Schema:
    """
    Return the schema of the result of a command.
    """
    names = {name for saying in function.sayings for name in saying.names if name}
    texts = {"type": ["string", "null"]}
    return {
        "$schema": DIALECT,
        "title": f"Result of {function.kind} {function.name}",
        "type": "object",
        "properties": {
            "status": {"enum": list(STATUSES), "description": "Whether it was done, as far as is known."},
            "message": {**_TEXT, "description": "The vendor's own words; empty where it said none."},
            "data": {
                "type": "object",
                "properties": {
                    "details": {
                        "type": "object",
                        "properties": dict.fromkeys(sorted(names), _TEXT),
                        "description": "What the message tells, by name.",
                    },
                    "rows": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": dict.fromkeys(function.columns, texts) if function.columns else {},
                        },
                        "description": "Records, each value as the vendor wrote it.",
                    },
                    "notices": {"type": "array", "items": _TEXT, "description": "What else it said."},
                    "rejected": {"type": "integer", "description": "Lines that could not be read."},
                },
                "required": ["details", "rows", "notices", "rejected"],
            },
            "raw": {**_TEXT, "description": "The answer itself, secrets removed."},
        },
        "required": ["status", "message", "data", "raw"],
    }


def parameter_schema(parameter: Parameter) -> Schema:
    """
    Return the schema of one parameter.
    """
    schema = _bare(parameter)
    if parameter.is_clearable:
        schema = {"anyOf": [schema, {"enum": [BLANK, None]}]}
    schema["description"] = parameter.description
    if parameter.default is not None:
        schema["default"] = _default(parameter, parameter.default)
    if parameter.is_secret:
        schema |= {"writeOnly": True, "format": "password"}
    return schema


def _bare(parameter: Parameter) -> Schema:
    match parameter.kind:
        case kind if kind == DIGITS:
            return _digits(parameter)
        case kind if kind in (INTEGER, DECIMAL):
            return _number(parameter)
        case kind if kind == CHOICE:
            return {"enum": list(parameter.choices)}
        case kind if kind == FLAG:
            return {"enum": [True, False, *parameter.yes_no]}
        case kind if kind == DATE:
            return {**_TEXT, "format": "date", "pattern": f"^{DATE_PATTERN}$"}
        case kind if kind == DATETIME:
            at: Schema = {**_TEXT, "pattern": f"^{DATE_PATTERN}[ T]{TIME_PATTERN}$"}
            return {"anyOf": [at, {"enum": list(parameter.choices)}]} if parameter.choices else at
        case kind if kind == LIST:
            return {"type": "array", "items": _item(parameter), "minItems": 1}
        case kind if kind == RECORDS:
            return _records(parameter)
    return _text(parameter)


def _text(parameter: Parameter) -> Schema:
    least, most = parameter.length or (0, 0)
    schema = _text_or_number(parameter, f"^{parameter.character_class}*$")
    if parameter.pattern:
        schema["allOf"] = [{**_TEXT, "pattern": f"^({parameter.pattern})$"}]
    if not parameter.is_clearable and most >= len(BLANK):
        schema["not"] = {"const": BLANK}
    return schema | {"minLength": least, "maxLength": most}


def _digits(parameter: Parameter) -> Schema:
    least, most = parameter.length or (1, 18)
    return _text_or_number(parameter, f"^[0-9]{{{least},{most}}}$")


def _text_or_number(parameter: Parameter, pattern: str) -> Schema:
    least, most = parameter.length or (1, 1)
    smallest = 0 if least <= 1 else 10 ** (least - 1)
    if parameter.pattern or smallest > MAX_NUMBER or not re.fullmatch(parameter.character_class, "1"):
        return {**_TEXT, "pattern": pattern}
    greatest = min(10**most - 1, MAX_NUMBER)
    return {"type": ["string", "integer"], "pattern": pattern, "minimum": smallest, "maximum": greatest}


def _number(parameter: Parameter) -> Schema:
    schema: Schema = {"type": "integer" if parameter.kind == INTEGER else "number"}
    if parameter.limits is not None:
        schema["minimum"], schema["maximum"] = parameter.limits
    return schema


def _item(parameter: Parameter) -> Schema:
    if parameter.choices:
        return {"enum": list(parameter.choices)}
    least, most = parameter.length or (1, 1)
    pattern = f"^{parameter.character_class}*$"
    return {**_TEXT, "pattern": pattern, "minLength": least, "maxLength": most}


def _records(parameter: Parameter) -> Schema:
    least, most = parameter.length or (1, 1)
    record = {
        "type": "object",
        "properties": {field.name: parameter_schema(field) for field in parameter.fields},
        "required": [field.name for field in parameter.fields if field.required],
        "additionalProperties": False,
    }
    return {"type": "array", "items": record, "minItems": least, "maxItems": most}


def _default(parameter: Parameter, default: str) -> Any:
    if parameter.kind == FLAG:
        return default == parameter.yes_no[0]
    return int(default) if parameter.kind == INTEGER else default


def _rule(function: Function, rule: Rule) -> Schema:
    then: Schema = {}
    if rule.needs:
        then["anyOf"] = [{"required": list(names)} for names in rule.needs]
    if rule.forbids:
        then["not"] = {"anyOf": [{"required": [name]} for name in rule.forbids]}
    return then if rule.when is None else {"if": _when(function, rule.when), "then": then}


def _when(function: Function, when: When) -> Schema:
    parameter = function.parameter(when.parameter)
    if not when.values:
        return {"required": [parameter.name]}
    values: list[Any] = list(when.values)
    if parameter.kind == FLAG:
        values += [value == parameter.yes_no[0] for value in when.values]
    holds: Schema = {"enum": values}
    if parameter.kind == LIST:
        holds = {"type": "array", "contains": {"enum": values}}
    schema: Schema = {"properties": {parameter.name: holds}}
    # Without it the vendor's default counts.
    return schema if parameter.default in when.values else {**schema, "required": [parameter.name]}
