"""
Match two sides one to one so that the weights sum up to the most, exactly.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Final, TypeVar

Row = TypeVar("Row", bound=Hashable)
Column = TypeVar("Column", bound=Hashable)
_FAR: Final = 1 << 60


def best_matching(weights: Mapping[tuple[Row, Column], int]) -> dict[Row, Column]:
    """
    Return the matching of the largest total weight; whoever is in no pair worth having is left out.

    By shortest augmenting paths (Jonker and Volgenant, Computing 38, 1987): cubic in the number of rows.
    Of equal matchings the order of the keys decides.

    Args:
        weights: of the pairs that may be matched, each more than 0.
    """
    if len(weights) <= 1:
        return dict(weights.keys())
    rows = list(dict.fromkeys(row for row, _ in weights))
    columns = list(dict.fromkeys(column for _, column in weights))
    # A column for each row to be left alone in, so that every row is matched.
    costs = [[-weights.get((row, column), 0) for column in columns] + [0] * len(rows) for row in rows]
    taken_by = _assign(costs)
    return {
        rows[row]: columns[place]
        for place, row in enumerate(taken_by[: len(columns)])
        if row is not None and (rows[row], columns[place]) in weights
    }


def total(weights: Mapping[tuple[Row, Column], int]) -> int:
    """
    Return the weight of the best matching.
    """
    return sum(weights[pair] for pair in best_matching(weights).items())


def _assign(costs: list[list[int]]) -> list[int | None]:
    """
    Return, for each column, the row that takes it at the least total cost.
    """
    width = len(costs[0])
    taken_by: list[int | None] = [None] * width
    row_price, column_price = [0] * len(costs), [0] * width
    for start in range(len(costs)):
        _augment(costs, start, taken_by, row_price, column_price)
    return taken_by


def _augment(
    costs: list[list[int]],
    start: int,
    taken_by: list[int | None],
    row_price: list[int],
    column_price: list[int],
) -> None:
    slack = [_FAR] * len(taken_by)
    came_from: list[int | None] = [None] * len(taken_by)
    visited: list[tuple[int, int]] = []
    open_columns = set(range(len(taken_by)))
    row: int | None = start
    here: int | None = None
    while row is not None:
        for column in open_columns:
            reduced = costs[row][column] - row_price[row] - column_price[column]
            if reduced < slack[column]:
                slack[column], came_from[column] = reduced, here
        nearest = min(open_columns, key=lambda column: (slack[column], column))
        step = slack[nearest]
        row_price[start] += step
        for column, taker in visited:
            row_price[taker] += step
            column_price[column] -= step
        for column in open_columns:
            slack[column] -= step
        open_columns.discard(nearest)
        here, row = nearest, taken_by[nearest]
        if row is not None:
            visited.append((nearest, row))
    while here is not None:
        before = came_from[here]
        taken_by[here] = start if before is None else taken_by[before]
        here = before
