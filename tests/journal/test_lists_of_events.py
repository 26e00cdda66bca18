"""
Events as people look for them: one by id, lists in seq order, in bounded steps.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from relay.journal.event_lists import CLOCK_SLACK_MS, MAX_PAGE_BYTES
from relay.journal.store import SqlJournal
from relay.model.endpoint import matches_type
from relay.model.event import StoredEvent
from relay.model.listing import EventFilter
from tests.journal.looking import append_call, pages_of, reading_of, run, walk
from tests.journal.making import NOW, SECOND, append_of, call_change

TYPES = ("call.started", "call.finished", "source.state_changed", "a.b.c")


def matching(events: Iterable[StoredEvent], wanted: EventFilter) -> list[StoredEvent]:
    """
    Return what a filter lets through, by trying each.
    """
    return [
        event
        for event in events
        if (not wanted.types or any(matches_type(pattern, event.type) for pattern in wanted.types))
        and (not wanted.source_ids or event.source_id in wanted.source_ids)
        and (wanted.subject is None or wanted.subject == event.subject)
        and (wanted.recorded_from is None or wanted.recorded_from <= event.recorded_at)
        and (wanted.recorded_before is None or event.recorded_at < wanted.recorded_before)
    ]


async def append_many(journal: SqlJournal, calls: int, dice: random.Random) -> list[StoredEvent]:
    """
    Append calls of two sources with one to four events of any type, by a clock that jumps back at times.
    """
    events: list[StoredEvent] = []
    for number in range(calls):
        appended = await append_call(
            journal,
            f"c{number}",
            [dice.choice(TYPES) for _ in range(dice.randint(1, 4))],
            dice.choice(("pbx", "other")),
            NOW + number * 30 * SECOND - dice.randint(0, CLOCK_SLACK_MS) * timedelta(milliseconds=1),
        )
        events += appended.events
    return events


def any_filter(dice: random.Random, events: list[StoredEvent]) -> EventFilter:
    """
    Make a filter of any kind.
    """
    patterns = ("*", "call.*", "a.*", "a.b.*", "b.*", *TYPES)
    return EventFilter(
        types=tuple(dice.sample(patterns, dice.randint(0, 3))),
        source_ids=tuple(dice.sample(("pbx", "other", "none"), dice.choice((0, 0, 1, 2)))),
        subject=dice.choice(events).subject if dice.random() < 0.3 else None,
        recorded_from=dice.choice(events).recorded_at if dice.random() < 0.4 else None,
        recorded_before=dice.choice(events).recorded_at if dice.random() < 0.4 else None,
    )


@pytest.mark.parametrize("seed", range(4))
async def test_all_pages_together_are_what_the_filter_lets_through(
    journal: SqlJournal, journal_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    events = await append_many(journal, 80, dice)

    for scanned_rows in (1, 7, 5_000):
        async with reading_of(journal_path, scanned_rows) as reading:
            for _ in range(12):
                wanted, limit = any_filter(dice, events), dice.choice((1, 3, 50))
                found = await walk(reading.list_events, wanted, limit)

                assert matching(events, wanted) == found


@pytest.mark.parametrize(
    ("types", "found"),
    [
        ((), [1, 2, 3, 4]),
        (("*",), [1, 2, 3, 4]),
        (("call.*",), [1, 2]),
        (("call.finished",), [2]),
        (("a.b.*", "call.started"), [1, 4]),
        (("call",), []),
        (("cal.*",), []),
        (("CALL.*", "Call.started"), []),
        (("call%", "c_ll.*", "call.[a-z]*"), []),
        (("*", "call.finished"), [1, 2, 3, 4]),
    ],
)
async def test_types_are_names_or_beginnings(
    journal: SqlJournal, journal_path: Path, types: tuple[str, ...], found: list[int]
) -> None:
    await append_call(journal, "a", ["call.started", "call.finished", "source.state_changed", "a.b.c"])

    async with reading_of(journal_path) as reading:
        page = await reading.list_events(EventFilter(types=types), None, 100)

    assert found == [event.seq for event in page.items]


async def test_every_event_comes_once_while_others_are_appended(
    journal: SqlJournal, journal_path: Path
) -> None:
    seen, after, pages = [], None, 0
    await append_call(journal, "first", ["call.started"] * 5)

    async with reading_of(journal_path, 3) as reading:
        while pages == 0 or after is not None:
            page = await reading.list_events(EventFilter(), after, 2)
            seen += [event.seq for event in page.items]
            if pages < 4:
                await append_call(journal, f"more-{pages}", ["call.started"] * 3)
            after, pages = page.next, pages + 1

    assert list(range(1, 18)) == seen


async def test_a_follower_gets_what_was_appended_since(journal: SqlJournal, journal_path: Path) -> None:
    await append_call(journal, "a", ["call.started"] * 2)

    async with reading_of(journal_path) as reading:
        before = await reading.list_events(EventFilter(), "2", 10)
        await append_call(journal, "b")
        after = await reading.list_events(EventFilter(), "2", 10)
        beyond = await reading.list_events(EventFilter(), "9" * 18, 10)

        assert 3 == await reading.last_seq()

    assert ((), None) == (before.items, before.next)
    assert ([3], None) == ([event.seq for event in after.items], after.next)
    assert ((), None) == (beyond.items, beyond.next)


async def test_a_page_looks_at_no_more_events_than_it_may(journal: SqlJournal, journal_path: Path) -> None:
    for number in range(10):
        await append_call(journal, f"c{number}", ["call.started"] * 5)
    await append_call(journal, "last", ["call.finished"])

    async with reading_of(journal_path, 10) as reading:
        pages = await pages_of(reading.list_events, EventFilter(types=("call.finished",)))

    assert [0, 0, 0, 0, 0, 1] == [len(page) for page in pages]


async def test_a_hole_that_retention_left_costs_no_pages(journal: SqlJournal, journal_path: Path) -> None:
    for number in range(20):
        await append_call(journal, f"c{number}", ["call.started"] * 5)
    run(journal_path, "DELETE FROM events WHERE seq BETWEEN 3 AND 97")

    async with reading_of(journal_path, 5) as reading:
        pages = await pages_of(reading.list_events, EventFilter())
        late = await reading.list_events(EventFilter(recorded_from=NOW), None, 10)

    assert [[1, 2], [98, 99, 100]] == [[event.seq for event in page] for page in pages]
    assert [1, 2] == [event.seq for event in late.items]


async def test_the_last_hour_of_a_long_time_is_found_at_once(journal: SqlJournal, journal_path: Path) -> None:
    for hour in range(30):
        await append_call(journal, f"c{hour}", ["call.started"] * 5, recorded_at=NOW + hour * 3600 * SECOND)
    wanted = EventFilter(recorded_from=NOW + 29 * 3600 * SECOND)
    earlier = EventFilter(recorded_before=NOW + 3600 * SECOND)

    async with reading_of(journal_path, 6) as reading:
        found = await pages_of(reading.list_events, wanted)
        first = await pages_of(reading.list_events, earlier)

    assert [list(range(146, 151))] == [[event.seq for event in page] for page in found]
    # the second page is for events of a clock that was set back
    assert [list(range(1, 6)), []] == [[event.seq for event in page] for page in first]


async def test_an_instant_between_two_milliseconds_lets_through_only_what_is_later(
    journal: SqlJournal, journal_path: Path
) -> None:
    await append_call(journal, "a", recorded_at=NOW)
    microsecond = timedelta(microseconds=1)

    async with reading_of(journal_path) as reading:
        later = await walk(reading.list_events, EventFilter(recorded_from=NOW + microsecond))
        earlier = await walk(reading.list_events, EventFilter(recorded_before=NOW + microsecond))

    assert (0, 1) == (len(later), len(earlier))


async def test_a_page_ends_when_its_bytes_are_full(journal: SqlJournal, journal_path: Path) -> None:
    made = call_change("big", events=5)
    wide = tuple(event._replace(data={"text": "é" * (MAX_PAGE_BYTES // 5)}) for event in made.events)
    await journal.append(append_of(replace(made, events=wide)))

    async with reading_of(journal_path) as reading:
        pages = await pages_of(reading.list_events, EventFilter())

    assert [[1, 2, 3], [4, 5]] == [[event.seq for event in page] for page in pages]


async def test_an_event_is_found_by_its_id_with_the_bytes_that_were_sent(
    journal: SqlJournal, journal_path: Path
) -> None:
    made = call_change("a", events=2)
    odd = made.events[1]._replace(data={"name": 'Zoë "\x00\x1f\u2028\U0001f600\\', "none": None})
    appended = await journal.append(append_of(replace(made, events=(made.events[0], odd))))

    async with reading_of(journal_path) as reading:
        assert appended.events[1] == await reading.event(odd.id)
        assert None is await reading.event("evt_of_nobody")


async def test_what_is_no_seq_is_refused(journal: SqlJournal, journal_path: Path) -> None:
    async with reading_of(journal_path) as reading:
        with pytest.raises(ValueError, match="a seq: a number"):
            await reading.list_events(EventFilter(), "WzFd", 10)


async def test_an_empty_journal_has_one_empty_page(journal: SqlJournal, journal_path: Path) -> None:
    async with reading_of(journal_path) as reading:
        plain = await pages_of(reading.list_events, EventFilter())
        of_subject = await pages_of(reading.list_events, EventFilter(subject="call/pbx/a", recorded_from=NOW))

        assert 0 == await reading.last_seq()

    assert [()] == plain == of_subject
