"""
Secrets at rest: nothing of them can be read in the files of the journal, and a lost key loses nothing else.
"""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from relay.journal.api_port import Once
from relay.journal.sealing import Seal, seal_beside
from relay.journal.store import SqlJournal, open_sqlite
from relay.model.delivery_options import DeliveryOptions
from relay.model.endpoint import RegisteredEndpoint
from relay.model.endpoint_auth import EndpointAuth
from relay.model.errors import Conflict, JournalUnusable
from tests.journal.making import NOW, endpoint_spec
from tests.journal.registry import create, query, registered

SECRET, SIGNING_KEY, LATER = (
    b"first-secret-of-32-bytes-in-all!",
    b"e1d2c3b4" * 4,
    b"another-secret-of-32-bytes-all!!",
)
AUTH = EndpointAuth((("X-Token", "a-header-value"),), basic=("relay", "a-basic-password"))
SPEC = replace(
    endpoint_spec(),
    secrets=(SECRET,),
    signing_keys=(SIGNING_KEY,),
    auth=AUTH,
    options=DeliveryOptions(signatures=("v1", "v1a")),
)
ALL = (SECRET, SIGNING_KEY, LATER, b"a-header-value", b"a-basic-password", b"told-secret")
ONCE = Once("ops", "key", b"digest")
KEY, OTHER_KEY = b"k" * 32, b"o" * 32


def files(path: Path) -> bytes:
    """
    Return all that the journal keeps on the disk, its key apart.
    """
    return b"".join(
        one.read_bytes() for one in path.parent.iterdir() if not one.name.endswith(".secrets-key")
    )


async def fill(journal: SqlJournal) -> bytes:
    """
    Register an endpoint with all kinds of secrets; return the reply.
    """

    def answer(_made: RegisteredEndpoint) -> bytes:
        return b'{"status":201}\n{"secret":"told-secret"}'

    reply = await journal.registry.create_endpoint(SPEC, answer, NOW, ONCE)
    await journal.registry.add_secret("crm", LATER, NOW + timedelta(days=1), lambda _: b"", NOW, None)
    return reply


async def test_no_byte_of_a_secret_is_in_the_files_and_all_are_there_after_a_restart(
    journal_path: Path,
) -> None:
    async with open_sqlite(journal_path, "tests", NOW) as journal:
        reply = await fill(journal)
        running = files(journal_path)
    stopped = files(journal_path)
    async with open_sqlite(journal_path, "tests", NOW) as journal:
        again = await journal.registry.recall(ONCE, NOW)
        crm = await registered(journal, "crm")

    assert [] == [secret for secret in ALL if secret in running or secret in stopped]
    assert reply == again
    assert (LATER, SECRET) == crm.spec.secrets
    assert ((SIGNING_KEY,), AUTH, None) == (crm.spec.signing_keys, crm.spec.auth, crm.problem)


async def test_the_key_file_is_its_owners_and_is_used_again(journal_path: Path) -> None:
    beside = journal_path.with_name("relay.db.secrets-key")
    async with open_sqlite(journal_path, "tests", NOW):
        first = beside.read_bytes()
    async with open_sqlite(journal_path, "tests", NOW):
        pass

    assert (first, 0o600) == (beside.read_bytes(), stat.S_IMODE(beside.stat().st_mode))
    assert 32 == len(bytes.fromhex(first.decode()))


@pytest.mark.parametrize("content", [b"", b"zz", b"ab" * 31])
async def test_a_garbled_key_file_is_refused_and_left_alone(journal_path: Path, content: bytes) -> None:
    beside = journal_path.with_name("relay.db.secrets-key")
    beside.write_bytes(content)

    with pytest.raises(JournalUnusable, match="holds no key"):
        async with open_sqlite(journal_path, "tests", NOW):
            pass

    assert content == beside.read_bytes()


