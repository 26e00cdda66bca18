"""
Pushes of phone systems that can only get a URL: what they tell stands in its query.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest

from relay.api.operation import Reach, SourceSetup
from relay.api.server import ApiSettings
from relay.testing.manual_clock import ManualClock
from tests.api.conftest import OPS, Api, running_api
from tests.journal.making import NOW

TOKEN = "s3cret-token-of-a-dialer"
QUERY = f"token={quote(TOKEN, safe='')}&user=1002&call_id=V3012000030000000420"


@pytest.fixture
async def api(journal_path: Path) -> AsyncIterator[Api]:
    """
    Run an API with a dialer that pushes.
    """

    def as_dialer(reach: Reach) -> Reach:
        setup = SourceSetup(None, ZoneInfo("America/New_York"), (), "dialer360", pushes_by_get=True)
        return replace(reach, sources={**reach.sources, "pbx": setup})

    settings = ApiSettings(hook_tokens={"pbx": TOKEN, "dialer": TOKEN})
    async with running_api(
        journal_path, keys=[OPS], clock=ManualClock(NOW), settings=settings, change_reach=as_dialer
    ) as running:
        yield running


async def test_the_query_is_the_push(api: Api) -> None:
    answer = await api.ask("GET", f"/hooks/pbx?{QUERY}", headers={})

    assert 202 == answer.status
    (item,) = await api.journal.inbox("pbx", 10)
    assert {"user": "1002", "call_id": "V3012000030000000420"} == item.body


async def test_a_field_that_stands_twice_is_refused(api: Api) -> None:
    answer = await api.ask("GET", f"/hooks/pbx?{QUERY}&user=1003", headers={})

    assert 400 == answer.status
    assert [] == await api.journal.inbox("pbx", 10)


@pytest.mark.parametrize("path", ["/hooks/pbx", "/hooks/nowhere"])
async def test_without_the_token_every_source_looks_the_same(api: Api, path: str) -> None:
    answer = await api.ask("GET", f"{path}?user=1002", headers={})

    assert 401 == answer.status


async def test_other_kinds_are_told_to_post(api: Api) -> None:
    answer = await api.ask("GET", f"/hooks/dialer?{QUERY}", headers={})

    assert (405, "POST") == (answer.status, answer.headers["Allow"])
