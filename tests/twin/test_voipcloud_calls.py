"""
The calls of a simulated PBX: repeatable, consistent over all their rows, and true.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any

import orjson
import pytest

from relay.model.call import CALL_STREAMS, QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS
from relay.twin.truth import TruthCall
from relay.twin.voipcloud.pbx import Pbx
from relay.twin.voipcloud.settings import OfficeSize, Rules, Traffic, TwinSettings
from relay.twin.voipcloud.stream_rows import PageQuery

START = 1_772_413_200  # 2026-03-02T01:00:00Z, noon in Sydney
EVERYTHING = PageQuery(limit=10_000)
Row = dict[str, Any]


def settings(seed: int = 1, **traffic: Any) -> TwinSettings:
    return TwinSettings("key", seed=seed, traffic=Traffic(**{"calls_per_minute": 10, "speed": 5, **traffic}))


def rows(pbx: Pbx, stream: str) -> list[Row]:
    return list(orjson.loads(pbx.page(stream, EVERYTHING)))


def after(seconds: int, **changes: Any) -> Pbx:
    pbx = Pbx(settings(**changes), START)
    pbx.advance(START + seconds)
    return pbx


def second(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def done(**changes: Any) -> Pbx:
    """
    Return a PBX with some 200 calls, all of them ended.
    """
    pbx = after(86_400, **{"stop_after": 200, **changes})
    assert pbx.is_done
    return pbx


def phones_of(call: TruthCall, user_rows: list[Row]) -> list[Row]:
    assert call.ended_at is not None
    span = call.started_at.timestamp(), call.ended_at.timestamp()
    return [
        row
        for row in user_rows
        if (row["from_number"], row["to_number"]) == (call.from_number, call.to_number)
        and span[0] <= second(row["call_start_at"]) <= span[1]
    ]


def test_the_same_seed_makes_the_same_calls_however_often_it_is_asked() -> None:
    asked_once = after(1_800, past_calls=20)
    asked_often = Pbx(settings(past_calls=20), START)
    for at in range(START, START + 1_801, 7):
        asked_often.advance(at)
        asked_often.page(USER_CALLS, EVERYTHING)
    asked_often.advance(START + 1_800)

    assert asked_once.truth() == asked_often.truth()
    assert [rows(asked_once, stream) for stream in CALL_STREAMS] == [
        rows(asked_often, stream) for stream in CALL_STREAMS
    ]
    assert asked_once.truth() != after(1_800, past_calls=20, seed=2).truth()


def test_every_kind_of_call_and_every_outcome_happens() -> None:
    seen = {(call.kind, call.outcome) for call in done(stop_after=600).truth()}

    assert {
        *(("user_inbound", outcome) for outcome in ("answered", "missed")),
        *(("user_outbound", outcome) for outcome in ("answered", "no_answer")),
        *(
            (team, outcome)
            for team in ("queue", "ring_group")
            for outcome in ("answered", "abandoned", "timed_out")
        ),
    } == seen


def test_rows_have_the_documented_fields_and_no_id() -> None:
    pbx = done()
    summary = ("callerid", "inbound_number", "call_start_at", "call_answered_at", "call_finished_at")
    summary_end = ("answered_by_user_name", "status")

    assert (
        "from_number", "to_number", "user_name", "is_inbound", "call_start_at", "call_duration",
        "call_finished_at", "conversation_duration",
    ) == tuple(rows(pbx, USER_CALLS)[0])  # fmt: skip
    assert ("queue_name", *summary, *summary_end) == tuple(rows(pbx, QUEUE_CALLS)[0])
    assert ("ring_group_name", *summary, *summary_end) == tuple(rows(pbx, RINGGROUP_CALLS)[0])


def test_a_summary_row_and_the_rows_of_its_phones_tell_one_story() -> None:
    pbx = done()
    user_rows = rows(pbx, USER_CALLS)
    summaries = {
        (row["callerid"], second(row["call_start_at"])): row
        for stream in (QUEUE_CALLS, RINGGROUP_CALLS)
        for row in rows(pbx, stream)
    }
    teams = [call for call in pbx.truth() if call.kind in ("queue", "ring_group")]

    assert len(summaries) == len(teams)
    for call in teams:
        summary = summaries[call.from_number, int(call.started_at.timestamp())]
        phones = phones_of(call, user_rows)
        assert call.legs == 1 + len(phones)
        assert len({row["call_start_at"] for row in phones}) <= 1
        talking = [row for row in phones if row["conversation_duration"]]
        assert call.answered == bool(talking)
        if not call.answered:
            assert (None, None) == (summary["call_answered_at"], summary["answered_by_user_name"])
            continue
        (answering,) = talking
        answered_at = second(answering["call_start_at"]) + (
            answering["call_duration"] - answering["conversation_duration"]
        )
        assert second(summary["call_answered_at"]) == answered_at
        assert summary["call_finished_at"] == answering["call_finished_at"]
        assert summary["answered_by_user_name"] == answering["user_name"] == call.agent_name
        for row in phones:
            if row is not answering:  # a sibling stops ringing when somebody answers
                assert (answered_at, 0) == (second(row["call_finished_at"]), row["conversation_duration"])


def test_the_row_of_a_call_of_one_user_is_the_truth() -> None:
    pbx = done()
    found = {(row["from_number"], row["call_start_at"]): row for row in rows(pbx, USER_CALLS)}
    calls = [call for call in pbx.truth() if call.kind.startswith("user_")]

    assert calls
    for call in calls:
        (row,) = phones_of(call, list(found.values()))
        assert 1 == call.legs
        assert call.duration_s == row["call_duration"]
        assert call.talk_s == row["conversation_duration"]
        assert call.agent_name == row["user_name"]
        assert int(call.direction == "inbound") == row["is_inbound"]
        assert (call.ended_at or call.started_at).timestamp() == second(row["call_finished_at"])


def test_no_phone_rings_or_talks_twice_at_once() -> None:
    spans = defaultdict(list)
    for row in rows(done(calls_per_minute=60), USER_CALLS):
        spans[row["user_name"]].append((second(row["call_start_at"]), second(row["call_finished_at"])))

    assert spans
    for taken in spans.values():
        assert all(end <= start for (_, end), (start, _) in pairwise(sorted(taken)))


def test_no_two_calls_at_once_share_an_outside_number() -> None:
    calls = done(calls_per_minute=60, stop_after=500).truth()
    by_number = defaultdict(list)
    for call in calls:
        outside = call.to_number if call.direction == "outbound" else call.from_number
        by_number[outside[-9:]].append((call.started_at, call.ended_at or call.started_at))

    assert any(len(spans) > 1 for spans in by_number.values()), "some callers call again"
    for spans in by_number.values():
        assert all(end < start for (_, end), (start, _) in pairwise(sorted(spans)))


@pytest.mark.parametrize("later_s", [1, 5, 20])
def test_an_open_row_grows_and_a_summary_appears_only_at_the_end(later_s: int) -> None:
    pbx = after(900)
    before = {row["call_start_at"] + row["user_name"]: row for row in rows(pbx, USER_CALLS)}
    pbx.advance(START + 900 + later_s)
    now = {row["call_start_at"] + row["user_name"]: row for row in rows(pbx, USER_CALLS)}
    open_rows = [name for name, row in before.items() if row["call_finished_at"] is None]

    assert open_rows
    assert set(before) <= set(now)
    for name in open_rows:
        grown = now[name]["call_duration"] - before[name]["call_duration"]
        assert grown == later_s or (grown < later_s and now[name]["call_finished_at"] is not None)
        assert now[name]["conversation_duration"] <= now[name]["call_duration"]
    ended = Counter(call.kind for call in pbx.truth() if call.ended_at is not None)
    assert (ended["queue"], ended["ring_group"]) == (
        len(rows(pbx, QUEUE_CALLS)),
        len(rows(pbx, RINGGROUP_CALLS)),
    )


def test_nothing_of_the_future_shows() -> None:
    pbx = after(900)

    shown = [row["call_start_at"] for stream in CALL_STREAMS for row in rows(pbx, stream)]
    assert max(map(second, shown)) <= START + 900
    for call in pbx.truth():
        if call.ended_at is None:
            assert (None, None, None) == (call.outcome, call.duration_s, call.talk_s)


def test_past_calls_ended_before_the_start_and_fit_into_one_page_per_stream() -> None:
    office = OfficeSize(users=40, queues=8, ring_groups=4)
    pbx = Pbx(replace(settings(past_calls=9_000), office=office), START)
    starts: Callable[[str], list[int]] = lambda stream: sorted(  # noqa: E731
        second(row["call_start_at"])
        for offset in (0, 10_000, 20_000, 30_000)
        for row in orjson.loads(pbx.page(stream, PageQuery(limit=10_000, offset=offset)))
    )

    assert 9_000 == sum(
        call.ended_at is not None and call.ended_at.timestamp() < START for call in pbx.truth()
    )
    for stream in CALL_STREAMS:
        recent = [at for at in starts(stream) if at > START - 3 * 86_400]
        assert 0 < len(recent) < 10_000


def test_speed_shortens_calls_but_never_bends_the_clock() -> None:
    slow, fast = (done(speed=speed, stop_after=100).truth() for speed in (1, 50))

    assert 10 * sum(call.duration_s or 0 for call in fast) < sum(call.duration_s or 0 for call in slow)
    assert (fast[-1].started_at - fast[0].started_at) * 10 < slow[-1].started_at - slow[0].started_at
    assert all(call.duration_s and call.duration_s > 0 for call in fast)
    assert all(call.talk_s and call.talk_s > 0 for call in fast if call.answered)


def test_stopping_lets_calls_end_and_resuming_makes_new_ones() -> None:
    pbx = after(600)
    pbx.make_calls(False)
    begun = len(pbx.truth())
    pbx.advance(START + 7_200)

    assert (begun, True) == (len(pbx.truth()), pbx.is_done)
    pbx.make_calls(True)
    pbx.advance(START + 7_800)
    later = pbx.truth()[begun:]
    assert later
    assert min(call.started_at.timestamp() for call in later) >= START + 7_200


def test_a_stream_that_is_absent_hides_no_call_from_the_truth() -> None:
    rules = Rules(absent=frozenset({QUEUE_CALLS}))
    pbx = Pbx(TwinSettings("key", traffic=Traffic(stop_after=100), rules=rules), START)
    pbx.advance(START + 86_400)

    assert {"user_inbound", "user_outbound", "ring_group"} == {call.kind for call in pbx.truth()}


def test_the_smallest_office_works_too() -> None:
    office = OfficeSize(users=1, queues=0, ring_groups=0)
    pbx = Pbx(TwinSettings("key", office=office, traffic=Traffic(calls_per_minute=60, stop_after=50)), START)
    pbx.advance(START + 86_400)

    assert 50 == len(pbx.truth())
    assert {"Alice Nguyen"} == {row["user_name"] for row in rows(pbx, USER_CALLS)}


def test_a_user_dials_by_extension_or_number_and_the_call_is_true() -> None:
    pbx = Pbx(settings(stop_after=0), START)
    user = pbx.office.users[1]

    assert pbx.dial(user.extension, "+61491570156")
    pbx.advance(START + 3_600)
    assert pbx.dial("+61" + user.number[1:], "0491570157")
    assert not pbx.dial("999", "0491570157")
    pbx.advance(START + 7_200)

    dialled = [(call.direction, call.from_number, call.to_number, call.agent_name) for call in pbx.truth()]
    assert [("outbound", user.number, to, user.name) for to in ("+61491570156", "0491570157")] == dialled


def test_truth_survives_json() -> None:
    call = done(stop_after=1).truth()[0]

    assert call == TruthCall.from_json(orjson.loads(orjson.dumps(call.as_json())))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (OfficeSize, {"users": 0}),
        (OfficeSize, {"users": 9_000}),
        (Traffic, {"speed": 0}),
        (Traffic, {"past_calls": -1}),
        (Rules, {"requests": 0}),
        (Rules, {"absent": frozenset({"faxes"})}),
    ],
)
def test_settings_that_make_no_sense_are_refused(kind: Callable[..., object], values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        kind(**values)
