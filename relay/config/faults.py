"""
What is wrong with a configuration, in words for a person: `sources[pbx-sydney].base_url: is required`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from relay.config.checked import near_miss
from relay.config.event_fields import condition_faults, field_faults
from relay.config.overrides import Override, Place
from relay.config.schema import UNKNOWN_KIND, RelayConfig, SourceConfig
from relay.model.catalogue import is_known_pattern
from relay.model.errors import Fault

SourceKinds = Mapping[str, type[SourceConfig]]

_WORDS: Final = {
    "missing": "is required",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "model_type": "must be a table",
    "dict_type": "must be a table",
    "literal_error": "must be one of {expected}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "too_short": "needs at least {min_length}",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "bool_parsing": "must be true or false",
    "less_than": "must be less than {lt}",
    "too_long": "must have at most {max_length} items",
    "value_error": "{error}",
}


def faults_of(
    error: ValidationError, data: Mapping[str, Any], overrides: Sequence[Override], source_kinds: SourceKinds
) -> list[Fault]:
    """
    Return one fault for each error, with the variable that set the value where it was not the file.
    """
    faults = []
    for detail in error.errors(include_url=False, include_input=False):
        if detail["type"] == "default_factory_not_called":  # follows from another error of the table
            continue
        place = detail["loc"] + (("kind",) if detail["type"] == UNKNOWN_KIND else ())
        problem = _problem(detail, data, source_kinds)
        faults.append(Fault(key_at(place, data), problem + _set_by(detail["loc"], overrides)))
    return faults


def key_at(place: Place, data: Mapping[str, Any]) -> str:
    """
    Write a place as a person would: `sources[pbx-sydney].base_url`, `endpoints[0].events`.
    """
    key = ""
    inside: Any = data
    for step in place:
        if isinstance(step, int):
            key += f"[{_name_of(inside, step)}]"
        else:
            key += f".{step}" if key else step
        inside = _inside(inside, step)
    return key


def reference_faults(data: Mapping[str, Any]) -> list[Fault]:
    """
    Return the faults between tables: ids used twice, endpoints that name sources or client certificates there
    are none of, API keys whose numbers nobody looks up.

    Works on the file's own values, so that these are reported together with all others.
    """
    source_ids = [source_id for _, source_id in _ids(data, "sources")]
    faults = [*_repeated(data, "sources"), *_repeated(data, "endpoints")]
    for number, endpoint in enumerate(_items(data, "endpoints")):
        for position, name in enumerate(_texts(endpoint, "sources")):
            if name not in source_ids:
                key = key_at(("endpoints", number, "sources", position), data)
                faults.append(Fault(key, f"there is no source `{name}`" + near_miss(name, source_ids)))
        faults += _unknown_fields(endpoint, number, data)
    return [*faults, *_unknown_certificates(data), *_without_lookups(data)]


def in_words(detail: ErrorDetails) -> str:
    """
    Return what one error of pydantic means, in words for a person.
    """
    words = _WORDS.get(detail["type"])
    return words.format_map(_whole_numbers(detail.get("ctx", {}))) if words else detail["msg"]


def _unknown_certificates(data: Mapping[str, Any]) -> Iterator[Fault]:
    webhooks = data.get("webhooks")
    certificates = webhooks.get("client_certificates") if isinstance(webhooks, dict) else None
    listed = certificates if isinstance(certificates, list) else ()
    named = [one.get("name") for one in listed if isinstance(one, dict)]
    known = [name for name in named if isinstance(name, str)]
    for number, endpoint in enumerate(_items(data, "endpoints")):
        name = endpoint.get("client_certificate")
        if isinstance(name, str) and name and name not in known:
            key = key_at(("endpoints", number, "client_certificate"), data)
            yield Fault(key, f"webhooks.client_certificates has no `{name}`" + near_miss(name, known))


def _unknown_fields(endpoint: dict[str, Any], number: int, data: Mapping[str, Any]) -> Iterator[Fault]:
    patterns = [pattern for pattern in _texts(endpoint, "events") if is_known_pattern(pattern)]
    if not patterns:  # said already, and no field could be right
        return
    for name, faults in (
        ("conditions", condition_faults(_texts(endpoint, "conditions"), patterns)),
        ("fields", field_faults(_texts(endpoint, "fields"), patterns)),
    ):
        for position, problem in faults:
            yield Fault(key_at(("endpoints", number, name, position), data), problem)


def _without_lookups(data: Mapping[str, Any]) -> Iterator[Fault]:
    server = data.get("server")
    keys = server.get("api_keys") if isinstance(server, dict) and "hlr" not in data else None
    for place, key in enumerate(keys if isinstance(keys, list) else ()):
        if isinstance(key, dict) and key.get("number_checks") == "hlr":
            where = key_at(("server", "api_keys", place, "number_checks"), data)
            yield Fault(where, "needs the table [hlr]: nobody is there to look numbers up")


def _problem(detail: ErrorDetails, data: Mapping[str, Any], source_kinds: SourceKinds) -> str:
    if detail["type"] == "extra_forbidden":
        *table, unknown = detail["loc"]
        return "unknown key" + near_miss(str(unknown), _known_keys(table, data, source_kinds))
    problem = in_words(detail)
    if detail["type"] == "tuple_type" and detail["loc"] in (("sources",), ("endpoints",)):
        problem += f": write [[{detail['loc'][0]}]]"
    return problem


def _whole_numbers(words: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: int(word) if isinstance(word, float) and word.is_integer() else word
        for name, word in words.items()
    }


def _known_keys(
    table: Iterable[str | int], data: Mapping[str, Any], source_kinds: SourceKinds
) -> Iterable[str]:
    model: type[BaseModel] = RelayConfig
    inside: Any = data
    for step in table:
        inside = _inside(inside, step)
        if isinstance(step, str):
            model = next(_models(model.model_fields[step].annotation), model)
        elif model is SourceConfig:
            model = source_kinds[inside["kind"]]
    return model.model_fields


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _set_by(place: Place, overrides: Sequence[Override]) -> str:
    names = [override.name for override in overrides if place[: len(override.place)] == override.place]
    names += [override.name for override in overrides if override.place[: len(place)] == place]
    return f" (set by {names[-1]})" if names else ""


def _inside(value: Any, step: str | int) -> Any:
    try:
        return value[step]
    except (KeyError, IndexError, TypeError):
        return None


def _name_of(items: Any, number: int) -> str:
    item = _inside(items, number)
    item_id = item.get("id") if isinstance(item, dict) else None
    is_unique = isinstance(item_id, str) and sum(_inside(other, "id") == item_id for other in items) == 1
    return str(item_id) if is_unique else str(number)


def _items(data: Mapping[str, Any], table: str) -> list[dict[str, Any]]:
    items = data.get(table)
    return [item if isinstance(item, dict) else {} for item in items] if isinstance(items, list) else []


def _texts(table: Mapping[str, Any], key: str) -> list[str]:
    given = table.get(key)
    is_list_of_texts = isinstance(given, list) and all(isinstance(one, str) for one in given)
    return given if isinstance(given, list) and is_list_of_texts else []


def _ids(data: Mapping[str, Any], table: str) -> list[tuple[int, str]]:
    items = enumerate(_items(data, table))
    return [(number, item["id"]) for number, item in items if isinstance(item.get("id"), str)]


def _repeated(data: Mapping[str, Any], table: str) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for number, item_id in _ids(data, table):
        if first.setdefault(item_id, number) != number:
            yield Fault(
                f"{table}[{number}].id", f"`{item_id}` is the id of {table}[{first[item_id]}] already"
            )
