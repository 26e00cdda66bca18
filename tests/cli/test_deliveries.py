"""
`relay deliveries` as a process, against a server that speaks as relay does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
import pytest

from tests.cli.speaking import SpeakingServer, ran

PATH = "/v1/deliveries"
ID = "crm.c0ffee.0"
DELIVERY = {
    "id": ID,
    "endpoint_id": "crm",
    "event_id": "c0ffee",
    "event_type": "call.finished",
    "status": "pending",
    "attempts": 2,
    "http_status": 503,
    "reason": "http_5xx",
    "latency_ms": 12,
    "recorded_at": "2026-11-21T10:00:00.000Z",
    "due_at": None,
}
ATTEMPTS = {
    "items": [
        {"attempt": 1, "made_at": "2026-11-21T10:00:01.000Z", "reason": "timeout", "answer": ""},
        {"attempt": 2, "made_at": "2026-11-21T10:00:09.000Z", "reason": "http_5xx", "answer": "\x1b]0;busy"},
    ],
    "next": None,
}


@pytest.fixture
async def server() -> AsyncIterator[SpeakingServer]:
    """
    Give a server that answers as it is told to.
    """
    async with SpeakingServer() as speaking:
        yield speaking


@pytest.mark.parametrize("verb", [[], ["list"]])
async def test_deliveries_are_listed_with_filters(server: SpeakingServer, verb: list[str]) -> None:
    server.say(f"GET {PATH}", {"items": [DELIVERY], "next": None})
    options = (
        "--endpoint", "crm", "--status", "pending,exhausted", "--status", "expired", "--event", "c0ffee",
        "--type", "call.*", "--limit", "7",
    )  # fmt: skip

    done = await ran(server.url, "deliveries", *verb, *options)

    (row,) = [line for line in done.out.splitlines() if ID in line]
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    expected = "crm.c0ffee.0 pending call.finished http_5xx 2 503 2026-11-21T10:00:00.000Z - 12"
    assert (0, "", expected.split()) == (done.code, done.err, cells)
    assert [
        ("endpoint", "crm"), ("status", "pending"), ("status", "exhausted"), ("status", "expired"),
        ("event", "c0ffee"), ("type", "call.*"), ("limit", "7"),
    ] == server.asked[0].query  # fmt: skip


@pytest.mark.parametrize(("limit", "came", "place"), [("50", 50, "50"), ("0", 620, None)])
async def test_a_list_ends_at_its_limit_and_json_says_so(
    server: SpeakingServer, limit: str, came: int, place: str | None
) -> None:
    server.say_list(PATH, 620)

    done = await ran(server.url, "deliveries", "--json", "--limit", limit)

    document = orjson.loads(done.out)
    assert (0, "", came, place) == (done.code, done.err, len(document["items"]), document["next"])


async def test_a_table_that_was_cut_says_so(server: SpeakingServer) -> None:
    server.say_list(PATH, 60)

    done = await ran(server.url, "deliveries")

    assert 50 == done.out.count("number-")
    assert (0, "relay: there are more; --limit 0 prints all\n") == (done.code, done.err)


async def test_a_delivery_is_shown_with_its_attempts(server: SpeakingServer) -> None:
    server.say(f"GET {PATH}/{ID}", DELIVERY)
    server.say(f"GET {PATH}/{ID}/attempts", ATTEMPTS)

    table = await ran(server.url, "deliveries", "show", ID)
    document = await ran(server.url, "deliveries", "show", ID, "--json")

    assert [] == [word for word in ("timeout", "http_5xx", "\\x1b]0;busy", ID) if word not in table.out]
    assert "\x1b" not in table.out + document.out
    assert {"delivery": DELIVERY, "attempts": ATTEMPTS} == orjson.loads(document.out)


async def test_a_delivery_is_resent(server: SpeakingServer) -> None:
    again = {**DELIVERY, "id": "crm.c0ffee.7", "job": 7}
    server.say(f"POST {PATH}/{ID}/resend", again, 201)

    table = await ran(server.url, "deliveries", "resend", ID)
    document = await ran(server.url, "deliveries", "resend", ID, "--json")

    assert (0, True) == (table.code, "crm.c0ffee.7" in table.out)
    assert again == orjson.loads(document.out)


async def test_what_is_not_there_is_told(server: SpeakingServer) -> None:
    done = await ran(server.url, "deliveries", "show", "a/b c")

    assert (1, "") == (done.code, done.out)
    assert "relay: Not found (404): /v1/deliveries/a/b c\n" == done.err
    assert ["/v1/deliveries/a%2Fb%20c"] == [one.path for one in server.asked]


async def test_options_before_another_command_are_wrong_usage() -> None:
    done = await ran("http://127.0.0.1:1", "deliveries", "--json", "show", ID)

    assert (2, "", True) == (done.code, done.out, "options belong behind `show`" in done.err)
