"""
The verifying receiver agrees with the official library, counts what it should and refuses the rest.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from standardwebhooks import Webhook

from relay.testing.receiver import VerifyingReceiver

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"another secret, same size").decode()


@pytest.fixture
async def receiver() -> AsyncIterator[VerifyingReceiver]:
    async with VerifyingReceiver(SECRET) as running:
        yield running


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def event(revision: int, subject: str = "call/pbx/1") -> str:
    return json.dumps({"subject": subject, "data": {"revision": revision}})


def signed(
    webhook_id: str, body: str, secret: str = SECRET, signed_at: datetime | None = None
) -> dict[str, str]:
    at = signed_at or datetime.now(UTC)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, at, body),
    }


async def post(client: aiohttp.ClientSession, url: str, body: str, headers: dict[str, str]) -> int:
    async with client.post(url, data=body.encode(), headers=headers) as response:
        return response.status


async def test_a_signature_of_the_official_library_is_accepted(
    receiver: VerifyingReceiver, client: aiohttp.ClientSession
) -> None:
    status = await post(client, receiver.url, event(1), signed("evt_1", event(1)))

    assert (204, 1, 0) == (status, receiver.received, receiver.bad_signatures)
    assert {"evt_1": json.loads(event(1))} == receiver.events


async def test_one_good_signature_among_others_is_enough(
    receiver: VerifyingReceiver, client: aiohttp.ClientSession
) -> None:
    headers = signed("evt_1", event(1))
    foreign = signed("evt_1", event(1), OTHER_SECRET)["webhook-signature"]
    headers["webhook-signature"] = f"v1a,abcd {foreign} v1,%% {headers['webhook-signature']}"

    assert 204 == await post(client, receiver.url, event(1), headers)


async def test_a_receiver_with_two_secrets_takes_both(client: aiohttp.ClientSession) -> None:
    async with VerifyingReceiver([SECRET, OTHER_SECRET]) as receiver:
        statuses = [
            await post(client, receiver.url, event(1), signed("evt_1", event(1), secret))
            for secret in (SECRET, OTHER_SECRET)
        ]

    assert [204, 204] == statuses


@pytest.mark.parametrize(
    "spoilt",
    [
        {"webhook-id": "evt_2"},
        {"webhook-timestamp": "1"},
        {"webhook-timestamp": "soon"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,%%%"},
        signed("evt_1", event(2)),
        signed("evt_1", event(1), OTHER_SECRET),
        signed("evt_1", event(1), signed_at=datetime.now(UTC) - timedelta(hours=1)),
        signed("evt_1", event(1), signed_at=datetime.now(UTC) + timedelta(hours=1)),
    ],
)
async def test_what_the_official_library_rejects_is_rejected(
    receiver: VerifyingReceiver, client: aiohttp.ClientSession, spoilt: dict[str, str]
) -> None:
    headers = {**signed("evt_1", event(1)), **spoilt}

    with pytest.raises(Exception):  # noqa: B017, PT011 (the library raises several kinds)
        Webhook(SECRET).verify(event(1), headers)
    status = await post(client, receiver.url, event(1), headers)

    assert (401, 0, 1) == (status, receiver.received, receiver.bad_signatures)


async def test_an_id_that_comes_again_is_resent_and_no_order_fault(
    receiver: VerifyingReceiver, client: aiohttp.ClientSession
) -> None:
    for revision in (1, 2, 1):
        await post(client, receiver.url, event(revision), signed(f"evt_{revision}", event(revision)))

    assert (2, 1, 0) == (receiver.received, receiver.resent, receiver.order_faults)


async def test_a_new_event_with_a_revision_that_does_not_rise_is_an_order_fault(
    receiver: VerifyingReceiver, client: aiohttp.ClientSession
) -> None:
    for place, revision in enumerate((1, 3, 2, 3, 4)):
        await post(client, receiver.url, event(revision), signed(f"evt_{place}", event(revision)))
    await post(client, receiver.url, event(1, "call/pbx/2"), signed("evt_other", event(1, "call/pbx/2")))

    assert 2 == receiver.order_faults


async def test_failing_is_for_so_many_times_or_until_recovery(
    receiver: VerifyingReceiver, client: aiohttp.ClientSession
) -> None:
    receiver.fail_with(503, {"Retry-After": "7"}, times=1)
    async with client.post(receiver.url, data=event(1), headers=signed("evt_1", event(1))) as response:
        first = response.status, response.headers["Retry-After"]
    second = await post(client, receiver.url, event(1), signed("evt_1", event(1)))
    receiver.fail_with(410)
    third = await post(client, receiver.url, event(2), signed("evt_2", event(2)))
    receiver.recover()
    fourth = await post(client, receiver.url, event(2), signed("evt_2", event(2)))

    assert ((503, "7"), 204, 410, 204) == (first, second, third, fourth)
    assert (2, 2, 0) == (receiver.received, receiver.refused, receiver.resent)


async def test_a_body_that_is_no_event_is_refused(
    receiver: VerifyingReceiver, client: aiohttp.ClientSession
) -> None:
    statuses = [await post(client, receiver.url, body, signed("evt_1", body)) for body in ("{", "[]")]

    assert ([400, 400], 2, 0) == (statuses, receiver.bad_bodies, receiver.received)


async def test_waiting_returns_with_the_last_event_wanted(
    receiver: VerifyingReceiver, client: aiohttp.ClientSession
) -> None:
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(receiver.wait_for(2))
        for revision in (1, 2):
            assert not waiting.done()
            await post(client, receiver.url, event(revision), signed(f"evt_{revision}", event(revision)))

    with pytest.raises(TimeoutError):
        await receiver.wait_for(3, timeout_s=0.01)
