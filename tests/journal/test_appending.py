"""
The one append transaction (I1, I2): whole or not at all, idempotent, in contiguous order.
"""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from relay.journal.port import Append, NearKeys, StreamState
from relay.journal.store import SqlJournal, open_sqlite
from relay.model.change import Neighbourhood, Reject, SourceChange
from relay.model.coverage import Interval
from relay.model.endpoint import EndpointSpec
from relay.model.errors import RevisionConflict
from tests.journal.making import NOW, SECOND, append_of, call_change, endpoint_spec, leg_of, read_of

FAR_FUTURE_MS = 10**14


async def test_events_get_contiguous_seqs_in_order(journal: SqlJournal) -> None:
    first = await journal.append(append_of(call_change("a", events=2), call_change("b", events=1)))
    second = await journal.append(append_of(call_change("c", events=1)))

    assert [1, 2, 3, 4] == [event.seq for event in (*first.events, *second.events)]
    assert ["call/pbx/a", "call/pbx/a", "call/pbx/b", "call/pbx/c"] == [
        event.subject for event in await journal.events_after(0, 10, 10**6)
    ]


async def test_the_body_is_the_structured_event_as_recorded(journal: SqlJournal) -> None:
    appended = await journal.append(append_of(call_change("a", events=1)))

    (stored,) = await journal.events_after(0, 10, 10**6)
    body = orjson.loads(stored.body)

    assert appended.events[0].body == stored.body
    assert ("0000000001", "2026-03-02T01:00:00.000Z") == (body["sequence"], body["data"]["recorded_at"])


async def test_an_event_already_there_is_left_out(journal: SqlJournal) -> None:
    change = call_change("a", events=2)
    await journal.append(append_of(change))

    again = await journal.append(append_of(replace(change, expected_revision=2)))

    assert () == again.events
    assert 2 == len(await journal.events_after(0, 10, 10**6))


async def test_a_subject_that_moved_on_appends_nothing(journal: SqlJournal) -> None:
    await journal.append(append_of(call_change("a", events=2)))

    with pytest.raises(RevisionConflict):
        await journal.append(
            append_of(call_change("new", events=1), call_change("a", events=1, first_revision=2))
        )

    assert 2 == len(await journal.events_after(0, 10, 10**6))
    assert {} == (await near(journal, "base-new")).calls


async def test_two_writers_of_one_call_leave_one_winner(journal: SqlJournal) -> None:
    changes = [append_of(call_change("a", events=1)) for _ in range(8)]

    results = await asyncio.gather(*map(journal.append, changes), return_exceptions=True)

    assert 7 == sum(isinstance(result, RevisionConflict) for result in results)
    assert 1 == len(await journal.events_after(0, 10, 10**6))


async def test_calls_and_legs_come_back_as_they_were(journal: SqlJournal) -> None:
    change = call_change("a")
    await journal.append(append_of(change))

    found = await near(journal, "base-a")

    assert {"a": change.call} == found.calls
    assert list(change.legs) == found.legs


async def test_a_neighbourhood_holds_whole_calls(journal: SqlJournal) -> None:
    """
    A call is found by one leg's bag, native id or number, and comes with all its legs.
    """
    change = call_change("a")
    other = leg_of("a", 1, base_key="elsewhere", native_id="n-1", link_key="299998888")
    await journal.append(append_of(replace(change, legs=(*change.legs, other))))
    everywhere = NearKeys((), (), (), NOW - SECOND, NOW - SECOND, NOW + SECOND)

    by_bag = await journal.neighbourhood("pbx", replace(everywhere, base_keys=["elsewhere"]))
    by_native_id = await journal.neighbourhood("pbx", replace(everywhere, native_ids=["n-1"]))
    by_number = await journal.neighbourhood("pbx", replace(everywhere, link_keys=["412345678"]))
    too_late = replace(everywhere, link_keys=["412345678"], started_from=NOW + SECOND)

    assert [2, 2, 2] == [len(found.legs) for found in (by_bag, by_native_id, by_number)]
    assert [] == (await journal.neighbourhood("pbx", too_late)).legs
    assert [] == (await journal.neighbourhood("other", replace(everywhere, link_keys=["412345678"]))).legs


