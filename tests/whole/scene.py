"""
A phone system, a receiver and relay between them, with a configuration for the three.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import orjson

from relay import journal_assembly
from relay.model.event import StoredEvent
from relay.testing.receiver import VerifyingReceiver
from relay.twin.audit import Audit, audit
from relay.twin.truth import TruthCall
from relay.twin.voipcloud.server import RunningTwin
from tests.whole.processes import RelayProcess, free_ports

SECRET: Final = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
SOURCE: Final = "pbx"
ENDPOINT: Final = "crm"
TOKEN: Final = "t0ken"

CONFIG: Final = """\
[server]
listen = "127.0.0.1:{api_port}"
ops_listen = "127.0.0.1:{ops_port}"
[journal]
url = "sqlite:///{journal}"
[webhooks]
allow_private = ["127.0.0.0/8"]
[[sources]]
id = "pbx"
kind = "voipcloud"
base_url = "{twin_url}"
token = "t0ken"
timezone = "Australia/Sydney"
country = "AU"
publish_from = "{publish_from}"
link_window_s = 1
request_timeout_s = 5.0
budget = {budget}
[[endpoints]]
id = "crm"
url = "{receiver_url}"
secret = "{secret}"
events = {events}
retry_schedule_s = [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
"""
KAFKA: Final = """\
[kafka]
bootstrap_servers = "{bootstrap}"
topic_prefix = "{prefix}"
create_topics = true
"""


@dataclass(slots=True)
class Wishes:
    """
    What a test wants to be different in the configuration.
    """

    publish_from: str = "lookback"
    budget: str = "{ requests = 200, per_s = 10.0 }"
    events: str = '["*"]'
    receiver_url: str | None = None
    more: str = ""


@dataclass(slots=True)
class Scene:
    """
    Everyone in one test.
    """

    twin: RunningTwin
    receiver: VerifyingReceiver
    relay: RelayProcess
    journal: Path
    session: aiohttp.ClientSession
    patterns: tuple[str, ...] = field(default=("*",))

    async def truth(self) -> dict[str, Any]:
        """
        Return what the phone system knows.
        """
        async with self.session.get(f"{self.twin.url}/truth") as answer:
            truth: dict[str, Any] = await answer.json()
        return truth

    async def control(self, **said: object) -> None:
        """
        Switch something about the phone system.
        """
        async with self.session.post(f"{self.twin.url}/control", json=said) as answer:
            assert 200 == answer.status

    async def is_over(self) -> bool:
        """
        Tell whether every call has ended and none will begin.
        """
        return bool((await self.truth())["done"])

    async def is_told(self) -> bool:
        """
        Tell whether the receiver has an end for every call that ended.
        """
        calls = await self.calls()
        return not audit(calls, list(self.receiver.events.values()), None, source_id=SOURCE).lost

    async def calls(self) -> list[TruthCall]:
        """
        Return every call there was.
        """
        return [TruthCall.from_json(call) for call in (await self.truth())["calls"]]

    async def journal_events(self) -> list[StoredEvent]:
        """
        Return every event that relay recorded; relay must have ended.
        """
        return await journal_assembly.journal_events(f"sqlite:///{self.journal}")

    async def audited(self) -> Audit:
        """
        Compare truth, journal and receiver; relay must have ended.
        """
        published = [orjson.loads(event.body) for event in await self.journal_events()]
        return audit(
            await self.calls(),
            published,
            self.receiver.events.keys(),
            patterns=self.patterns,
            source_id=SOURCE,
            resent=self.receiver.resent,
        )

    async def polled(self, times: int) -> None:
        """
        Return once every call stream was read so many times more.
        """
        before = [await self._reads(stream) for stream in STREAMS]

        async def is_read() -> bool:
            now = [await self._reads(stream) for stream in STREAMS]
            return all(new >= old + times for new, old in zip(now, before, strict=True))

        await self.relay.wait_for(is_read, f"read {times} times")

    async def _reads(self, stream: str) -> float:
        return await self.relay.total("relay_poll_requests_total", stream=stream, outcome="success")


STREAMS: Final = ("user_calls", "queue_calls", "ringgroup_calls")


def config_text(wishes: Wishes, folder: Path, twin_url: str, receiver_url: str) -> tuple[str, int]:
    """
    Return a configuration, and the port for operators in it.
    """
    api_port, ops_port = free_ports(2)
    text = CONFIG.format(
        api_port=api_port,
        ops_port=ops_port,
        journal=folder / "relay.db",
        twin_url=twin_url,
        publish_from=wishes.publish_from,
        budget=wishes.budget,
        receiver_url=wishes.receiver_url or receiver_url,
        secret=SECRET,
        events=wishes.events,
    )
    return text + wishes.more, ops_port
