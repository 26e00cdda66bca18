"""
The audit tells apart what looks alike: callers without a number, phones that rang together, twins.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from relay.twin.truth import TruthCall
from tests.twin.test_audit import judged, told, true_call

PHONE: dict[str, Any] = {
    "kind": "user_inbound", "from_number": "anonymous", "queue": None, "legs": 1, "answered": False,
    "answered_at": None, "talk_s": 0, "outcome": "missed",
}  # fmt: skip


def phone(key: str, name: str, **changes: Any) -> TruthCall:
    """
    Return the call that one phone of a withheld caller is: it rang with the others, and nobody answered.
    """
    return true_call(key, **{**PHONE, "agent_name": name, **changes})


def test_a_number_that_is_missing_altogether_is_null_when_published() -> None:
    call = true_call("1", from_number="")

    assert judged([call], told(call, from_raw=None)).is_clean
    bent = judged([call], told(call, from_raw="anonymous")).bent
    assert [("from", None, "anonymous")] == [(one.field, one.truth, one.published) for one in bent]


@pytest.mark.parametrize("ids", list(permutations("abc")))
def test_phones_that_rang_together_are_told_apart_by_their_names(ids: tuple[str, ...]) -> None:
    truth = [phone(str(number), name) for number, name in enumerate(("Alice", "Bao", "Chloe"))]
    events = [event for call, call_id in zip(truth, ids, strict=True) for event in told(call, call_id)]

    assert judged(truth, events).is_clean


def test_a_wrong_name_among_them_is_bent_and_nothing_else() -> None:
    truth = [phone(str(number), name) for number, name in enumerate(("Alice", "Bao", "Chloe"))]
    events = [event for call in truth[:2] for event in told(call)] + told(truth[2], agent_name="Dinesh")

    found = judged(truth, events)

    assert ([], []) == (list(found.lost), list(found.duplicated))
    assert [("agent_name", "Chloe", "Dinesh")] == [
        (one.field, one.truth, one.published) for one in found.bent
    ]


def test_the_queue_of_a_withheld_caller_is_not_taken_for_one_of_its_phones() -> None:
    queue = true_call("0", from_number="anonymous", agent_name="Alice", legs=1)
    answering = phone("1", "Alice", answered=True, outcome="answered", talk_s=50)
    truth = [queue, answering, phone("2", "Bao")]
    events = [event for call in reversed(truth) for event in told(call)]

    assert judged(truth, events).is_clean


@pytest.mark.parametrize("is_same_row", [True, False])
def test_twins_are_two_calls_and_one_of_them_missing_is_lost(is_same_row: bool) -> None:
    first = true_call("1", from_number="0411")
    length = 60 if is_same_row else 61
    twin = true_call("2", from_number="0411", duration_s=length)
    events = told(first) + told(twin)

    assert judged([first, twin], events).is_clean
    assert 1 == len(judged([first, twin], told(first)).lost)
    assert 1 == len(judged([first], events).duplicated)