async def test_everything_of_an_append_survives_a_reopening(journal_path: Path) -> None:
    reject = Reject(b"digest", {"odd": "row"}, "call_start_at is missing")
    read = read_of(-60, 0)
    async with open_sqlite(journal_path, "tests", NOW) as journal:
        await journal.register_source("pbx", "voipcloud", NOW, NOW)
        state = StreamState("degraded", "facts", 1, had_good_answer=True)
        await journal.append(
            Append("pbx", "user_calls", NOW, (call_change("a"),), None, (reject,), read, state)
        )

    async with open_sqlite(journal_path, "tests", NOW) as journal:
        assert {"user_calls": state} == await journal.stream_states("pbx")
        assert {"user_calls": [read.covered]} == await journal.coverage("pbx")
        assert (b"digest",) == (await journal.known_digests("pbx", "user_calls", NOW)).of_rejects
        assert 3 == len(await journal.events_after(0, 10, 10**6))


async def test_a_reject_is_kept_once(journal: SqlJournal, journal_path: Path) -> None:
    reject = Reject(b"digest", {"odd": "row"}, "why")
    for _ in range(3):
        await journal.append(Append("pbx", "user_calls", NOW, rejects=(reject,)))

    with sqlite3.connect(journal_path) as direct:
        assert [(1,)] == direct.execute("SELECT count(*) FROM rejects").fetchall()


async def test_coverage_merges_what_touches_and_shows_a_hole(journal: SqlJournal) -> None:
    for start, end in ((0, 10), (8, 20), (30, 40)):
        await journal.append(Append("pbx", "user_calls", NOW, read=read_of(start, end)))

    holes = await journal.coverage("pbx")
    await journal.append(Append("pbx", "user_calls", NOW, read=read_of(15, 35)))

    assert [Interval(NOW, NOW + 20 * SECOND), Interval(NOW + 30 * SECOND, NOW + 40 * SECOND)] == holes[
        "user_calls"
    ]
    assert {"user_calls": [Interval(NOW, NOW + 40 * SECOND)]} == await journal.coverage("pbx")


async def test_coverage_of_an_earlier_time_keeps_the_hole_before_what_is_there(journal: SqlJournal) -> None:
    for start, end in ((30, 40), (0, 10)):
        await journal.append(Append("pbx", "user_calls", NOW, read=read_of(start, end)))

    intervals = (await journal.coverage("pbx"))["user_calls"]

    assert [10 * SECOND, 10 * SECOND] == [interval.end - interval.start for interval in intervals]


async def test_publish_from_is_kept_from_the_first_start(journal: SqlJournal) -> None:
    await journal.register_source("pbx", "voipcloud", NOW, NOW)

    again = await journal.register_source("pbx", "voipcloud", NOW + 99 * SECOND, NOW + 99 * SECOND)

    assert NOW == again.publish_from


async def test_a_source_that_moved_on_is_a_conflict(journal: SqlJournal) -> None:
    head = await journal.register_source("pbx", "voipcloud", NOW, NOW)
    changed = SourceChange(replace(head, state="degraded", revision=1), (), 0)
    await journal.append(Append("pbx", "user_calls", NOW, source=changed))

    with pytest.raises(RevisionConflict):
        await journal.append(Append("pbx", "user_calls", NOW, (call_change("a"),), source=changed))

    assert [] == await journal.events_after(0, 10, 10**6)


async def test_held_calls_are_those_that_ended_without_saying_so(journal: SqlJournal) -> None:
    said, silent, open_call = (call_change(name, events=1) for name in ("said", "silent", "open"))
    held = call_change("held", events=1)
    await journal.append(
        append_of(
            said,
            replace(held, call=held.call._replace(is_end_published=False)),
            replace(silent, call=silent.call._replace(is_end_published=False, is_silent=True)),
            replace(open_call, call=open_call.call._replace(is_end_published=False, end_seen_at=None)),
        )
    )

    found = await journal.held_calls("pbx")

    assert {"held"} == found.calls.keys()
    assert ["held"] == [leg.call_id for leg in found.legs]


