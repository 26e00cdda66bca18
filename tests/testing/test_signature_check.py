"""
The check of signatures: what it takes, what it refuses, and why.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from standardwebhooks import Webhook

from relay.testing.signature_check import BAD_SIGNATURE, NO_SIGNATURE, TOO_OLD, SignatureCheck

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = (
    "whpk_" + base64.b64encode(PRIVATE.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
)
BODY = b'{"a":1}'


def check(*keys: str, later_s: int = 0) -> SignatureCheck:
    return SignatureCheck(keys, lambda: NOW.timestamp() + later_s)


def headers(signature: str) -> dict[str, str]:
    return {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": signature,
    }


def v1() -> str:
    return Webhook(SECRET).sign("evt_1", NOW, BODY.decode())


def v1a() -> str:
    signed = b"evt_1.%d.%b" % (NOW.timestamp(), BODY)
    return "v1a," + base64.b64encode(PRIVATE.sign(signed)).decode()


def test_a_secret_takes_v1_and_a_public_key_v1a() -> None:
    assert check(SECRET).fault(headers(v1()), BODY) is None
    assert check(PUBLIC).fault(headers(v1a()), BODY) is None
    assert check(PUBLIC, SECRET).fault(headers(v1()), BODY) is None
    assert check(SECRET).fault(headers(f"{v1a()} v1,AAAA {v1()}"), BODY) is None


def test_a_scheme_does_not_stand_in_for_another() -> None:
    only_public, only_secret = check(PUBLIC), check(SECRET)

    assert BAD_SIGNATURE == only_public.fault(headers(v1()), BODY)
    assert BAD_SIGNATURE == only_secret.fault(headers(v1a()), BODY)
    assert BAD_SIGNATURE == only_public.fault(headers(v1().replace("v1,", "v1a,")), BODY)


def test_a_changed_body_id_or_time_is_no_longer_signed() -> None:
    good = headers(f"{v1()} {v1a()}")
    changed = [
        (good, BODY + b" "),
        (good | {"webhook-id": "evt_2"}, BODY),
        (good | {"webhook-timestamp": str(int(NOW.timestamp()) + 1)}, BODY),
    ]

    assert [BAD_SIGNATURE] * 3 == [check(SECRET, PUBLIC).fault(head, body) for head, body in changed]


def test_what_is_too_old_too_new_or_says_nothing_is_told_apart() -> None:
    good = headers(v1())
    lacking = [{name: value for name, value in good.items() if name != left_out} for left_out in good]

    assert [None, TOO_OLD, None, TOO_OLD] == [
        check(SECRET, later_s=later_s).fault(good, BODY) for later_s in (300, 301, -300, -301)
    ]
    assert [NO_SIGNATURE] * 3 == [check(SECRET).fault(head, BODY) for head in lacking]
    assert NO_SIGNATURE == check(SECRET).fault(good | {"webhook-timestamp": "soon"}, BODY)
    assert BAD_SIGNATURE == check(SECRET).fault(good | {"webhook-signature": "v1,no base64!"}, BODY)


@pytest.mark.parametrize("key", ["whsec_not base64", "whpk_not base64", "whpk_c2hvcnQ="])
def test_a_key_that_is_none_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(ValueError, match="base64") as refused:
        SignatureCheck([key])

    assert key not in str(refused.value)
