"""
The operators' listener, asked over HTTP.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as plain_families

from relay.api.ops import ops_listener
from relay.model.errors import ConfigError
from relay.telemetry.health import Health
from relay.telemetry.metrics import Metrics

ANY_PORT = ("127.0.0.1", 0)


@dataclass
class Ops:
    """
    A running listener, what it shows, and a client for it.
    """

    metrics: Metrics
    health: Health
    client: aiohttp.ClientSession


@pytest.fixture
async def ops() -> AsyncIterator[Ops]:
    """
    Run a listener on a free port.
    """
    metrics, health = Metrics(CollectorRegistry()), Health(["config", "journal"])
    async with ops_listener(ANY_PORT, metrics, health) as (host, port):
        async with aiohttp.ClientSession(f"http://{host}:{port}") as client:
            yield Ops(metrics, health, client)


async def test_metrics_are_plain_text_where_nothing_else_is_asked_for(ops: Ops) -> None:
    ops.metrics.journal_last_seq.set(41)

    async with ops.client.get("/metrics") as answer:
        families = {family.name: family for family in plain_families(await answer.text())}

    assert "text/plain; version=0.0.4; charset=utf-8" == answer.headers["Content-Type"]
    assert 41 == families["relay_journal_last_seq"].samples[0].value


async def test_metrics_are_openmetrics_where_asked_for(ops: Ops) -> None:
    accept = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}

    async with ops.client.get("/metrics", headers=accept) as answer:
        text = await answer.text()
    # The library has no types for its parser.
    families = {family.name for family in openmetrics_families(text)}  # type: ignore[no-untyped-call]

    assert answer.headers["Content-Type"].startswith(
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    )
    assert "relay_deliveries" in families


async def test_a_scrape_tells_how_long_the_one_before_took(ops: Ops) -> None:
    async with ops.client.get("/metrics") as answer:
        await answer.read()

    assert 0 < (ops.metrics.registry.get_sample_value("relay_metrics_render_duration_seconds") or 0)


async def test_livez_is_ok_whatever_is_not_ready(ops: Ops) -> None:
    async with ops.client.get("/livez") as answer:
        assert (200, "ok\n") == (answer.status, await answer.text())


async def test_readyz_says_what_is_missing(ops: Ops) -> None:
    ops.health.set("config", True)
    ops.health.set("journal", False, "disk full")

    async with ops.client.get("/readyz") as answer:
        body = await answer.json()

    assert 503 == answer.status
    assert {"ready": False, "conditions": [{"name": "journal", "ok": False, "reason": "disk full"}]} == body


async def test_readyz_is_ok_once_everything_is(ops: Ops) -> None:
    ops.health.set("config", True)
    ops.health.set("journal", True)

    async with ops.client.get("/readyz") as brief, ops.client.get("/readyz?verbose") as verbose:
        bodies = [await brief.json(), await verbose.json()]

    assert [200, 200] == [brief.status, verbose.status]
    assert [] == bodies[0]["conditions"]
    assert ["config", "journal"] == [condition["name"] for condition in bodies[1]["conditions"]]


async def test_an_address_in_use_is_a_fault_of_the_configuration() -> None:
    with socket.create_server(ANY_PORT) as taken:
        with pytest.raises(
            ConfigError, match=r"server\.ops_listen: cannot listen on 127\.0\.0\.1 port \d+: .+"
        ):
            async with ops_listener(taken.getsockname(), Metrics(CollectorRegistry()), Health([])):
                pytest.fail("a second listener got the same port")


async def test_the_port_is_free_again_afterwards() -> None:
    async with ops_listener(ANY_PORT, Metrics(CollectorRegistry()), Health([])) as address:
        pass

    async with ops_listener(address, Metrics(CollectorRegistry()), Health([])) as again:
        assert address == again
