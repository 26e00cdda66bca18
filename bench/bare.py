"""
The bare loop that relay is compared with: one aiohttp session, no storage, no order, no signing.

64 requests in flight, each with the same prebuilt body and headers; every answer is read.
"""

from __future__ import annotations

import asyncio
import gc
import hmac
import time
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import ClientSession, TCPConnector

from bench.events import change_of
from bench.house import SECRET
from relay.model.event import CONTENT_TYPE
from relay.model.ids import IdMaker

IN_FLIGHT: Final = 64
WARM_UP: Final = 500


async def bare(params: dict[str, Any]) -> dict[str, float]:
    """
    Send `requests` requests to `url`; return how many a second were answered, and the CPU it took.
    """
    body, headers = _prebuilt()
    async with ClientSession(connector=TCPConnector(limit=IN_FLIGHT)) as session:

        async def send(left: list[None]) -> None:
            while left:
                left.pop()
                async with session.post(params["url"], data=body, headers=headers) as answer:
                    await answer.read()
                    answer.raise_for_status()

        async def send_all(requests: int) -> None:
            left = [None] * requests
            await asyncio.gather(*(send(left) for _ in range(IN_FLIGHT)))

        await send_all(WARM_UP)
        gc.collect()
        gc.freeze()
        cpu_before, started = time.process_time(), time.perf_counter()
        await send_all(params["requests"])
        took_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu_before
    return {"per_s": params["requests"] / took_s, "cpu_s_per_1000": cpu_s / params["requests"] * 1000}


def _prebuilt() -> tuple[bytes, dict[str, str]]:
    now = datetime.now(UTC)
    event = change_of(IdMaker(SECRET), 0, 1).events[0]
    body, timestamp_s = event.to_json(now), int(now.timestamp())
    signed = b"%b.%d.%b" % (event.id.encode(), timestamp_s, body)
    signature = b64encode(hmac.digest(SECRET, signed, "sha256")).decode()
    return body, {
        "content-type": CONTENT_TYPE,
        "webhook-id": event.id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": f"v1,{signature}",
    }
