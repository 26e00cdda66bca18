"""
A journal to begin with.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.ingest.world import make_template


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    Return the file of an empty journal of this version.
    """
    path = tmp_path_factory.mktemp("template") / "journal.db"
    asyncio.run(make_template(path))
    return path