async def test_with_another_key_nothing_is_opened_or_overwritten_and_new_secrets_can_be_given(
    journal_path: Path,
) -> None:
    async with open_sqlite(journal_path, "tests", NOW, None, KEY) as journal:
        await fill(journal)
    before = query(journal_path, "SELECT key, auth FROM endpoint_secrets, endpoints")
    async with open_sqlite(journal_path, "tests", NOW, None, OTHER_KEY) as journal:
        lost = await registered(journal, "crm")
        await journal.registry.change_registered(replace(lost.spec, description="changed"), NOW)
        after = query(journal_path, "SELECT key, auth FROM endpoint_secrets, endpoints")
        with pytest.raises(Conflict, match="secrets key is another"):
            await journal.registry.recall(ONCE, NOW)
        for key, scheme in ((b"n" * 32, "v1"), (b"m" * 32, "v1a")):
            await journal.registry.add_secret("crm", key, NOW, lambda _: b"", NOW, None, scheme=scheme)
        half = await registered(journal, "crm")
        fresh = EndpointAuth(bearer="fresh")
        whole = await journal.registry.change_registered(replace(half.spec, auth=fresh), NOW)

    assert before == after
    assert ((), (), True) == (lost.spec.secrets, lost.spec.signing_keys, lost.spec.auth.is_lost)
    assert [True] * 3 == [secret.is_lost for secret in lost.secrets]
    assert "has no secret that can be opened" in (lost.problem or "")
    assert "has headers or a password that cannot be opened" in (half.problem or "")
    assert (None, (b"n" * 32,), (b"m" * 32,)) == (whole.problem, whole.spec.secrets, whole.spec.signing_keys)


async def test_with_the_right_key_back_all_is_as_before(journal_path: Path) -> None:
    async with open_sqlite(journal_path, "tests", NOW, None, KEY) as journal:
        await fill(journal)
    async with open_sqlite(journal_path, "tests", NOW, None, OTHER_KEY):
        pass
    async with open_sqlite(journal_path, "tests", NOW, None, KEY) as journal:
        crm = await registered(journal, "crm")

    assert (None, AUTH) == (crm.problem, crm.spec.auth)


async def test_a_configured_key_takes_over_from_the_key_file(journal_path: Path) -> None:
    beside = journal_path.with_name("relay.db.secrets-key")
    async with open_sqlite(journal_path, "tests", NOW) as journal:
        await fill(journal)
    async with open_sqlite(journal_path, "tests", NOW, None, KEY):
        pass
    beside.unlink()
    async with open_sqlite(journal_path, "tests", NOW, None, KEY) as journal:
        crm = await registered(journal, "crm")

    assert (None, AUTH, (LATER, SECRET)) == (crm.problem, crm.spec.auth, crm.spec.secrets)
    assert not beside.exists()


async def test_what_an_earlier_version_kept_in_plain_text_is_sealed_at_the_next_start(
    journal_path: Path,
) -> None:
    async with open_sqlite(journal_path, "tests", NOW) as journal:
        await create(journal, replace(endpoint_spec(), secrets=(SECRET,)))
        await journal._database.write(
            lambda conn: conn.execute(
                text("UPDATE endpoint_secrets SET key = :key, is_sealed = 0"), {"key": SECRET}
            )
        )
    plain = files(journal_path)
    async with open_sqlite(journal_path, "tests", NOW) as journal:
        crm = await registered(journal, "crm")

    assert SECRET in plain
    assert SECRET not in files(journal_path)
    assert (SECRET,) == crm.spec.secrets


def test_what_is_sealed_is_bound_to_what_it_is_about_and_never_twice_the_same(tmp_path: Path) -> None:
    seal = Seal([KEY])
    sealed = seal.seal(SECRET, "secret crm")

    assert SECRET == seal.open(sealed, "secret crm")
    assert sealed != seal.seal(SECRET, "secret crm")
    bad = (sealed[:-1] + bytes([sealed[-1] ^ 1]), b"", sealed[:5], SECRET)
    assert [None] * 4 == [seal.open(one, "secret crm") for one in bad]
    assert seal.open(sealed, "secret ops") is None
    assert seal_beside(tmp_path / "relay.db", OTHER_KEY).open(sealed, "secret crm") is None
