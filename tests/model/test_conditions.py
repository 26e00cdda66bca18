"""
What a condition says of an event, and what is said of a text that is none.
"""

from __future__ import annotations

from typing import Any

import pytest

from relay.model.conditions import all_hold, parse_condition
from relay.model.examples import example

EVENT: dict[str, Any] = {
    "type": "call.finished",
    "source": "/sources/pbx",
    "subject": "call/pbx/1",
    "data": {
        "queue": "sales",
        "talk_s": 30,
        "link_confidence": 0.5,
        "final": True,
        "campaign": None,
        "legs": [{"queue": "sales"}],
        "started_at": "2026-11-21T10:00:00.000Z",
    },
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('data.queue == "sales"', True),
        ('data.queue=="sales"', True),
        ('  data.queue  ==  "sales"  ', True),
        ('data.queue == "Sales"', False),
        ('data.queue != "sales"', False),
        ('data.queue != "support"', True),
        ('data.queue in ["support", "sales"]', True),
        ('data.queue in["support"]', False),
        ('data.queue not in ["support"]', True),
        ('data.queue not  in ["support", "sales"]', False),
        ("data.queue is null", False),
        ("data.queue is not null", True),
        ("data.talk_s == 30", True),
        ("data.talk_s == 30.0", True),
        ("data.talk_s > 30", False),
        ("data.talk_s >= 30", True),
        ("data.talk_s < 30", False),
        ("data.talk_s <= 30", True),
        ("data.talk_s>29.5", True),
        ("data.talk_s in [1, 30]", True),
        ('data.talk_s > "3"', False),
        ('data.talk_s == "30"', False),
        ('data.queue < "t"', True),
        ("data.queue > 0", False),
        ("data.link_confidence < 1", True),
        ("data.final == true", True),
        ("data.final == 1", False),
        ("data.final > 0", False),
        ("data.final != false", True),
        ("data.talk_s == true", False),
        ('data.started_at < "2026-11-21T10:00:01.000Z"', True),
        ('type == "call.finished"', True),
        ('source == "/sources/pbx"', True),
        ('subject in ["call/pbx/2"]', False),
        ("data.legs is not null", True),
        ('data.legs == "sales"', False),
        ('data.legs != "sales"', True),
    ],
)
def test_a_condition_holds_or_not(text: str, holds: bool) -> None:
    assert holds is parse_condition(text).holds(EVENT)


@pytest.mark.parametrize("field", ["data.campaign", "data.missing"])
@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        ("is null", True),
        ("is not null", False),
        ('== "x"', False),
        ('!= "x"', True),
        ('in ["x"]', False),
        ('not in ["x"]', True),
        ("> 0", False),
        ("<= 0", False),
        ("== 0", False),
        ("== false", False),
    ],
)
def test_null_and_missing_are_the_same(field: str, asked: str, holds: bool) -> None:
    assert holds is parse_condition(f"{field} {asked}").holds(EVENT)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", 1, "expected a field"),
        ("== 3", 1, "expected a field"),
        ("queue == 3", 1, "write data.<name>"),
        ("  queue == 3", 3, "write data.<name>"),
        ("data == 3", 1, "write data.<name>"),
        ("data.legs.queue == 3", 1, "at the top of data"),
        ("data.Queue == 3", 1, "at the top of data"),
        ("data. == 3", 1, "at the top of data"),
        ("data.queue", 11, "expected one of"),
        ("data.queue = 3", 11, "expected one of"),
        ('data.queue inside ["a"]', 11, "expected one of"),
        ("data.queue == sales", 15, "expected JSON"),
        ("data.queue == 'sales'", 15, "expected JSON"),
        ("data.queue ==", 14, "expected JSON"),
        ('data.queue in ["a", b]', 21, "expected JSON"),
        ('data.queue == "a" and', 19, "expected JSON"),
        ("data.talk_s > NaN", 15, "expected JSON"),
        ("data.talk_s > 1e999", 15, "finite"),
        ("data.queue == null", 15, "is null"),
        ("data.queue is null 3", 20, "nothing may follow"),
        ('data.queue == ["a"]', 15, "one value"),
        ('data.queue in "a"', 15, "a list"),
        ("data.queue in []", 15, "a list"),
        ("data.queue in [[1]]", 15, "a value is"),
        ("data.queue in [null]", 15, "a value is"),
        ("data.queue == {}", 15, "a value is"),
        ("data.final > true", 14, "numbers or texts"),
        ("data.queue == " + "[" * 480, 495, "expected JSON"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, place: int, words: str) -> None:
    with pytest.raises(ValueError, match=f"^at character {place}: ") as raised:
        parse_condition(text)

    assert words in str(raised.value)


def test_all_conditions_must_hold() -> None:
    event = example("call.finished")

    assert all_hold([], event)
    assert all_hold(['data.queue == "Sales"', "data.talk_s > 30"], event)
    assert not all_hold(['data.queue == "Sales"', "data.talk_s > 3000"], event)


def test_the_fields_of_every_event_can_be_asked() -> None:
    event = example("call.settled")

    assert all_hold(["data.final == true", 'data.origin == "live"', "data.revision == 6"], event)
    assert all_hold(['data.source_id == "pbx-sydney"', 'source == "/sources/pbx-sydney"'], event)
