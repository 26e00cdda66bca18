"""
A receiver goes wrong as it was told: so many times, at such a rate, until it is told otherwise.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from relay.testing.misbehaviour import Misbehaviour, Mood, read_misbehaviour


def statuses(count: int, **said: Any) -> list[int | None]:
    mood = Mood(Misbehaviour(**said), Random(1))
    return [mood.failing_status() for _ in range(count)]


def test_it_fails_as_often_as_told() -> None:
    assert [None] * 3 == statuses(3)
    assert [503] * 3 == statuses(3, fail="503")
    assert [503, 503, None, None] == statuses(4, fail_first=2)
    assert [410, None] == statuses(2, fail="410", fail_first=1)
    assert [None, None] == statuses(2, fail="503", fail_first=0)
    assert 100 < sum(status == 429 for status in statuses(1_000, fail="429=0.2")) < 300


def test_it_may_be_told_otherwise_at_any_time() -> None:
    mood = Mood(Misbehaviour(fail_first=1), Random(1))
    first = mood.failing_status()
    mood.misbehave(read_misbehaviour({"fail": 500}, mood.misbehaviour))

    assert (503, 500, None) == (first, mood.failing_status(), mood.failing_status())
    assert Misbehaviour(fail="500", fail_first=1) == mood.misbehaviour


def test_a_share_of_answers_never_comes() -> None:
    always, never = (Mood(Misbehaviour(drop=drop), Random(1)) for drop in (1.0, 0.0))

    assert (True, False) == (always.drops(), never.drops())


@pytest.mark.parametrize(
    "said",
    [
        {"fail": "soon"}, {"fail": "503="}, {"fail": "200"}, {"fail": "600"}, {"fail": "503=2"},
        {"fail_first": -1}, {"drop": 1.5}, {"delay_s": -1}, {"delay_s": 86_401}, {"retry_after_s": -1},
        {"retry_after_s": 1.5}, {"drop": None}, {"else": 1}, {"fail": True},
        [], None,
    ],
)  # fmt: skip
def test_what_can_not_be_done_is_refused(said: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_misbehaviour(said, Misbehaviour())
