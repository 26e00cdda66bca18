"""
What the simulated provider of number look-ups answers, and what it tells of itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from relay.twin.hlr.server import ENDINGS, HlrTwinSettings, RunningHlr, start_hlr_twin

AUTH = {"Authorization": "Bearer twin"}


@pytest.fixture
async def provider() -> AsyncIterator[RunningHlr]:
    """
    Give a provider that is slow for no time.
    """
    running = await start_hlr_twin(HlrTwinSettings(slow_s=0))
    yield running
    await running.close()


async def asked(provider: RunningHlr, number: str, headers: dict[str, str]) -> tuple[int, str]:
    """
    Look a number up; return the status and the text.
    """
    async with aiohttp.ClientSession() as client:
        async with client.get(provider.lookup_url, params={"number": number}, headers=headers) as answer:
            return answer.status, await answer.text()


@pytest.mark.parametrize(
    ("ending", "status", "text"),
    [
        ("00", 200, '"status":"valid"'),
        ("90", 200, '"status":"invalid"'),
        ("91", 200, '"status":"unreachable"'),
        ("92", 200, '"status":"unknown"'),
        ("93", 200, '"status":"valid"'),
        ("94", 500, "<html>"),
        ("95", 200, '{"number": "+4479111234'),
        ("96", 200, '"number":"+447911123400"'),
        ("97", 429, "too many requests"),
    ],
)
async def test_a_number_is_what_its_ending_says(
    provider: RunningHlr, ending: str, status: int, text: str
) -> None:
    found = await asked(provider, f"+4479111234{ending}", AUTH)

    assert (status, True) == (found[0], text in found[1])
    assert ending == "00" or ending in ENDINGS


async def test_without_the_token_nothing_is_told(provider: RunningHlr) -> None:
    assert 401 == (await asked(provider, "+447911123400", {}))[0]
    assert 401 == (await asked(provider, "+447911123400", {"Authorization": "Bearer other"}))[0]


@pytest.mark.parametrize("number", ["", "abc", "+"])
async def test_what_is_no_number_is_refused(provider: RunningHlr, number: str) -> None:
    assert 400 == (await asked(provider, number, AUTH))[0]


async def test_the_truth_tells_what_was_asked(provider: RunningHlr) -> None:
    await asked(provider, "+447911123400", AUTH)
    await asked(provider, "+447911123490", AUTH)
    await asked(provider, "+447911123400", {})

    async with aiohttp.ClientSession() as client, client.get(f"{provider.url}/truth") as answer:
        truth = await answer.json()

    assert {"asked": ["+447911123400", "+447911123490"], "requests": 3, "refused": 1} == truth


async def test_it_listens_on_loopback_only() -> None:
    with pytest.raises(ValueError, match="loopback only"):
        await start_hlr_twin(HlrTwinSettings(), "0.0.0.0:0")
