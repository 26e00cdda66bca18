"""
Which of many endpoints with conditions want an event, without asking each of them.

Each endpoint is filed under the one of its conditions that most likely tells it from the others: under a
value (`==`, `in`), else behind a bound (`>`, `<` …), else under the condition as it stands.  An event then
meets only the endpoints whose condition of that kind it fulfils; what else they ask is looked at for these.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from relay.model.conditions import EQUAL, IN, ORDERINGS, Condition, Document, equality_key

FEW: Final = 4  # so many endpoints are asked one by one
BLOCK: Final = 64
_UPWARDS: Final = (">", ">=")
_BEHIND_EQUALS: Final = (">", "<=")  # a bound of these comes after the same bound of the others


class Conditional(NamedTuple):
    """
    An endpoint's number and what else must hold for it.
    """

    no: int
    conditions: tuple[Condition, ...]


Known = dict[Condition, bool]


class ConditionIndex:
    """
    Finds the endpoints all of whose conditions hold; built once, asked for every event.

    Args:
        endpoints: to be found, each once.
        is_inner: within another index; lists of values are then not filed by each of their values, or an
            endpoint with many such lists would be filed in more places than can be held.
    """

    __slots__ = ("_always", "_behind", "_one_by_one", "_others", "_under")

    def __init__(self, endpoints: Iterable[Conditional], *, is_inner: bool = False) -> None:
        given = list(endpoints)
        self._always = [one.no for one in given if not one.conditions]
        asking = [one for one in given if one.conditions]
        self._one_by_one = asking if len(asking) <= FEW else []
        self._under: dict[tuple[str, bool], dict[Any, list[Conditional] | ConditionIndex]] = {}
        self._behind: dict[tuple[str, bool, bool, bool], _Bounds] = {}
        self._others: dict[Condition, list[Conditional] | ConditionIndex] = {}
        if not self._one_by_one:
            self._file(asking, is_inner=is_inner)

    def endpoints_for(self, document: Document) -> list[int]:
        """
        Return the numbers of the endpoints that want an event, in no order.
        """
        found: list[int] = []
        self.find(document, {}, found)
        return found

    def _file(self, asking: Sequence[Conditional], *, is_inner: bool) -> None:
        used = Counter(condition for one in asking for condition in one.conditions)
        bounded: dict[tuple[str, bool, bool, bool], list[tuple[Condition, Conditional]]] = {}
        for one in asking:
            chosen = min(one.conditions, key=lambda asked: (_rank(asked, is_inner=is_inner), used[asked]))
            rest = Conditional(one.no, tuple(asked for asked in one.conditions if asked is not chosen))
            place = chosen.field, chosen.is_in_data
            rank = _rank(chosen, is_inner=is_inner)
            if rank == 0:
                values = self._under.setdefault(place, {})
                for key in {equality_key(value) for value in chosen.values}:
                    _add(values, key, rest)
            elif rank == 1:
                kind = chosen.operator in _UPWARDS, isinstance(chosen.values[0], str)
                bounded.setdefault((*place, *kind), []).append((chosen, rest))
            else:
                _add(self._others, chosen, rest)
        self._behind = {place: _Bounds(filed, is_upwards=place[2]) for place, filed in bounded.items()}

    def find(self, document: Document, known: Known, found: list[int]) -> None:
        """
        Add the numbers of the endpoints that want an event; `known` is what was found out about it so far.
        """
        found += self._always
        if self._one_by_one:
            _ask(self._one_by_one, document, known, found)
        data = document["data"]
        for (field, is_in_data), values in self._under.items():
            key = equality_key((data if is_in_data else document).get(field))
            if key in values:
                _descend(values, key, document, known, found)
        for (field, is_in_data, _, is_text), bounds in self._behind.items():
            value = (data if is_in_data else document).get(field)
            if type(value) is str if is_text else type(value) in (int, float):
                bounds.find(value, document, known, found)
        for condition in self._others:
            if _holds(condition, document, known):
                _descend(self._others, condition, document, known, found)


class _Bounds:
    """
    Endpoints in the order of a bound, those first that most values pass: those passed are the first so many.

    What else they ask is looked at by the block, or a thousand of them would be asked one by one.
    """

    __slots__ = ("_asking", "_asking_keys", "_blocks", "_is_upwards", "_keys", "_nos")

    def __init__(self, filed: Iterable[tuple[Condition, Conditional]], *, is_upwards: bool) -> None:
        keyed = [((one.values[0], one.operator in _BEHIND_EQUALS), endpoint) for one, endpoint in filed]
        keyed.sort(key=lambda pair: pair[0])
        self._is_upwards = is_upwards
        self._keys = [key for key, endpoint in keyed if not endpoint.conditions]
        self._asking_keys = [key for key, endpoint in keyed if endpoint.conditions]
        ordered = [endpoint for _, endpoint in (keyed if is_upwards else reversed(keyed))]
        self._nos = [endpoint.no for endpoint in ordered if not endpoint.conditions]
        self._asking = [endpoint for endpoint in ordered if endpoint.conditions]
        self._blocks = [
            ConditionIndex(self._asking[start : start + BLOCK], is_inner=True)
            for start in range(0, len(self._asking), BLOCK)
        ]

    def find(self, value: Any, document: Document, known: Known, found: list[int]) -> None:
        """
        Add the endpoints whose bound a value passes.
        """
        found += self._nos[: self._passed(self._keys, value)]
        blocks, others = divmod(self._passed(self._asking_keys, value), BLOCK)
        for block in self._blocks[:blocks]:
            block.find(document, known, found)
        _ask(self._asking[blocks * BLOCK :][:others], document, known, found)

    def _passed(self, keys: list[tuple[Any, bool]], value: Any) -> int:
        if self._is_upwards:  # bound < value, or bound == value and `>=`
            return bisect_left(keys, (value, True))
        return len(keys) - bisect_right(keys, (value, False))  # value < bound, or value == bound and `<=`


def _rank(condition: Condition, *, is_inner: bool) -> int:
    if condition.operator == EQUAL or (condition.operator == IN and not is_inner):
        return 0
    return 1 if condition.operator in ORDERINGS else 2


def _add(places: dict[Any, list[Conditional] | ConditionIndex], key: Any, one: Conditional) -> None:
    filed = places.setdefault(key, [])
    if isinstance(filed, list):  # always, while the index is built
        filed.append(one)


def _descend(
    places: dict[Any, list[Conditional] | ConditionIndex],
    key: Any,
    document: Document,
    known: Known,
    found: list[int],
) -> None:
    inner = places[key]
    if isinstance(inner, list):
        if len(inner) <= FEW:
            _ask(inner, document, known, found)
            return
        # made when it is first met: most places never are
        inner = places[key] = ConditionIndex(inner, is_inner=True)
    inner.find(document, known, found)


def _ask(asking: Iterable[Conditional], document: Document, known: Known, found: list[int]) -> None:
    data = document["data"]
    for no, conditions in asking:
        for condition in conditions:
            holds = known.get(condition)
            if holds is None:
                value = (data if condition.is_in_data else document).get(condition.field)
                holds = known[condition] = condition.test(value)
            if not holds:
                break
        else:
            found.append(no)


def _holds(condition: Condition, document: Document, known: Known) -> bool:
    holds = known.get(condition)
    if holds is None:
        holds = known[condition] = condition.holds(document)
    return holds
