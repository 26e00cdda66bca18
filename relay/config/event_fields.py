"""
Check the fields of events that an endpoint's conditions and projection name, against the catalogue.

An endpoint that asks for a field no event of its types has would silently get nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, get_args, get_origin

from relay.config.checked import near_miss
from relay.model.catalogue import CATALOGUE
from relay.model.conditions import (
    ENVELOPE_FIELDS,
    IS_NOT_NULL,
    IS_NULL,
    NUMBER,
    ORDERINGS,
    TEXT,
    TRUTH,
    Condition,
    kind_of,
    parse_condition,
)
from relay.model.endpoint import matches_type

_KINDS: Final[dict[object, str]] = {str: TEXT, int: NUMBER, float: NUMBER, bool: TRUTH}


@dataclass(slots=True)
class _Holds:
    """
    What a field may hold: kinds of values, and all its words where no others are possible.
    """

    kinds: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    is_of_any_text: bool = False
    is_anything: bool = False

    def add(self, annotation: Any) -> None:
        """
        Add what a type allows; lists and tables add nothing, since no value can equal them.
        """
        if annotation is Any:
            self.is_anything = True
        elif get_origin(annotation) is Annotated:
            self.add(get_args(annotation)[0])
        elif get_origin(annotation) is Literal:
            self.kinds.add(TEXT)
            self.words.update(get_args(annotation))
        elif annotation in _KINDS:
            self.kinds.add(_KINDS[annotation])
            self.is_of_any_text |= annotation is str
        elif get_origin(annotation) not in (list, dict):
            for part in get_args(annotation):
                self.add(part)


def condition_faults(conditions: Iterable[str], patterns: Iterable[str]) -> Iterator[tuple[int, str]]:
    """
    Yield the number of each condition that can not be meant, and what is wrong with it.

    Texts that are no conditions are left out: whoever reads them says so.

    Args:
        conditions: of an endpoint.
        patterns: of the types of events that the endpoint wants.
    """
    fields = _fields_of(patterns)
    for number, text in enumerate(conditions):
        try:
            condition = parse_condition(text)
        except ValueError:
            continue
        problem = _problem(condition, fields)
        if problem is not None:
            yield number, problem


def field_faults(names: Iterable[str], patterns: Iterable[str]) -> Iterator[tuple[int, str]]:
    """
    Yield the number of each name that is no field of `data`, and what is wrong with it.
    """
    known = [name.removeprefix("data.") for name in _fields_of(patterns) if name.startswith("data.")]
    for number, name in enumerate(names):
        if name not in known:
            yield number, f"no event wanted has a field `{name}`" + near_miss(name, known)


def condition_text(text: str) -> str:
    """
    Check that a text is a condition.
    """
    parse_condition(text)
    return text


def _fields_of(patterns: Iterable[str]) -> dict[str, _Holds]:
    covered = [one for one in CATALOGUE if any(matches_type(pattern, one.name) for pattern in patterns)]
    fields: dict[str, _Holds] = {name: _Holds({TEXT}, is_of_any_text=True) for name in ENVELOPE_FIELDS}
    fields["type"] = _Holds({TEXT}, {one.name for one in covered})
    for model in {one.data: None for one in covered}:
        for name, info in model.model_fields.items():
            fields.setdefault(f"data.{name}", _Holds()).add(info.annotation)
    return fields


def _problem(condition: Condition, fields: dict[str, _Holds]) -> str | None:
    name = condition.field_text
    holds = fields.get(name)
    if holds is None:
        return f"no event wanted has a field `{name}`" + near_miss(name, fields)
    if holds.is_anything or condition.operator in (IS_NULL, IS_NOT_NULL):
        return None
    if not holds.kinds:
        return f"`{name}` is a list or a table, of which only `{IS_NULL}` and `{IS_NOT_NULL}` can be asked"
    strange = [value for value in condition.values if kind_of(value) not in holds.kinds]
    if strange:
        return f"`{name}` holds {' or '.join(sorted(holds.kinds))}, never {_shown(strange[0])}"
    if holds.is_of_any_text or condition.operator in ORDERINGS:
        return None
    return _unknown_word(name, [word for word in condition.values if isinstance(word, str)], holds.words)


def _unknown_word(name: str, given: Sequence[str], words: set[str]) -> str | None:
    unknown = [word for word in given if word not in words]
    return f"`{name}` is never `{unknown[0]}`" + near_miss(unknown[0], words) if unknown else None


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
