"""
Calls that wait for an event, or that a backfill or reconciliation looks at: whole, with all their legs.
"""

from __future__ import annotations

from dataclasses import replace

from relay.journal.store import SqlJournal
from relay.model.change import CallChange
from tests.journal.making import NOW, SECOND, append_of, call_change, call_with, leg_of


def ended(call_id: str, start: float, end: float, **fields: object) -> CallChange:
    """
    Make a call that started and ended so many seconds after NOW.
    """
    started_at, ended_at = NOW + start * SECOND, NOW + end * SECOND
    leg = leg_of(call_id, started_at=started_at, ended_at=ended_at)
    made = call_with(call_id, leg, started_at=started_at, ended_at=ended_at)
    return replace(made, call=made.call._replace(**fields))  # type: ignore[arg-type]  # of a call


async def test_unsettled_calls_are_those_whose_end_was_published(journal: SqlJournal) -> None:
    await journal.append(
        append_of(
            ended("late", 0, 50),
            ended("early", 30, 40),
            ended("held", 0, 45, is_end_published=False),
            ended("open", 0, 45, is_end_published=False, ended_at=None),
            ended("settled", 0, 45, is_settled=True),
            ended("absorbed", 0, 45, absorbed_into="late"),
            ended("silent", 0, 45, is_silent=True),
        )
    )

    found = await journal.unsettled_calls("pbx", NOW, NOW + 51 * SECOND, 10)

    assert ["early", "late"] == list(found.calls)
    assert {"early", "late"} == {leg.call_id for leg in found.legs}


async def test_unsettled_calls_are_limited_by_their_end(journal: SqlJournal) -> None:
    await journal.append(append_of(*(ended(f"c{n}", 0, n) for n in range(6))))

    assert ["c2", "c3"] == list(
        (await journal.unsettled_calls("pbx", NOW + 2 * SECOND, NOW + 4 * SECOND, 9)).calls
    )
    assert ["c0", "c1"] == list((await journal.unsettled_calls("pbx", NOW, NOW + 9 * SECOND, 2)).calls)
    assert {} == (await journal.unsettled_calls("other", NOW, NOW + 9 * SECOND, 2)).calls


async def test_the_oldest_start_of_the_unsettled_leaves_out_those_that_ended_long_ago(
    journal: SqlJournal,
) -> None:
    assert None is await journal.oldest_unsettled_start("pbx", NOW)

    await journal.append(append_of(ended("a", 0, 10), ended("long", 2, 90), ended("short", 60, 80)))
    starts = [await journal.oldest_unsettled_start("pbx", NOW + s * SECOND) for s in (0, 11, 91)]

    assert [NOW, NOW + 2 * SECOND, None] == starts


async def test_silent_calls_were_never_published(journal: SqlJournal) -> None:
    def silent(name: str, start: float, **fields: object) -> CallChange:
        made = ended(name, start, 90, is_silent=True, revision=0, last_event_id=None, **fields)
        return replace(made, events=())

    await journal.append(
        append_of(
            *(silent(f"c{n}", n) for n in (3, 1, 2, 0)),
            ended("loud", 1, 90),
            ended("was", 1, 90, is_silent=True),
            silent("gone", 1, absorbed_into="c1"),
        )
    )

    found = await journal.silent_calls("pbx", NOW + SECOND, NOW + 3 * SECOND, 10)

    assert ["c1", "c2"] == list(found.calls)
    assert 2 == len(found.legs)
    assert ["c0", "c1"] == list((await journal.silent_calls("pbx", NOW, NOW + 9 * SECOND, 2)).calls)


async def test_calls_between_have_a_leg_that_started_then_and_all_others(journal: SqlJournal) -> None:
    legs = [
        leg_of("a", n, started_at=NOW + n * SECOND, stream=stream)
        for n, stream in enumerate(("user_calls", "queue_calls", "ringgroup_calls"))
    ]
    await journal.append(append_of(call_with("a", *legs), ended("before", -1, 5), ended("after", 3, 5)))

    found = await journal.calls_between("pbx", NOW + SECOND, NOW + 3 * SECOND)

    assert ["a"] == list(found.calls)
    assert legs == sorted(found.legs)
    assert {"before", "a"} == (await journal.calls_between("pbx", NOW - SECOND, NOW + SECOND)).calls.keys()


async def test_the_held_end_of_an_absorbed_call_is_held_no_more(journal: SqlJournal) -> None:
    held = {"is_end_published": False, "end_seen_at": NOW}
    await journal.append(append_of(ended("a", 0, 9, **held), ended("b", 0, 9, absorbed_into="a", **held)))

    assert ["a"] == list((await journal.held_calls("pbx")).calls)


async def test_many_calls_come_in_order_and_whole(journal: SqlJournal) -> None:
    """
    More than fit one statement.
    """
    names = [f"c{n:04}" for n in range(1_100)]
    changes = [ended(name, 0, 1_100 - place) for place, name in enumerate(names)]
    await journal.append(append_of(*changes))

    found = await journal.unsettled_calls("pbx", NOW, NOW + 2_000 * SECOND, 2_000)

    assert names[::-1] == list(found.calls)
    assert 1_100 == len(found.legs)


async def test_rows_that_only_a_push_told_of_are_not_known(journal: SqlJournal) -> None:
    pushed = call_change("pushed")
    await journal.append(
        append_of(
            replace(pushed, legs=(pushed.legs[0]._replace(is_provisional=True),)), call_change("polled")
        )
    )

    known = await journal.known_digests("pbx", "user_calls", NOW)

    assert [("base-polled", NOW, True)] == [
        (row.base_key, row.started_at, row.is_closed) for row in known.of_legs
    ]
