"""
Secrets of endpoints made by REST: the newest signs first, the older ones until their time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from relay.journal.store import SqlJournal
from relay.model.endpoint import RegisteredEndpoint
from relay.model.errors import Conflict
from tests.journal.making import NOW, endpoint_spec
from tests.journal.registry import create, query, registered

FIRST = b"s" * 24
HOUR = timedelta(hours=1)


async def add(
    journal: SqlJournal, key: bytes, old_until: datetime, now: datetime = NOW
) -> RegisteredEndpoint:
    """
    Add a secret to the endpoint and return it as the caller is told of it.
    """
    told: list[RegisteredEndpoint] = []

    def answer(made: RegisteredEndpoint) -> bytes:
        told.append(made)
        return b"made"

    await journal.registry.add_secret("crm", key, old_until, answer, now, None)
    return told[0]


async def test_the_newest_signs_first_and_the_older_ones_until_their_time(journal: SqlJournal) -> None:
    await create(journal)
    told = await add(journal, b"second", NOW + HOUR)

    signing = [
        (await registered(journal, "crm", at)).spec.secrets
        for at in (NOW, NOW + HOUR - HOUR / 3600, NOW + HOUR)
    ]

    assert [(b"second", FIRST), (b"second", FIRST), (b"second",)] == signing
    assert told == await registered(journal, "crm", NOW)
    assert [None, NOW + HOUR] == [secret.expires_at for secret in told.secrets]
    assert [NOW, NOW] == [secret.created_at for secret in told.secrets]


async def test_every_secret_has_an_id_of_its_own(journal: SqlJournal) -> None:
    await create(journal)
    await create(journal, endpoint_spec("ops"))

    made = await add(journal, b"second", NOW + HOUR)

    others = (await registered(journal, "ops")).secrets
    ids = {secret.secret_id for secret in (*made.secrets, *others)}
    assert 3 == len(ids)
    assert [None] == [secret.expires_at for secret in others]
    assert all(secret_id.startswith("sec_") for secret_id in ids)


async def test_a_later_change_never_lets_an_old_secret_sign_longer(journal: SqlJournal) -> None:
    await create(journal)
    await add(journal, b"second", NOW + HOUR)

    longer = await add(journal, b"third", NOW + 5 * HOUR)
    shorter = await add(journal, b"fourth", NOW + 2 * HOUR)

    assert [None, NOW + 5 * HOUR, NOW + HOUR] == [secret.expires_at for secret in longer.secrets]
    assert [None, NOW + 2 * HOUR, NOW + 2 * HOUR, NOW + HOUR] == [
        secret.expires_at for secret in shorter.secrets
    ]


async def test_secrets_that_have_ended_are_removed_in_passing(
    journal: SqlJournal, journal_path: Path
) -> None:
    await create(journal)
    await add(journal, b"second", NOW + HOUR)

    await add(journal, b"third", NOW + 9 * HOUR, NOW + HOUR)

    assert [(2,), (3,)] == query(journal_path, "SELECT ordinal FROM endpoint_secrets ORDER BY ordinal")


async def test_old_secrets_end_at_once_where_they_are_given_no_time(
    journal: SqlJournal, journal_path: Path
) -> None:
    await create(journal)

    for key in (b"second", b"third"):
        await add(journal, key, NOW)

    assert [(1,)] == query(journal_path, "SELECT count(*) FROM endpoint_secrets")
    assert (b"third",) == (await registered(journal, "crm")).spec.secrets


async def test_five_sign_at_once_at_the_most(journal: SqlJournal) -> None:
    await create(journal)
    for number in range(4):
        made = await add(journal, b"%d" % number, NOW + HOUR)
    assert 5 == len(made.secrets)

    with pytest.raises(Conflict, match=r"5 secrets sign already.*2026-03-02T02:00:00"):
        await add(journal, b"sixth", NOW + HOUR / 2 + HOUR)
    unchanged = await registered(journal, "crm")
    later = await add(journal, b"sixth", NOW + 2 * HOUR, NOW + HOUR)

    assert made == unchanged
    assert (b"sixth", b"3") == later.spec.secrets


async def scheduled(
    journal: SqlJournal, key: bytes, starts_at: datetime, scheme: str = "v1"
) -> RegisteredEndpoint:
    """
    Add a secret that begins later, with an overlap of an hour.
    """
    await journal.registry.add_secret(
        "crm", key, starts_at + HOUR, lambda _: b"", NOW, None, scheme=scheme, starts_at=starts_at
    )
    return await registered(journal, "crm")


async def test_a_secret_that_begins_later_is_known_and_signs_from_its_time_on(journal: SqlJournal) -> None:
    await create(journal)

    known = await scheduled(journal, b"second", NOW + 5 * HOUR)

    times = (NOW, NOW + 5 * HOUR, NOW + 6 * HOUR)
    assert [(FIRST,), (b"second", FIRST), (b"second",)] == [
        (await registered(journal, "crm", at)).spec.secrets for at in times
    ]
    assert [(NOW + 5 * HOUR, None), (None, NOW + 6 * HOUR)] == [
        (secret.starts_at, secret.expires_at) for secret in known.secrets
    ]


async def test_a_new_secret_takes_the_place_of_one_that_has_not_begun(journal: SqlJournal) -> None:
    await create(journal)
    await scheduled(journal, b"second", NOW + 5 * HOUR)

    made = await add(journal, b"third", NOW + HOUR)

    assert [b"third", FIRST] == [secret.key for secret in made.secrets]


async def test_at_no_time_nothing_signs_whatever_was_planned(journal: SqlJournal) -> None:
    await create(journal)
    for number, hours in enumerate((8, 3, 5)):
        await scheduled(journal, b"%d" % number, NOW + hours * HOUR)

    assert all([(await registered(journal, "crm", NOW + hours * HOUR)).spec.secrets for hours in range(20)])


async def test_the_schemes_have_secrets_of_their_own(journal: SqlJournal) -> None:
    await create(journal)
    with pytest.raises(Conflict, match="nothing signs with v1a before then"):
        await scheduled(journal, b"e" * 32, NOW + HOUR, "v1a")
    await journal.registry.add_secret("crm", b"e" * 32, NOW, lambda _: b"", NOW, None, scheme="v1a")
    await scheduled(journal, b"f" * 32, NOW + HOUR, "v1a")

    both = await registered(journal, "crm", NOW + HOUR)

    assert ((FIRST,), (b"f" * 32, b"e" * 32)) == (both.spec.secrets, both.spec.signing_keys)
    assert [None] == [secret.expires_at for secret in both.secrets if secret.scheme == "v1"]
