"""
Environment overrides: `RELAY_SERVER__LISTEN`, `RELAY_SOURCES__PBX_SYDNEY__TOKEN`.

The first part names a table of the file, `__` leads one level down, items of lists are found by their id
in capitals with `_` for `-`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from relay.config.checked import near_miss
from relay.config.schema import RelayConfig
from relay.model.errors import Fault

PREFIX: Final = "RELAY_"
NOT_CONFIGURATION: Final = frozenset({"RELAY_URL", "RELAY_API_KEY", "RELAY_KAFKA_LIBS"})
# Kubernetes and Docker describe a service named `relay` to every container beside it.
_SERVICE_LINK: Final = re.compile(r"[A-Z0-9_]+_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)|RELAY_PORT")
_LISTS: Final = ("sources", "endpoints")
_CLASH: Final = "sets an item of the list that {whole} sets as a whole: give one or the other"

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Override:
    """
    One variable: its name, its text, what the text reads as in TOML, and the place it goes to.
    """

    name: str
    text: str
    value: Any
    place: Place


class UnknownVariable(ValueError):
    """
    A `RELAY_` variable that names nothing.
    """


def find_overrides(data: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[list[Override], list[Fault]]:
    """
    Return the overrides for `data`, outer before inner, and a fault for each variable that names nothing.

    Variables that the file itself reads a secret from are no overrides.
    """
    ignored = NOT_CONFIGURATION | set(_secret_variables(data))
    overrides, faults = [], []
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in ignored or _is_service_link(name):
            continue
        try:
            place = _place(name, data)
        except UnknownVariable as error:
            faults.append(Fault(name, str(error)))
        else:
            overrides.append(Override(name, environ[name], _literal(environ[name]), place))
    clashing = list(_clashing(overrides))
    faults += [Fault(inner.name, _CLASH.format(whole=whole.name)) for whole, inner in clashing]
    unclear = [inner for _, inner in clashing]
    return [one for one in overrides if one not in unclear], faults


def put(data: dict[str, Any], place: Place, value: object) -> None:
    """
    Set a value inside nested tables, making the missing ones; what is no table on the way is replaced.
    """
    inside: Any = data
    for step, following in pairwise(place):
        if isinstance(step, int):
            inside = inside[step]
            continue
        if not isinstance(inside.get(step), dict if isinstance(following, str) else list):
            inside[step] = {}
        inside = inside[step]
    inside[place[-1]] = value


def _clashing(overrides: Sequence[Override]) -> Iterator[tuple[Override, Override]]:
    """
    Yield what sets a whole list with what sets an item of that list, which may then be another one.
    """
    for whole in overrides:
        if len(whole.place) == 1 and whole.place[0] in _LISTS:
            yield from (
                (whole, one) for one in overrides if one is not whole and one.place[0] == whole.place[0]
            )


def _literal(text: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    is_one_value = len(parsed) == 1 and isinstance(parsed["value"], bool | int | float | list | dict)
    return parsed["value"] if is_one_value else text


def _place(name: str, data: Mapping[str, Any]) -> Place:
    section, _, rest = name.removeprefix(PREFIX).partition("__")
    table = section.lower()
    if table not in RelayConfig.model_fields:
        known = [PREFIX + field.upper() for field in RelayConfig.model_fields]
        raise UnknownVariable("names no setting" + near_miss(PREFIX + section, known))
    if not rest:
        return (table,)
    if table not in _LISTS:
        return (table, *_steps(rest))
    return (table, *_item(table, rest, data))


def _item(table: str, rest: str, data: Mapping[str, Any]) -> Place:
    items = data.get(table)
    ids = {
        item["id"].upper().replace("-", "_"): number
        for number, item in enumerate(items if isinstance(items, list) else [])
        if isinstance(item, dict) and isinstance(item.get("id"), str)
    }
    for id_part in sorted(ids, key=len, reverse=True):  # the id `a--b` is spelt A__B
        if rest.startswith(id_part + "__"):
            return (ids[id_part], *_steps(rest.removeprefix(id_part + "__")))
    wanted = rest.partition("__")[0]
    raise UnknownVariable(f"no item of {table} has an id spelt {wanted}" + near_miss(wanted, ids))


def _steps(rest: str) -> list[str]:
    steps = rest.lower().split("__")
    if not all(steps):
        raise UnknownVariable("has an empty part")
    return steps


def _is_service_link(name: str) -> bool:
    return "__" not in name and _SERVICE_LINK.fullmatch(name) is not None


def _secret_variables(value: object) -> Iterator[str]:
    match value:
        case {"env": str(name), **rest} if not rest:
            yield name
        case dict():
            for inner in value.values():
                yield from _secret_variables(inner)
        case list():
            for inner in value:
                yield from _secret_variables(inner)
