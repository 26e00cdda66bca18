"""
`relay backfill` and `relay audit` as processes, against a server that speaks as relay does.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp import web

from tests.cli.conftest import APP, DEADLINE_S, ROOT
from tests.cli.speaking import SpeakingServer, ran

BACKFILL = "/v1/sources/pbx/backfill"
RECONCILE = "/v1/sources/pbx/reconcile"
STRETCH = ("--from", "2026-11-01T00:00:00Z", "--to", "2026-11-02T00:00:00Z")
JOB = {
    "id": 7,
    "source_id": "pbx",
    "kind": "backfill",
    "from": "2026-11-01T00:00:00.000Z",
    "to": "2026-11-02T00:00:00.000Z",
    "state": "waiting",
    "progress": 0.0,
    "rows": 0,
    "events": 0,
    "missing": None,
    "reason": None,
}
DONE = {**JOB, "state": "done", "progress": 1.0, "rows": 120, "events": 9}


@pytest.fixture
async def server() -> AsyncIterator[SpeakingServer]:
    """
    Give a server that answers as it is told to.
    """
    async with SpeakingServer() as speaking:
        yield speaking


def say_one_after_the_other(server: SpeakingServer, path: str, *jobs: dict[str, Any]) -> None:
    """
    Answer with the next of these jobs each time, and with the last one from then on.
    """
    left = list(jobs)

    async def answer(_: web.Request) -> web.Response:
        return web.json_response(left.pop(0) if len(left) > 1 else left[0])

    server.on(f"GET {path}", answer)


@pytest.mark.parametrize(
    "words",
    [("pbx", *STRETCH), (*STRETCH, "pbx"), ("start", "pbx", *STRETCH)],
    ids=["source first", "options first", "start"],
)
async def test_a_backfill_is_started(server: SpeakingServer, words: tuple[str, ...]) -> None:
    server.say(f"POST {BACKFILL}", JOB, 202)

    done = await ran(server.url, "backfill", *words, "--json")

    assert (0, "", JOB) == (done.code, done.err, orjson.loads(done.out))
    (asked,) = server.asked
    assert {"from": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00Z"} == asked.body
    assert asked.headers["idempotency-key"]


async def test_a_backfill_that_is_waited_for_tells_how_far_it_is(server: SpeakingServer) -> None:
    server.say(f"POST {BACKFILL}", JOB, 202)
    running = {**JOB, "state": "running"}
    say_one_after_the_other(
        server, f"{BACKFILL}/7", {**running, "progress": 0.25}, {**running, "progress": 0.2501}, DONE
    )

    done = await ran(server.url, "backfill", "pbx", *STRETCH, "--wait")

    assert (0, "backfill 7: running, 25%\n") == (done.code, done.err)
    assert ["done", "120"] == [_value(done.out, name) for name in ("state", "rows")]


@pytest.mark.parametrize(("state", "reason"), [("failed", "absent"), ("cancelled", None)])
async def test_a_backfill_that_did_not_end_well_is_a_failure(
    server: SpeakingServer, state: str, reason: str | None
) -> None:
    ended = {**JOB, "state": state, "reason": reason}
    server.say(f"POST {BACKFILL}", JOB, 202)
    server.say(f"GET {BACKFILL}/7", ended)

    waited = await ran(server.url, "backfill", "pbx", *STRETCH, "--wait", "--json")
    shown = await ran(server.url, "backfill", "show", "pbx", "7", "--wait", "--json")
    looked_at = await ran(server.url, "backfill", "show", "pbx", "7", "--json")

    assert [1, 1, 0] == [waited.code, shown.code, looked_at.code]
    assert [ended] * 3 == [orjson.loads(done.out) for done in (waited, shown, looked_at)]


async def test_whoever_stops_waiting_leaves_the_backfill_running(server: SpeakingServer) -> None:
    server.say(f"POST {BACKFILL}", JOB, 202)
    server.say(f"GET {BACKFILL}/7", {**JOB, "state": "running"})
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", APP, "backfill", "pbx", *STRETCH, "--wait",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        cwd=ROOT, env={"PATH": os.environ.get("PATH", ""), "RELAY_URL": server.url},
    )  # fmt: skip
    assert process.stderr is not None
    async with asyncio.timeout(DEADLINE_S):
        first = await process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()

    assert (b"backfill 7: running, 0%\n", b"") == (first, out)
    assert (1, b"\nrelay: no longer waiting; the job goes on\n") == (process.returncode, err)
    assert {"POST", "GET"} == {one.method for one in server.asked}


async def test_backfills_are_listed(server: SpeakingServer) -> None:
    server.say(f"GET {BACKFILL}", {"items": [DONE, JOB], "next": None})

    table = await ran(server.url, "backfill", "list", "pbx", "--limit", "9")
    document = await ran(server.url, "backfill", "list", "pbx", "--json")

    rows = [line for line in table.out.splitlines() if "2026-11-01" in line]
    assert (0, 2, [("limit", "9")]) == (table.code, len(rows), server.asked[0].query)
    assert [DONE, JOB] == orjson.loads(document.out)["items"]


async def test_a_backfill_is_cancelled(server: SpeakingServer) -> None:
    server.say(f"DELETE {BACKFILL}/7", {**JOB, "state": "cancelled"})

    table = await ran(server.url, "backfill", "cancel", "pbx", "7")
    document = await ran(server.url, "backfill", "cancel", "pbx", "7", "--json")

    assert (0, "cancelled") == (table.code, _value(table.out, "state"))
    assert "cancelled" == orjson.loads(document.out)["state"]


@pytest.mark.parametrize(
    "words", [("pbx",), ("pbx", "--from", "x"), ("show", "pbx"), ("cancel", "pbx", "x"), ("show", "pbx", "0")]
)
async def test_wrong_usage_is_told(words: tuple[str, ...]) -> None:
    done = await ran("http://127.0.0.1:1", "backfill", *words)

    assert (2, "") == (done.code, done.out)
    assert "Usage: " in done.err


async def test_what_relay_refuses_is_told(server: SpeakingServer) -> None:
    errors = [{"field": "from", "problem": "must be before `to`"}]
    server.say(f"POST {BACKFILL}", {"title": "No", "detail": "", "errors": errors}, 422)

    done = await ran(server.url, "backfill", "pbx", *STRETCH)

    assert (1, "", True) == (done.code, done.out, "  from: must be before `to`" in done.err)


@pytest.mark.parametrize(("options", "body"), [((), {}), (("--day", "2026-11-01"), {"day": "2026-11-01"})])
async def test_an_audit_is_started(
    server: SpeakingServer, options: tuple[str, ...], body: dict[str, str]
) -> None:
    job = {**JOB, "kind": "reconcile", "missing": 0}
    server.say(f"POST {RECONCILE}", job, 202)

    done = await ran(server.url, "audit", "--source", "pbx", *options, "--json")

    assert (0, job, body) == (done.code, orjson.loads(done.out), server.asked[0].body)


@pytest.mark.parametrize(("state", "missing", "code"), [("done", 0, 0), ("done", 2, 1), ("failed", 0, 1)])
async def test_an_audit_tells_what_was_found_and_what_was_missing(
    server: SpeakingServer, state: str, missing: int, code: int
) -> None:
    ended = {**DONE, "kind": "reconcile", "state": state, "missing": missing}
    server.say(f"POST {RECONCILE}", {**JOB, "kind": "reconcile"}, 202)
    server.say(f"GET {RECONCILE}/7", ended)

    table = await ran(server.url, "audit", "--source", "pbx", "--wait")
    document = await ran(server.url, "audit", "--source", "pbx", "--wait", "--json")

    assert [code, code] == [table.code, document.code]
    assert ["120", str(missing), state] == [_value(table.out, name) for name in ("found", "missing", "state")]
    assert ended == orjson.loads(document.out)


def _value(out: str, name: str) -> str:
    """
    Return the value of a field in a table of them.
    """
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in out.splitlines()]
    (value,) = [row[1] for row in rows if row[0] == name]
    return value
