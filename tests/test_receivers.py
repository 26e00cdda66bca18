"""
The examples of receivers in docs/receivers: relay's own sink sends to each of them what a receiver meets.

They run as they are written there, with the interpreters of the machine; one that is missing fails the test.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

import pytest

from relay.config.webhook_secret import decode_secret, new_secret
from relay.model.clock import Clock
from relay.model.endpoint import Delivery, EndpointSpec
from relay.model.event import Event
from relay.model.outcome import Delivered, Outcome, TryLater
from relay.sinks.webhook.guard import Guard
from relay.sinks.webhook.sink import WebhookSink
from relay.sinks.webhook.transport.client import Transport
from relay.system_clock import SystemClock
from relay.testing.manual_clock import ManualClock

FOLDER: Final = Path(__file__).parents[1] / "docs" / "receivers"
CALL: Final = "call/pbx/leg_a"
ABSORBED: Final = "call/pbx/leg_b"
SECRET: Final = new_secret()
NOW: Final = datetime.now(UTC)
DEADLINE_S: Final = 20

Send = Callable[..., Awaitable[Outcome]]


@dataclass(slots=True)
class Example:
    """
    One example: how it is started, and what it has kept.
    """

    language: str
    port: int
    file: Path

    def command(self) -> tuple[str, ...]:
        """
        Return its command line.
        """
        return {
            "python": (
                sys.executable,
                str(FOLDER / "python" / "receiver.py"),
                str(self.port),
                str(self.file),
            ),
            "node": ("node", str(FOLDER / "node" / "receiver.mjs"), str(self.port), str(self.file)),
            "php": ("php", "-S", f"127.0.0.1:{self.port}", str(FOLDER / "php" / "receiver.php")),
        }[self.language]

    async def start(self, stack: AsyncExitStack) -> None:
        """
        Start it; return once it takes connections.
        """
        process = await asyncio.create_subprocess_exec(
            *self.command(),
            env={"PATH": os.environ["PATH"], "WEBHOOK_SECRET": SECRET, "CALLS_DB": str(self.file)},
        )

        async def end() -> None:
            process.kill()
            await process.wait()

        stack.push_async_callback(end)
        async with asyncio.timeout(DEADLINE_S):
            while not self._listens():
                assert process.returncode is None
                await asyncio.sleep(0.02)

    def kept(self) -> dict[str, tuple[int, str | None, dict[str, Any]]]:
        """
        Return revision, absorbing call and record of each subject, from the file.
        """
        if self.language == "node":
            records = json.loads(self.file.read_text())["records"]
            return {one["subject"]: (one["revision"], one["absorbed_into"], one["data"]) for one in records}
        with closing(sqlite3.connect(self.file)) as database:
            rows = database.execute("SELECT subject, revision, absorbed_into, data FROM records")
            return {subject: (revision, into, json.loads(data)) for subject, revision, into, data in rows}

    def seen(self) -> list[str]:
        """
        Return the ids that it has taken, from the file.
        """
        if self.language == "node":
            return sorted(json.loads(self.file.read_text())["seen"])
        with closing(sqlite3.connect(self.file)) as database:
            return [event_id for (event_id,) in database.execute("SELECT id FROM seen ORDER BY id")]

    def _listens(self) -> bool:
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture(params=["python", "node", "php"])
def example(request: pytest.FixtureRequest, tmp_path: Path) -> Example:
    """
    Give an example that does not run yet.
    """
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    return Example(request.param, port, tmp_path / "calls")


@pytest.fixture
async def send(example: Example) -> AsyncIterator[Send]:
    """
    Give a function that makes one attempt, as relay makes it.
    """
    transport = Transport(Guard([ip_network("127.0.0.0/8")], []))

    async def send(
        event: Event, secret: str = SECRET, clock: Clock | None = None, attempt: int = 0
    ) -> Outcome:
        spec = EndpointSpec("crm", f"http://127.0.0.1:{example.port}/", (decode_secret(secret),), ("*",))
        sink = WebhookSink(spec, transport, clock or SystemClock())
        return await sink.deliver(Delivery(1, 1, 0, 1, event.id, attempt, 0, 0, event.to_json(NOW)))

    yield send
    await transport.close()


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """
    Give a stack for what must end with the test.
    """
    async with AsyncExitStack() as stack:
        yield stack


def event(
    revision: int, state: str, event_type: str = "call.updated", subject: str = CALL, **more: Any
) -> Event:
    return Event(
        id=f"evt_{subject[-1]}_{revision}",
        type=event_type,
        source_id="pbx",
        subject=subject,
        revision=revision,
        occurred_at=NOW,
        observed_at=NOW,
        precision_s=1,
        data={"call_id": subject.rpartition("/")[2], "state": state, "agent_name": "Zoë", "legs": [], **more},
    )


async def test_it_ends_with_the_right_record(example: Example, send: Send, stack: AsyncExitStack) -> None:
    before = await send(event(1, "started"))
    await example.start(stack)
    outcomes = [
        await send(event(1, "started"), attempt=1),
        await send(event(3, "ended")),
        await send(event(3, "ended")),  # again: the answer was lost
        await send(event(2, "answered")),  # late: a replay, or an endpoint without order
    ]

    assert isinstance(before, TryLater)
    assert [Delivered(204)] * 4 == outcomes
    revision, absorbed_into, record = example.kept()[CALL]
    assert (3, None, "ended", "Zoë", []) == (
        revision, absorbed_into, record["state"], record["agent_name"], record["legs"],
    )  # fmt: skip
    assert ["evt_a_1", "evt_a_2", "evt_a_3"] == example.seen()


async def test_a_call_that_another_absorbed_points_there(
    example: Example, send: Send, stack: AsyncExitStack
) -> None:
    await example.start(stack)
    await send(event(1, "started", subject=ABSORBED))
    await send(event(2, "ended", "call.merged", ABSORBED, absorbed_into="leg_a", absorbed_call_id=None))
    await send(event(4, "ended", "call.merged", CALL, absorbed_into=None, absorbed_call_id="leg_b"))

    assert {CALL: (4, None), ABSORBED: (2, "leg_a")} == {
        subject: (revision, into) for subject, (revision, into, _) in example.kept().items()
    }


async def test_it_refuses_what_is_not_genuine_and_goes_on(
    example: Example, send: Send, stack: AsyncExitStack
) -> None:
    await example.start(stack)
    await send(event(1, "started"))
    refused = [
        await send(event(5, "forged"), secret=new_secret()),
        await send(event(6, "played back"), clock=ManualClock(datetime.now(UTC) - timedelta(minutes=6))),
        await send(event(7, "of the future"), clock=ManualClock(datetime.now(UTC) + timedelta(minutes=6))),
    ]
    taken = await send(event(2, "answered"))

    assert [("http_4xx", 401)] * 3 == [
        (one.reason, one.status) for one in refused if isinstance(one, TryLater)
    ]
    assert (Delivered(204), 2) == (taken, example.kept()[CALL][0])
    assert ["evt_a_1", "evt_a_2"] == example.seen()


async def test_it_starts_again_with_what_it_had(example: Example, send: Send, stack: AsyncExitStack) -> None:
    async with AsyncExitStack() as first:
        await example.start(first)
        await send(event(2, "answered"))
    await example.start(stack)
    await send(event(1, "started"))

    assert 2 == example.kept()[CALL][0]
    assert ["evt_a_1", "evt_a_2"] == example.seen()
