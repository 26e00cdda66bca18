"""
A journal on a real file.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.journal.store import SqlJournal, open_sqlite
from tests.journal.making import NOW


@pytest.fixture
def journal_path(tmp_path: Path) -> Path:
    """
    Give the path of a journal that does not exist yet.
    """
    return tmp_path / "relay.db"


@pytest.fixture
async def journal(journal_path: Path) -> AsyncIterator[SqlJournal]:
    """
    Open an empty journal.
    """
    async with open_sqlite(journal_path, "tests", NOW) as opened:
        yield opened
