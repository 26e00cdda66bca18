"""
A provider of number look-ups over real HTTP: good answers, bad ones, none; what is kept, and for how long.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry

from relay.model.errors import SourceGarbled, SourceRefused, SourceUnreachable
from relay.model.number_status import INVALID, UNKNOWN, UNREACHABLE, VALID
from relay.sources.hlr.answer import read_lookup
from relay.sources.hlr.lookup import KEPT_S, HlrLookup, HlrSettings
from relay.sources.wire import Answer
from relay.telemetry.metrics import Metrics
from relay.testing.manual_clock import ManualClock
from relay.twin.hlr.server import HlrTwinSettings, RunningHlr, start_hlr_twin

NUMBER = "+447911123400"


class Desk:
    """
    A look-up at the simulated provider, with its clock and its metrics.
    """

    def __init__(self, lookup: HlrLookup, provider: RunningHlr, clock: ManualClock, metrics: Metrics) -> None:
        self.look_up = lookup.look_up
        self.provider = provider
        self.clock = clock
        self._metrics = metrics

    def counted(self) -> Mapping[str, float]:
        """
        Return the outcomes that were counted.
        """
        name, registry = "relay_number_lookups_total", self._metrics.registry
        outcomes = (VALID, INVALID, UNREACHABLE, UNKNOWN, "cached")
        values = {one: registry.get_sample_value(name, {"outcome": one}) or 0 for one in outcomes}
        return {one: value for one, value in values.items() if value}


@asynccontextmanager
async def desk(**changes: object) -> AsyncIterator[Desk]:
    """
    Open a look-up at a simulated provider.
    """
    provider = await start_hlr_twin(HlrTwinSettings(token="s3cret", slow_s=30))
    settings = HlrSettings(provider.lookup_url, "s3cret")
    clock, metrics = ManualClock(), Metrics(CollectorRegistry())
    try:
        async with HlrLookup(replace(settings, **changes), clock, metrics) as lookup:  # type: ignore[arg-type] # by name
            yield Desk(lookup, provider, clock, metrics)
    finally:
        await provider.close()


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_number_is_what_the_provider_says(method: str) -> None:
    async with desk(method=method) as opened:
        statuses = [await opened.look_up(f"+4479111234{ending}") for ending in ("00", "90", "91", "92")]
        asked = list(opened.provider.twin.asked)

    assert [VALID, INVALID, UNREACHABLE, UNKNOWN] == statuses
    assert [f"+4479111234{ending}" for ending in ("00", "90", "91", "92")] == asked
    assert {VALID: 1, INVALID: 1, UNREACHABLE: 1, UNKNOWN: 1} == opened.counted()


@pytest.mark.parametrize("ending", ["94", "95", "96", "97"])
async def test_a_bad_answer_is_unknown_and_asked_for_again(ending: str) -> None:
    async with desk() as opened:
        statuses = [await opened.look_up(f"+4479111234{ending}") for _ in range(2)]

        assert ([UNKNOWN] * 2, 2) == (statuses, opened.provider.twin.requests)


async def test_a_late_answer_is_unknown() -> None:
    async with desk(timeout_s=0.05) as opened:
        assert UNKNOWN == await opened.look_up("+447911123493")


@pytest.mark.parametrize("changes", [{"token": "wrong"}, {"url": "http://127.0.0.1:1/lookup"}])
async def test_a_wrong_token_or_address_is_unknown(changes: Mapping[str, str]) -> None:
    async with desk(**changes) as opened:
        assert UNKNOWN == await opened.look_up(NUMBER)
        assert [] == list(opened.provider.twin.asked)


async def test_an_answer_is_kept_for_a_day() -> None:
    async with desk() as opened:
        for seconds in (0, KEPT_S - 1, 1, 1):
            opened.clock.advance(seconds)
            assert VALID == await opened.look_up(NUMBER)

        assert (2, {VALID: 2, "cached": 2}) == (opened.provider.twin.requests, opened.counted())


async def test_no_more_answers_are_kept_than_allowed() -> None:
    async with desk(max_kept=2) as opened:
        for number in ("+441", "+442", "+443", "+443", "+442", "+441"):
            await opened.look_up(number)

        assert ["+441", "+442", "+443", "+441"] == list(opened.provider.twin.asked)


async def test_one_number_is_asked_for_once_at_a_time_or_a_few_times_at_most() -> None:
    async with desk() as opened:
        found = await asyncio.gather(*(opened.look_up(NUMBER) for _ in range(40)))

        assert [VALID] * 40 == found
        assert opened.provider.twin.requests <= 4


async def test_no_more_than_four_are_under_way() -> None:
    under_way, most = 0, 0
    release = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if under_way == 4:
            release.set()
        await release.wait()
        under_way -= 1
        return web.json_response({"number": request.query["number"], "status": VALID})

    application = web.Application()
    application.router.add_get("/", answer)
    async with TestServer(application) as server, desk(url=str(server.make_url("/"))) as opened:
        await asyncio.gather(*(opened.look_up(f"+4479111234{number:02}") for number in range(20)))

    assert 4 == most


async def test_one_failure_and_one_recovery_are_logged_without_number_or_token(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with desk() as opened:
        for ending in ("00", "94", "95", "94", "01", "02"):
            await opened.look_up(f"+4479111234{ending}")

    records = [record for record in caplog.records if record.name.startswith("relay.sources.hlr")]
    assert ["number look-ups fail", "number look-ups work again"] == [one.getMessage() for one in records]
    assert not any("79111234" in str(vars(one)) or "s3cret" in str(vars(one)) for one in records)


def answer_of(body: bytes, status: int = 200) -> Answer:
    """
    Make an answer.
    """
    return Answer(status, {}, body)


@pytest.mark.parametrize("told", ["+447911123400", "447911123400", "+44 7911 123400"])
def test_the_number_may_be_written_otherwise(told: str) -> None:
    body = b'{"number": "%b", "status": "unreachable", "more": [1]}' % told.encode()

    assert UNREACHABLE == read_lookup(answer_of(body), NUMBER, ())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b'{"status": "valid"}',
        b'{"number": 447911123400, "status": "valid"}',
        b'{"number": "+447911123401", "status": "valid"}',
        b'{"number": "+447911123400"}',
        b'{"number": "+447911123400", "status": "VALID"}',
        b'{"number": "+447911123400", "status": null}',
        b'{"number": "+447911123400", "status": ["valid"]}',
    ],
)
def test_what_was_not_agreed_on_is_garbled(body: bytes) -> None:
    with pytest.raises(SourceGarbled):
        read_lookup(answer_of(body), NUMBER, ())


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [
        (401, SourceRefused, "auth"),
        (403, SourceRefused, "auth"),
        (302, SourceUnreachable, "http_4xx"),
        (404, SourceUnreachable, "http_4xx"),
        (429, SourceUnreachable, "rate_limited"),
        (503, SourceUnreachable, "http_5xx"),
    ],
)
def test_every_other_status_is_no_answer(status: int, error: type[Exception], reason: str) -> None:
    with pytest.raises(error) as raised:
        read_lookup(answer_of(b'{"number": "+447911123400", "status": "valid"}', status), NUMBER, ())

    assert reason == raised.value.reason  # type: ignore[attr-defined] # of SourceError


def test_a_garbled_answer_is_shown_without_the_token() -> None:
    with pytest.raises(SourceGarbled) as raised:
        read_lookup(answer_of(b"you sent s3cret"), NUMBER, ("s3cret",))

    assert "you sent [redacted]" == raised.value.sample
