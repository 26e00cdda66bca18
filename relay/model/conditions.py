"""
Conditions on the fields of an event: a small closed language (DESIGN section 7, Filters).

    <field> <operator> <value>          data.queue in ["sales", "support"]

A field is `data.<name>`, or `type`, `source` or `subject` of the envelope.  A value is JSON: text, a number,
true or false; a list of them after `in` and `not in`; nothing after `is null` and `is not null`.

A field that is null or missing is null.  Of a null field hold `is null`, `!=` and `not in`, and nothing else.
`>`, `>=`, `<` and `<=` compare numbers with numbers and texts with texts, letter by letter, which puts times
in order; of anything else they do not hold.  Values of different kinds are never equal (1 is not true).
"""

from __future__ import annotations

import json
import math
import operator as compare
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

EQUAL: Final = "=="
NOT_EQUAL: Final = "!="
IN: Final = "in"
NOT_IN: Final = "not in"
IS_NULL: Final = "is null"
IS_NOT_NULL: Final = "is not null"
ORDERINGS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    ">": compare.gt,
    ">=": compare.ge,
    "<": compare.lt,
    "<=": compare.le,
}
OPERATORS: Final = (EQUAL, NOT_EQUAL, *ORDERINGS, IN, NOT_IN, IS_NULL, IS_NOT_NULL)
ENVELOPE_FIELDS: Final = ("type", "source", "subject")

TEXT: Final = "text"
NUMBER: Final = "a number"
TRUTH: Final = "true or false"

_CACHED: Final = 20_000
_FIELD: Final = re.compile(r"\s*([A-Za-z0-9_.]+)")
_OPERATOR: Final = re.compile(
    r"\s*(==|!=|>=|<=|>|<|(?:is\s+not\s+null|is\s+null|not\s+in|in)(?![A-Za-z0-9_]))"
)
_NAME: Final = re.compile(r"[a-z0-9_]{1,60}")
_SPACES: Final = re.compile(r"\s+")

Value = str | int | float | bool
Document = Mapping[str, Any]
"""An event as a receiver reads it: the envelope, with `data` inside."""


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """
    One condition, parsed.  Equal texts give the same object.

    `values` has the one value of an operator that takes one, none of `is null` and `is not null`; `test`
    tells whether the condition holds for a value of its field.
    """

    text: str
    field: str
    is_in_data: bool
    operator: str
    values: tuple[Value, ...]
    test: Callable[[Any], bool]

    def holds(self, document: Document) -> bool:
        """
        Tell whether it holds for an event.
        """
        return self.test((document["data"] if self.is_in_data else document).get(self.field))

    @property
    def field_text(self) -> str:
        """
        Return the field as it is written.
        """
        return f"data.{self.field}" if self.is_in_data else self.field


def all_hold(conditions: Iterable[str], document: Document) -> bool:
    """
    Tell whether all conditions hold for an event.

    Raises:
        ValueError: a text that is no condition.
    """
    return all(parse_condition(text).holds(document) for text in conditions)


@lru_cache(maxsize=_CACHED)
def parse_condition(text: str) -> Condition:
    """
    Read one condition.

    Raises:
        ValueError: in words for a person, with the place in the text.
    """
    named = _FIELD.match(text)
    if named is None:
        raise _fault(0, "expected a field such as `data.queue`")
    field, is_in_data = _field(named[1], named.start(1))
    found = _OPERATOR.match(text, named.end())
    if found is None:
        raise _fault(named.end(), f"expected one of {', '.join(OPERATORS)}")
    word = _SPACES.sub(" ", found[1])
    rest, start = text[found.end() :].strip(), found.end()
    start += len(text[start:]) - len(text[start:].lstrip())
    if word in (IS_NULL, IS_NOT_NULL):
        if rest:
            raise _fault(start, f"nothing may follow `{word}`")
        return Condition(text, field, is_in_data, word, (), _null_test(word))
    values = _values(word, rest, start)
    return Condition(text, field, is_in_data, word, values, _value_test(word, values))


def equality_key(value: Any) -> Any:
    """
    Return what two equal values of JSON share, and values that are not equal do not; None for a value that
    equals none (null, lists, tables).
    """
    kind = type(value)
    if kind is str or kind is int or kind is float:
        return value
    return (kind, value) if kind is bool else None


def kind_of(value: Any) -> str | None:
    """
    Return the kind of a value; None for null, lists and tables.
    """
    if isinstance(value, bool):
        return TRUTH
    if isinstance(value, str):
        return TEXT
    return NUMBER if isinstance(value, int | float) else None


def _field(word: str, at: int) -> tuple[str, bool]:
    if word in ENVELOPE_FIELDS:
        return word, False
    before, dot, name = word.partition(".")
    if before != "data" or not dot:
        known = ", ".join(ENVELOPE_FIELDS)
        raise _fault(at, f"`{word}` is no field: write data.<name>, or one of {known}")
    if not _NAME.fullmatch(name):
        raise _fault(at, f"`{word}` is no field at the top of data")
    return name, True


def _values(word: str, rest: str, at: int) -> tuple[Value, ...]:
    takes_list = word in (IN, NOT_IN)
    wanted = '["a", "b"]' if takes_list else '"sales", 30 or true'
    try:
        given = json.loads(rest, parse_constant=_no_constant)
    except ValueError as error:
        place = error.pos if isinstance(error, json.JSONDecodeError) else 0
        raise _fault(at + place, f"expected JSON after `{word}`, such as {wanted}") from None
    except RecursionError:
        raise _fault(at, f"expected JSON after `{word}`, such as {wanted}") from None
    if given is None:
        raise _fault(at, f"write `{IS_NULL}` or `{IS_NOT_NULL}`")
    if takes_list != isinstance(given, list) or given == []:
        raise _fault(at, f"`{word}` takes {'a list' if takes_list else 'one value'}, such as {wanted}")
    values = tuple(given) if takes_list else (given,)
    for value in values:
        _check_value(word, value, at)
    return values


def _check_value(word: str, value: object, at: int) -> None:
    kind = kind_of(value)
    if kind is None:
        raise _fault(at, "a value is text, a number, true or false")
    if isinstance(value, float) and not math.isfinite(value):
        raise _fault(at, "a number must be finite")
    if word in ORDERINGS and kind == TRUTH:
        raise _fault(at, f"`{word}` compares numbers or texts")


def _null_test(word: str) -> Callable[[Any], bool]:
    if word == IS_NULL:
        return lambda value: value is None
    return lambda value: value is not None


def _value_test(word: str, values: tuple[Value, ...]) -> Callable[[Any], bool]:
    if word in ORDERINGS:
        bound, holds = values[0], ORDERINGS[word]
        kinds: tuple[type, ...] = (str,) if isinstance(bound, str) else (int, float)
        return lambda value: type(value) in kinds and holds(value, bound)
    keys = frozenset(equality_key(value) for value in values)
    if word in (EQUAL, IN):
        return lambda value: equality_key(value) in keys
    return lambda value: equality_key(value) not in keys


def _no_constant(word: str) -> object:
    raise ValueError(word)


def _fault(at: int, problem: str) -> ValueError:
    return ValueError(f"at character {at + 1}: {problem}")
