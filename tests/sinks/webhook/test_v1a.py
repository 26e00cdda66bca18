"""
Signatures of v1a, checked with `cryptography`; those of v1 beside them, with the official library.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook

from relay.config.signing_key import (
    decode_signing_key,
    encode_signing_key,
    new_signing_key,
    public_key,
)
from relay.config.webhook_secret import decode_secret, new_secret
from relay.model.delivery_options import DeliveryOptions
from relay.model.endpoint import EndpointSpec
from relay.sinks.webhook.signature import Signer

BODY = b'{"type":"call.finished"}'
SPEC = EndpointSpec("crm", "https://crm.example.com/", (b"s" * 24,), ("*",), signing_keys=(b"e" * 32,))


def checked(signature: str, key: bytes, event_id: str, timestamp_s: int, body: bytes) -> None:
    """
    Check an entry of `webhook-signature` with a public key alone; raises where it does not fit.
    """
    version, _, coded = signature.partition(",")
    assert "v1a" == version
    known = Ed25519PublicKey.from_public_bytes(b64decode(public_key(key).removeprefix("whpk_")))
    known.verify(b64decode(coded), f"{event_id}.{timestamp_s}.".encode() + body)


def test_old_and_new_of_both_schemes_sign_and_v1_comes_first() -> None:
    old, new = new_secret(), new_secret()
    keys = (new_signing_key(), new_signing_key())
    now_s = int(datetime.now(UTC).timestamp())

    signature = Signer([decode_secret(new), decode_secret(old)], keys).sign("evt_one", now_s, BODY).decode()

    entries = signature.split(" ")
    assert ["v1", "v1", "v1a", "v1a"] == [entry.partition(",")[0] for entry in entries]
    headers = {"webhook-id": "evt_one", "webhook-timestamp": str(now_s), "webhook-signature": signature}
    assert [json.loads(BODY)] * 2 == [Webhook(secret).verify(BODY, headers) for secret in (new, old)]
    for entry, key in zip(entries[2:], keys, strict=True):
        checked(entry, key, "evt_one", now_s, BODY)


@pytest.mark.parametrize(
    ("schemes", "signed"),
    [(("v1",), ["v1"]), (("v1a",), ["v1a"]), (("v1a", "v1"), ["v1", "v1a"])],
)
def test_the_schemes_that_the_endpoint_wants_sign(schemes: tuple[str, ...], signed: list[str]) -> None:
    signature = Signer.of(replace(SPEC, options=DeliveryOptions(signatures=schemes))).sign("evt_one", 1, BODY)

    assert signed == [entry.partition(",")[0] for entry in signature.decode().split(" ")]


@pytest.mark.parametrize(("schemes", "missing"), [(("v1",), "v1"), (("v1", "v1a"), "v1a")])
def test_a_scheme_without_a_secret_is_refused(schemes: tuple[str, ...], missing: str) -> None:
    kept = {"v1": (), "v1a": SPEC.secrets}[missing]
    spec = replace(SPEC, secrets=kept, signing_keys=(), options=DeliveryOptions(signatures=schemes))

    with pytest.raises(ValueError, match=f"crm has no secret for {missing}$"):
        Signer.of(spec)


def test_a_signing_key_is_read_back_also_with_its_public_half() -> None:
    key = new_signing_key()
    public = b64decode(public_key(key).removeprefix("whpk_"))

    assert key == decode_signing_key(encode_signing_key(key))
    assert key == decode_signing_key("whsk_" + b64encode(key + public).decode())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("whsec_" + b64encode(b"k" * 32).decode(), "starts with whsk_"),
        ("whsk_not base64", "not base64"),
        ("whsk_" + b64encode(b"k" * 31).decode(), "this one 31"),
        ("whsk_" + b64encode(b"k" * 64).decode(), "not the public key"),
    ],
)
def test_a_text_that_is_no_signing_key_is_refused_without_repeating_it(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refusal:
        decode_signing_key(text)

    assert text not in str(refusal.value)


def test_nothing_secret_is_in_what_python_prints_of_an_endpoint() -> None:
    printed = repr(SPEC)

    assert "ssss" not in printed
    assert "eeee" not in printed
