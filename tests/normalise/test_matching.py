"""
The matching is the best of all, and greedy linking is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from relay.model.linking import LinkRules
from relay.normalise.matching import best_matching, total
from tests.normalise.linking_corpus import corpus, linked
from tests.normalise.office import Office

Weights = dict[tuple[str, int], int]

WEIGHTS: st.SearchStrategy[Weights] = st.dictionaries(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 3)), st.integers(1, 12), max_size=16
)


def most(weights: Mapping[tuple[str, int], int]) -> int:
    """
    Return the largest total weight, by trying everything.
    """
    columns = [0, 1, 2, 3, None, None, None, None]
    return max(
        sum(
            weights.get((row, column), 0)
            for row, column in zip("abcd", some, strict=True)
            if column is not None
        )
        for some in set(permutations(columns, 4))
    )


@settings(derandomize=True, database=None, deadline=None, max_examples=60)
@given(WEIGHTS)
def test_no_other_matching_weighs_more(weights: Weights) -> None:
    matching = best_matching(weights)

    assert most(weights) == total(weights)
    assert len(set(matching.values())) == len(matching)
    assert set(matching.items()) <= weights.keys()


def test_the_best_for_all_may_be_the_second_best_for_one() -> None:
    weights = {("a", 1): 7, ("a", 2): 6, ("b", 1): 6}

    assert {"a": 2, "b": 1} == best_matching(weights)


def test_linking_that_takes_the_best_pair_first_fails_the_corpus() -> None:
    """
    The corpus must be able to tell: the same rules, one pair after the other.
    """
    case = next(case for case in corpus() if "only all of them together" in case.name)

    assert case.expected == linked(case, [case.rows], Office())
    assert case.expected != linked(case, [case.rows], Office(link_rules=LinkRules(most_exact=0)))
