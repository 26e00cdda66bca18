"""
The VoIPcloud source against the simulated PBX, which enforces the vendor's rules.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta

import pytest

from relay.journal.store import SqlJournal
from relay.model.call import CALL_STREAMS, QUEUE_CALLS, USER_CALLS
from relay.model.errors import SourceAbsent, SourceRefused, SourceThrottled
from relay.sources.budget import BudgetSettings
from relay.sources.port import Window
from relay.sources.voipcloud.source import SYSTEM_STATUS, VoipcloudSource
from relay.testing.manual_clock import ManualClock
from relay.twin.voipcloud.pbx import Pbx
from relay.twin.voipcloud.server import start_twin
from relay.twin.voipcloud.settings import AnswerShape, Rules, Traffic, TwinSettings
from tests.sources.vendor import NOON, TOKEN, account

WINDOW = Window(NOON - timedelta(days=1))
GENEROUS = BudgetSettings(requests=1_000, per_s=900, reserve=0, deadline_s=5)

Asking = Callable[[TwinSettings], AbstractAsyncContextManager[tuple[VoipcloudSource, Pbx]]]


@pytest.fixture
def asking(journal: SqlJournal, clock: ManualClock) -> Asking:
    """
    Give a function that starts a PBX and opens its account.
    """

    @asynccontextmanager
    async def ask(settings: TwinSettings) -> AsyncIterator[tuple[VoipcloudSource, Pbx]]:
        twin = await start_twin(settings, clock)
        try:
            async with account(twin.url, journal, clock, budget=GENEROUS) as source:
                yield source, twin.pbx
        finally:
            await twin.close()

    return ask


@pytest.mark.parametrize("is_wrapped", [False, True])
@pytest.mark.parametrize("has_naive_times", [False, True])
async def test_every_row_of_the_window_is_read(
    asking: Asking, clock: ManualClock, is_wrapped: bool, has_naive_times: bool
) -> None:
    shape = AnswerShape(is_wrapped=is_wrapped, has_naive_times=has_naive_times)
    async with asking(TwinSettings(TOKEN, traffic=Traffic(past_calls=60, stop_after=20), shape=shape)) as (
        source,
        pbx,
    ):
        clock.advance(3_600)
        pulls = {stream: await source.pull(stream, WINDOW) for stream in CALL_STREAMS}
        legs = sum(call.legs for call in pbx.truth())

    assert legs == sum(len(pull.rows) for pull in pulls.values())
    assert [WINDOW.start] * 3 == [pull.covered_from for pull in pulls.values()]
    starts = [row["call_start_at"] for row in pulls[USER_CALLS].rows]
    assert sorted(starts, reverse=True) == starts


async def test_the_status_is_read(asking: Asking) -> None:
    async with asking(TwinSettings(TOKEN)) as (source, _):
        pull = await source.pull(SYSTEM_STATUS, WINDOW)

    assert ["operational"] == [row["status"]["status"] for row in pull.rows]


async def test_the_vendors_own_limit_throttles(asking: Asking) -> None:
    rules = Rules(requests=2, per_s=600)
    async with asking(TwinSettings(TOKEN, rules=rules)) as (source, _):
        await source.pull(USER_CALLS, WINDOW)
        await source.pull(USER_CALLS, WINDOW)
        with pytest.raises(SourceThrottled) as caught:
            await source.pull(USER_CALLS, WINDOW)

    assert ("rate_limited", NOON + timedelta(seconds=600)) == (caught.value.reason, caught.value.until)


async def test_a_wrong_key_and_a_foreign_address_are_told_apart(asking: Asking) -> None:
    reasons = []
    for settings in (TwinSettings("another"), TwinSettings(TOKEN, rules=Rules(whitelist=("203.0.113.9",)))):
        async with asking(settings) as (source, _):
            with pytest.raises(SourceRefused) as caught:
                await source.pull(USER_CALLS, WINDOW)
        reasons.append(caught.value.reason)

    assert ["auth", "ip_blocked"] == reasons


async def test_a_stream_that_the_tenant_does_not_have_is_absent(asking: Asking) -> None:
    async with asking(TwinSettings(TOKEN, rules=Rules(absent=frozenset({QUEUE_CALLS})))) as (source, _):
        await source.pull(USER_CALLS, WINDOW)
        with pytest.raises(SourceAbsent):
            await source.pull(QUEUE_CALLS, WINDOW)
