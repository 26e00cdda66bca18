"""
Faults are switched by name or as objects, and a switch that says nothing known changes nothing.
"""

from __future__ import annotations

from typing import Any

import pytest

from relay.twin.voipcloud import faults as switches
from relay.twin.voipcloud.fault_kinds import (
    FALSE_CLOCK,
    FAULTS,
    LARGE_PAGE,
    REAL_TIME,
    CorrectedDurations,
    Fault,
    LateRows,
    NotFound,
    Skew,
    StalePage,
    fault_table,
)
from relay.twin.voipcloud.faults import Faults, read_fault
from tests.twin.asking import twin


class Standing:
    """
    Faults of a phone system whose second the test sets, and what its watcher was told.
    """

    def __init__(self) -> None:
        self.second = 100
        self.asked = 0
        self.told: list[type[Fault]] = []
        self.faults = Faults(self.bring_up)
        self.faults.watch(self.told.append)

    def bring_up(self) -> int:
        self.asked += 1
        return self.second


def test_every_fault_says_in_one_line_what_it_does_and_is_on_as_usual_without_details() -> None:
    table = fault_table()
    for name, kind in FAULTS.items():
        faults = Standing().faults
        faults.switch({name: {}})

        assert [name] == list(faults.as_json())
        assert f"\n{name} " in f"\n{table}"
        assert kind.needs in (None, FALSE_CLOCK, REAL_TIME, LARGE_PAGE)


def test_the_note_of_the_switches_has_the_table_of_today() -> None:
    note = switches.__doc__ or ""

    assert "\n".join(f"    {line}" for line in fault_table().splitlines()) in note


def test_a_switch_tells_what_is_on_since_when_and_whoever_watches() -> None:
    standing = Standing()
    faults = standing.faults
    faults.on(LateRows(by_s=9))
    standing.second = 130
    faults.switch({"stale_page": {"stream": "queue_calls"}})

    assert (LateRows(by_s=9), 100, 130) == (
        faults.get(LateRows),
        faults.since(LateRows),
        faults.since(StalePage),
    )
    assert faults.get(Skew) is None
    assert faults.of_stream(StalePage, "queue_calls") is not None
    assert [None, None] == [faults.of_stream(StalePage, stream) for stream in ("user_calls", None)]
    assert {
        "late_rows": {"stream": None, "by_s": 9, "only_finished": False}
    }.items() <= faults.as_json().items()
    faults.off("skew")
    faults.off()
    assert {} == faults.as_json()
    assert [LateRows, StalePage, LateRows, StalePage] == standing.told
    assert 4 == standing.asked, "the phone system does all it does by now before a switch"


def test_a_fault_switched_on_again_gives_way_to_the_new_one() -> None:
    faults = Standing().faults
    faults.on(NotFound(times=1))
    faults.on(NotFound(stream="user_calls", times=2))

    assert [None, True, True, None] == [
        faults.take(NotFound, stream) and True
        for stream in ("queue_calls", "user_calls", "user_calls", "user_calls")
    ]
    assert {} == faults.as_json()


@pytest.mark.parametrize(
    ("name", "details"),
    [
        ("fly", {}),
        ("late_rows", {"by_s": -1}),
        ("late_rows", {"by_s": "9"}),
        ("late_rows", {"stream": "faxes"}),
        ("late_rows", {"height": 1}),
        ("late_rows", []),
        ("late_rows", True),
        ("server_error", {"status": 404}),
        ("twins", {"share": 2}),
        ("rename", {"users": {"Alice": 1}}),
        ("not_found", {"times": 0}),
        ("slow", {"by_s": 0}),
    ],
)
async def test_what_is_not_known_is_refused_and_nothing_switched(name: str, details: Any) -> None:
    with pytest.raises(ValueError, match=name):
        read_fault(name, details)
    async with twin(run_s=0) as asking:
        status, answer = await asking.post("/control", json={"faults": {"skew": {}, name: details}})

        assert (400, 400) == (status, answer["code"])
        assert {} == (await asking.truth())["faults"]


@pytest.mark.parametrize("by_s", [0, 4])
def test_a_correction_moves_an_end_and_never_into_the_future(by_s: int) -> None:
    with pytest.raises(ValueError, match="by_s"):
        CorrectedDurations(after_s=3, by_s=by_s)


async def test_control_switches_several_and_null_switches_all_off() -> None:
    async with twin(run_s=0) as asking:
        _, both = await asking.post("/control", json={"faults": {"skew": {"by_s": 3}, "twins": {}}})
        _, one = await asking.post("/control", json={"faults": {"skew": None}, "making_calls": False})
        _, none = await asking.post("/control", json={"faults": None})
        bad, _ = await asking.post("/control", json={"faults": ["skew"]})

        assert {"skew": {"by_s": 3}, "twins": {"share": 0.3, "is_same_row": False}} == both["faults"]
        assert (["twins"], False) == (list(one["faults"]), one["making_calls"])
        assert ({}, 400) == (none["faults"], bad)


async def test_the_old_word_for_a_garbled_row_switches_the_fault() -> None:
    async with twin(run_s=0) as asking:
        _, on = await asking.post("/control", json={"garble": {"stream": "user_calls", "row": 2}})
        _, off = await asking.post("/control", json={"garble": None})

        assert {"garbled_row": {"stream": "user_calls", "row": 2}} == on["faults"]
        assert {} == off["faults"]
