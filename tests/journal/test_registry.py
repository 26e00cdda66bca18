"""
Endpoints made and changed by REST: what is kept, what is refused, what a new address brings.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from relay.journal.port import EndpointChange
from relay.journal.store import SqlJournal, open_sqlite
from relay.model.endpoint import EndpointSpec
from relay.model.errors import Conflict, JournalUnusable, NotFound
from relay.model.times import to_ms
from tests.journal.making import NOW, SECOND, append_of, call_change, endpoint_spec, settled
from tests.journal.registry import KEY, create, due, query, registered

SPEC = EndpointSpec(
    id="crm",
    url="https://crm.example.com/",
    secrets=(b"first" * 5, b"second" * 4),
    events=("call.*", "agent.status_changed"),
    sources=("pbx",),
    timeout_s=7.5,
    max_in_flight=3,
    retry_schedule_s=(1, 2, 3),
    description="the CRM of sales",
)
NEW_URL = "https://new.example.com/"
LATER = NOW + 60 * SECOND
HOUR_MS = to_ms(NOW + 3_600 * SECOND)


async def test_an_endpoint_comes_back_as_it_was_registered(journal_path: Path) -> None:
    async with open_sqlite(journal_path, "tests", NOW) as journal:
        made = await create(journal, SPEC)

    async with open_sqlite(journal_path, "tests", NOW) as journal:
        assert [made] == await journal.registry.registered(NOW)
        assert made == await journal.registry.registered_as(made.endpoint.id, NOW)
        assert await journal.registry.registered_as("nobody", NOW) is None
    assert SPEC == made.spec
    assert ("healthy", False, 0, NOW) == (
        made.endpoint.state,
        made.is_from_file,
        made.start_seq,
        made.created_at,
    )


async def test_the_reply_is_made_of_what_was_registered(journal: SqlJournal) -> None:
    await journal.append(append_of(call_change("before")))

    reply = await journal.registry.create_endpoint(
        SPEC, lambda made: f"{made.endpoint.id} after {made.start_seq}".encode(), NOW, None
    )

    assert b"crm after 3" == reply


async def test_a_reply_that_cannot_be_made_registers_nothing(journal: SqlJournal) -> None:
    with pytest.raises(ZeroDivisionError):
        await journal.registry.create_endpoint(SPEC, lambda made: bytes(1 // made.start_seq), NOW, None)

    assert [] == await journal.registry.registered(NOW)


async def test_endpoints_are_listed_oldest_first_with_their_own_secrets(journal: SqlJournal) -> None:
    await journal.sync_endpoints([endpoint_spec("file")], NOW)
    for name in ("second", "first"):
        await create(journal, replace(SPEC, id=name, secrets=(name.encode() * 5,)))

    found = await journal.registry.registered(NOW)

    assert [("file", True), ("second", False), ("first", False)] == [
        (one.endpoint.id, one.is_from_file) for one in found
    ]
    assert [(), (b"second" * 5,), (b"first" * 5,)] == [one.spec.secrets for one in found]


@pytest.mark.parametrize("origin", ["rest", "file", "deleted"])
async def test_an_id_that_is_or_was_in_use_is_refused(journal: SqlJournal, origin: str) -> None:
    if origin == "file":
        await journal.sync_endpoints([endpoint_spec()], NOW)
    else:
        await create(journal)
    if origin == "deleted":
        await journal.registry.delete_endpoint("crm", NOW)

    with pytest.raises(Conflict, match="crm is, or was"):
        await create(journal, SPEC)


async def test_a_thousand_endpoints_are_the_most_and_a_deleted_one_makes_room(journal: SqlJournal) -> None:
    await journal.sync_endpoints([endpoint_spec(f"file-{n}") for n in range(998)], NOW)
    await create(journal, endpoint_spec("a"))
    await create(journal, endpoint_spec("b"))

    with pytest.raises(Conflict, match="1000 endpoints"):
        await create(journal, endpoint_spec("c"))
    await journal.registry.delete_endpoint("a", NOW)
    await create(journal, endpoint_spec("c"))

    assert 1_000 == len(await journal.registry.registered(NOW))


async def test_an_owner_whose_epoch_is_over_registers_nothing(
    journal: SqlJournal, journal_path: Path
) -> None:
    query(journal_path, "UPDATE meta SET epoch = epoch + 1")

    with pytest.raises(JournalUnusable, match="taken this journal over"):
        await create(journal)

    assert [] == query(journal_path, "SELECT id FROM endpoints")


async def test_a_change_is_whole_and_leaves_the_secrets(journal: SqlJournal) -> None:
    before = await create(journal, endpoint_spec())

    changed = await journal.registry.change_registered(replace(SPEC, secrets=()), LATER)

    assert replace(SPEC, secrets=before.spec.secrets) == changed.spec
    assert changed == await registered(journal, "crm", LATER)
    assert (before.start_seq, before.created_at, before.secrets) == (
        changed.start_seq,
        changed.created_at,
        changed.secrets,
    )


async def test_a_changed_filter_counts_from_the_next_append_and_rows_of_before_stay(
    journal: SqlJournal,
) -> None:
    crm = await create(journal, endpoint_spec(events=("call.*",)))
    await journal.append(append_of(call_change("a", events=1)))

    await journal.registry.change_registered(endpoint_spec(events=("agent.*",)), NOW)
    unwanted = await journal.append(append_of(call_change("b", events=1)))
    await journal.registry.change_registered(replace(endpoint_spec(), sources=("pbx",)), NOW)
    wanted = await journal.append(append_of(call_change("c", events=1)))

    assert ((), 1) == (unwanted.deliveries, len(wanted.deliveries))
    assert [1, 3] == [delivery.seq for delivery in await due(journal, crm.endpoint.no)]


@pytest.mark.parametrize(
    ("url", "not_before_ms", "dues", "state"),
    [
        (NEW_URL, None, [to_ms(LATER), to_ms(LATER), None], ("healthy", None)),
        ("https://crm.example.com/", HOUR_MS, [HOUR_MS, HOUR_MS, None], ("disabled", "http_410")),
    ],
    ids=["moved", "stayed"],
)
async def test_a_new_address_ends_what_the_old_receiver_caused(
    journal: SqlJournal,
    journal_path: Path,
    url: str,
    not_before_ms: int | None,
    dues: list[int | None],
    state: tuple[str, str | None],
) -> None:
    crm = await create(journal)
    await journal.append(append_of(call_change("a", events=1), call_change("b", events=2)))
    await journal.settle(
        [settled(one, "pending", HOUR_MS, attempts=0) for one in await due(journal, crm.endpoint.no)]
    )
    await journal.hold_endpoint(crm.endpoint.no, HOUR_MS)
    await journal.change_endpoint(EndpointChange(crm.endpoint.no, "disabled", "http_410", ()), NOW)

    changed = await journal.registry.change_registered(endpoint_spec(url=url), LATER)

    assert state == (changed.endpoint.state, changed.endpoint.state_reason)
    assert not_before_ms == changed.endpoint.not_before_ms
    assert [(at,) for at in dues] == query(journal_path, "SELECT due_ms FROM deliveries ORDER BY seq")


async def test_a_new_address_makes_due_more_than_fits_one_step(journal: SqlJournal) -> None:
    crm = await create(journal)
    for page in range(5):
        calls = [call_change(f"{page}-{n}", events=1) for n in range(500)]
        appended = await journal.append(append_of(*calls))
        await journal.settle([settled(one, "pending", HOUR_MS) for one in appended.deliveries])

    await journal.registry.change_registered(endpoint_spec(url=NEW_URL), LATER)

    page_now = await journal.page_in(crm.endpoint.no, to_ms(LATER), 5_000, 5_000)
    assert (2_500, 0) == (len(page_now.due), len(page_now.waiting))


async def test_who_was_disabled_by_a_person_stays_so_at_a_new_address(journal: SqlJournal) -> None:
    crm = await create(journal)
    await journal.change_endpoint(EndpointChange(crm.endpoint.no, "disabled", "by hand", ()), NOW)

    changed = await journal.registry.change_registered(endpoint_spec(url=NEW_URL), NOW)

    assert ("disabled", "by hand") == (changed.endpoint.state, changed.endpoint.state_reason)


@pytest.mark.parametrize(("name", "error"), [("unknown", NotFound), ("gone", NotFound), ("file", Conflict)])
async def test_what_is_unknown_deleted_or_of_the_file_is_left_alone(
    journal: SqlJournal, name: str, error: type[Exception]
) -> None:
    await journal.sync_endpoints([endpoint_spec("file")], NOW)
    await create(journal, endpoint_spec("gone"))
    await journal.registry.delete_endpoint("gone", NOW)

    with pytest.raises(error, match=name):
        await journal.registry.change_registered(endpoint_spec(name, NEW_URL), NOW)
    with pytest.raises(error, match=name):
        await journal.registry.add_secret(name, KEY, NOW, lambda _: b"", NOW, None)
    with pytest.raises(error, match=name):
        await journal.registry.delete_endpoint(name, NOW)

    (file,) = await journal.registry.registered(NOW)
    assert ("file", "https://crm.example.com/", ()) == (file.spec.id, file.spec.url, file.secrets)
