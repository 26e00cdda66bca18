"""
What goes wrong in rows is seen while its fault is on, and not any more once it is off.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import Any

import orjson
import pytest

from relay.model.call import CALL_STREAMS, QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS
from relay.twin.truth import TruthCall
from relay.twin.voipcloud.fault_kinds import (
    CorrectedDurations,
    EmptyOnce,
    Fault,
    GarbledRow,
    InsertionDrift,
    LateRows,
    NaiveTimes,
    Rename,
    Retention,
    ShortPage,
    StalePage,
    Twins,
    UnstableTies,
)
from relay.twin.voipcloud.stream_rows import PageQuery
from tests.twin.office import EVERYTHING, START, Office, Row, second_of, unlike

CLOCKS_GO_BACK = 1_775_318_400  # 2026-04-04T16:00:00Z: in Sydney it is 2 o'clock for the second time


def names(rows: list[Row], column: str) -> set[Any]:
    return {row[column] for row in rows}


def calls_of_users(truth: list[TruthCall]) -> list[TruthCall]:
    return [call for call in truth if call.kind.startswith("user_")]


def test_late_rows_show_so_many_seconds_after_they_should() -> None:
    office = Office()
    office.runs(600)
    before = office.rows()
    office.faults.on(LateRows(stream="user_calls", by_s=40))
    at_once = office.rows()
    office.runs(30)
    none_yet = [row for row in office.rows() if second_of(row) > 600]
    office.runs(90)
    shown = office.rows()
    office.faults.off()
    now = office.rows()

    assert ([], before) == (none_yet, at_once)
    assert {second_of(row) for row in before} <= {second_of(row) for row in shown}
    assert 680 >= max(map(second_of, shown)) > 600
    late = unlike(now, shown)
    assert late
    assert all(680 < second_of(row) <= 720 for row in late)


def test_a_late_row_of_a_queue_counts_from_its_end() -> None:
    office = Office()
    office.faults.on(LateRows(by_s=25))
    office.runs(900)
    late = office.rows(QUEUE_CALLS)
    office.faults.off()

    expected = [row for row in office.rows(QUEUE_CALLS) if second_of(row, "call_finished_at") + 25 <= 900]
    assert expected
    assert expected == late


def test_only_finished_rows_show_late_below_newer_ones() -> None:
    office = Office()
    office.faults.on(LateRows(stream="user_calls", by_s=0, only_finished=True))
    office.runs(900)
    first = office.rows()
    office.runs(60)
    second = office.rows()
    office.faults.off()
    all_rows = office.rows()

    assert None not in names(first, "call_finished_at")
    newest = max(map(second_of, first))
    assert any(second_of(row) < newest for row in unlike(second, first)), "inserted below the head"
    assert unlike(all_rows, second) == [row for row in all_rows if row["call_finished_at"] is None]


def test_ties_come_in_another_order_at_each_request() -> None:
    office = Office(calls_per_minute=600, speed=5)
    office.runs(120)
    stable = office.rows()
    office.faults.on(UnstableTies(stream="user_calls"))
    pages = [office.rows() for _ in range(6)]
    queues = [office.rows(QUEUE_CALLS) for _ in range(6)]
    office.faults.off()

    assert any(len(list(tied)) > 2 for _, tied in groupby(map(second_of, stable)))
    assert len({orjson.dumps(page) for page in pages}) > 3
    for page in pages:
        assert list(map(second_of, stable)) == list(map(second_of, page))
        assert Counter(map(orjson.dumps, stable)) == Counter(map(orjson.dumps, page))
    assert 1 == len({orjson.dumps(page) for page in queues})
    assert [stable, stable] == [office.rows(), office.rows()]


@pytest.mark.parametrize("stream", CALL_STREAMS)
def test_calls_appear_between_two_pages_of_a_walk(stream: str) -> None:
    office = Office()
    office.runs(1_800)
    first = office.rows(stream, PageQuery(limit=10))
    steady = office.rows(stream, PageQuery(limit=10, offset=10))
    office.faults.on(InsertionDrift(calls=4))
    again = office.rows(stream, PageQuery(limit=10))
    drifted = office.rows(stream, PageQuery(limit=10, offset=10))
    office.faults.off()
    now = office.rows(stream, PageQuery(limit=14))

    assert first == again, "only later pages of a walk meet it"
    assert (first[-4:], steady[:-4]) == (drifted[:4], drifted[4:])
    assert first == now[4:]
    office.ends()
    assert {call.key for call in office.pbx.truth() if call.key.startswith("above-")} == {
        f"above-{number}" for number in range(1, 5)
    }


def test_a_stream_is_empty_once() -> None:
    office = Office()
    office.runs(600)
    full = office.shows()
    office.faults.on(EmptyOnce(stream="queue_calls"))
    once = office.shows()

    assert {**full, QUEUE_CALLS: []} == once
    office.faults.on(InsertionDrift())
    assert full == office.shows()
    office.faults.on(EmptyOnce())
    assert [[], [], []] == list(office.shows().values())
    assert full == office.shows()


def test_a_short_page_looks_like_the_end_of_the_rows() -> None:
    office = Office()
    office.runs(900)
    full = office.shows()
    office.faults.on(ShortPage(stream="user_calls", rows=7))
    short = office.shows()
    deeper = office.rows(query=PageQuery(limit=5, offset=3))
    office.faults.off()

    assert {**full, USER_CALLS: full[USER_CALLS][:7]} == short
    assert full[USER_CALLS][3:8] == deeper
    assert full == office.shows()


def test_old_rows_vanish_and_come_back() -> None:
    office = Office()
    office.runs(900)
    full = office.rows()
    office.faults.on(Retention(keep_s=300))
    kept = office.rows()
    office.faults.off()

    assert [row for row in full if second_of(row) >= 600] == kept
    assert 0 < len(kept) < len(full)
    assert full == office.rows()


def test_a_stale_page_stands_still_until_the_fault_is_off() -> None:
    office = Office()
    office.runs(600)
    full = office.rows()
    office.faults.on(StalePage(stream="user_calls"))
    office.runs(120)

    assert full == office.rows()
    assert full[5:9] == office.rows(query=PageQuery(limit=4, offset=5))
    assert any(second_of(row, "call_finished_at") > 600 for row in office.rows(RINGGROUP_CALLS))
    office.faults.on(StalePage(stream="user_calls"))
    again = office.rows()
    office.runs(60)
    assert full != again == office.rows(), "switched on again it is of that instant"
    office.faults.off("stale_page")
    assert max(map(second_of, office.rows())) > 600
    open_before = [row for row in full if row["call_finished_at"] is None]
    assert open_before
    assert [] == [row for row in open_before if row in office.rows()]


def test_a_garbled_row_is_the_next_to_finish_or_the_one_named() -> None:
    office = Office()
    office.runs(600)
    office.faults.on(GarbledRow(stream="queue_calls"))
    nothing_yet = office.rows(QUEUE_CALLS)
    office.runs(300)
    spoilt = [row for row in office.rows(QUEUE_CALLS) if row["call_start_at"] == "not a date"]
    office.faults.on(GarbledRow(stream="queue_calls", row=0))
    first = [row for row in office.rows(QUEUE_CALLS) if row["call_start_at"] == "not a date"]
    office.faults.off()

    assert "not a date" not in names(nothing_yet, "call_start_at")
    assert (1, 1) == (len(spoilt), len(first))
    assert second_of(spoilt[0], "call_finished_at") > 600 > second_of(first[0], "call_finished_at")
    assert "not a date" not in names(office.rows(QUEUE_CALLS), "call_start_at")


def test_a_rename_shows_in_all_rows_and_in_the_truth() -> None:
    office = Office()
    office.runs(1_800)
    before, truth = office.shows(), office.pbx.truth()
    office.faults.on(Rename(users={"Alice Nguyen": "Alice Jones"}, queues={"Sales": "Deals"}))
    renamed = office.shows()
    office.runs(600)
    later = office.pbx.truth()

    spelt = orjson.loads(
        orjson.dumps(before).replace(b'"Alice Nguyen"', b'"Alice Jones"').replace(b'"Sales"', b'"Deals"')
    )
    assert spelt == renamed
    assert {"Alice Jones", "Deals"} <= {*(call.agent_name for call in later), *(call.queue for call in later)}
    assert {"Alice Nguyen", "Sales"}.isdisjoint(
        {*(call.agent_name for call in later), *(call.queue for call in later)}
    )
    by_name = office.rows(QUEUE_CALLS, PageQuery(limit=10_000, names=frozenset({"Deals"})))
    assert by_name
    assert {"Deals"} == names(by_name, "queue_name")
    office.faults.off()
    ended = {call.key: call for call in truth if call.ended_at is not None}
    assert ended == {call.key: call for call in office.pbx.truth() if call.key in ended}
    assert {"Sales", "Support"} == names(office.rows(QUEUE_CALLS), "queue_name")


def test_without_details_the_first_of_each_kind_is_renamed() -> None:
    office = Office()
    office.faults.on(Rename())
    office.runs(1_800)

    assert "Alice Nguyen (new)" in names(office.rows(), "user_name")
    assert {"Sales (new)", "Support"} == names(office.rows(QUEUE_CALLS), "queue_name")
    assert {"Reception (new)"} == names(office.rows(RINGGROUP_CALLS), "ring_group_name")


@pytest.mark.parametrize("is_same_row", [True, False])
def test_twins_are_two_rows_and_two_calls(is_same_row: bool) -> None:
    office = Office()
    office.runs(300)
    earlier = {call.key for call in office.pbx.truth()}
    office.faults.on(Twins(share=1, is_same_row=is_same_row))
    office.runs(300)
    office.faults.off()
    keys = {call.key for call in calls_of_users(office.pbx.truth())} - earlier
    known = {call.key for call in office.pbx.truth()}
    office.ends()

    def bags(calls: list[TruthCall]) -> Counter[tuple[Any, ...]]:
        return Counter((call.from_number, call.to_number, call.started_at, call.agent_name) for call in calls)

    assert keys
    ended = [call for call in office.pbx.truth() if call.key in keys]
    assert {2} == set(bags(ended).values())
    lengths = Counter((call.from_number, call.to_number, call.duration_s) for call in ended)
    assert ({2} == set(lengths.values())) is is_same_row
    shown = Counter(
        (row["from_number"], row["to_number"], second_of(row), row["user_name"]) for row in office.rows()
    )
    assert 2 * len(bags(ended)) == sum(
        shown[call[0], call[1], int(call[2].timestamp()) - START, call[3]] for call in bags(ended)
    )
    assert [] == [call.key for call in office.pbx.truth() if "/twin" in call.key and call.key not in known]


def test_corrected_durations_change_finished_rows_and_the_truth() -> None:
    office = Office()
    office.faults.on(CorrectedDurations(share=1, after_s=20, by_s=5))
    office.runs(900)
    before = [row for stream in CALL_STREAMS for row in office.rows(stream)]
    uncorrected = {call.key: call for call in office.pbx.truth() if call.ended_at is not None}
    office.runs(30)
    now = [row for stream in CALL_STREAMS for row in office.rows(stream)]
    corrected = [
        (old, new)
        for old in before
        for new in now
        if old["call_finished_at"] not in (None, new["call_finished_at"])
        and old["call_start_at"] == new["call_start_at"]
        and (old.get("callerid"), old.get("user_name")) == (new.get("callerid"), new.get("user_name"))
    ]

    assert {"user_name", "callerid"} <= {column for old, _ in corrected for column in old}
    for old, new in corrected:
        assert 5 == second_of(new, "call_finished_at") - second_of(old, "call_finished_at")
        if "call_duration" in old:
            assert [5, 5] == [new[n] - old[n] for n in ("call_duration", "conversation_duration")]
    office.faults.off()
    office.ends()
    bent = [call for call in office.pbx.truth() if uncorrected.get(call.key, call) != call]
    assert {5} == {(call.talk_s or 0) - (uncorrected[call.key].talk_s or 0) for call in bent}
    row_of = {(row["from_number"], second_of(row)): row for row in office.rows()}
    for call in calls_of_users(office.pbx.truth()):
        row = row_of[call.from_number, int(call.started_at.timestamp()) - START]
        assert (row["call_duration"], row["conversation_duration"]) == (call.duration_s, call.talk_s)


def test_nothing_is_corrected_once_the_fault_is_off() -> None:
    office = Office()
    office.faults.on(CorrectedDurations(share=1, after_s=300, by_s=5))
    office.runs(200)
    ended = [row for row in office.rows() if row["call_finished_at"]]
    office.faults.off()
    office.runs(600)

    assert ended
    assert [] == unlike(ended, office.rows())


def test_times_can_lose_their_offset_and_find_it_again() -> None:
    office = Office()
    office.runs(900)
    before = office.shows()
    office.faults.on(NaiveTimes())
    naive = office.shows()
    office.faults.off()

    assert orjson.loads(orjson.dumps(before).replace(b"+11:00", b"")) == naive
    assert before == office.shows()


def test_in_the_hour_that_repeats_rows_are_sorted_by_their_true_start() -> None:
    office = Office(start=CLOCKS_GO_BACK - 1_800)
    office.faults.on(NaiveTimes())
    office.runs(3_600)
    naive = [row["call_start_at"] for row in office.rows()]
    office.faults.off()
    true = list(map(second_of, office.rows()))

    assert sorted(true, reverse=True) == true
    assert sorted(naive, reverse=True) != naive, "the second pass of the hour looks older than the first"
    assert {"2026-04-05T02"} == {text[:13] for text in naive}


def test_the_same_seed_and_schedule_give_the_same_pages() -> None:
    def story() -> list[bytes]:
        office, pages = Office(calls_per_minute=60), []
        played: list[Fault] = [Twins(), CorrectedDurations(share=0.5), UnstableTies(), LateRows(by_s=9)]
        played += [InsertionDrift(), Rename()]
        for fault in played:
            office.faults.on(fault)
            office.runs(60)
            pages += [office.pbx.page(stream, EVERYTHING) for stream in CALL_STREAMS]
            pages.append(office.pbx.page(USER_CALLS, PageQuery(limit=20, offset=20)))
        office.faults.off()
        return [*pages, office.pbx.truth_json()]

    first = story()

    assert first == story()


def test_a_fault_that_was_never_on_leaves_no_trace() -> None:
    plain, switched = Office(), Office()
    for kind in (UnstableTies, LateRows, InsertionDrift, Rename, NaiveTimes, StalePage, GarbledRow):
        switched.faults.on(kind())
        switched.faults.off()
    for office in (plain, switched):
        office.runs(1_800)

    assert plain.shows() == switched.shows()
    assert plain.pbx.truth() == switched.pbx.truth()
