"""
Deliveries as people look for them: newest event first, over all endpoints, in bounded steps.
"""

from __future__ import annotations

import random
import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from relay.journal.store import SqlJournal
from relay.model.endpoint import matches_type
from relay.model.listing import AttemptItem, DeliveryFilter, DeliveryItem, DeliveryKey
from relay.model.settlement import Settlement
from relay.model.times import from_ms
from tests.journal.looking import append_call, pages_of, reading_of, run, walk
from tests.journal.making import NOW, endpoint_spec, settled

ENDPOINTS = {"all": ("*",), "ends": ("call.finished",), "starts": ("call.started",), "none": ("a.b",)}
STATUSES = ("pending", "delivered", "exhausted", "expired", "discarded")
TYPES = ("call.started", "call.answered", "call.finished")
INSERT_RESEND = (
    "INSERT INTO deliveries (endpoint_no, seq, job, subject_key, status, due_ms, attempts)"
    " VALUES (?, ?, ?, ?, ?, ?, 0)"
)


@pytest.fixture
async def endpoint_nos(journal: SqlJournal) -> dict[str, int]:
    """
    Register endpoints that want all, the ends, the starts and nothing.
    """
    specs = [endpoint_spec(name, events=events) for name, events in ENDPOINTS.items()]
    return {endpoint.id: endpoint.no for endpoint in await journal.sync_endpoints(specs, NOW)}


async def deliver_many(journal: SqlJournal, path: Path, dice: random.Random, calls: int) -> None:
    """
    Append calls, settle most of their deliveries in any way, and resend some.
    """
    for number in range(calls):
        types = [dice.choice(TYPES) for _ in range(dice.randint(1, 4))]
        appended = await append_call(journal, f"c{number}", types)
        ends = [(delivery, dice.choice(STATUSES[1:])) for delivery in appended.deliveries]
        await journal.settle([settled(delivery, status) for delivery, status in ends if dice.random() < 0.7])
        resent = [delivery for delivery in appended.deliveries if dice.random() < 0.2]
        waits = [(10 * number + place, dice.random() < 0.5) for place in range(1, len(resent) + 1)]
        rows = [
            (
                to.endpoint_no,
                to.seq,
                job,
                -job,
                "pending" if is_waiting else "expired",
                job if is_waiting else None,
            )
            for to, (job, is_waiting) in zip(resent, waits, strict=True)
        ]
        run(path, INSERT_RESEND, rows)


def all_keys(path: Path, wanted: DeliveryFilter) -> list[DeliveryKey]:
    """
    Return the keys of what a filter lets through, by trying each.
    """
    with sqlite3.connect(path) as direct:
        rows = direct.execute(
            "SELECT endpoints.id, events.id, job, status, type FROM deliveries"
            " JOIN endpoints ON no = endpoint_no JOIN events USING (seq)"
            " ORDER BY seq DESC, endpoint_no DESC, job DESC"
        ).fetchall()
    return [
        DeliveryKey(endpoint_id, event_id, job)
        for endpoint_id, event_id, job, status, type_ in rows
        if wanted.endpoint_id in (None, endpoint_id)
        and wanted.event_id in (None, event_id)
        and (not wanted.statuses or status in wanted.statuses)
        and (not wanted.types or any(matches_type(pattern, type_) for pattern in wanted.types))
    ]


def any_filter(dice: random.Random, event_ids: list[str]) -> DeliveryFilter:
    """
    Make a filter of any kind.
    """
    patterns = ("*", "call.*", "a.*", *TYPES)
    return DeliveryFilter(
        endpoint_id=dice.choice([None, None, "nobody", *ENDPOINTS]),
        statuses=dice.choice([(), ("pending",), tuple(dice.sample(STATUSES, dice.randint(1, 3)))]),
        event_id=dice.choice(event_ids) if dice.random() < 0.2 else None,
        types=tuple(dice.sample(patterns, dice.choice((0, 0, 1, 2)))),
    )


