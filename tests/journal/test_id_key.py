"""
The key of a journal's ids is read beside its owner, and leaves no trace.
"""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from relay.journal.id_key import read_id_key
from relay.journal.store import open_sqlite
from relay.model.errors import JournalUnusable
from tests.journal.making import NOW

KEY = bytes(range(240, 256)) * 2


def files(folder: Path) -> dict[str, bytes]:
    """
    Return what is in a folder; of the index of the log, which every reader marks, only that it is there.
    """
    return {path.name: b"" if path.name.endswith("-shm") else path.read_bytes() for path in folder.iterdir()}


async def test_the_key_of_a_journal_in_use_is_read(journal_path: Path) -> None:
    async with open_sqlite(journal_path, "tests", NOW) as journal:
        before = files(journal_path.parent)

        assert journal.identity.id_key == read_id_key(journal_path)
        assert before == files(journal_path.parent)


async def test_the_key_of_a_journal_at_rest_is_read_and_nothing_appears_beside_it(journal_path: Path) -> None:
    async with open_sqlite(journal_path, "tests", NOW, KEY):
        pass
    journal_path.chmod(0o400)
    before = files(journal_path.parent)

    assert KEY == read_id_key(journal_path)
    assert before == files(journal_path.parent)


async def test_the_key_of_a_journal_whose_relay_was_killed_is_read(
    journal_path: Path, tmp_path: Path
) -> None:
    image = tmp_path / "killed" / "relay.db"
    image.parent.mkdir()
    async with open_sqlite(journal_path, "tests", NOW, KEY):
        for suffix in ("", "-wal"):
            shutil.copy(f"{journal_path}{suffix}", f"{image}{suffix}")
    log = Path(f"{image}-wal")
    assert log.stat().st_size > 0
    before = {image.name: image.read_bytes(), log.name: log.read_bytes()}

    assert KEY == read_id_key(image)
    assert before.items() <= files(image.parent).items()


def test_a_journal_that_is_not_there_is_told_and_not_made(journal_path: Path) -> None:
    with pytest.raises(JournalUnusable, match=r"there is no journal .*relay\.db"):
        read_id_key(journal_path)

    assert not journal_path.exists()


@pytest.mark.parametrize("content", [b"", b"a text, and long enough to be taken for a header" * 10])
def test_what_is_no_journal_is_told(journal_path: Path, content: bytes) -> None:
    journal_path.write_bytes(content)

    with pytest.raises(JournalUnusable, match="cannot be read"):
        read_id_key(journal_path)


def test_a_journal_without_a_key_is_told(journal_path: Path) -> None:
    with sqlite3.connect(journal_path) as direct:
        direct.execute("CREATE TABLE meta (id_key BLOB)")

    with pytest.raises(JournalUnusable, match="has no id_key"):
        read_id_key(journal_path)
