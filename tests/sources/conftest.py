"""
A scripted phone system, a clock that stands at noon, and a real journal as the log of requests.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.journal.store import SqlJournal, open_sqlite
from relay.sources.voipcloud.source import VoipcloudSource
from relay.testing.manual_clock import ManualClock
from tests.sources.vendor import NOON, Vendor, account, listening


@pytest.fixture
def clock() -> ManualClock:
    """
    Give a clock at noon.
    """
    return ManualClock(NOON)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqlJournal]:
    """
    Give a journal in a file of its own.
    """
    async with open_sqlite(tmp_path / "relay.db", "test", NOON) as opened:
        yield opened


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    """
    Give a phone system that listens.
    """
    async with listening(Vendor()) as running:
        yield running


@pytest.fixture
async def source(vendor: Vendor, journal: SqlJournal, clock: ManualClock) -> AsyncIterator[VoipcloudSource]:
    """
    Give an opened account at that phone system.
    """
    async with account(vendor.url, journal, clock) as opened:
        yield opened
