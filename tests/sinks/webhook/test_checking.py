"""
Checking a request that arrived: what fits, what does not, and what is said of it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from relay.config.signing_key import public_key
from relay.model.endpoint import Endpoint, EndpointSecret, EndpointSpec, RegisteredEndpoint
from relay.model.signed_request import OF_FILE, PublicKey, SignatureCheck
from relay.sinks.webhook.checking import SignatureChecks
from relay.sinks.webhook.signature import Signer

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
NOW_S = int(NOW.timestamp())
BODY = b'{"a":1}'
SECRETS = (
    EndpointSecret("sec_later", b"l" * 32, NOW, None, starts_at=NOW + timedelta(hours=1)),
    EndpointSecret("sec_key", b"e" * 32, NOW, None, "v1a"),
    EndpointSecret("sec_now", b"s" * 32, NOW, NOW + timedelta(hours=2)),
    EndpointSecret("sec_lost", b"", NOW, None, is_lost=True),
)
SPEC = EndpointSpec("crm", "https://crm.example.com/", (b"s" * 32,), ("*",), signing_keys=(b"e" * 32,))
ENDPOINT = Endpoint(1, "crm", "https://crm.example.com/", ("*",), (), "healthy")
CRM = RegisteredEndpoint(ENDPOINT, SPEC, SECRETS, False, 0, NOW)
OF_THE_FILE = replace(CRM, secrets=(), is_from_file=True)
CHECKS = SignatureChecks([SPEC])


def request(signer: Signer, age_s: int = 0, body: bytes = BODY) -> dict[str, str]:
    """
    Return the headers of a request.
    """
    signature = signer.sign("evt_one", NOW_S - age_s, body).decode()
    return {
        "Webhook-Id": "evt_one",
        "webhook-timestamp": str(NOW_S - age_s),
        "webhook-signature": f"v9,x {signature}",
    }


@pytest.mark.parametrize(
    ("signer", "scheme", "secret_id"),
    [(Signer([b"s" * 32]), "v1", "sec_now"), (Signer((), [b"e" * 32]), "v1a", "sec_key")],
)
def test_a_request_that_relay_signed_is_valid(signer: Signer, scheme: str, secret_id: str) -> None:
    assert SignatureCheck(True, scheme, secret_id, 7) == CHECKS.check(CRM, request(signer, 7), BODY, NOW)
    of_file = CHECKS.check(OF_THE_FILE, request(signer, 7), BODY, NOW)
    assert SignatureCheck(True, scheme, OF_FILE, 7) == of_file


@pytest.mark.parametrize(("age_s", "words"), [(301, "301 s old"), (-301, "301 s ahead")])
def test_a_time_out_of_tolerance_is_told_beside_a_good_signature(age_s: int, words: str) -> None:
    result = CHECKS.check(CRM, request(Signer([b"s" * 32]), age_s), BODY, NOW)

    assert (True, age_s) == (result.is_valid, result.age_s)
    assert words in (result.problem or "")


def test_a_secret_that_does_not_sign_yet_is_told() -> None:
    result = CHECKS.check(CRM, request(Signer([b"l" * 32])), BODY, NOW)

    assert (True, "sec_later") == (result.is_valid, result.secret_id)
    assert "does not sign yet" in (result.problem or "")


@pytest.mark.parametrize(
    ("body", "changes", "words"),
    [
        (BODY + b"\n", {}, "line end"),
        (b'{"a": 1}', {}, "the body was changed"),
        (BODY, {"webhook-signature": "sha256=abc"}, "no signature of the form"),
        (BODY, {"webhook-signature": "v1,ünicode"}, "another secret"),
        (BODY, {"webhook-timestamp": "yesterday"}, "no number of seconds"),
        (BODY, {"webhook-timestamp": "9" * 12}, "no number of seconds"),
        (BODY, {"Webhook-Id": "a b"}, "no id of relay's"),
        (BODY, {"webhook-signature": ""}, "no header webhook-signature"),
    ],
)
def test_what_is_wrong_is_told(body: bytes, changes: dict[str, str], words: str) -> None:
    result = CHECKS.check(CRM, {**request(Signer([b"s" * 32])), **changes}, body, NOW)

    assert (False, None, None) == (result.is_valid, result.scheme, result.secret_id)
    assert words in (result.problem or "")


def test_public_keys_are_told_with_their_times_and_secrets_are_not() -> None:
    assert [PublicKey(public_key(b"e" * 32), "v1a", None, None)] == CHECKS.public_keys(CRM)
    assert [PublicKey(public_key(b"e" * 32), "v1a", None, None)] == CHECKS.public_keys(OF_THE_FILE)
