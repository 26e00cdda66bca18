"""
Testing an endpoint because a person asks: one signed event, outside the lane and the journal.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator

from relay.config.webhook_secret import decode_secret, new_secret
from relay.model.errors import Conflict
from relay.model.outcome import Delivered, GiveUp, TryLater
from relay.model.schemas import envelope_schema
from relay.sinks.port import DeliverySink
from relay.sinks.webhook.guard import Guard
from relay.sinks.webhook.sink import WebhookSink
from relay.sinks.webhook.transport.client import Transport
from relay.system_clock import SystemClock
from relay.testing.receiver import VerifyingReceiver
from relay.testing.recording_sink import RecordingSink
from tests.journal.making import append_of, call_change, endpoint_spec
from tests.pipeline.conftest import delivering


async def test_a_receiver_gets_a_signed_event_of_the_contract(journal_path: Path) -> None:
    secret, transport = new_secret(), Transport(Guard([ip_network("127.0.0.0/8")], []))
    async with VerifyingReceiver(secret) as receiver:

        def open_sink(spec: object) -> DeliverySink:
            return sink_to(receiver.url, secret, transport)

        async with delivering(journal_path, {}, of_file=["crm"], open_sink=open_sink) as running:
            result = await running.deliver.test("crm")
            last_seq = (await running.journal.stats()).last_seq
    await transport.close()

    assert (Delivered(204), 0) == (result.outcome, last_seq)
    event = receiver.events[result.event_id]
    assert [] == list(Draft202012Validator(envelope_schema("endpoint.test")).iter_errors(event))
    assert ("endpoint.test", "endpoint/crm", "/endpoints/crm") == (
        event["type"],
        event["subject"],
        event["source"],
    )
    assert ("crm", "healthy") == (event["data"]["endpoint_id"], event["data"]["state"])
    assert result.event_id.startswith("evt_test_")


@pytest.mark.parametrize(
    "outcome", [TryLater("http_4xx", 401, b"who?", is_refusal=True), GiveUp("http_410", 410)]
)
async def test_whatever_comes_of_it_the_endpoint_stays_as_it_is(
    journal_path: Path, outcome: TryLater | GiveUp
) -> None:
    crm = RecordingSink(lambda _: outcome)
    async with delivering(journal_path, {"crm": crm}) as running:
        for _ in range(4):
            assert outcome == (await running.deliver.test("crm")).outcome
        crm.answer = lambda _: Delivered(200)
        await running.append(append_of(call_change("a", events=1)))
        await running.settled()

    assert ([], 5) == (running.told, len({delivery.event_id for delivery in crm.attempted}))


async def test_a_paused_endpoint_can_be_tested_beside_what_waits(journal_path: Path) -> None:
    crm = RecordingSink()
    async with delivering(journal_path, {"crm": crm}) as running:
        await running.deliver.pause("crm")
        await running.append(append_of(call_change("a", events=1)))

        result = await running.deliver.test("crm")

    (sent,) = crm.attempted
    assert result.event_id == sent.event_id
    assert "paused" == orjson.loads(sent.body)["data"]["state"]


async def test_at_most_five_at_a_time_over_all_endpoints(journal_path: Path) -> None:
    sinks = {name: RecordingSink() for name in ("crm", "ops")}
    for sink in sinks.values():
        sink.gate.clear()
    async with delivering(journal_path, sinks) as running:
        under_way = [
            asyncio.create_task(running.deliver.test(name)) for name in ("crm", "ops", "crm", "ops", "crm")
        ]
        await sinks["crm"].wait_until(lambda sink: sink.in_flight == 3)
        await sinks["ops"].wait_until(lambda sink: sink.in_flight == 2)

        with pytest.raises(Conflict, match="5 tests are under way"):
            await running.deliver.test("ops")
        cancelled = under_way.pop()
        cancelled.cancel()
        await asyncio.wait({cancelled})
        for sink in sinks.values():
            sink.gate.set()
        results = [await task for task in under_way]
        assert Delivered(200) == (await running.deliver.test("ops")).outcome

    assert [Delivered(200)] * 4 == [result.outcome for result in results]


async def test_a_bug_in_a_sink_is_an_answer(journal_path: Path) -> None:
    def broken(_: object) -> Delivered:
        raise ZeroDivisionError("a bug")

    async with delivering(journal_path, {"crm": RecordingSink(broken)}) as running:
        result = await running.deliver.test("crm")

    assert TryLater("bug", answer=b"ZeroDivisionError('a bug')") == result.outcome


def sink_to(url: str, secret: str, transport: Transport) -> WebhookSink:
    """
    Make a sink that signs.
    """
    spec = replace(endpoint_spec(url=url), secrets=(decode_secret(secret),))
    return WebhookSink(spec, transport, SystemClock())
