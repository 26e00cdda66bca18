"""
Who takes part: a simulated phone system, relay and a receiver, and the folder they leave things in.
"""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp

from relay.cli.demonstration import dialer
from relay.cli.demonstration.child import RelayProcess
from relay.cli.demonstration.dialer import Dialer
from relay.cli.demonstration.schedule import REQUEST_TIMEOUT_S
from relay.cli.demonstration.settings import PER_S, REQUESTS, TOKEN, DemoSettings
from relay.config.webhook_secret import new_secret
from relay.model.errors import RelayError
from relay.system_clock import SystemClock
from relay.testing.receiver import VerifyingReceiver
from relay.twin.truth import TruthCall
from relay.twin.vicidial.server import start_dialer_twin
from relay.twin.voipcloud.server import start_twin

SOURCE: Final = "demo-pbx"
ENDPOINT: Final = "demo-receiver"
ANSWER_TIMEOUT_S: Final = 5.0
TOPIC_PREFIX: Final = "relay-demo-"

CONFIG: Final = """\
[server]
listen = "127.0.0.1:{api_port}"
ops_listen = "127.0.0.1:{ops_port}"
[journal]
url = {journal_url}
[webhooks]
allow_private = ["127.0.0.0/8"]
[[sources]]
id = "{source}"
kind = "voipcloud"
base_url = "{twin_url}"
token = "{token}"
timezone = "Australia/Sydney"
country = "AU"
publish_from = "lookback"
link_window_s = 2
{patience}
budget = {{ requests = {requests}, per_s = {per_s} }}
[[endpoints]]
id = "{endpoint}"
url = "{receiver_url}"
secret = "{secret}"
events = ["*"]
retry_schedule_s = [{retries}]
"""
KAFKA: Final = """\
[kafka]
bootstrap_servers = "{kafka}"
topic_prefix = "{topic_prefix}"
create_topics = true
"""
RETRIES: Final = (1, 1, *[2] * 20)


@dataclass(frozen=True, slots=True)
class Look:
    """
    What the phone system knows of itself: its calls, what its client asked for, which faults are on.
    """

    calls: list[TruthCall]
    over_limit: int
    requests: int
    is_done: bool
    faults: tuple[str, ...] = ()


class PhoneSystem:
    """
    The twin, asked for the truth.
    """

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def look(self) -> Look:
        """
        Return what it knows now.
        """
        async with self._session.get(f"{self._url}/truth") as answer:
            truth = await answer.json()
        calls = [TruthCall.from_json(call) for call in truth["calls"]]
        counts = truth["requests"]
        return Look(calls, counts["over_limit"], counts["total"], truth["done"], tuple(truth["faults"]))

    async def stop_calls(self) -> None:
        """
        Begin no more calls; those under way go on.
        """
        await self._control({"making_calls": False})

    async def play(self, name: str, details: Mapping[str, Any] | None) -> None:
        """
        Switch a fault on, or with None off.
        """
        await self._control({"faults": {name: details}})

    async def play_nothing(self) -> None:
        """
        Switch all faults off.
        """
        await self._control({"faults": None})

    async def _control(self, said: Mapping[str, Any]) -> None:
        async with self._session.post(f"{self._url}/control", json=said) as answer:
            answer.raise_for_status()


@dataclass(frozen=True, slots=True)
class Stage:
    """
    Everyone who takes part.  `topic_prefix` is that of the Kafka topics, where there is a Kafka.
    """

    folder: Path
    journal_url: str
    topic_prefix: str
    phone_system: PhoneSystem
    receiver: VerifyingReceiver
    relay: RelayProcess
    dialer: Dialer


@asynccontextmanager
async def open_stage(settings: DemoSettings) -> AsyncIterator[Stage]:
    """
    Set everyone up, relay not yet started; at the end nothing is left running, nor lying about.

    Raises:
        RelayError: the folder to keep holds a journal already, or a port is taken.
    """
    secret = new_secret()
    async with AsyncExitStack() as stack:
        folder = _folder(settings.keep, stack)
        try:
            twin = await start_twin(settings.twin(), SystemClock(), f"127.0.0.1:{settings.twin_port}")
            stack.push_async_callback(twin.close)
            floor = await start_dialer_twin(
                dialer.dialer_settings(settings.seed), SystemClock(), f"127.0.0.1:{settings.dialer_port}"
            )
            stack.push_async_callback(floor.close)
        except OSError as error:
            raise RelayError(f"the phone system cannot listen: {error.strerror}") from error
        receiver = await stack.enter_async_context(VerifyingReceiver(secret))
        timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        api_port, ops_port = _ports(settings)
        journal_url, topic_prefix = f"sqlite:///{folder / 'relay.db'}", TOPIC_PREFIX + secrets.token_hex(4)
        text = CONFIG + dialer.CONFIG + (KAFKA if settings.kafka else "")
        config = folder / "relay.toml"
        config.touch(mode=0o600)
        words = {
            "api_port": api_port, "ops_port": ops_port, "journal_url": json.dumps(journal_url),
            "source": SOURCE, "token": TOKEN, "twin_url": twin.url, "requests": REQUESTS, "per_s": PER_S,
            "patience": f"request_timeout_s = {REQUEST_TIMEOUT_S}" if settings.faults else "",
            "endpoint": ENDPOINT, "receiver_url": receiver.url, "secret": secret,
            "retries": ", ".join(map(str, RETRIES)), "kafka": settings.kafka, "topic_prefix": topic_prefix,
            "dialer": dialer.DIALER, "dialer_url": floor.api_url, "dialer_user": dialer.USER,
            "dialer_password": dialer.PASSWORD, "in_groups": json.dumps(dialer.IN_GROUPS),
            "dids": json.dumps(dialer.DIDS),
        }  # fmt: skip
        config.write_text(text.format_map(words))
        relay = RelayProcess(config, folder / "relay.log", f"http://127.0.0.1:{ops_port}", session)
        stack.push_async_callback(relay.kill)
        phone_system = PhoneSystem(twin.url, session)
        of_floor = Dialer(floor.url, session)
        yield Stage(folder, journal_url, topic_prefix, phone_system, receiver, relay, of_floor)


def _folder(keep: Path | None, stack: AsyncExitStack) -> Path:
    if keep is None:
        folder = Path(tempfile.mkdtemp(prefix="relay-demo-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        return folder
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RelayError(f"{keep} cannot be made: {error.strerror}") from error
    if any(keep.iterdir()):
        raise RelayError(f"{keep} is not empty: a demonstration starts with a journal of its own")
    return keep.absolute()


def _ports(settings: DemoSettings) -> tuple[int, int]:
    # Both held at once, or the second could be the first again.
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        free = one.getsockname()[1], other.getsockname()[1]
    return settings.api_port or free[0], settings.ops_port or free[1]
