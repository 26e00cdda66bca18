"""
Each kind of phone system has an example in `config/` that runs as it is, addresses and secrets apart.
"""

from __future__ import annotations

import asyncio
import tomllib
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final, Protocol

import pytest

from relay.assembly import SOURCE_KINDS
from relay.system_clock import SystemClock
from relay.testing.receiver import VerifyingReceiver
from relay.twin.elision.server import start_elision_twin
from relay.twin.elision.settings import ElisionTwinSettings
from relay.twin.vicidial.server import start_dialer_twin
from relay.twin.vicidial.settings import Access, DialerTwinSettings, Floor
from relay.twin.voipcloud.server import start_twin
from relay.twin.voipcloud.settings import Rules, Traffic, TwinSettings
from tests.whole.processes import COMMAND, ROOT, environ, free_ports
from tests.whole.scene import SECRET, TOKEN

EXAMPLES: Final = [path for path in sorted((ROOT / "config").glob("*.toml")) if path.name != "relay.toml"]
DEADLINE_S: Final = 60.0

pytestmark = pytest.mark.whole


class Twin(Protocol):
    """
    A simulated phone system that listens.
    """

    url: str

    async def close(self) -> None:
        """
        Stop listening.
        """
        ...


async def voipcloud() -> Twin:
    """
    Run a PBX where much is called.
    """
    traffic = Traffic(calls_per_minute=9, speed=30)
    return await start_twin(
        TwinSettings(token=TOKEN, traffic=traffic, rules=Rules(requests=200, per_s=10.0)), SystemClock()
    )


async def dialer360() -> Twin:
    """
    Run a floor of agents.
    """
    access = Access("api", TOKEN)
    return await start_dialer_twin(DialerTwinSettings(access=access, floor=Floor(speed=5.0)), SystemClock())


async def elision() -> Twin:
    """
    Run a dialer with lists.
    """
    return await start_elision_twin(ElisionTwinSettings(password=TOKEN))


TWINS: Final[dict[str, Callable[[], Awaitable[Twin]]]] = {
    "voipcloud": voipcloud,
    "dialer360": dialer360,
    "elision": elision,
}
# So many events must arrive.
EVENTS: Final = {"voipcloud": 12, "dialer360": 12, "elision": 2}
# How often the vendor may be asked, where that would make the test slow.
BUDGETS: Final = {"voipcloud": "{ requests = 200, per_s = 10.0 }"}


def kinds(example: Path) -> set[str]:
    """
    Return the kinds of phone systems in an example.
    """
    return {source["kind"] for source in tomllib.loads(example.read_text())["sources"]}


def overrides(
    document: dict[str, Any], twin: Twin, receiver: VerifyingReceiver, folder: Path
) -> dict[str, str]:
    """
    Return the variables that point an example at a twin and a receiver on this machine.
    """
    api_port, ops_port = free_ports(2)
    (source,), (endpoint,) = document["sources"], document["endpoints"]
    source_id = source["id"].upper().replace("-", "_")
    variables = {
        "RELAY_SERVER__LISTEN": f"127.0.0.1:{api_port}",
        "RELAY_SERVER__OPS_LISTEN": f"127.0.0.1:{ops_port}",
        "RELAY_JOURNAL__URL": f"sqlite:///{folder / 'relay.db'}",
        "RELAY_WEBHOOKS__ALLOW_PRIVATE": '["127.0.0.0/8"]',
        f"RELAY_SOURCES__{source_id}__BASE_URL": getattr(twin, "api_url", twin.url),
        f"RELAY_ENDPOINTS__{endpoint['id'].upper()}__URL": receiver.url,
        source.get("token", source.get("password"))["env"]: TOKEN,
        endpoint["secret"]["env"]: SECRET,
    }
    if source["kind"] in BUDGETS:
        variables[f"RELAY_SOURCES__{source_id}__BUDGET"] = BUDGETS[source["kind"]]
    return variables


def test_each_kind_of_phone_system_has_an_example_of_its_name() -> None:
    assert {f"{kind}.toml": {kind} for kind in SOURCE_KINDS} == {path.name: kinds(path) for path in EXAMPLES}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
async def test_calls_arrive_by_the_example_as_it_is(example: Path, tmp_path: Path) -> None:
    document = tomllib.loads(example.read_text())
    (kind,) = kinds(example)
    async with AsyncExitStack() as stack:
        twin = await TWINS[kind]()
        stack.push_async_callback(twin.close)
        receiver = await stack.enter_async_context(VerifyingReceiver(SECRET))
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "serve", "--config", str(example),
            stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, cwd=ROOT,
            env={**environ(), **overrides(document, twin, receiver, tmp_path)},
        )  # fmt: skip
        talking = asyncio.ensure_future(process.communicate())
        try:
            arriving = asyncio.ensure_future(receiver.wait_for(EVENTS[kind], DEADLINE_S))
            await asyncio.wait({talking, arriving}, return_when=asyncio.FIRST_COMPLETED)
            arriving.cancel()
            await asyncio.gather(arriving, return_exceptions=True)
            if process.returncode is None:
                process.terminate()
        finally:
            said, _ = await asyncio.wait_for(talking, DEADLINE_S)

    assert EVENTS[kind] <= receiver.received, said.decode()
    assert (0, 0, 0) == (process.returncode, receiver.bad_signatures, receiver.order_faults), said.decode()
