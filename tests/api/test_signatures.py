"""
Signatures and auth by REST: keys of both schemes, public keys, scheduled secrets, checks of requests; nothing
secret is told twice.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from relay.api.answers import CheckAnswer, EndpointAnswer, NewEndpointAnswer, NewSecretAnswer, PublicKeyAnswer
from relay.config.signing_key import encode_signing_key, public_key
from relay.config.webhook_secret import decode_secret
from relay.journal.store import open_sqlite
from relay.model.endpoint_auth import EndpointAuth
from relay.model.times import rfc3339
from relay.sinks.webhook.signature import Signer
from relay.system_clock import SystemClock
from tests.api.conftest import OPS, SECRET, Api, running_api
from tests.journal.making import NOW

BOTH = ["v1", "v1a"]
SIGNING_KEY = b"e" * 32
CRM, SECRETS, VERIFY = "/v1/endpoints/crm", "/v1/endpoints/crm/secrets", "/v1/endpoints/crm/verify"
KEYS = "/public-keys/crm"
AUTH = {"headers": {"X-Token": "a-header-value"}, "bearer": "a-bearer-token"}


async def test_a_key_pair_is_made_for_v1a_and_its_public_half_is_at_a_url_without_a_key(
    journal_path: Path,
) -> None:
    bearer = {"Authorization": f"Bearer {OPS.key}"}
    async with running_api(journal_path, keys=[OPS]) as api:
        new = {"id": "crm", "url": "https://crm.example.com/", "events": ["*"], "signatures": BOTH}
        made = await api.ask("POST", "/v1/endpoints", new, bearer)
        shown = await api.ask("GET", KEYS)
        other = await api.ask("GET", "/public-keys/nobody")

    document = NewEndpointAnswer.model_validate(made.document, extra="forbid")
    (key,) = [PublicKeyAnswer.model_validate(one, extra="forbid") for one in shown.document["items"]]
    spec = api.opened[-1]
    assert document.public_key == key.key == public_key(spec.signing_keys[0])
    assert ("v1a", None, None) == (key.scheme, key.starts_at, key.expires_at)
    assert encode_signing_key(spec.signing_keys[0]).encode() not in made.body
    assert (404, "not_found") == other.problem


async def test_an_endpoint_of_v1_alone_has_no_public_keys_until_it_wants_them(api: Api) -> None:
    await api.made()
    before = await api.ask("GET", KEYS)

    changed = await api.ask("PATCH", CRM, {"signatures": BOTH})

    assert (404, "not_found") == before.problem
    assert 200 == changed.status
    assert 1 == len((await api.got(KEYS))["items"])
    assert ["v1a", "v1"] == [one["scheme"] for one in (await api.got(SECRETS))["items"]]


async def test_a_rotated_key_pair_keeps_the_old_public_key_until_it_ends(api: Api) -> None:
    old = (await api.made(signatures=BOTH, signing_key=encode_signing_key(SIGNING_KEY)))["public_key"]
    starts_at = SystemClock().now() + timedelta(hours=1)
    body = {"scheme": "v1a", "starts_at": rfc3339(starts_at), "overlap_s": 60}

    answer = await api.ask("POST", SECRETS, body)

    new = NewSecretAnswer.model_validate(answer.document, extra="forbid")
    keys = (await api.got(KEYS))["items"]
    assert (201, None, [new.public_key, old]) == (answer.status, new.secret, [one["key"] for one in keys])
    ends = rfc3339(starts_at + timedelta(seconds=60))
    assert [(rfc3339(starts_at), None), (None, ends)] == [
        (one["starts_at"], one["expires_at"]) for one in keys
    ]
    assert (SIGNING_KEY,) == api.opened[-1].signing_keys


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"secret": SECRET, "scheme": "v1a"}, "body"),
        ({"secret": encode_signing_key(SIGNING_KEY)}, "body"),
        ({"secret": "whsk_bad"}, "secret"),
        ({"starts_at": "2999-01-01T00:00:00Z"}, "starts_at"),
        ({"starts_at": "2020-01-01T00:00:00Z"}, "starts_at"),
        ({"scheme": "v2"}, "scheme"),
    ],
)
async def test_a_secret_of_another_scheme_or_of_no_time_there_is_is_refused(
    api: Api, body: dict[str, Any], field: str
) -> None:
    await api.made()

    answer = await api.ask("POST", SECRETS, body)

    assert (422, [field]) == (answer.status, [*answer.faulty])


async def test_auth_is_kept_and_only_names_are_shown(api: Api) -> None:
    made = await api.made(**AUTH)
    listed = await api.ask("GET", "/v1/endpoints")

    spec = api.opened[-1]
    assert EndpointAuth((("X-Token", "a-header-value"),), "a-bearer-token") == spec.auth
    assert {"kind": "bearer", "headers": ["X-Token"]} == made["auth"] == listed.document["items"][0]["auth"]
    assert [False] * 2 == [value in listed.body for value in (b"a-header-value", b"a-bearer-token")]
    assert "a-bearer-token" not in repr(spec)


@pytest.mark.parametrize(
    ("change", "auth"),
    [
        ({}, EndpointAuth((("X-Token", "a-header-value"),), "a-bearer-token")),
        ({"bearer": ""}, EndpointAuth((("X-Token", "a-header-value"),))),
        ({"headers": {}}, EndpointAuth((), "a-bearer-token")),
        ({"headers": {"X-B": "b"}, "basic": {"user": "u", "password": "p"}},
         EndpointAuth((("X-B", "b"),), basic=("u", "p"))),
        ({"basic": {}}, EndpointAuth((("X-Token", "a-header-value"),), "a-bearer-token")),
        ({"headers": {"Authorization": "Own x"}, "bearer": ""}, EndpointAuth((("Authorization", "Own x"),))),
    ],
)  # fmt: skip
async def test_auth_is_changed_part_by_part(api: Api, change: dict[str, Any], auth: EndpointAuth) -> None:
    await api.made(**AUTH)

    answer = await api.ask("PATCH", CRM, {**change, "description": "changed"})

    EndpointAnswer.model_validate(answer.document, extra="forbid")
    assert (200, auth) == (answer.status, (await _spec(api)).auth)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"headers": {"webhook-id": "x"}}, "headers"),
        ({"headers": {"Content-Type": "text/plain"}}, "headers"),
        ({"headers": {"Host": "other"}}, "headers"),
        ({"headers": {"ce-type": "x"}}, "headers"),
        ({"headers": {"Transfer-Encoding": "chunked"}}, "headers"),
        ({"headers": {"X": "a\r\nY: b"}}, "headers"),
        ({"headers": {"X Y": "a"}}, "headers"),
        ({"headers": {"X": "a" * 4_097}}, "headers"),
        ({"headers": {"X": "1", "x": "2"}}, "headers"),
        ({"headers": {f"X-{number}": "1" for number in range(21)}}, "headers"),
        ({"bearer": "two words"}, "bearer"),
        ({"basic": {"user": "a:b", "password": "p"}}, "basic.user"),
        ({"basic": {"user": "a", "password": "p\n"}}, "basic.password"),
        ({"bearer": "b", "basic": {"user": "a", "password": "p"}}, "bearer"),
        ({"bearer": "b", "headers": {"authorization": "x"}}, "bearer"),
    ],
)
async def test_auth_that_cannot_be_sent_is_refused(api: Api, given: dict[str, Any], field: str) -> None:
    new = {"id": "crm", "url": "https://crm.example.com/", "events": ["*"]}

    answer = await api.ask("POST", "/v1/endpoints", {**new, **given})

    assert (422, [field]) == (answer.status, [*answer.faulty])


async def test_a_request_is_checked_with_its_bytes_or_its_text(api: Api) -> None:
    await api.made(secret=SECRET)
    now_s = int(SystemClock().now().timestamp())
    signature = Signer([decode_secret(SECRET)]).sign("evt_one", now_s - 400, b"{}").decode()
    headers = {
        "webhook-id": "evt_one",
        "webhook-timestamp": str(now_s - 400),
        "webhook-signature": signature,
    }

    bodies: tuple[dict[str, str], ...] = (
        {"body": "{}"},
        {"body_base64": b64encode(b"{}").decode()},
        {"body": "{ }"},
        {},
    )
    answers = [await api.ask("POST", VERIFY, {"headers": headers, **body}) for body in bodies]
    both = await api.ask("POST", VERIFY, {"headers": headers, **bodies[0], **bodies[1]})

    checks = [CheckAnswer.model_validate(one.document, extra="forbid") for one in answers]
    (secret,) = (await api.got(SECRETS))["items"]
    assert [True, True, False, False] == [check.valid for check in checks]
    assert [("v1", secret["id"])] * 2 == [(check.scheme, check.secret_id) for check in checks[:2]]
    assert all("s old" in (check.problem or "") for check in checks[:2])
    assert 422 == both.status
    assert all(SECRET.encode() not in one.body and signature.encode() not in one.body for one in answers)


async def test_a_repeated_request_is_told_the_secret_again_and_the_files_do_not_have_it(
    api: Api, journal_path: Path
) -> None:
    new = {"id": "crm", "url": "https://crm.example.com/", "events": ["*"], "secret": SECRET, **AUTH}
    first, again = [await api.ask("POST", "/v1/endpoints", new, {"Idempotency-Key": "one"}) for _ in range(2)]

    held = b"".join(one.read_bytes() for one in journal_path.parent.glob("relay.db*"))
    given = (SECRET.encode(), decode_secret(SECRET), b"a-header-value", b"a-bearer-token")
    assert (201, first.document) == (again.status, again.document)
    assert [] == [secret for secret in given if secret in held]


async def test_secrets_that_cannot_be_opened_are_told_and_new_ones_end_that(journal_path: Path) -> None:
    async with open_sqlite(journal_path, "tests", NOW, None, b"k" * 32):
        pass
    async with running_api(journal_path) as api:
        await api.made()
    journal_path.with_name("relay.db.secrets-key").unlink()
    async with running_api(journal_path) as api:
        lost = await api.got(CRM)
        (secret,) = (await api.got(SECRETS))["items"]
        test = await api.ask("POST", f"{CRM}/test")
        await api.ask("POST", SECRETS, {})
        found = await api.got(CRM)
        tested = await api.ask("POST", f"{CRM}/test")

    assert "has no secret that can be opened" in lost["problem"]
    assert secret["is_lost"]
    assert (409, "conflict") == test.problem
    assert lost["problem"] in test.document["detail"]
    assert (None, 200) == (found["problem"], tested.status)


async def _spec(api: Api) -> Any:
    known = await api.journal.registry.registered_as("crm", SystemClock().now())
    assert known is not None
    return known.spec
