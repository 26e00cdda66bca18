"""
Idempotency-Keys: what was asked for once is done once, and told again in the same words.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from relay.journal.api_port import Once
from relay.journal.store import SqlJournal, open_sqlite
from relay.model.endpoint import RegisteredEndpoint
from relay.model.errors import Conflict
from relay.model.listing import DeliveryKey
from tests.journal.making import NOW, append_of, call_change, endpoint_spec
from tests.journal.registry import KEY, create, query, registered

ONCE = Once("ops", "key-1", b"digest of the body")
DAY = timedelta(hours=24)


def told(made: RegisteredEndpoint) -> bytes:
    """
    Make a reply that tells one registration from another.
    """
    return f"{made.endpoint.id} {len(made.secrets)}".encode()


async def test_the_same_request_is_answered_alike_and_not_done_again(journal_path: Path) -> None:
    async with open_sqlite(journal_path, "tests", NOW) as journal:
        first = await journal.registry.create_endpoint(endpoint_spec(), told, NOW, ONCE)

    async with open_sqlite(journal_path, "tests", NOW) as journal:
        again = await journal.registry.create_endpoint(endpoint_spec(), lambda _: b"new", NOW + DAY, ONCE)
        recalled = await journal.registry.recall(ONCE, NOW)

        assert [b"crm 1"] * 3 == [first, again, recalled]
        assert 1 == len(await journal.registry.registered(NOW))


async def test_requests_at_the_same_time_are_done_once(journal: SqlJournal) -> None:
    specs = [endpoint_spec(f"crm-{number}") for number in range(6)]

    replies = await asyncio.gather(
        *(journal.registry.create_endpoint(spec, told, NOW, ONCE) for spec in specs)
    )

    assert [b"crm-0 1"] * 6 == replies
    assert ["crm-0"] == [one.endpoint.id for one in await journal.registry.registered(NOW)]


async def test_a_key_that_comes_with_another_request_is_refused(journal: SqlJournal) -> None:
    await journal.registry.create_endpoint(endpoint_spec(), told, NOW, ONCE)
    other = replace(ONCE, digest=b"another body")

    with pytest.raises(Conflict, match="came with another request"):
        await journal.registry.create_endpoint(endpoint_spec("ops"), told, NOW, other)
    with pytest.raises(Conflict, match="came with another request"):
        await journal.registry.recall(other, NOW)
    with pytest.raises(Conflict, match="came with another request"):
        await journal.registry.remember(other, b"reply", NOW)

    assert ["crm"] == [one.endpoint.id for one in await journal.registry.registered(NOW)]


async def test_keys_of_other_owners_are_other_keys(journal: SqlJournal) -> None:
    await journal.registry.create_endpoint(endpoint_spec(), told, NOW, ONCE)

    theirs = await journal.registry.create_endpoint(
        endpoint_spec("ops"), told, NOW, replace(ONCE, owner="crm", digest=b"another body")
    )

    assert b"ops 1" == theirs


async def test_what_was_refused_may_be_asked_again(journal: SqlJournal) -> None:
    await create(journal)
    with pytest.raises(Conflict, match="ids are not used again"):
        await journal.registry.create_endpoint(endpoint_spec(), told, NOW, ONCE)

    assert await journal.registry.recall(ONCE, NOW) is None
    assert b"ops 1" == await journal.registry.create_endpoint(endpoint_spec("ops"), told, NOW, ONCE)


async def test_secrets_and_resends_are_made_once(journal: SqlJournal, journal_path: Path) -> None:
    await create(journal)
    (event,) = (await journal.append(append_of(call_change("a", events=1)))).events
    key = DeliveryKey("crm", event.id, 0)
    other = replace(ONCE, key="key-2")

    for _ in range(2):
        assert b"crm 2" == await journal.registry.add_secret("crm", KEY, NOW + DAY, told, NOW, ONCE)
        assert b"1" == await journal.registry.resend(key, lambda item: b"%d" % item.key.job, NOW, other)

    assert 2 == len((await registered(journal, "crm")).secrets)
    assert [(0,), (1,)] == query(journal_path, "SELECT job FROM deliveries ORDER BY job")


async def test_of_two_replies_to_remember_the_first_stands(journal: SqlJournal) -> None:
    replies = [await journal.registry.remember(ONCE, reply, NOW) for reply in (b"first", b"second")]

    assert [b"first", b"first"] == replies
    assert b"first" == await journal.registry.recall(ONCE, NOW)


async def test_after_a_day_a_key_is_new_again(journal: SqlJournal) -> None:
    await journal.registry.remember(ONCE, b"first", NOW)
    a_day_later = NOW + DAY + timedelta(milliseconds=1)

    other = replace(ONCE, digest=b"another body")
    assert await journal.registry.recall(other, a_day_later) is None
    assert b"second" == await journal.registry.remember(other, b"second", a_day_later)
    assert b"second" == await journal.registry.recall(other, a_day_later)


async def test_old_replies_are_forgotten_some_at_a_time(journal: SqlJournal, journal_path: Path) -> None:
    rows = "SELECT 'ops', 'key-' || value, x'00', x'00', 5 FROM generated"
    numbers = (
        "WITH RECURSIVE generated(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM generated LIMIT 1500)"
    )
    query(journal_path, f"{numbers} INSERT INTO idempotency_keys (owner, key, digest, reply, made_ms) {rows}")
    await journal.registry.remember(replace(ONCE, key="kept"), b"kept", NOW)

    forgotten = [await journal.forget_replies(NOW) for _ in range(3)]

    assert [1_000, 500, 0] == forgotten
    assert [("kept",)] == query(journal_path, "SELECT key FROM idempotency_keys")
