"""
Signatures, checked with the official library of Standard Webhooks.
"""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from relay.config.webhook_secret import decode_secret, new_secret
from relay.sinks.webhook.signature import Signer

BODY = json.dumps({"type": "call.finished", "data": {"agent_name": "Zoë"}}, ensure_ascii=False).encode()


def _headers(signature: str, timestamp_s: int, event_id: str = "evt_one") -> dict[str, str]:
    return {"webhook-id": event_id, "webhook-timestamp": str(timestamp_s), "webhook-signature": signature}


def _now_s() -> int:
    return int(datetime.now(UTC).timestamp())


@given(st.binary(min_size=24, max_size=64), st.text(max_size=2_000))
def test_the_official_library_accepts_what_is_signed(secret: bytes, text: str) -> None:
    body = json.dumps(text).encode()
    now_s = _now_s()

    signature = Signer([secret]).sign("evt_one", now_s, body)

    assert text == Webhook(secret).verify(body, _headers(signature.decode(), now_s))


def test_every_secret_signs_in_order_so_that_old_and_new_are_both_accepted() -> None:
    old, new = new_secret(), new_secret()
    now_s = _now_s()

    signature = Signer([decode_secret(new), decode_secret(old)]).sign("evt_one", now_s, BODY)

    assert [
        Signer([decode_secret(secret)]).sign("evt_one", now_s, BODY) for secret in (new, old)
    ] == signature.split(b" ")
    for secret in (new, old):
        assert json.loads(BODY) == Webhook(secret).verify(BODY, _headers(signature.decode(), now_s))


@pytest.mark.parametrize(
    ("event_id", "shift_s", "body"),
    [("evt_two", 0, BODY), ("evt_one", 1, BODY), ("evt_one", 0, BODY + b" ")],
    ids=["id", "time", "body"],
)
def test_id_time_and_body_are_all_signed(event_id: str, shift_s: int, body: bytes) -> None:
    secret = new_secret()
    now_s = _now_s()
    signature = Signer([decode_secret(secret)]).sign("evt_one", now_s, BODY)

    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(secret).verify(body, _headers(signature.decode(), now_s + shift_s, event_id))


@pytest.mark.parametrize("event_id", ["", "a.b", "a\r\nx: y", "a b", "é", "x" * 129, "a\n"])
def test_an_id_that_is_ambiguous_or_unsafe_is_not_signed(event_id: str) -> None:
    with pytest.raises(ValueError, match="event id"):
        Signer([b"k" * 24]).sign(event_id, 0, BODY)


@pytest.mark.parametrize("secrets", [[], [b"k" * 23], [b"k" * 65], [b"k" * 24, b""]])
def test_an_endpoint_without_a_proper_secret_is_refused(secrets: list[bytes]) -> None:
    with pytest.raises(ValueError, match="secret"):
        Signer(secrets)


@pytest.mark.parametrize("size", [24, 32, 64])
def test_a_secret_is_read_back(size: int) -> None:
    key = bytes(range(size))

    assert key == decode_secret("whsec_" + b64encode(key).decode())


def test_a_new_secret_is_usable_and_never_the_same() -> None:
    secrets = {new_secret() for _ in range(10)}

    assert 10 == len(secrets)
    assert {32} == {len(decode_secret(secret)) for secret in secrets}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "starts with whsec_"),
        (b64encode(b"k" * 32).decode(), "starts with whsec_"),
        ("whsk_" + b64encode(b"k" * 32).decode(), "starts with whsec_"),
        ("whsec_not base64!", "not base64"),
        ("whsec_" + b64encode(b"k" * 32).decode().rstrip("="), "not base64"),
        ("whsec_é", "not base64"),
        ("whsec_" + b64encode(b"k" * 32).decode() + " ", "not base64"),
        ("whsec_" + b64encode(b"k" * 23).decode(), "this one 23"),
        ("whsec_" + b64encode(b"k" * 65).decode(), "this one 65"),
    ],
)
def test_a_text_that_is_no_secret_is_refused_in_words_that_do_not_repeat_it(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refusal:
        decode_secret(text)

    assert not text or text not in str(refusal.value)
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None
