"""
Split one row, anchored from both ends where free text may hold the delimiter.

VICIdial quotes and escapes nothing: `Smith, Mary` makes fourteen fields of thirteen in csv.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from relay.sources.vicidial.columns import Columns

# Two rows that lost the newline between them have nine delimiters too many; names have one or two.
MAX_SPARE: Final = 4
_STATUSES: Final = frozenset({"READY", "CLOSER", "QUEUE", "MQUEUE", "INCALL", "PAUSED"})


class Split(NamedTuple):
    """
    A row's values in the order of its columns, values behind them that the function is not known to have,
    and how many delimiters were taken for free text.
    """

    values: list[str]
    extra: list[str]
    joined: int


def split_row(line: str, delimiter: str, columns: Columns, takes_more: bool) -> Split | str:
    """
    Return the row, or why there is none: "not as documented", or that it can be read in two ways.

    `takes_more` allows values behind the known columns: a build newer than any known may send them.
    """
    fields = line.split(delimiter)
    spare = len(fields) - len(columns.names)
    if spare == 0 and columns.matches(fields):
        return Split(fields, [], 0)
    if spare <= 0 or spare > MAX_SPARE:
        return "not as documented"
    found = [values for values in _ways(fields, delimiter, spare, columns) if columns.matches(values)]
    if len(found) > 1:
        return "can be read in two ways"
    if found:
        return Split(found[0], [], spare)
    known, extra = fields[: len(columns.names)], fields[len(columns.names) :]
    if takes_more and not columns.free and all(extra) and columns.matches(known):
        return Split(known, extra, 0)
    return "not as documented"


def _ways(fields: list[str], delimiter: str, spare: int, columns: Columns) -> Iterator[list[str]]:
    """
    Yield each way of giving `spare` delimiters to the columns of free text.
    """
    places = columns.free or ((0,) if columns.joined_names and delimiter == "," else ())
    if not places:
        return
    for shares in _shares(spare, len(places)):
        values: list[str] = []
        position = 0
        given = dict(zip(places, shares, strict=True))
        for place in range(len(columns.names)):
            width = 1 + given.get(place, 0)
            values.append(delimiter.join(fields[position : position + width]))
            position += width
        if not _swallowed(values, delimiter, places):
            yield values


def _shares(spare: int, places: int) -> Iterator[tuple[int, ...]]:
    if places == 1:
        yield (spare,)
        return
    for first in range(spare + 1):
        for rest in _shares(spare - first, places - 1):
            yield (first, *rest)


def _swallowed(values: list[str], delimiter: str, places: tuple[int, ...]) -> bool:
    # A state of an agent inside a name is a piece of another row.
    return any(
        delimiter in values[place] and not _STATUSES.isdisjoint(values[place].split(delimiter))
        for place in places
    )
