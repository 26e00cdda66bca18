"""
`relay endpoints` as a process, against a server that speaks as relay does.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from relay.config.checked import webhook_secret_bytes
from relay.config.signing_key import decode_signing_key, public_key
from tests.cli.speaking import SpeakingServer, ran

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
KEY = "k3y-of-somebody"
URL = "https://crm.example.com/hooks"
CRM = {
    "id": "crm",
    "url": URL,
    "events": ["call.*", "source.*"],
    "sources": [],
    "description": "",
    "state": "healthy",
    "state_reason": None,
    "is_from_file": False,
    "start_seq": 17,
    "not_before": "2026-11-21T11:00:00.000Z",
    "created_at": "2026-11-21T10:00:00.000Z",
}


@pytest.fixture
async def server() -> AsyncIterator[SpeakingServer]:
    """
    Give a server that answers as it is told to.
    """
    async with SpeakingServer() as speaking:
        yield speaking


async def test_endpoints_are_listed_as_a_table_and_as_json(server: SpeakingServer) -> None:
    server.say("GET /v1/endpoints", {"items": [CRM], "next": None})

    table = await ran(server.url, "endpoints", "list", RELAY_API_KEY=KEY)
    document = await ran(server.url, "endpoints", "list", "--json")

    (row,) = [line for line in table.out.splitlines() if "crm" in line]
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    held = "2026-11-21T11:00:00.000Z"
    assert ["crm", "healthy", held, "https://crm.example.com/hooks", "call.*, source.*", "-", "no"] == cells
    assert {"items": [CRM], "next": None} == orjson.loads(document.out)
    assert [(0, ""), (0, "")] == [(done.code, done.err) for done in (table, document)]
    assert [f"Bearer {KEY}", None] == [one.headers.get("authorization") for one in server.asked]


async def test_an_endpoint_is_added_and_its_secret_shown_once(server: SpeakingServer) -> None:
    server.say("POST /v1/endpoints", {**CRM, "secret": SECRET}, 201)
    options = (
        "--id", "crm", "--events", "call.*,source.*", "--events", "endpoint.*", "--sources", "pbx",
        "--description", "the CRM", "--timeout-s", "5", "--max-in-flight", "3", "--retry-schedule-s", "5,300",
        "--secret-file", "-",
    )  # fmt: skip

    done = await ran(server.url, "endpoints", "add", URL, *options, said=SECRET + "\n")

    assert (0, "") == (done.code, done.err)
    assert [SECRET, "The secret is shown this once; give it to the receiver."] == done.out.splitlines()[-2:]
    assert 1 == done.out.count(SECRET)
    assert {
        "id": "crm",
        "url": "https://crm.example.com/hooks",
        "events": ["call.*", "source.*", "endpoint.*"],
        "sources": ["pbx"],
        "description": "the CRM",
        "timeout_s": 5.0,
        "max_in_flight": 3,
        "retry_schedule_s": [5, 300],
        "secret": SECRET,
    } == server.asked[0].body
    assert server.asked[0].headers["idempotency-key"]


async def test_what_was_not_said_is_left_to_relay(server: SpeakingServer) -> None:
    server.say("POST /v1/endpoints", {**CRM, "secret": SECRET}, 201)

    done = await ran(server.url, "endpoints", "add", URL, "--events", "call.*", "--json")

    assert {**CRM, "secret": SECRET} == orjson.loads(done.out)
    assert {"url": URL, "events": ["call.*"]} == server.asked[0].body


@pytest.mark.parametrize("verb", ["show", "pause", "resume", "stats"])
async def test_one_endpoint_is_looked_at_or_changed(server: SpeakingServer, verb: str) -> None:
    method = "POST" if verb in ("pause", "resume") else "GET"
    path = "/v1/endpoints/crm" + ("" if verb == "show" else f"/{verb}")
    server.say(f"{method} {path}", CRM)

    done = await ran(server.url, "endpoints", verb, "crm", "--json")

    assert (0, CRM, "") == (done.code, orjson.loads(done.out), done.err)
    assert [(method, path, None)] == [(one.method, one.path, one.body) for one in server.asked]


async def test_an_endpoint_is_shown_field_by_field(server: SpeakingServer) -> None:
    server.say("GET /v1/endpoints/crm", CRM)

    done = await ran(server.url, "endpoints", "show", "crm")

    assert [] == [name for name in CRM if f" {name} " not in done.out]


async def test_an_endpoint_is_deleted(server: SpeakingServer) -> None:
    server.say("DELETE /v1/endpoints/crm", None, 204)

    done = await ran(server.url, "endpoints", "delete", "crm")

    assert (0, "crm is deleted.\n", "") == (done.code, done.out, done.err)
    assert ["DELETE"] == [one.method for one in server.asked]


@pytest.mark.parametrize(("reason", "code"), [("ok", 0), ("http_5xx", 1)])
async def test_a_test_that_was_not_taken_fails(server: SpeakingServer, reason: str, code: int) -> None:
    result = {"reason": reason, "http_status": 503, "latency_ms": 7, "answer": "\x1b[2Jbusy"}
    server.say("POST /v1/endpoints/crm/test", result)

    done = await ran(server.url, "endpoints", "test", "crm")

    assert (code, True) == (done.code, "\\x1b[2Jbusy" in done.out)
    assert "\x1b" not in done.out


async def test_a_new_secret_is_made_by_relay_for_an_endpoint(server: SpeakingServer) -> None:
    made = {"id": "s2", "created_at": "2026-11-21T10:00:00.000Z", "secret": SECRET}
    server.say("POST /v1/endpoints/crm/secrets", made, 201)

    shown = await ran(server.url, "endpoints", "new-secret", "crm", "--overlap", "3600")
    document = await ran(server.url, "endpoints", "new-secret", "crm", "--json")

    assert [SECRET, "The secret is shown this once; give it to the receiver."] == shown.out.splitlines()[-2:]
    assert made == orjson.loads(document.out)
    assert [{"overlap_s": 3600}, {}] == [one.body for one in server.asked]


async def test_without_an_endpoint_a_new_secret_asks_nobody(server: SpeakingServer) -> None:
    shown = await ran(server.url, "endpoints", "new-secret", "--json")

    assert 32 == len(webhook_secret_bytes(orjson.loads(shown.out)["secret"]))
    assert [] == server.asked


async def test_a_problem_is_1_and_told_on_the_error_stream(server: SpeakingServer) -> None:
    problem = {
        "title": "Invalid",
        "detail": "2 fields",
        "errors": [{"field": "url", "problem": "is private"}],
    }
    server.say("POST /v1/endpoints", problem, 422)

    done = await ran(
        server.url, "endpoints", "add", "http://10.0.0.1/", "--events", "call.*", RELAY_API_KEY=KEY
    )

    assert (1, "") == (done.code, done.out)
    assert "relay: Invalid (422): 2 fields\n  url: is private\n" == done.err


async def test_nobody_there_is_1_and_nothing_is_printed() -> None:
    done = await ran("http://127.0.0.1:1", "endpoints", "list", "--json", RELAY_API_KEY=KEY)

    expected = "relay: http://127.0.0.1:1 cannot be reached: Connection refused\n"
    assert (1, "", expected) == (done.code, done.out, done.err)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["list", "--url", "http://relay.example.com"], "is not sent over plain http to another machine"),
        (["show", ".."], "is no id"),
        (["new-secret", "--overlap", "5"], "needs the ID of an endpoint"),
        (["add", "https://x", "--events", "*", "--retry-schedule-s", "5s"], "must be whole numbers"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
async def test_wrong_usage_is_2_and_never_shows_the_key(arguments: list[str], told: str) -> None:
    done = await ran("http://127.0.0.1:1", "endpoints", *arguments, RELAY_API_KEY=KEY)

    assert (2, "", True) == (done.code, done.out, told in done.err), done.err
    assert KEY not in done.err


async def test_a_secret_file_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    options = ("--events", "*", "--secret-file", str(tmp_path / "missing"))

    done = await ran("http://127.0.0.1:1", "endpoints", "add", "https://x", *options)

    assert (2, "") == (done.code, done.out)


async def test_a_secret_file_that_is_no_text_is_wrong_usage(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"\xff\xfe\x00")
    done = await ran(
        "http://127.0.0.1:9", "endpoints", "add", URL, "--events", "*", "--secret-file", str(file)
    )

    assert 2 == done.code
    assert "the file of the secret is not text" in done.err


async def test_a_secret_may_begin_later_and_be_of_v1a(server: SpeakingServer) -> None:
    server.say("POST /v1/endpoints/crm/secrets", {"id": "s2", "secret": None, "public_key": "whpk_x"}, 201)

    options = ("--scheme", "v1a", "--starts-at", "2026-12-01T00:00:00Z")
    done = await ran(server.url, "endpoints", "new-secret", "crm", *options)

    assert 0 == done.code
    assert "whpk_x" in done.out
    assert {"scheme": "v1a", "starts_at": "2026-12-01T00:00:00Z"} == server.asked[-1].body


async def test_without_an_endpoint_a_key_pair_is_printed(server: SpeakingServer) -> None:
    shown = await ran(server.url, "endpoints", "new-secret", "--scheme", "v1a")

    private, public = shown.out.split()
    assert public == public_key(decode_signing_key(private))
    assert [] == server.asked


CHECK = {"valid": True, "scheme": "v1", "secret_id": "s1", "timestamp_age_s": 3, "problem": None}


@pytest.mark.parametrize(
    ("headers", "answer", "code"),
    [
        ("< HTTP/1.1 200\n> Webhook-Id: evt_a\nwebhook-signature: v1,a:b\nCookie: c\n", CHECK, 0),
        ('{"Webhook-Id": "evt_a", "webhook-signature": "v1,a:b", "Cookie": "c"}', CHECK, 0),
        ("Webhook-Id: evt_a\nwebhook-signature: v1,a:b", {**CHECK, "problem": "400 s old"}, 1),
        ("Webhook-Id: evt_a\nwebhook-signature: v1,a:b", {**CHECK, "valid": False}, 1),
    ],
)
async def test_a_request_is_checked_as_it_arrived(
    server: SpeakingServer, tmp_path: Path, headers: str, answer: dict[str, object], code: int
) -> None:
    server.say("POST /v1/endpoints/crm/verify", answer)
    file = tmp_path / "headers"
    file.write_text(headers)

    options = ("--headers", str(file), "--body", "-")
    done = await ran(server.url, "endpoints", "verify", "crm", *options, said='{"a":1}\n')

    asked = server.asked[-1].body
    assert code == done.code
    assert b'{"a":1}\n' == b64decode(asked["body_base64"])
    assert {"Webhook-Id": "evt_a", "webhook-signature": "v1,a:b"} == asked["headers"]


async def test_headers_that_cannot_be_read_are_wrong_usage(server: SpeakingServer, tmp_path: Path) -> None:
    (tmp_path / "headers").write_text("{nothing")

    for name, words in (("missing", "cannot be read"), ("headers", "neither lines nor JSON")):
        options = ("--headers", str(tmp_path / name), "--body", "-")
        done = await ran(server.url, "endpoints", "verify", "crm", *options, said="")
        assert (2, True) == (done.code, words in " ".join(done.err.split())), done.err


async def test_every_setting_can_be_given_and_changed(server: SpeakingServer) -> None:
    server.say("POST /v1/endpoints", {**CRM, "secret": SECRET}, 201)
    server.say("PATCH /v1/endpoints/crm", {**CRM, "payload": "batched"})
    settings = ("payload=binary", "rate_per_s:=2.5", 'conditions:=["data.talk_s > 30"]')
    options = [word for one in settings for word in ("--set", one)]

    added = await ran(server.url, "endpoints", "add", URL, "--events", "call.*", *options)
    changed = await ran(server.url, "endpoints", "change", "crm", "payload=batched", "mask_numbers:=true")
    wrong = await ran(server.url, "endpoints", "change", "crm", "payload")

    assert [0, 0, 2] == [done.code for done in (added, changed, wrong)]
    assert [
        {
            "url": URL,
            "events": ["call.*"],
            "payload": "binary",
            "rate_per_s": 2.5,
            "conditions": ["data.talk_s > 30"],
        },
        {"payload": "batched", "mask_numbers": True},
    ] == [one.body for one in server.asked]
    assert "batched" in changed.out
    assert "is not NAME=VALUE" in wrong.err
