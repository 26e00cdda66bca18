"""
The local receiver: tells each arrival, answers as told, consents, and is controlled from this machine.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from standardwebhooks import Webhook

from relay.testing.listener import Listener, Told, serving
from relay.testing.misbehaviour import Misbehaviour
from relay.testing.signature_check import SignatureCheck

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
STRUCTURED = {"content-type": "application/cloudevents+json"}


class Side:
    """
    A listener, what it told, and a client.
    """

    def __init__(
        self, url: str, session: aiohttp.ClientSession, listener: Listener, told: list[Told]
    ) -> None:
        self.url = url
        self.session = session
        self.listener = listener
        self.told = told

    async def post(self, body: bytes, headers: dict[str, str], webhook_id: str = "evt_1") -> int:
        at = datetime.now(UTC)
        signed = {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(SECRET).sign(webhook_id, at, body.decode()),
        }
        async with self.session.post(self.url + "hooks/crm", data=body, headers=signed | headers) as answer:
            self.headers = answer.headers
            return answer.status

    async def control(self, said: object, path: str = "_control") -> tuple[int, Any]:
        async with self.session.post(self.url + path, json=said) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if answer.status == 200 else text

    @property
    def verdicts(self) -> list[tuple[str | None, str, bool]]:
        return [(told.event.id if told.event else None, told.verdict, told.is_seen) for told in self.told]


@pytest.fixture
async def side() -> AsyncIterator[Side]:
    told: list[Told] = []
    listener = Listener(SignatureCheck([SECRET]), Misbehaviour(), told.append, largest_body=1_000)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        async with serving(listener, "127.0.0.1", 0) as url:
            yield Side(url, session, listener, told)


def event(event_id: str, revision: int = 1) -> dict[str, Any]:
    return {"id": event_id, "type": "call.started", "subject": "call/pbx/1", "data": {"revision": revision}}


def body(event_id: str = "evt_1", revision: int = 1) -> bytes:
    return json.dumps(event(event_id, revision)).encode()


async def test_each_event_is_told_once_with_what_it_is(side: Side) -> None:
    batch = json.dumps([event("evt_2", 2), event("evt_1", 1)]).encode()

    statuses = [
        await side.post(body(), STRUCTURED),
        await side.post(batch, {"content-type": "application/cloudevents-batch+json"}, "batch_1"),
    ]

    assert [204, 204] == statuses
    assert [("evt_1", "ok", False), ("evt_2", "ok", False), ("evt_1", "ok", True)] == side.verdicts
    line = side.told[1].to_json()
    assert datetime.fromisoformat(line.pop("at")).tzinfo is not None
    assert {
        "type": "call.started", "subject": "call/pbx/1", "revision": 2, "id": "evt_2",
        "webhook_id": "batch_1", "seen_before": False, "verdict": "ok",
    } == line  # fmt: skip
    assert (2, 2, 1) == tuple(side.listener.summary()[key] for key in ("arrivals", "distinct_ids", "resent"))


async def test_what_is_not_genuine_is_refused_and_counted(side: Side) -> None:
    status = await side.post(body(), STRUCTURED | {"webhook-signature": "v1,AAAA"})

    assert (401, [(None, "bad signature", False)]) == (status, side.verdicts)
    assert (1, 0) == (side.listener.summary()["bad_signatures"], side.listener.summary()["distinct_ids"])


async def test_what_holds_no_event_or_is_too_large_is_refused_and_told(side: Side) -> None:
    statuses = [await side.post(b"{}", {}), await side.post(b" " * 1_001, {})]

    assert ([400, 413], ["no event", "too large"]) == (statuses, [told.verdict for told in side.told])
    assert 2 == side.listener.summary()["refused"]


async def test_it_fails_on_command_and_recovers(side: Side) -> None:
    changed = await side.control({"fail": 429, "fail_first": 1, "retry_after_s": 7})
    failed = (await side.post(body(), STRUCTURED), side.headers["retry-after"])
    taken = await side.post(body(), STRUCTURED)

    assert (200, "429") == (changed[0], changed[1]["misbehaviour"]["fail"])
    assert ((429, "7"), 204) == (failed, taken)
    assert [("evt_1", "failed 429", False), ("evt_1", "ok", False)] == side.verdicts
    assert 1 == side.listener.summary()["failed_on_command"]


async def test_an_answer_that_never_comes_was_taken(side: Side) -> None:
    await side.control({"drop": 1})
    with pytest.raises(aiohttp.ClientError):
        await side.post(body(), STRUCTURED)
    await side.control({"drop": 0})
    status = await side.post(body(), STRUCTURED)

    assert (204, [("evt_1", "ok", False), ("evt_1", "ok", True)]) == (status, side.verdicts)


async def test_a_delay_is_before_the_answer(side: Side) -> None:
    await side.control({"delay_s": 3_600})
    with pytest.raises(TimeoutError):
        async with side.session.post(side.url, data=b"", timeout=aiohttp.ClientTimeout(total=0.3)):
            pass

    assert ["no signature"] == [told.verdict for told in side.told]


async def test_asking_changes_nothing(side: Side) -> None:
    await side.control({"fail_first": 3})
    await side.post(body(), STRUCTURED)
    status, shown = await side.control({})

    assert (200, 3, 1) == (status, shown["misbehaviour"]["fail_first"], shown["summary"]["arrivals"])
    assert 503 == await side.post(body(), STRUCTURED)


async def test_a_control_that_is_none_is_refused(side: Side) -> None:
    told_wrong = await side.control({"fail": "soon"})
    async with side.session.post(side.url + "_control", data=b'{"drop": 1}') as answer:
        of_a_page = answer.status

    assert (400, "fail is STATUS or STATUS=RATE, as in 503 or 503=0.5") == told_wrong
    assert 415 == of_a_page
    assert 204 == await side.post(body(), STRUCTURED)


async def test_it_consents_to_a_handshake(side: Side) -> None:
    asked = {"webhook-request-origin": "relay.example", "webhook-request-rate": "120"}
    async with side.session.options(side.url + "hooks", headers=asked) as answer:
        said = (
            answer.status,
            answer.headers["webhook-allowed-origin"],
            answer.headers["webhook-allowed-rate"],
        )
    async with side.session.options(side.url + "hooks") as answer:
        unasked = "webhook-allowed-origin" in answer.headers

    assert ((200, "relay.example", "120"), False) == (said, unasked)
    assert [(None, "consented", False)] == side.verdicts


async def test_without_a_key_everything_is_taken_unverified() -> None:
    told: list[Told] = []
    async with serving(Listener(None, Misbehaviour(), told.append), "127.0.0.1", 0) as url:
        async with aiohttp.ClientSession() as session:
            async with session.post(url, data=body(), headers=STRUCTURED) as answer:
                status = answer.status

    assert (204, ["unverified"]) == (status, [one.verdict for one in told])
