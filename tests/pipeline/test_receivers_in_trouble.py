"""
Receivers that fail, over real HTTP: everything arrives in the end, in order, and others are not touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

from relay.model.endpoint import EndpointSpec
from relay.sinks.webhook.guard import Guard
from relay.sinks.webhook.sink import WebhookSink
from relay.sinks.webhook.transport.client import Transport
from relay.testing.manual_clock import ManualClock
from relay.testing.recording_sink import RecordingSink
from tests.journal.making import append_of, call_change
from tests.pipeline.conftest import delivering
from tests.pipeline.test_deliver import assert_in_order, query
from tests.pipeline.test_probing import passing

RETRY_AFTER_S = 30


@dataclass
class Receiver:
    """
    Is up, down (hangs up at once), busy (503) or asks for a wait (429); keeps what it took.
    """

    clock: ManualClock
    mode: str = "up"
    taken: list[str] = field(default_factory=list)
    order_faults: int = 0
    asked: list[tuple[str, datetime]] = field(default_factory=list)
    revisions: Counter[str] = field(default_factory=Counter)

    async def take(self, request: web.Request) -> web.Response:
        """
        Answer as the mode says.
        """
        event = orjson.loads(await request.read())
        self.asked.append((self.mode, self.clock.now()))
        if self.mode == "down" and request.transport is not None:
            request.transport.abort()
        if self.mode != "up":
            wait = {"retry-after": str(RETRY_AFTER_S)} if self.mode == "wait" else {}
            return web.Response(status=429 if wait else 503, headers=wait)
        subject, revision = event["subject"], event["data"]["revision"]
        self.order_faults += self.revisions[subject] >= revision
        self.revisions[subject] = revision
        self.taken.append(request.headers["webhook-id"])
        return web.Response(status=204)


@asynccontextmanager
async def receiving(
    clock: ManualClock, *names: str
) -> AsyncIterator[tuple[dict[str, Receiver], dict[str, WebhookSink]]]:
    """
    Run receivers on loopback, and give what delivers to them.
    """
    receivers = {name: Receiver(clock) for name in names}
    transport = Transport(Guard([ip_network("127.0.0.0/8")], []))
    servers = []
    sinks = {}
    for name, receiver in receivers.items():
        app = web.Application()
        app.router.add_post("/", receiver.take)
        servers.append(server := TestServer(app))
        await server.start_server()
        spec = EndpointSpec(name, str(server.make_url("/")), (b"s" * 24,), ("*",))
        sinks[name] = WebhookSink(spec, transport, clock)
    try:
        yield receivers, sinks
    finally:
        await transport.close()
        for server in servers:
            await server.close()


async def test_nothing_is_lost_to_a_receiver_that_answers_503_at_once_while_thousands_arrive(
    journal_path: Path,
) -> None:
    clock = ManualClock(datetime.now(UTC))
    async with receiving(clock, "crm") as (receivers, sinks):
        crm = receivers["crm"]
        crm.mode = "busy"
        async with delivering(journal_path, sinks, clock, lambda _: 1.0) as running:
            for start in range(0, 1_350, 50):
                await running.append(append_of(*(call_change(f"c{n}") for n in range(start, start + 50))))
                await clock.run_for(1.2)
            before = len(crm.asked)
            crm.mode = "up"
            await passing(clock, lambda: len(crm.taken) >= 4_050)
            await passing(clock, lambda: "endpoint.recovered" in running.told)

    assert 4_050 == len(set(crm.taken)) == len(crm.taken)
    assert 0 == crm.order_faults
    assert before < 100  # ten in a row, what was in flight beside them, and a few probes
    assert ["endpoint.failing", "endpoint.recovered"] == running.told


async def test_a_receiver_that_comes_back_slowly_gets_all_of_it_and_no_other_is_touched(
    journal_path: Path,
) -> None:
    clock = ManualClock(datetime.now(UTC))
    async with receiving(clock, "crm", "ops") as (receivers, sinks):
        crm, ops = receivers["crm"], receivers["ops"]
        crm.mode = "down"
        async with delivering(journal_path, sinks, clock, lambda _: 5.0, max_in_flight=4) as running:
            for start in range(0, 120, 20):  # two minutes
                await running.append(append_of(*(call_change(f"c{n}") for n in range(start, start + 20))))
                seen = 3 * (start + 20)
                await passing(clock, lambda seen=seen: calls_of(ops) == seen)  # type: ignore[misc]
                end = clock.now() + timedelta(seconds=20)
                await passing(clock, lambda end=end: clock.now() >= end)  # type: ignore[misc]
            crm.mode = "wait"
            await passing(clock, lambda: crm.asked[-1][0] == "wait")
            asked_at = crm.asked[-1][1]
            crm.mode = "up"
            await passing(clock, lambda: calls_of(crm) == 360)
            await passing(clock, lambda: "endpoint.recovered" in running.told)

    (first_up, *_) = (at for mode, at in crm.asked if mode == "up")
    assert (0, 0) == (crm.order_faults, ops.order_faults)
    assert 1 == sum(mode == "wait" for mode, _ in crm.asked)
    assert first_up - asked_at >= timedelta(seconds=RETRY_AFTER_S - 1)
    assert {"up"} == {mode for mode, _ in ops.asked}
    assert [("delivered", 360)] == query(
        journal_path, "SELECT status, count(*) FROM deliveries WHERE endpoint_no = 1 GROUP BY status"
    )


async def test_ten_thousand_that_wait_for_a_paused_endpoint_take_no_memory_and_drain_in_order(
    journal_path: Path,
) -> None:
    crm = RecordingSink()
    async with delivering(journal_path, {"crm": crm}) as running:
        await running.deliver.pause("crm")
        for start in range(0, 3_400, 100):
            await running.append(append_of(*(call_change(f"c{n}") for n in range(start, start + 100))))
        assert 0 == running.deliver._endpoints.lanes[1].queue._held

        await running.deliver.resume("crm")
        await running.settled(timeout_s=60)

    assert (10_200, 10_200) == (len(crm.attempted), len({delivery.seq for delivery in crm.delivered}))
    assert_in_order(crm.delivered)


def calls_of(receiver: Receiver) -> int:
    """
    Return how many events about calls a receiver has.
    """
    return sum(revision for subject, revision in receiver.revisions.items() if subject.startswith("call/"))
