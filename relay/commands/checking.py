"""
Check the parameters of a command, all faults at once, and write them as the vendor wants them.

What the vendor would drop or change in silence is a fault: whoever gets no fault and a success knows what
was stored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from relay.commands.function import BLANK, LIST, TEXT, Function, Parameter, Rule, When
from relay.commands.writing import Unfit, records_of, written

# Relay sets these itself; DB mixes the server's own SQL into its answer.
TRANSPORT: Final = frozenset({"function", "user", "pass", "source", "DB"})
CUSTOM_NAME: Final = "[A-Za-z][A-Za-z0-9_]{0,49}"
CUSTOM_FIELD: Final = Parameter("", TEXT, "A field of the list's own.", (0, 1024), '^;#"+')


class Fault(NamedTuple):
    """
    One thing wrong with what was given: which parameter, and what to do about it.
    """

    parameter: str
    problem: str


def check(function: Function, given: Mapping[str, Any]) -> list[Fault]:
    """
    Return all that is wrong with the parameters given for a function; nothing: it may be sent.

    Values are JSON's, or the vendor's text for them, as a command line has it: `true` or `"Y"`, `12` or
    `"12"`, `["A", "B"]` or `"A|B"`.  `null` empties a field that can be emptied.
    """
    return _read(function, given)[1]


def wire_params(function: Function, given: Mapping[str, Any]) -> dict[str, str]:
    """
    Return the parameters as the vendor's text, without those of the transport.

    Raises:
        ValueError: `check` finds faults in them.
    """
    texts, faults = _read(function, given)
    if faults:
        raise ValueError("; ".join(f"{fault.parameter}: {fault.problem}" for fault in faults))
    sent = {one.name: one.default for one in function.parameters if one.default_is_sent and one.default}
    return sent | texts


def _read(function: Function, given: Mapping[str, Any]) -> tuple[dict[str, str], list[Fault]]:
    faults: list[Fault] = []
    texts: dict[str, str] = {}
    for parameter in function.parameters:
        _read_one(parameter, given, "", texts, faults)
    faulty = {fault.parameter for fault in faults}
    known = {parameter.name for parameter in function.parameters}
    takes_more = function.custom_fields is not None and _holds(function, function.custom_fields, given, texts)
    for name in given:
        if name not in known:
            _read_other(function, name, given[name], takes_more, texts, faults)
    for rule in function.rules:
        if rule.when is None or (
            rule.when.parameter not in faulty and _holds(function, rule.when, given, texts)
        ):
            faults += _broken(rule, given)
    return texts, faults


def _read_one(
    parameter: Parameter, given: Mapping[str, Any], path: str, texts: dict[str, str], faults: list[Fault]
) -> None:
    name = path + parameter.name
    if parameter.name not in given:
        if parameter.required:
            faults.append(Fault(name, "is required"))
        return
    value = given[parameter.name]
    if value is None or value == BLANK:
        if parameter.is_clearable:
            texts[parameter.name] = BLANK
        elif value is None:
            faults.append(Fault(name, "must not be null: leave it out, it cannot be emptied"))
        else:
            faults.append(Fault(name, "cannot be emptied"))
        return
    try:
        if parameter.fields:
            texts[parameter.name] = _read_records(parameter, value, faults)
        else:
            texts[parameter.name] = written(parameter, value)
    except Unfit as error:
        faults.append(Fault(name, str(error)))


def _read_records(parameter: Parameter, value: Any, faults: list[Fault]) -> str:
    records = []
    known = {field.name for field in parameter.fields}
    for place, record in enumerate(records_of(parameter, value)):
        path = f"{parameter.name}[{place}]."
        texts: dict[str, str] = {}
        for field in parameter.fields:
            _read_one(field, record, path, texts, faults)
        faults += [Fault(path + str(name), "there is no such field") for name in record if name not in known]
        records.append(texts)
    return json.dumps(records, separators=(",", ":"))


def _read_other(
    function: Function, name: str, value: Any, takes_more: bool, texts: dict[str, str], faults: list[Fault]
) -> None:
    if name in TRANSPORT:
        faults.append(Fault(name, "relay sets it itself"))
    elif not takes_more:
        custom = function.custom_fields
        hint = f"; fields of the list's own need {custom.parameter}" if custom else ""
        faults.append(Fault(name, f"there is no such parameter{hint}"))
    elif not re.fullmatch(CUSTOM_NAME, name):
        faults.append(Fault(name, "a field's label has letters, digits and underscores, at most 50"))
    else:
        try:
            texts[name] = written(CUSTOM_FIELD, value)
        except Unfit as error:
            faults.append(Fault(name, str(error)))


def _holds(function: Function, when: When, given: Mapping[str, Any], texts: Mapping[str, str]) -> bool:
    parameter = function.parameter(when.parameter)
    if not when.values:
        return parameter.name in given
    text = texts.get(parameter.name, parameter.default)
    if text is None:
        return False
    if parameter.separator:
        return not set(text.split(parameter.separator)).isdisjoint(when.values)
    if parameter.kind == LIST:
        return any(value in text for value in when.values)
    return text in when.values


def _broken(rule: Rule, given: Mapping[str, Any]) -> list[Fault]:
    faults = [Fault(name, f"must not be given. {rule.why}") for name in rule.forbids if name in given]
    if not rule.needs or any(all(name in given for name in names) for names in rule.needs):
        return faults
    if len(rule.needs) > 1:
        either = ", or ".join(" and ".join(names) for names in rule.needs)
        return [*faults, Fault(rule.needs[0][0], f"needed: {either}. {rule.why}")]
    return faults + [Fault(name, f"is required. {rule.why}") for name in rule.needs[0] if name not in given]