async def test_the_oldest_open_leg_is_found(journal: SqlJournal) -> None:
    assert await journal.oldest_open_start("pbx") is None

    change = call_change("a")
    opened = [leg_of("a", n, ended_at=None, started_at=NOW - n * SECOND) for n in range(3)]
    await journal.append(
        append_of(replace(change, legs=(*opened, leg_of("a", 9, started_at=NOW - 9 * SECOND))))
    )

    assert NOW - 2 * SECOND == await journal.oldest_open_start("pbx")


async def test_every_matching_endpoint_gets_a_delivery_in_the_same_transaction(journal: SqlJournal) -> None:
    specs = [
        endpoint_spec("all"),
        endpoint_spec("none", events=("agent.*",)),
        endpoint_spec("calls", events=("call.*",)),
    ]
    numbers = {stored.id: stored.no for stored in await journal.sync_endpoints(specs, NOW)}

    appended = await journal.append(append_of(call_change("a", events=2)))

    assert [numbers["all"], numbers["calls"]] * 2 == [
        delivery.endpoint_no for delivery in appended.deliveries
    ]
    for name, due in (("all", 1), ("calls", 1), ("none", 0)):
        assert due == len((await journal.page_in(numbers[name], FAR_FUTURE_MS, 10, 0)).due)


async def test_events_of_before_an_endpoint_came_are_not_its(journal: SqlJournal) -> None:
    await journal.append(append_of(call_change("before")))
    (crm,) = await journal.sync_endpoints([endpoint_spec()], NOW)

    appended = await journal.append(append_of(call_change("after", events=1)))

    assert [(crm.no, 4)] == [(delivery.endpoint_no, delivery.seq) for delivery in appended.deliveries]


async def test_the_bound_of_an_append_shrinks_with_many_endpoints(journal: SqlJournal) -> None:
    assert 500 == journal.max_events_per_append("pbx")

    await journal.sync_endpoints([endpoint_spec(f"crm-{n}") for n in range(100)], NOW)
    await journal.append(append_of(call_change("a", events=1)))

    assert 20 == journal.max_events_per_append("pbx")


async def test_endpoints_that_want_other_sources_do_not_shrink_it(journal: SqlJournal) -> None:
    others = [replace(endpoint_spec(f"crm-{n}"), sources=("elsewhere",)) for n in range(99)]
    await journal.sync_endpoints([*others, endpoint_spec()], NOW)
    await journal.append(append_of(call_change("a", events=1)))

    assert (500, 20) == (journal.max_events_per_append("pbx"), journal.max_events_per_append("elsewhere"))


async def test_what_conditions_leave_is_learnt_and_believed_within_a_limit(journal: SqlJournal) -> None:
    """
    A thousand endpoints ask for a call that does not come, and then for all but that one.
    """

    async def after(call_id: str) -> int:
        await journal.append(append_of(call_change(call_id, events=1)))
        return journal.max_events_per_append("pbx")

    def asking(condition: str) -> list[EndpointSpec]:
        return [endpoint_spec(f"crm-{n}", conditions=(condition,)) for n in range(1_000)]

    await journal.sync_endpoints(asking('data.call_id == "nobody"'), NOW)
    before, learnt = await after("a"), await after("b")
    await journal.sync_endpoints(asking('data.call_id != "nobody"'), NOW)

    assert (2_000 // 63, 2_000 // 63) == (before, learnt)
    assert [2, 2] == [await after("c"), await after("d")]


async def near(journal: SqlJournal, base_key: str) -> Neighbourhood:
    """
    Return what is near a bag.
    """
    return await journal.neighbourhood("pbx", NearKeys([base_key], (), (), NOW, NOW, NOW))
