"""
Commands through relay as a process: leads of a bulk job under kill -9, and the call of click to call.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from relay.system_clock import SystemClock
from relay.twin.vicidial.server import RunningDialer, start_dialer_twin
from relay.twin.vicidial.settings import DialerTwinSettings, Floor
from relay.twin.voipcloud.server import RunningTwin, start_twin
from relay.twin.voipcloud.settings import Rules, Traffic, TwinSettings
from tests.whole.processes import RelayProcess, free_ports

pytestmark = pytest.mark.whole

ROWS: Final = 120
KILLS: Final = 4
DEADLINE_S: Final = 120.0
CONFIG: Final = """\
[server]
listen = "127.0.0.1:{api_port}"
ops_listen = "127.0.0.1:{ops_port}"
[journal]
url = "sqlite:///{journal}"
[[sources]]
id = "dialer"
kind = "dialer360"
base_url = "{dialer_url}"
user = "api"
password = "twin"
timezone = "America/New_York"
country = "US"
poll_every_s = 0.5
[[sources]]
id = "pbx"
kind = "voipcloud"
base_url = "{pbx_url}"
token = "t0ken"
timezone = "Australia/Sydney"
country = "AU"
budget = {{ requests = 200, per_s = 10.0 }}
"""


class Place:
    """
    Two phone systems, and relay between them and whoever asks.
    """

    def __init__(
        self,
        relay: RelayProcess,
        url: str,
        dialer: RunningDialer,
        pbx: RunningTwin,
        client: aiohttp.ClientSession,
    ) -> None:
        self.relay = relay
        self.dialer = dialer
        self.pbx = pbx
        self._url = url
        self._client = client

    async def got(self, path: str) -> Any:
        """
        Return what relay shows.
        """
        async with self._client.get(self._url + path) as answer:
            assert 200 == answer.status, await answer.text()
            return await answer.json()

    async def post(self, path: str, body: bytes, media_type: str, key: str) -> tuple[int, Any]:
        """
        Ask relay for something.
        """
        headers = {"Content-Type": media_type, "Idempotency-Key": key}
        async with self._client.post(self._url + path, data=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def until(self, path: str, is_so: Callable[[Any], bool]) -> Any:
        """
        Return what relay shows once it is so.
        """
        async with asyncio.timeout(DEADLINE_S):
            while not is_so(document := await self.got(path)):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)
            return document


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """
    Give relay, not yet started, and its phone systems.
    """
    clock = SystemClock()
    dialer = await start_dialer_twin(DialerTwinSettings(floor=Floor(is_scripted=True)), clock)
    rules = Rules(requests=200, per_s=10.0)
    pbx = await start_twin(TwinSettings("t0ken", traffic=Traffic(stop_after=0, speed=10), rules=rules), clock)
    api_port, ops_port = free_ports(2)
    config = tmp_path / "relay.toml"
    config.write_text(
        CONFIG.format(
            api_port=api_port,
            ops_port=ops_port,
            journal=tmp_path / "relay.db",
            dialer_url=dialer.api_url,
            pbx_url=pbx.url,
        )
    )
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as client:
        relay = RelayProcess(config, tmp_path / "relay.log", ops_port, client)
        try:
            yield Place(relay, f"http://127.0.0.1:{api_port}", dialer, pbx, client)
        finally:
            await relay.kill()
            await dialer.close()
            await pbx.close()


async def killed_while(place: Place, work: Awaitable[object]) -> None:
    """
    Kill relay and start it again, some times, at moments of chance.
    """
    rng = random.Random()
    task = asyncio.ensure_future(work)
    for _ in range(KILLS):
        await asyncio.sleep(rng.uniform(0.1, 0.6))
        await place.relay.kill()
        await place.relay.start()
    await task


async def test_no_lead_is_added_twice_and_none_is_lost_over_kills(place: Place) -> None:
    before = {lead.lead_id for lead in place.dialer.world.office.leads}
    body = "phone_number,phone_code,list_id\n" + "".join(f"727555{no:04d},1,101\n" for no in range(ROWS))
    await place.relay.start()
    status, job = await place.post("/v1/sources/dialer/bulk", body.encode(), "text/csv", "leads")
    assert 202 == status

    await killed_while(place, asyncio.sleep(0))
    path = f"/v1/sources/dialer/bulk/{job['bulk_id']}"
    done = await place.until(path, lambda one: one["state"] == "done")
    rows = (await place.got(f"{path}/rows?limit=1000"))["items"]
    added = Counter(lead.phone for lead in place.dialer.world.office.leads if lead.lead_id not in before)

    assert ROWS == done["done"] == done["succeeded"] + done["unknown"]
    assert done["unknown"] <= KILLS
    assert {1} == set(added.values())
    sure = {row["params"]["phone_number"] for row in rows if row["status"] == "succeeded"}
    assert sure <= added.keys()
    assert len(sure) >= ROWS - KILLS
    created = await place.until(
        "/v1/events?type=lead.created&limit=1000", lambda page: len(page["items"]) >= len(sure)
    )
    assert len(sure) == len({item["event"]["subject"] for item in created["items"]})


async def test_click_to_call_is_linked_to_its_call(place: Place) -> None:
    await place.relay.start()
    extension = place.pbx.pbx.office.users[0].extension
    body = f'{{"user_number": "{extension}", "number_to_call": "0412345678"}}'.encode()

    path = "/v1/sources/pbx/commands/call-to-number"
    status, result = await place.post(path, body, "application/json", "click")
    again = await place.post(path, body, "application/json", "click")
    command = await place.until(
        f"/v1/commands/{result['command_id']}", lambda one: one["call_id"] is not None
    )
    call = await place.got(f"/v1/calls/{command['call_id']}")
    events = (await place.got("/v1/events?type=command.*&limit=100"))["items"]
    code = await place.relay.stop()

    assert (200, "succeeded") == (status, result["status"])
    assert (status, result) == again
    assert result["command_id"] == call["data"]["command_id"]
    assert ["command.succeeded", "command.linked"] == [item["event"]["type"] for item in events]
    assert 1 == len(place.pbx.pbx.truth())
    assert 0 == code
