"""
Calls that overflow, are transferred or withhold their number: their rows, and what is true of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from relay.model.call import CALL_STREAMS, QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS
from relay.twin.truth import TruthCall
from relay.twin.voipcloud.settings import OfficeSize, Rules, Traffic, TwinSettings
from tests.twin.office import START, Office, Row, second_of

CALLS = 2_500
TRAFFIC: dict[str, Any] = {"calls_per_minute": 20, "speed": 2, "variety": True, "stop_after": CALLS}
TEAMS = ("queue", "ring_group")


@cache
def varied() -> Office:
    """
    Return an office in which enough was called, and everything is over.
    """
    office = Office(TwinSettings("key", 3, OfficeSize(20, 3, 2), Traffic(**TRAFFIC)))
    while not office.pbx.is_done:
        office.runs(600)
    return office


@cache
def rows_by_number() -> dict[tuple[str, str], list[Row]]:
    """
    Return the rows of each stream and caller, oldest first.
    """
    rows: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for stream, newest_first in varied().shows().items():
        for row in reversed(newest_first):
            rows[stream, row["from_number"] if stream == USER_CALLS else row["callerid"]].append(row)
    return rows


def rows_of(call: TruthCall) -> dict[str, list[Row]]:
    """
    Return the rows of a call with a number, by stream, oldest first.
    """
    assert call.ended_at is not None
    span = call.started_at.timestamp() - START, call.ended_at.timestamp() - START
    return {
        stream: [
            row
            for row in rows_by_number().get((stream, call.from_number), ())
            if span[0] <= second_of(row) <= span[1]
        ]
        for stream in CALL_STREAMS
    }


def span_of(row: Row) -> tuple[int, int]:
    return second_of(row), second_of(row, "call_finished_at")


def true_span_of(call: TruthCall) -> tuple[int, int]:
    assert call.ended_at is not None
    return int(call.started_at.timestamp()) - START, int(call.ended_at.timestamp()) - START


def is_withheld(call: TruthCall) -> bool:
    return call.from_number in ("anonymous", "")


def test_a_plain_office_knows_nothing_of_it() -> None:
    office = Office(calls_per_minute=20, stop_after=500)
    office.runs(86_400)

    for call in office.pbx.truth():
        assert not is_withheld(call)
        assert None in (call.queue, call.ring_group)
        assert call.legs <= 5


def test_a_queue_overflows_into_another_team_within_three_seconds() -> None:
    calls = [call for call in varied().pbx.truth() if call.kind in TEAMS and not is_withheld(call)]
    chains = []
    for call in calls:
        rows = rows_of(call)
        turns = sorted(rows[QUEUE_CALLS] + rows[RINGGROUP_CALLS], key=second_of)
        if len(turns) > 1:
            chains.append((call, turns, rows[USER_CALLS]))

    assert 0.02 < len(chains) / len(calls) < 0.07
    assert {"queue_name", "ring_group_name"} <= {name for _, turns, _ in chains for name in turns[1]}
    for call, (first, then), phones in chains:
        assert ("timedout", True) == (first["status"], "queue_name" in first)
        assert 0 <= second_of(then) - second_of(first, "call_finished_at") <= 3
        assert first["inbound_number"] == then["inbound_number"] == call.to_number
        assert call.outcome == then["status"].replace("timedout", "timed_out")
        assert call.agent_name in (
            then["answered_by_user_name"] or call.agent_name,
            *[row["user_name"] for row in phones],
        )
        assert second_of(then, "call_finished_at") == (call.ended_at or call.started_at).timestamp() - START
        assert call.queue == then.get("queue_name", first["queue_name"])
        assert call.ring_group == then.get("ring_group_name")
        assert call.legs == 2 + len(phones)
        assert len(phones) == len({row["user_name"] for row in phones}), "nobody is rung twice"


def test_a_transfer_rings_a_second_phone_within_two_seconds_of_the_first_talk() -> None:
    truth = varied().pbx.truth()
    answered = [call for call in truth if call.answered and call.direction == "inbound"]
    transferred = 0
    for call in answered:
        talking = [row for row in rows_of(call)[USER_CALLS] if row["conversation_duration"]]
        if is_withheld(call) or len(talking) < 2:
            continue
        transferred += 1
        first, then = talking
        assert 0 <= second_of(then) - second_of(first, "call_finished_at") <= 2
        assert first["to_number"] == then["to_number"]
        assert first["user_name"] != then["user_name"]
        spoken_s = first["conversation_duration"] + then["conversation_duration"]
        assert (first["user_name"], spoken_s) == (call.agent_name, call.talk_s)
        assert second_of(then, "call_finished_at") == (call.ended_at or call.started_at).timestamp() - START

    assert 0.015 < transferred / len(answered) < 0.05


def test_each_row_of_a_withheld_caller_is_a_call_of_its_own() -> None:
    office = varied()
    truth = [call for call in office.pbx.truth() if is_withheld(call)]
    rows = [
        (stream, row)
        for stream in CALL_STREAMS
        for row in office.rows(stream)
        if row.get("callerid", row.get("from_number")) in ("anonymous", "")
    ]

    assert {"anonymous", ""} == {call.from_number for call in truth}
    assert {"user_inbound", *TEAMS} == {call.kind for call in truth}
    streams = {"queue": QUEUE_CALLS, "ring_group": RINGGROUP_CALLS}
    shown = [
        (stream, *span_of(row), row.get("user_name") or row.get("answered_by_user_name"))
        for stream, row in rows
    ]
    true = [(streams.get(call.kind, USER_CALLS), *true_span_of(call), call.agent_name) for call in truth]
    assert Counter(shown) == Counter(true)
    for call in truth:
        assert (1, call.kind == "queue") == (call.legs, call.queue is not None)
        assert call.ended_at is not None
        assert call.ended_at - call.started_at == timedelta(seconds=call.duration_s or 0)
        assert call.talk_s == (call.duration_s or 0) - (call.wait_s or 0)
    calls = {call.key.partition("/")[0] for call in truth}
    inbound = [call for call in office.pbx.truth() if call.direction == "inbound"]
    assert 0.01 < len(calls) / len(inbound) < 0.04


def at(second: float) -> dict[str, TruthCall]:
    """
    Return what the same office holds for true at a second since 1970, by key.
    """
    office = Office(TwinSettings("key", 3, OfficeSize(20, 3, 2), Traffic(**TRAFFIC)))
    office.runs(int(second) - START)
    return {call.key: call for call in office.pbx.truth()}


def test_a_phone_that_did_not_ring_yet_is_no_call_yet() -> None:
    truth = {call.key: call for call in varied().pbx.truth()}
    phone = next(
        call
        for key, call in truth.items()
        if key.endswith("/phone-1") and call.started_at > truth[key.replace("phone", "turn")].started_at
    )
    before, now = (at(phone.started_at.timestamp() - early_s) for early_s in (1, 0))

    assert phone.key not in before
    turn = before[phone.key.replace("phone", "turn")]
    assert (None, None, 0) == (turn.ended_at, turn.outcome, turn.legs)
    assert (None, 1) == (now[phone.key].ended_at, now[phone.key].legs)


def test_a_call_knows_nothing_of_the_team_it_will_overflow_into() -> None:
    call = next(call for call in varied().pbx.truth() if call.queue and call.ring_group)
    assert call.ended_at is not None
    first, last = (at(moment.timestamp())[call.key] for moment in (call.started_at, call.ended_at))

    assert (call.queue, None) == (first.queue, first.ring_group)
    assert call == last


@pytest.mark.parametrize("absent", [USER_CALLS, QUEUE_CALLS])
def test_nothing_is_true_that_an_absent_stream_alone_would_show(absent: str) -> None:
    rules = Rules(absent=frozenset({absent}))
    traffic = Traffic(**{**TRAFFIC, "stop_after": 800})
    office = Office(TwinSettings("key", 3, OfficeSize(20, 3, 2), traffic, rules))
    office.runs(86_400)
    starts = {second_of(row) for stream in CALL_STREAMS if stream != absent for row in office.rows(stream)}

    assert all(call.legs for call in office.pbx.truth())
    assert starts >= {int(call.started_at.timestamp()) - START for call in office.pbx.truth()}
