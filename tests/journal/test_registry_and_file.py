"""
Endpoints of the configuration file beside those made by REST: who owns which, and how that changes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from relay.journal.port import EndpointChange
from relay.journal.store import SqlJournal
from relay.model.errors import Conflict
from tests.journal.making import NOW, append_of, call_change, endpoint_spec
from tests.journal.registry import create, query, registered

FILE = replace(
    endpoint_spec(), timeout_s=3.5, max_in_flight=2, retry_schedule_s=(1, 60), description="from the file"
)
NEW_URL = "https://new.example.com/"


async def test_all_that_the_file_says_is_stored_but_the_secret(
    journal: SqlJournal, journal_path: Path
) -> None:
    await journal.sync_endpoints([endpoint_spec()], NOW)
    await journal.sync_endpoints([FILE], NOW)

    crm = await registered(journal, "crm")

    assert (replace(FILE, secrets=()), (), True) == (crm.spec, crm.secrets, crm.is_from_file)
    assert [] == query(journal_path, "SELECT * FROM endpoint_secrets")


async def test_a_start_leaves_alone_what_was_made_by_rest(journal: SqlJournal) -> None:
    made = await create(journal, FILE)

    stored = await journal.sync_endpoints([endpoint_spec("file")], NOW)

    assert ["crm", "file"] == [one.id for one in stored]
    assert made == await registered(journal, "crm")


async def test_the_file_takes_over_an_endpoint_with_its_id(journal: SqlJournal, journal_path: Path) -> None:
    made = await create(journal)
    await create(journal, endpoint_spec("ops"))

    await journal.sync_endpoints([FILE], NOW)

    crm = await registered(journal, "crm")
    assert (made.endpoint.no, True, ()) == (crm.endpoint.no, crm.is_from_file, crm.secrets)
    assert replace(FILE, secrets=()) == crm.spec
    assert 1 == len(query(journal_path, "SELECT * FROM endpoint_secrets"))
    with pytest.raises(Conflict, match="configuration file"):
        await journal.registry.delete_endpoint("crm", NOW)


async def test_an_endpoint_that_left_the_file_may_be_changed_and_deleted(journal: SqlJournal) -> None:
    await journal.sync_endpoints([FILE], NOW)
    await journal.sync_endpoints([], NOW)

    changed = await journal.registry.change_registered(endpoint_spec(url=NEW_URL), NOW)
    await journal.registry.delete_endpoint("crm", NOW)

    assert ("disabled", False) == (changed.endpoint.state, changed.is_from_file)
    assert [] == await journal.registry.registered(NOW)


async def test_an_endpoint_that_left_the_file_before_rest_was_there_may_be_changed(
    journal: SqlJournal, journal_path: Path
) -> None:
    """
    Journals of before keep such an endpoint as one of the file.
    """
    await journal.sync_endpoints([FILE], NOW)
    await journal.sync_endpoints([], NOW)
    query(journal_path, "UPDATE endpoints SET is_from_file = 1")

    await journal.sync_endpoints([], NOW)

    assert not (await registered(journal, "crm")).is_from_file


async def test_an_endpoint_resumed_after_it_left_the_file_stays_so_until_it_is_back(
    journal: SqlJournal,
) -> None:
    (crm,) = await journal.sync_endpoints([FILE], NOW)
    await journal.sync_endpoints([], NOW)
    await journal.change_endpoint(EndpointChange(crm.no, "healthy", None, ()), NOW)

    (without,) = await journal.sync_endpoints([], NOW)
    appended = await journal.append(append_of(call_change("a", events=1)))
    await journal.sync_endpoints([FILE], NOW)

    assert ("healthy", 1) == (without.state, len(appended.deliveries))
    assert (await registered(journal, "crm")).is_from_file


@pytest.mark.parametrize(("url", "state"), [(FILE.url, "disabled"), (NEW_URL, "healthy")])
async def test_the_file_brings_a_gone_endpoint_back_only_at_a_new_address(
    journal: SqlJournal, url: str, state: str
) -> None:
    made = await create(journal)
    await journal.change_endpoint(EndpointChange(made.endpoint.no, "disabled", "http_410", ()), NOW)

    (stored,) = await journal.sync_endpoints([replace(FILE, url=url)], NOW)

    assert state == stored.state
