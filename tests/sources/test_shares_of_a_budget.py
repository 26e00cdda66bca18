"""
One budget for all: what polls, the status, backfills and commands may take of it, and leave to each other.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from typing import Final

import pytest

from relay.journal.store import SqlJournal
from relay.model.call import USER_CALLS
from relay.model.errors import SourceThrottled
from relay.sources.budget import BudgetSettings, RequestBudget
from relay.sources.port import BACKFILL, COMMAND, OWN_QUOTA, POLL, PURPOSES, STATUS, NoRoom, Window
from relay.sources.voipcloud.source import SYSTEM_STATUS, VoipcloudSource
from relay.testing.manual_clock import ManualClock
from tests.sources.vendor import BUDGET, NOON, SOURCE_ID, Vendor, account

DOCUMENTED: Final = BudgetSettings(requests=100, per_s=900, reserve=20, deadline_s=5)


class Requests:
    """
    Requests of one account, reserved as the source does.
    """

    def __init__(
        self, journal: SqlJournal, clock: ManualClock, settings: BudgetSettings = DOCUMENTED
    ) -> None:
        self.budget = RequestBudget(SOURCE_ID, settings, journal, clock)
        self._settings = settings
        self._journal = journal
        self._clock = clock

    async def take(self, purpose: str, most: int = 1_000) -> int:
        """
        Send requests, each answered at once, until there is no place for one; return how many were sent.
        """
        for count in range(most):
            now = self._clock.now()
            place = await self._journal.reserve(SOURCE_ID, purpose, self.budget.share(purpose), now)
            if isinstance(place, NoRoom):
                return count
            await self._journal.note(place.send_id, "http_200", per_s=self._settings.per_s, now=now)
        return most


@pytest.fixture
def requests(journal: SqlJournal, clock: ManualClock) -> Requests:
    """
    Give the account of the vendor's documents: 100 requests in 15 minutes.
    """
    return Requests(journal, clock)


@pytest.mark.parametrize(("purpose", "places"), [(POLL, 80), (STATUS, 3), (BACKFILL, 7), (COMMAND, 100)])
async def test_each_purpose_has_its_part(requests: Requests, purpose: str, places: int) -> None:
    assert places == await requests.take(purpose)


@pytest.mark.parametrize("polls", [80, 60, 0])
async def test_a_backfill_leaves_to_polls_what_is_theirs(requests: Requests, polls: int) -> None:
    await requests.take(POLL, polls)

    assert (7, 80 - polls) == (await requests.take(BACKFILL), await requests.take(POLL))


async def test_what_commands_took_beyond_their_part_a_backfill_does_without(requests: Requests) -> None:
    await requests.take(COMMAND, 85)

    assert 5 == await requests.take(BACKFILL)


@pytest.mark.parametrize("seed", range(3))
async def test_commands_always_have_their_part(requests: Requests, clock: ManualClock, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(30):
        clock.advance(rng.uniform(0, 120))
        await requests.take(rng.choice([POLL, STATUS, BACKFILL]), rng.randint(1, 60))

    assert await requests.take(COMMAND) >= DOCUMENTED.commands


async def test_a_place_for_a_backfill_is_free_when_its_own_is(
    requests: Requests, journal: SqlJournal, clock: ManualClock
) -> None:
    await requests.take(POLL, 80)
    clock.advance(60)
    await requests.take(BACKFILL)

    refused = await journal.reserve(SOURCE_ID, BACKFILL, requests.budget.share(BACKFILL), clock.now())

    assert NoRoom(NOON + timedelta(seconds=960)) == refused


@pytest.mark.parametrize(
    ("allowed", "polls", "backfills"),
    [(40, 40, 7), (1, 1, 7), (0, 1, 7), (-3, 1, 7), (500, 80, 7), (None, 80, 7)],
)
async def test_polls_may_be_held_to_fewer_requests(
    requests: Requests, allowed: int | None, polls: int, backfills: int
) -> None:
    requests.budget.allow(allowed)

    assert (polls, backfills) == (await requests.take(POLL), await requests.take(BACKFILL))


async def test_polls_may_have_their_requests_back(requests: Requests) -> None:
    requests.budget.allow(10)
    first = await requests.take(POLL)
    requests.budget.allow(None)

    assert (10, 70) == (first, await requests.take(POLL))


@pytest.mark.parametrize("reserve", range(6))
async def test_small_budgets_leave_everyone_something_and_nobody_too_much(
    journal: SqlJournal, clock: ManualClock, reserve: int
) -> None:
    settings = BudgetSettings(requests=reserve + 1, per_s=900, reserve=reserve, deadline_s=5)
    requests = Requests(journal, clock, settings)
    taken = Counter[str]()
    for purpose in (BACKFILL, STATUS, POLL, COMMAND):
        taken[purpose] = await requests.take(purpose)
        clock.advance(901)
    assert {1} <= set(taken.values())
    assert set(PURPOSES) == {purpose for purpose in taken if taken[purpose] >= 1}

    together = sum([await requests.take(purpose) for purpose in PURPOSES])

    assert settings.requests == together


@pytest.mark.parametrize("purpose", [POLL, BACKFILL])
async def test_a_pull_uses_the_share_of_its_purpose(
    vendor: Vendor, journal: SqlJournal, clock: ManualClock, purpose: str
) -> None:
    window = Window(NOON - timedelta(hours=4), purpose=purpose)
    async with account(vendor.url, journal, clock) as source:
        for _ in range({POLL: BUDGET.polls, BACKFILL: BUDGET.slack}[purpose]):
            await source.pull(USER_CALLS, window)
        with pytest.raises(SourceThrottled) as caught:
            await source.pull(USER_CALLS, window)

    assert (OWN_QUOTA, None) == (caught.value.reason, caught.value.own_in_window)


async def test_a_source_may_be_held_to_fewer_polls(vendor: Vendor, source: VoipcloudSource) -> None:
    source.allow(1)
    await source.pull(USER_CALLS, Window(NOON))

    with pytest.raises(SourceThrottled):
        await source.pull(USER_CALLS, Window(NOON))


@pytest.mark.parametrize("stream", [USER_CALLS, SYSTEM_STATUS])
async def test_a_refusal_of_the_vendor_tells_how_many_requests_were_ours(
    vendor: Vendor, source: VoipcloudSource, stream: str
) -> None:
    await source.pull(USER_CALLS, Window(NOON))
    await source.pull(USER_CALLS, Window(NOON))
    vendor.answers(b"", 429)

    with pytest.raises(SourceThrottled) as caught:
        await source.pull(stream, Window(NOON))

    assert ("rate_limited", 3) == (caught.value.reason, caught.value.own_in_window)
