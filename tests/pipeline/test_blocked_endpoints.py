"""
An endpoint at a closed address: refused when it is made, blocked when it is tested and delivered to, visibly.
"""

from __future__ import annotations

from pathlib import Path

from relay.config.webhook_secret import decode_secret, new_secret
from relay.model.endpoint import EndpointSpec
from relay.model.outcome import TryLater
from relay.sinks.port import DeliverySink
from relay.sinks.webhook.guard import Guard
from relay.sinks.webhook.sink import WebhookSink
from relay.sinks.webhook.transport.client import Transport
from relay.system_clock import SystemClock
from tests.journal.making import append_of, call_change
from tests.journal.registry import query
from tests.pipeline.conftest import delivering
from tests.sinks.webhook.raw_server import NO_CONTENT, says, serving
from tests.sinks.webhook.test_addresses_dialled import ScriptedNames


async def test_a_blocked_endpoint_is_told_by_its_test_its_attempts_and_its_metric(journal_path: Path) -> None:
    guard = Guard([], [])
    transport = Transport(guard, resolver=ScriptedNames(["127.0.0.1"]))
    async with serving(says(NO_CONTENT)) as server:
        url = server.url("hooks.example")

        def open_sink(spec: EndpointSpec) -> DeliverySink:
            at_url = EndpointSpec(spec.id, url, (decode_secret(new_secret()),), ("*",))
            return WebhookSink(at_url, transport, SystemClock())

        async with delivering(
            journal_path, {}, of_file=["crm"], open_sink=open_sink, next_delay_s=lambda _: None
        ) as running:
            tested = (await running.deliver.test("crm")).outcome
            await running.append(append_of(call_change("a")))
            await running.settled()
            attempts = running.metrics.registry.get_sample_value(
                "relay_delivery_attempts_total", {"endpoint": "crm", "outcome": "blocked"}
            )
        await transport.close()
        refused = [guard.refusal_of_url(server.url()), guard.refusal_of_url(url)]
        connections = server.connections

    words = "hooks.example may not be reached: 127.0.0.1 is loopback"
    assert ["127.0.0.1 is loopback", None] == refused  # what a name leads to is not known yet
    assert TryLater("blocked", answer=words.encode()) == tested
    assert {("blocked", words.encode())} == set(query(journal_path, "SELECT reason, answer FROM attempts"))
    assert (3, 0) == (attempts, connections)
