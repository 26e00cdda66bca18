"""
The command line against a relay that runs: register a webhook, look at what it gets, take it away.
"""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from relay.testing.receiver import VerifyingReceiver
from relay.twin.voipcloud.settings import Traffic
from tests.cli.conftest import Finished
from tests.cli.speaking import ran
from tests.whole.conftest import SetUp
from tests.whole.scene import ENDPOINT, Scene, Wishes

pytestmark = pytest.mark.whole

KEY = "k3y-of-the-operators"
SECRET = "whsec_YXVkaXRhdWRpdGF1ZGl0YXVkaXRhdWRpdGF1ZGl0"
KEYS = f'[[server.api_keys]]\nname = "ops"\nkey = "{KEY}"\nscopes = ["*"]\n'


@dataclass(frozen=True)
class Terminal:
    """
    Where somebody types commands, with a receiver of their own.
    """

    scene: Scene
    receiver: VerifyingReceiver
    url: str

    async def run(self, *words: str, key: str = KEY, said: str = "") -> Finished:
        """
        Run a command to its end.
        """
        return await ran(self.url, *words, said=said, RELAY_API_KEY=key)

    async def answer(self, *words: str) -> Any:
        """
        Run a command that must not fail; return the JSON that it prints.
        """
        done = await self.run(*words, "--json")

        assert (0, "") == (done.code, done.err), f"{words}: {self.scene.relay.said()}"
        return orjson.loads(done.out)

    async def register(self) -> Finished:
        """
        Register the receiver as `audit`.
        """
        options = ("--id", "audit", "--events", "call.*", "--secret-file", "-")
        return await self.run("endpoints", "add", self.receiver.url, *options, said=SECRET)


@pytest.fixture
async def terminal(set_up: SetUp) -> AsyncIterator[Terminal]:
    """
    Give a terminal beside a running relay that asks for a key and reads calls.
    """
    scene = await set_up(Traffic(calls_per_minute=9, speed=20), Wishes(more=KEYS))
    server = tomllib.loads(scene.relay.config.read_text())["server"]
    await scene.relay.start()
    async with VerifyingReceiver(SECRET) as receiver:
        yield Terminal(scene, receiver, f"http://{server['listen']}")


async def test_an_endpoint_is_registered_changed_and_taken_away(terminal: Terminal) -> None:
    made = await terminal.register()
    await terminal.receiver.wait_for(3, 40)
    listed = await terminal.answer("endpoints", "list")
    tested = await terminal.answer("endpoints", "test", "audit")
    paused = await terminal.answer("endpoints", "pause", "audit")
    resumed = await terminal.answer("endpoints", "resume", "audit")
    rotated = await terminal.answer("endpoints", "new-secret", "audit", "--overlap", "600")
    stats = await terminal.answer("endpoints", "stats", "audit")
    deleted = await terminal.run("endpoints", "delete", "audit")
    shown = await terminal.run("endpoints", "show", "audit")

    assert (0, "", 1) == (made.code, made.err, made.out.count(SECRET))
    assert {ENDPOINT: True, "audit": False} == {one["id"]: one["is_from_file"] for one in listed["items"]}
    assert ["ok", "paused", "healthy"] == [tested["reason"], paused["state"], resumed["state"]]
    assert rotated["secret"].startswith("whsec_")
    assert stats["by_status"]["delivered"] >= 3
    assert (0, "audit is deleted.\n") == (deleted.code, deleted.out)
    assert (1, "", True) == (shown.code, shown.out, "(404)" in shown.err)
    assert 0 == terminal.receiver.bad_signatures


async def test_a_delivery_is_found_looked_at_and_resent(terminal: Terminal) -> None:
    await terminal.register()
    await terminal.receiver.wait_for(3, 40)
    filters = ("--endpoint", "audit", "--status", "delivered", "--type", "call.*")

    async def is_settled() -> bool:
        # Outcomes are written a moment after the receiver had the events.
        return len((await terminal.answer("deliveries", *filters, "--limit", "2"))["items"]) == 2

    await terminal.scene.relay.wait_for(is_settled, "settled")
    first = (await terminal.answer("deliveries", *filters, "--limit", "1"))["items"][0]
    shown = await terminal.answer("deliveries", "show", first["id"])
    again = await terminal.answer("deliveries", "resend", first["id"])

    async def is_resent() -> bool:
        return terminal.receiver.resent == 1

    await terminal.scene.relay.wait_for(is_resent, "resent")
    assert first == shown["delivery"]
    assert [("ok", 204)] == [(one["reason"], one["http_status"]) for one in shown["attempts"]["items"]]
    assert (first["event_id"], True) == (again["event_id"], again["job"] > 0)


async def test_what_is_refused_is_told(terminal: Terminal) -> None:
    no_key = await terminal.run("endpoints", "list", key="")
    of_file = await terminal.run("endpoints", "delete", ENDPOINT)
    private = await terminal.run("endpoints", "add", "http://10.0.0.1/", "--events", "call.*,calls.*")

    assert [(1, ""), (1, ""), (1, "")] == [(one.code, one.out) for one in (no_key, of_file, private)]
    assert ["(401)" in no_key.err, "(409)" in of_file.err, "(422)" in private.err] == [True] * 3
    assert "\n  events[1]: `calls.*` matches no type of event" in private.err
