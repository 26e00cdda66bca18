"""
Every case of the corpus, in every order in which its rows may come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from relay.model.call import CALL_STREAMS
from tests.normalise.linking_corpus import LinkingCase, Shown, corpus, finished, linked, pairs, started
from tests.normalise.office import Office

CASES = corpus()
Polls = Sequence[Sequence[Shown]]


def at_once(case: LinkingCase) -> Polls:
    """
    Show everything together.
    """
    return [case.rows]


def queues_first(case: LinkingCase) -> Polls:
    """
    Show everything, a poll a stream, phones last.
    """
    return phones_first(case)[::-1]


def phones_first(case: LinkingCase) -> Polls:
    """
    Show everything, a poll a stream, queues last: of what phones alone say, less can be sure.
    """
    return [[shown for shown in case.rows if shown.stream == stream] for stream in CALL_STREAMS]


def by_start(case: LinkingCase) -> Polls:
    """
    Show one row a poll, as calls begin.
    """
    return [[shown] for shown in sorted(case.rows, key=started)]


def by_finish(case: LinkingCase) -> Polls:
    """
    Show one row a poll, as calls end.
    """
    return [[shown] for shown in sorted(case.rows, key=finished)]


ORDERS = (at_once, queues_first, by_start, by_finish)


def test_there_are_cases_enough() -> None:
    assert 40 <= len({str(case) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.__name__)
@pytest.mark.parametrize("case", [case for case in CASES if not case.is_hard], ids=str)
def test_rows_become_the_calls_they_are_of(case: LinkingCase, order: Callable[[LinkingCase], Polls]) -> None:
    calls = linked(case, order(case), Office())

    assert case.expected == calls


def test_precision_and_recall(tell_figures: Callable[[str], None]) -> None:
    precision, recall = measured(ORDERS)
    early, _ = measured([phones_first])
    tell_figures(
        f"linking, {len(CASES)} cases: precision {precision:.4f}, recall {recall:.4f};"
        f" of finished phones read before any queue: precision {early:.4f}"
    )

    assert 1.0 == precision
    assert 0.98 <= recall


def measured(orders: Sequence[Callable[[LinkingCase], Polls]]) -> tuple[float, float]:
    """
    Return precision and recall over the pairs of rows of the corpus.
    """
    found: Counter[str] = Counter()
    for case in CASES:
        expected = pairs(case.expected)
        for order in orders:
            told = pairs(linked(case, order(case), Office()))
            found["right"] += (told & expected).total()
            found["told"] += told.total()
            found["expected"] += expected.total()
    return found["right"] / found["told"], found["right"] / found["expected"]