@pytest.mark.usefixtures("endpoint_nos")
@pytest.mark.parametrize("seed", range(4))
async def test_all_pages_together_are_what_the_filter_lets_through(
    journal: SqlJournal, journal_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    await deliver_many(journal, journal_path, dice, 40)
    event_ids = ["evt_of_nobody", *{key.event_id for key in all_keys(journal_path, DeliveryFilter())}]

    for scanned_rows in (1, 9, 5_000):
        async with reading_of(journal_path, scanned_rows) as reading:
            for _ in range(15):
                wanted, limit = any_filter(dice, event_ids), dice.choice((1, 4, 100))
                found = await walk(reading.list_deliveries, wanted, limit)

                assert all_keys(journal_path, wanted) == [item.key for item in found]


async def test_every_delivery_comes_once_while_others_are_made(
    journal: SqlJournal, journal_path: Path, endpoint_nos: dict[str, int]
) -> None:
    await deliver_many(journal, journal_path, random.Random(5), 10)
    expected = all_keys(journal_path, DeliveryFilter())
    found: list[DeliveryKey] = []
    after = None

    async with reading_of(journal_path, 2) as reading:
        while not found or after is not None:
            page = await reading.list_deliveries(DeliveryFilter(), after, 3)
            found += [item.key for item in page.items]
            appended = await append_call(journal, f"late-{len(found)}", ["call.started", "call.finished"])
            await journal.settle([settled(delivery) for delivery in appended.deliveries])
            after = page.next

    assert expected == found


async def test_a_page_looks_at_no_more_deliveries_than_it_may(
    journal: SqlJournal, journal_path: Path, endpoint_nos: dict[str, int]
) -> None:
    oldest = await append_call(journal, "oldest")
    await journal.settle([settled(delivery, "exhausted") for delivery in oldest.deliveries])
    for number in range(10):
        appended = await append_call(journal, f"c{number}", ["call.answered"] * 5)
        await journal.settle([settled(delivery) for delivery in appended.deliveries])

    async with reading_of(journal_path, 9) as reading:
        pages = await pages_of(
            reading.list_deliveries, DeliveryFilter(endpoint_id="all", statuses=("exhausted",))
        )

    # 51 rows, ten for each page with the one at which it looked last
    assert [0, 0, 0, 0, 0, 1] == [len(page) for page in pages]


async def test_few_that_wait_are_found_at_once_among_many_that_do_not(
    journal: SqlJournal, journal_path: Path, endpoint_nos: dict[str, int]
) -> None:
    oldest = await append_call(journal, "oldest", ["call.answered"] * 2)
    for number in range(10):
        appended = await append_call(journal, f"c{number}", ["call.answered"] * 5)
        await journal.settle([settled(delivery) for delivery in appended.deliveries])
    run(journal_path, INSERT_RESEND, [(endpoint_nos["all"], 5, 3, 77, "pending", 1_000)])
    wanted = DeliveryFilter(statuses=("pending",))

    async with reading_of(journal_path, 9) as reading:
        pages = await pages_of(reading.list_deliveries, wanted)
        of_type = await pages_of(reading.list_deliveries, replace(wanted, types=("call.finished",)))

    assert [[(5, 3), (2, 0), (1, 0)]] == [[(item.seq, item.key.job) for item in page] for page in pages]
    assert [2, 1] == [event.seq for event in reversed(oldest.events)]
    assert [()] == of_type


async def test_many_that_wait_are_gone_through_in_steps(
    journal: SqlJournal, journal_path: Path, endpoint_nos: dict[str, int]
) -> None:
    await append_call(journal, "a", ["call.answered"] * 12)

    async with reading_of(journal_path, 5 * len(endpoint_nos)) as reading:
        pages = await pages_of(reading.list_deliveries, DeliveryFilter(statuses=("pending",)))
    async with reading_of(journal_path, 11) as reading:
        steps = await pages_of(reading.list_deliveries, DeliveryFilter(statuses=("pending",)))

    assert [12] == [len(page) for page in pages]
    assert [3, 3, 3, 3, 0] == [len(page) for page in steps]


async def test_a_delivery_tells_how_it_went(
    journal: SqlJournal, journal_path: Path, endpoint_nos: dict[str, int]
) -> None:
    appended = await append_call(journal, "a", ["call.answered"] * 3)
    first, second, _ = appended.deliveries
    await journal.settle([settled(first), settled(second, "pending", due_at_ms=9_000)])

    async with reading_of(journal_path) as reading:
        found = await walk(reading.list_deliveries, DeliveryFilter(endpoint_id="all"))
        one = await reading.delivery(DeliveryKey("all", first.event_id, 0))

    plain = DeliveryItem(
        key=DeliveryKey("all", first.event_id, 0),
        seq=1,
        event_type="call.answered",
        subject="call/pbx/a",
        status="delivered",
        attempts=1,
        http_status=200,
        reason="ok",
        latency_ms=5,
        recorded_at=NOW,
        due_at=None,
        settled_at=from_ms(1_005),
    )
    waits = plain._replace(
        key=DeliveryKey("all", second.event_id, 0),
        seq=2,
        status="pending",
        reason="http_5xx",
        due_at=from_ms(9_000),
        settled_at=None,
    )
    assert [plain, waits] == [found[2], found[1]]
    assert ("pending", 0, None, None) == (
        found[0].status,
        found[0].attempts,
        found[0].reason,
        found[0].due_at,
    )
    assert plain == one


async def test_a_delivery_that_is_not_there(
    journal: SqlJournal, journal_path: Path, endpoint_nos: dict[str, int]
) -> None:
    appended = await append_call(journal, "a", ["call.answered"])
    event_id = appended.events[0].id
    keys = (
        ("ends", event_id, 0),
        ("all", "nobody", 0),
        ("nobody", event_id, 0),
        ("all", event_id, 10**18 - 1),
    )

    async with reading_of(journal_path) as reading:
        found = [await reading.delivery(DeliveryKey(*key)) for key in keys]

    assert [None] * 4 == found


async def test_deliveries_of_a_deleted_endpoint_still_show(
    journal: SqlJournal, journal_path: Path, endpoint_nos: dict[str, int]
) -> None:
    await append_call(journal, "a")
    run(journal_path, "UPDATE endpoints SET state = 'disabled', deleted_ms = 1 WHERE id = 'all'")

    async with reading_of(journal_path) as reading:
        found = await walk(reading.list_deliveries, DeliveryFilter())

    assert ["starts", "all"] == [item.key.endpoint_id for item in found]


@pytest.mark.parametrize(
    ("outcomes", "attempts"),
    [
        ([], []),
        ([("delivered", 1)], [(1, "ok", b"")]),
        ([("pending", 1), ("delivered", 2)], [(1, "http_5xx", b"answer"), (2, "ok", b"answer")]),
        ([("pending", 0), ("delivered", 1)], [(0, "http_5xx", b"answer"), (1, "ok", b"")]),
        ([("pending", 1), ("exhausted", 2)], [(1, "http_5xx", b"answer"), (2, "http_5xx", b"answer")]),
    ],
    ids=["none yet", "at once", "at second try", "after a request to wait", "never"],
)
async def test_every_attempt_shows_also_a_success_at_first_try(
    journal: SqlJournal,
    journal_path: Path,
    endpoint_nos: dict[str, int],
    outcomes: list[tuple[str, int]],
    attempts: list[tuple[int, str, bytes]],
) -> None:
    appended = await append_call(journal, "a", ["call.answered"])
    (delivery,) = appended.deliveries
    for number, (status, used) in enumerate(outcomes, 1):
        outcome = settled(delivery, status, None if status != "pending" else 1, used)
        await journal.settle([outcome._replace(made_at_ms=number * 1_000)])

    async with reading_of(journal_path) as reading:
        found = await reading.attempts(DeliveryKey("all", delivery.event_id, 0))

    expected = [
        AttemptItem(used, from_ms(number * 1_000), 5, reason, 200, answer)
        for number, (used, reason, answer) in enumerate(attempts, 1)
    ]
    assert expected == found


async def test_an_answer_may_be_any_bytes(
    journal: SqlJournal, journal_path: Path, endpoint_nos: dict[str, int]
) -> None:
    appended = await append_call(journal, "a", ["call.answered"])
    (delivery,) = appended.deliveries
    outcome = Settlement(delivery, "exhausted", 1, 1_000, 5, "http_4xx", 404, None, bytes(range(256)))
    await journal.settle([outcome])

    async with reading_of(journal_path) as reading:
        (attempt,) = await reading.attempts(DeliveryKey("all", delivery.event_id, 0))
        nothing = await reading.attempts(DeliveryKey("ends", delivery.event_id, 0))

    assert bytes(range(256)) == attempt.answer
    assert [] == nothing


async def test_counts_of_an_endpoint(
    journal: SqlJournal, journal_path: Path, endpoint_nos: dict[str, int]
) -> None:
    minute = timedelta(minutes=1)
    old = await append_call(journal, "a", ["call.answered"] * 2, recorded_at=NOW)
    new = await append_call(journal, "b", ["call.answered"] * 4, recorded_at=NOW + minute)
    outcomes = [
        settled(old.deliveries[0]),
        settled(old.deliveries[1]),
        settled(new.deliveries[0], "exhausted"),
    ]
    await journal.settle([*outcomes[:2], outcomes[2]._replace(latency_ms=70)])
    run(journal_path, INSERT_RESEND, [(endpoint_nos["all"], 2, 9, 77, "pending", 1_000)])

    async with reading_of(journal_path) as reading:
        counts = await reading.endpoint_counts("all", 5)
        of_idle = await reading.endpoint_counts("none", 5)
        of_nobody = await reading.endpoint_counts("nobody", 5)

    assert counts is not None
    assert of_idle is not None
    assert (4, NOW, 5) == (counts.pending, counts.oldest_pending_at, counts.of)
    assert {"pending": 4, "exhausted": 1} == counts.by_status
    assert {"http_5xx": 1} == counts.by_reason
    assert (70,) == counts.latency_ms
    assert (0, None, 0, {}, {}, ()) == (
        of_idle.pending,
        of_idle.oldest_pending_at,
        of_idle.of,
        of_idle.by_status,
        of_idle.by_reason,
        of_idle.latency_ms,
    )
    assert None is of_nobody


async def test_what_is_no_place_is_refused(journal: SqlJournal, journal_path: Path) -> None:
    async with reading_of(journal_path) as reading:
        with pytest.raises(ValueError, match="not the `next` of an earlier page"):
            await reading.list_deliveries(DeliveryFilter(), "12", 10)
