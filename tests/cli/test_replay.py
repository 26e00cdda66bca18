"""
`relay replay`, `relay explain` and `relay endpoints reconcile` as processes, against a server that speaks as
relay does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
import pytest
from aiohttp import web

from tests.cli.speaking import SpeakingServer, ran

REPLAY = "/v1/endpoints/crm/replay"
RECONCILIATION = "/v1/endpoints/crm/reconciliation"
JOB = {"id": 7, "endpoint_id": "crm", "state": "waiting", "progress": 0.0, "made": 0, "reason": None}
TRIAL = {"dry_run": True, "endpoint_id": "crm", "events": 12, "first_event_ids": ["evt_1"]}
COUNTS = {"matching": 9, "delivered": 4, "pending": 1, "exhausted": 1, "expired": 1, "discarded": 1}
EXPLAINED = {
    "call_id": "c1",
    "source_id": "pbx",
    "absorbed_into": None,
    "rows": [
        {
            "leg_id": "leg1",
            "stream": "user_calls",
            "started_at": "2026-11-21T10:00:00.000Z",
            "ended_at": None,
            "first_seen_at": "2026-11-21T10:00:02.000Z",
            "row": {"src": "\x1b[31mred"},
            "reads": [{"tier": "head", "requested_at": "2026-11-21T10:00:01.000Z", "rows": 40}],
        }
    ],
    "events": [
        {
            "seq": 5,
            "recorded_at": "2026-11-21T10:00:02.500Z",
            "event": {"id": "evt_1", "type": "call.started", "sequence": "0000000001"},
            "deliveries": [
                {
                    "endpoint_id": "crm",
                    "job": 7,
                    "status": "exhausted",
                    "reason": "http_5xx",
                    "attempt_list": [
                        {
                            "attempt": 1,
                            "made_at": "2026-11-21T10:00:03.000Z",
                            "reason": "http_5xx",
                            "http_status": 503,
                            "latency_ms": 12,
                            "answer": "busy\x1b]0;x",
                        }
                    ],
                }
            ],
        }
    ],
    "cut": ["attempts"],
}


@pytest.fixture
async def server() -> AsyncIterator[SpeakingServer]:
    """
    Give a server that answers as it is told to.
    """
    async with SpeakingServer() as speaking:
        yield speaking


@pytest.mark.parametrize("verb", [[], ["start"]])
async def test_a_replay_is_asked_for_with_all_its_filters(server: SpeakingServer, verb: list[str]) -> None:
    server.say(f"POST {REPLAY}", JOB, 202)
    options = (
        "crm", "--from", "2026-11-01T00:00:00Z", "--to", "2026-11-02T00:00:00Z", "--type", "call.*,agent.*",
        "--source", "pbx", "--call", "c1", "--agent", "Ann", "--agent-id", "1001", "--queue", "sales",
        "--outcome", "missed", "--only-missing", "--rate-per-s", "20", "--dry-run",
    )  # fmt: skip

    done = await ran(server.url, "replay", *verb, *options)

    assert (0, "", True) == (done.code, done.err, "waiting" in done.out)
    assert {
        "from": "2026-11-01T00:00:00Z",
        "to": "2026-11-02T00:00:00Z",
        "types": ["call.*", "agent.*"],
        "sources": ["pbx"],
        "call_id": "c1",
        "agent_name": "Ann",
        "agent_id": "1001",
        "queue": "sales",
        "outcome": "missed",
        "only_missing": True,
        "rate_per_s": 20.0,
        "dry_run": True,
    } == server.asked[0].body


async def test_without_options_everything_is_sent_again(server: SpeakingServer) -> None:
    server.say(f"POST {REPLAY}", TRIAL, 202)

    done = await ran(server.url, "replay", "crm", "--json")

    assert (TRIAL, {}) == (orjson.loads(done.out), server.asked[0].body)


@pytest.mark.parametrize(("state", "code"), [("done", 0), ("failed", 1)])
async def test_a_replay_is_waited_for(server: SpeakingServer, state: str, code: int) -> None:
    server.say(f"POST {REPLAY}", JOB, 202)
    server.say("GET /v1/replays/7", {**JOB, "state": state})

    done = await ran(server.url, "replay", "crm", "--wait")

    assert (code, True) == (done.code, state in done.out)


async def test_replays_are_listed_shown_and_cancelled(server: SpeakingServer) -> None:
    server.say("GET /v1/replays", {"items": [JOB], "next": None})
    server.say("GET /v1/replays/7", {**JOB, "by_status": {"delivered": 3}})
    server.say("DELETE /v1/replays/7", {**JOB, "state": "cancelled"})

    listed = await ran(server.url, "replay", "list", "--endpoint", "crm")
    shown = await ran(server.url, "replay", "show", "7")
    cancelled = await ran(server.url, "replay", "cancel", "7", "--json")

    assert (0, 0, 0) == (listed.code, shown.code, cancelled.code)
    assert ("endpoint", "crm") == server.asked[0].query[0]
    assert ["waiting" in listed.out, '{"delivered":3}' in shown.out] == [True, True]
    assert "cancelled" == orjson.loads(cancelled.out)["state"]


async def test_all_parts_of_a_reconciliation_are_counted_together(server: SpeakingServer) -> None:
    async def answer(request: web.Request) -> web.Response:
        place = None if request.query.get("after") == "5000" else "5000"
        return web.json_response({"endpoint_id": "crm", **COUNTS, "without_delivery": 1, "next": place})

    server.on(f"GET {RECONCILIATION}", answer)

    done = await ran(server.url, "endpoints", "reconcile", "crm", "--from", "2026-11-01T00:00:00Z", "--json")

    twice = {name: 2 * count for name, count in {**COUNTS, "without_delivery": 1}.items()}
    assert {"endpoint_id": "crm", **twice, "next": None} == orjson.loads(done.out)
    assert [("from", "2026-11-01T00:00:00Z")] == server.asked[0].query


async def test_what_is_missing_is_listed_or_sent(server: SpeakingServer) -> None:
    missing = {"seq": 5, "status": "none", "reason": "not_made", "type": "call.started"}
    server.say(f"GET {RECONCILIATION}/missing", {"items": [missing], "next": None})
    server.say(f"POST {REPLAY}", JOB, 202)

    listed = await ran(server.url, "endpoints", "reconcile", "crm", "--missing")
    sent = await ran(server.url, "endpoints", "reconcile", "crm", "--replay", "--to", "2026-11-02T00:00:00Z")
    both = await ran(server.url, "endpoints", "reconcile", "crm", "--replay", "--missing")

    assert (True, True, 2) == ("not_made" in listed.out, "waiting" in sent.out, both.code)
    assert {"to": "2026-11-02T00:00:00Z", "only_missing": True} == server.asked[1].body


async def test_a_call_is_explained_as_a_timeline_that_steers_no_terminal(server: SpeakingServer) -> None:
    server.say("GET /v1/calls/c1/explain", EXPLAINED)

    done = await ran(server.url, "explain", "c1")
    document = await ran(server.url, "explain", "c1", "--json")

    order = [
        "call c1 of pbx", "2026-11-21T10:00:01.000Z shown by a read of head", "first seen", "call.started",
        "revision 1, seq 5", "crm exhausted, sent again as job 7", "attempt 1: http_5xx 503 in 12 ms busy",
    ]  # fmt: skip
    places = [done.out.find(words) for words in order]
    assert sorted(places) == places, done.out
    assert places[0] >= 0
    assert "\x1b" not in done.out
    assert (0, "relay: there are more attempts than are shown\n") == (done.code, done.err)
    assert EXPLAINED == orjson.loads(document.out)
