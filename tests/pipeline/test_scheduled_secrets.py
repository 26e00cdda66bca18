"""
Secrets that begin and end by the clock, nobody asking.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from relay.journal.store import open_sqlite
from relay.system_clock import SystemClock
from relay.testing.manual_clock import ManualClock
from relay.testing.recording_sink import RecordingSink
from tests.journal.making import NOW, endpoint_spec
from tests.pipeline.conftest import delivering
from tests.pipeline.test_endpoint_changes import until

OLD, NEW = endpoint_spec().secrets[0], b"n" * 32
HOUR = timedelta(hours=1)


async def test_a_secret_begins_and_the_old_one_ends_when_their_times_come(journal_path: Path) -> None:
    clock = ManualClock(SystemClock().now())
    async with delivering(journal_path, {"crm": RecordingSink()}, clock, of_file=()) as running:
        await running.create(endpoint_spec("crm"))
        starts_at = clock.now() + HOUR
        await running.journal.registry.add_secret(
            "crm", NEW, starts_at + HOUR, lambda _: b"", clock.now(), None, starts_at=starts_at
        )
        await running.deliver.refresh()
        before = [spec.secrets for spec in running.opened]

        await clock.run_for(3_600)
        await until(lambda: len(running.opened) == 2)
        await clock.run_for(3_600)
        await until(lambda: len(running.opened) == 3)

    assert [(OLD,)] == before
    assert [(NEW, OLD), (NEW,)] == [spec.secrets for spec in running.opened[1:]]


async def test_an_endpoint_whose_secrets_cannot_be_opened_is_not_served(journal_path: Path) -> None:
    async with open_sqlite(journal_path, "tests", NOW) as journal:
        await journal.registry.create_endpoint(endpoint_spec("crm"), lambda _: b"", NOW, None)
    journal_path.with_name("relay.db.secrets-key").write_text("ab" * 32)

    async with delivering(journal_path, {"crm": RecordingSink()}, of_file=()) as running:
        before = len(running.opened)
        await running.journal.registry.add_secret("crm", NEW, NOW, lambda _: b"", NOW, None)
        await running.deliver.refresh()

    assert (0, [(NEW,)]) == (before, [spec.secrets for spec in running.opened])
