"""
Endpoints that get nothing for now: why, said to a person, and what ends it.
"""

from __future__ import annotations

import logging
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from relay.journal.port import EndpointChange
from relay.journal.store import open_sqlite
from relay.model.times import to_ms
from relay.pipeline.deliver import Deliver
from relay.pipeline.lane_context import WebhookEndpoint
from relay.sinks.port import DeliverySink
from relay.sinks.webhook.verdict import judge
from relay.system_clock import SystemClock
from relay.telemetry.metrics import Metrics
from relay.testing.manual_clock import ManualClock
from relay.testing.recording_sink import RecordingSink
from tests.journal.making import IDS, NOW, append_of, call_change, endpoint_spec, settled
from tests.pipeline.conftest import delivering


@pytest.mark.parametrize(("status", "wait_s"), [(429, 60), (503, 5)])
@pytest.mark.parametrize("retry_after", ["0", "Thu, 01 Jan 1970 00:00:00 GMT"])
async def test_a_receiver_that_asks_for_no_wait_is_not_sent_to_without_pause(
    journal_path: Path, status: int, wait_s: int, retry_after: str
) -> None:
    """
    Asked to wait until now, relay would send again at once, be asked again, and so on for ever.
    """
    clock = ManualClock(SystemClock().now())
    crm = RecordingSink(lambda _: judge(status, {"retry-after": retry_after}, b"", clock.now()))
    ops = RecordingSink()
    sinks: dict[str, DeliverySink] = {"crm": crm, "ops": ops}
    async with delivering(journal_path, sinks, clock=clock, next_delay_s=lambda _: 5.0) as running:
        for n in range(9):  # each a round through the journal; ten failures would have it only probed
            await running.append(append_of(call_change(f"c{n}", events=1)))
            await ops.wait_until(lambda sink, n=n: len(sink.delivered) == n + 1)  # type: ignore[misc]
            await clock.run_for(0.1)
        assert 1 == most_attempts(crm)

        await clock.run_for(wait_s)
        await crm.wait_until(lambda sink: most_attempts(sink) == 2)


async def test_a_new_receiver_is_not_held_by_what_the_old_one_asked_for(journal_path: Path) -> None:
    """
    The deliveries and their endpoint wait for an hour; at a new address they go out at once.
    """
    clock = ManualClock(SystemClock().now())
    in_an_hour_ms = to_ms(clock.now() + timedelta(hours=1))
    async with open_sqlite(journal_path, "tests", NOW) as journal:
        (crm,) = await journal.sync_endpoints([endpoint_spec(url="https://old.example.com/")], NOW)
        appended = await journal.append(append_of(call_change("a", events=1), call_change("b", events=1)))
        await journal.settle(
            [settled(delivery, "pending", due_at_ms=in_an_hour_ms) for delivery in appended.deliveries]
        )
        await journal.hold_endpoint(crm.no, in_an_hour_ms)

    new = RecordingSink()
    async with delivering(journal_path, {"crm": new}, clock=clock):
        await new.wait_until(lambda sink: len(sink.delivered) == 2)


@pytest.mark.parametrize("state", ["disabled", "paused"])
async def test_a_start_names_the_endpoints_that_get_nothing_and_says_why(
    journal_path: Path, caplog: pytest.LogCaptureFixture, state: str
) -> None:
    names = ["crm", "ops"]
    async with open_sqlite(journal_path, "tests", NOW) as journal:
        specs = [endpoint_spec(name) for name in names]
        _, ops = await journal.sync_endpoints(specs, NOW)
        await journal.change_endpoint(EndpointChange(ops.no, state, "http_410", ()), NOW)
        deliver = Deliver(journal, journal.registry, ManualClock(), Metrics(CollectorRegistry()), IDS)

        with caplog.at_level(logging.WARNING):
            await deliver.start(
                specs, lambda spec: WebhookEndpoint(spec, RecordingSink(), lambda _: None), lambda _: None
            )

    said = [
        (vars(r)["endpoint"], vars(r)["state"], vars(r)["reason"])
        for r in caplog.records
        if r.name == "relay.pipeline.deliver"
    ]
    assert [("ops", state, "http_410")] == said


def most_attempts(sink: RecordingSink) -> int:
    """
    Return how often the event that was attempted most was attempted.
    """
    return max(Counter(delivery.seq for delivery in sink.attempted).values())
