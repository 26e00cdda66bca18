"""
`relay command` as a process, against a server that speaks as relay does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp import web

from tests.cli.speaking import SpeakingServer, ran

RUN = "/v1/sources/dialer/commands/add_lead"
DONE = {
    "command_id": "cmd_1",
    "status": "succeeded",
    "message": "add_lead LEAD HAS BEEN ADDED",
    "data": {"details": {"lead_id": "193716"}, "rows": [{"a": "1", "b": "x"}], "notices": [], "rejected": 0},
    "raw": "SUCCESS",
}
SHOWN = {"command_id": "cmd_1", "function": "add_lead", "status": "unknown", "call_id": None}
JOB = {"bulk_id": "bulk_1", "state": "waiting", "progress": 0.0, "total": 2, "succeeded": 0}


@pytest.fixture
async def server() -> AsyncIterator[SpeakingServer]:
    """
    Give a server that answers as it is told to.
    """
    async with SpeakingServer() as speaking:
        yield speaking


async def test_parameters_go_out_as_given_and_the_key_is_printed(server: SpeakingServer) -> None:
    server.say(f"POST {RUN}", DONE)
    words = ("phone_number=7275551212", "note=a=b", "list_id:=999", 'tags:=["A","B"]', "owner:=null")

    done = await ran(server.url, "command", "run", "dialer", "add_lead", *words)

    (asked,) = server.asked
    assert {
        "phone_number": "7275551212", "note": "a=b", "list_id": 999, "tags": ["A", "B"], "owner": None,
    } == asked.body  # fmt: skip
    assert (0, f"relay: Idempotency-Key {asked.headers['idempotency-key']}\n") == (done.code, done.err)
    assert all(word in done.out for word in ("succeeded", "LEAD HAS BEEN ADDED", "193716", "rows"))


async def test_a_given_key_is_sent_and_not_printed(server: SpeakingServer) -> None:
    server.say(f"POST {RUN}", DONE)

    done = await ran(server.url, "command", "run", "dialer", "add_lead", "a=1", "--key", "mine", "--json")

    assert (0, "", DONE) == (done.code, done.err, orjson.loads(done.out))
    assert "mine" == server.asked[0].headers["idempotency-key"]


async def test_a_refusal_tells_the_vendors_words_and_the_command(server: SpeakingServer) -> None:
    problem = {
        "title": "The phone system refused it",
        "status": 422,
        "detail": "NO \x1b[31m",
        "command_id": "cmd_9",
    }
    server.say(f"POST {RUN}", {"type": "urn:relay:problem:vendor_bad_argument", "errors": [], **problem}, 422)

    done = await ran(server.url, "command", "run", "dialer", "add_lead", "a=1")

    assert (1, "") == (done.code, done.out)
    assert "The phone system refused it (422): NO \\x1b[31m" in done.err
    assert "cmd_9" in done.err


@pytest.mark.parametrize("words", [("a",), ("=1",), ("a=1", "a=2"), ("a:={",)])
async def test_what_is_no_parameter_is_wrong_usage(server: SpeakingServer, words: tuple[str, ...]) -> None:
    done = await ran(server.url, "command", "run", "dialer", "add_lead", *words)

    assert (2, []) == (done.code, server.asked)


async def test_commands_are_listed_and_shown(server: SpeakingServer) -> None:
    server.say_list("/v1/commands", 3, function="add_lead")
    server.say("GET /v1/commands/cmd_1", SHOWN)

    listed = await ran(
        server.url, "command", "list", "dialer", "--function", "add_lead", "--state", "unknown", "--json"
    )
    shown = await ran(server.url, "command", "show", "cmd_1", "--json")
    table = await ran(server.url, "command", "show", "cmd_1")

    assert (0, 3) == (listed.code, len(orjson.loads(listed.out)["items"]))
    wanted = {"source": "dialer", "function": "add_lead", "state": "unknown"}
    assert wanted.items() <= dict(server.asked[0].query).items()
    assert (0, SHOWN) == (shown.code, orjson.loads(shown.out))
    assert (0, True) == (table.code, "unknown" in table.out)


async def test_functions_are_listed_and_one_is_shown(server: SpeakingServer) -> None:
    takes = {"properties": {"phone_number": {"description": "Phone number."}}, "required": ["phone_number"]}
    one: dict[str, Any] = {"name": "add_lead", "summary": "Add a lead.", "is_write": True, "takes": takes}
    server.say("GET /v1/sources/dialer/commands", {"items": [one], "next": None})

    listed = await ran(server.url, "command", "functions", "dialer")
    shown = await ran(server.url, "command", "functions", "dialer", "add_lead")
    missing = await ran(server.url, "command", "functions", "dialer", "nothing")

    assert (0, True) == (listed.code, "Add a lead." in listed.out)
    assert (0, True) == (shown.code, "Phone number." in shown.out)
    assert (1, True) == (missing.code, "nothing" in missing.err)


async def test_a_file_is_sent_whole_and_its_job_waited_for(server: SpeakingServer) -> None:
    server.say(
        "GET /v1/sources/dialer/bulk/bulk_1", {**JOB, "state": "done", "progress": 1.0, "succeeded": 2}
    )
    seen: list[tuple[str, bytes, list[tuple[str, str]]]] = []

    async def take(request: web.Request) -> web.Response:
        seen.append((request.content_type, await request.read(), list(request.query.items())))
        return web.json_response(JOB, status=202)

    server.on("POST /v1/sources/dialer/bulk", take)
    bulk = ("command", "bulk", "dialer", "add_lead", "-", "--set", "list_id=999", "--set", "a=b=c", "--wait")

    done = await ran(server.url, *bulk, "--json", said='{"phone_number": "7275551212"}\n')

    assert (0, 2) == (done.code, orjson.loads(done.out)["succeeded"])
    query = [("function", "add_lead"), ("default", "list_id=999"), ("default", "a=b=c")]
    assert [("application/x-ndjson", b'{"phone_number": "7275551212"}\n', query)] == seen


async def test_jobs_are_cancelled(server: SpeakingServer) -> None:
    server.say("DELETE /v1/sources/dialer/bulk/bulk_1", {**JOB, "state": "cancelled"})

    done = await ran(server.url, "command", "jobs", "cancel", "dialer", "bulk_1")

    assert (0, True) == (done.code, "cancelled" in done.out)
