"""
Calls as people look for them: newest start first, over all sources, in bounded steps; and one whole.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from relay.journal.port import Append
from relay.journal.store import SqlJournal
from relay.model.call import Call
from relay.model.change import CallChange
from relay.model.listing import CallFilter, CallItem
from relay.model.times import to_ms
from tests.journal.looking import append_call, pages_of, reading_of, walk
from tests.journal.making import NOW, SECOND, append_of, call_change, leg_of

SOURCES = ("busy", "quiet", "idle")
VALUES: dict[str, tuple[str | None, ...]] = {
    "outcome": ("answered", "missed", "unknown"),
    "direction": ("inbound", "outbound"),
    "agent_name": ("Ann", 'Zoë "Z"', None),
    "queue": ("sales", None),
}
NUMBERS = ("+61412345678", "0412345678", "12345***", None)


@pytest.fixture(autouse=True)
async def _sources(journal: SqlJournal) -> None:
    for source_id in SOURCES:
        await journal.register_source(source_id, "voipcloud", NOW, NOW)


def any_call(dice: random.Random, number: int) -> Call:
    """
    Make a call of any kind; several start in the same second.
    """
    call_id, source_id = f"c{number}", "busy" if dice.random() < 0.8 else "quiet"
    record: dict[str, Any] = {"call_id": call_id, **{name: dice.choice(of) for name, of in VALUES.items()}}
    record |= {name: dice.choice(NUMBERS) for name in ("from_raw", "from_e164", "to_raw", "to_e164")}
    return call_change(call_id).call._replace(
        source_id=source_id,
        subject=f"call/{source_id}/{call_id}",
        state=dice.choice(("started", "ended")),
        started_at=NOW + dice.randint(-30, 30) * SECOND,
        revision=0,
        last_event_id=None,
        record=record,
    )


async def store(journal: SqlJournal, calls: list[Call]) -> None:
    """
    Store calls without legs and events.
    """
    changes = tuple(CallChange(call, (), (), 0) for call in calls)
    await journal.append(Append("busy", "user_calls", NOW, changes))


def matching(calls: list[Call], wanted: CallFilter) -> list[str]:
    """
    Return the ids of what a filter lets through, newest start first, by trying each.
    """

    def is_wanted(call: Call) -> bool:
        record = call.record
        numbers = [record[name] for name in ("from_raw", "from_e164", "to_raw", "to_e164")]
        return (
            wanted.source_id in (None, call.source_id)
            and wanted.state in (None, call.state)
            and all(getattr(wanted, name) in (None, record[name]) for name in VALUES)
            and (wanted.number is None or wanted.number in numbers)
            and (wanted.started_from is None or wanted.started_from <= call.started_at)
            and (wanted.started_before is None or call.started_at < wanted.started_before)
        )

    newest = sorted(calls, key=lambda call: (to_ms(call.started_at), call.call_id), reverse=True)
    return [call.call_id for call in newest if is_wanted(call)]


def any_filter(dice: random.Random) -> CallFilter:
    """
    Make a filter of any kind.
    """

    def maybe(*values: Any) -> Any:
        return dice.choice(values) if dice.random() < 0.25 else None

    return CallFilter(
        source_id=maybe(*SOURCES, "unknown"),
        state=maybe("started", "ended", "gone"),
        outcome=maybe(*VALUES["outcome"], "other"),
        direction=maybe(*VALUES["direction"]),
        agent_name=maybe(*VALUES["agent_name"], "Nobody"),
        queue=maybe(*VALUES["queue"], ""),
        number=maybe(*NUMBERS, "+999"),
        started_from=maybe(NOW - 10 * SECOND, NOW + timedelta(microseconds=1)),
        started_before=maybe(NOW, NOW + 10 * SECOND, NOW + timedelta(microseconds=1)),
    )


@pytest.mark.parametrize("seed", range(4))
async def test_all_pages_together_are_what_the_filter_lets_through(
    journal: SqlJournal, journal_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    calls = [any_call(dice, number) for number in range(150)]
    await store(journal, calls)

    for scanned_rows in (1, 20, 5_000):
        async with reading_of(journal_path, scanned_rows) as reading:
            for _ in range(15):
                wanted, limit = any_filter(dice), dice.choice((1, 7, 200))
                found = await walk(reading.list_calls, wanted, limit)

                assert matching(calls, wanted) == [item.call_id for item in found]


async def test_every_call_comes_once_while_others_start(journal: SqlJournal, journal_path: Path) -> None:
    dice = random.Random(7)
    calls = [any_call(dice, number) for number in range(40)]
    await store(journal, calls)
    found: list[str] = []
    after = None

    async with reading_of(journal_path, 2) as reading:
        while not found or after is not None:
            page = await reading.list_calls(CallFilter(), after, 3)
            found += [item.call_id for item in page.items]
            late = any_call(dice, 1_000 + len(found))
            await store(journal, [late._replace(started_at=NOW + 3600 * SECOND)])
            after = page.next

    assert matching(calls, CallFilter()) == found


async def test_many_calls_of_one_second_do_not_stop_a_walk(journal: SqlJournal, journal_path: Path) -> None:
    dice = random.Random(8)
    calls = [any_call(dice, number)._replace(started_at=NOW) for number in range(50)]
    await store(journal, calls)

    async with reading_of(journal_path, 2) as reading:
        found = await walk(reading.list_calls, CallFilter(), 4)
        picky = await walk(reading.list_calls, CallFilter(outcome="missed"), 4)

    assert matching(calls, CallFilter()) == [item.call_id for item in found]
    assert matching(calls, CallFilter(outcome="missed")) == [item.call_id for item in picky]


async def test_a_page_looks_at_no_more_calls_than_it_may(journal: SqlJournal, journal_path: Path) -> None:
    dice = random.Random(9)
    calls = [
        any_call(dice, number)._replace(source_id="busy", started_at=NOW + number * SECOND)
        for number in range(51)
    ]
    calls[0].record["outcome"] = "failed"
    await store(journal, calls)

    async with reading_of(journal_path, 9) as reading:
        pages = await pages_of(reading.list_calls, CallFilter(source_id="busy", outcome="failed"))

    # ten for each page with the one at which it looked last
    assert [0, 0, 0, 0, 0, 1] == [len(page) for page in pages]


async def test_a_call_is_shown_whole(journal: SqlJournal, journal_path: Path) -> None:
    change = call_change("a", events=3)
    early = leg_of("a", 1, started_at=NOW - 5 * SECOND, row={"odd": "\x00é"}, digest=b"\xff\x00")
    appended = await journal.append(append_of(replace(change, legs=(*change.legs, early))))
    await append_call(journal, "b")

    async with reading_of(journal_path) as reading:
        detail = await reading.call("a")
        nothing = await reading.call("c")

    assert detail is not None
    assert CallItem("a", "pbx", "call/pbx/a", 3, {"call_id": "a"}) == detail.item
    assert (early, *change.legs) == detail.legs
    assert appended.events == detail.events
    assert None is nothing


async def test_a_call_that_was_never_published_shows_with_revision_0(
    journal: SqlJournal, journal_path: Path
) -> None:
    call = any_call(random.Random(1), 1)._replace(is_silent=True)
    await store(journal, [call])

    async with reading_of(journal_path) as reading:
        (item,) = await walk(reading.list_calls, CallFilter())

    assert CallItem(call.call_id, call.source_id, call.subject, 0, call.record) == item


async def test_a_filter_is_data_and_never_sql(journal: SqlJournal, journal_path: Path) -> None:
    await store(journal, [any_call(random.Random(2), number) for number in range(5)])
    odd = ("' OR 1 = 1 --", "%", "$.", '"', "\x00", "\U0001f600")

    async with reading_of(journal_path) as reading:
        found = [await walk(reading.list_calls, CallFilter(queue=text)) for text in odd]

    assert [[]] * len(odd) == found


async def test_what_is_no_place_is_refused(journal: SqlJournal, journal_path: Path) -> None:
    async with reading_of(journal_path) as reading:
        with pytest.raises(ValueError, match="not the `next` of an earlier page"):
            await reading.list_calls(CallFilter(), "!", 10)
