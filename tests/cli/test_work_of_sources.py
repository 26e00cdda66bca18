"""
`relay source`, `rejects`, `aliases` and `link` as processes, against a server that speaks as relay does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from tests.cli.speaking import SpeakingServer, ran

COVERAGE = {
    "source_id": "pbx",
    "oldest_unread_at": "2026-11-21T09:00:00.000Z",
    "streams": [
        {
            "stream": "user_calls",
            "state": "up",
            "oldest_unread_at": "2026-11-21T09:00:00.000Z",
            "intervals": [{"start": "2026-11-21T00:00:00.000Z", "end": "2026-11-21T10:00:00.000Z"}],
            "gaps": [
                {"start": "2026-11-21T09:00:00.000Z", "end": None, "reason": "timeout", "closed_at": None},
                {"start": "2026-11-20T09:00:00.000Z", "reason": "not_running", "closed_at": "2026-11-20"},
            ],
            "last_read": {"requested_at": "2026-11-21T10:00:01.000Z", "tier": "head", "rows": 12},
            "visibility": {"appears_at": "end", "late_s": 120},
        },
        {"stream": "queue_calls", "state": "absent", "gaps": [], "last_read": None},
    ],
}
ALIASES = [
    {"source_id": "pbx", "natural_id": f"c_{number}", "call_id": f"c_{number}x"} for number in range(1_203)
]
KEY = {"id_key_fingerprint": "0123456789abcdef"}
LINKS = {
    "call_id": "c_1",
    "anchor": "leg_1",
    "pairs": [{"a": "leg_1", "b": "leg_2", "score": 4.5}, {"a": "leg_1", "b": "leg_3", "why": "\x1b[2J"}],
}


@pytest.fixture
async def server() -> AsyncIterator[SpeakingServer]:
    """
    Give a server that answers as it is told to.
    """
    async with SpeakingServer() as speaking:
        yield speaking


def rows_of(out: str) -> list[list[str]]:
    """
    Return the rows of all tables.
    """
    return [
        [cell.strip() for cell in line.strip("│┃").replace("┃", "│").split("│")]
        for line in out.splitlines()
        if line.startswith(("│", "┃"))
    ]


async def test_coverage_is_shown_by_stream_with_its_gaps(server: SpeakingServer) -> None:
    server.say("GET /v1/sources/pbx/coverage", COVERAGE)

    table = await ran(server.url, "source", "coverage", "pbx")
    document = await ran(server.url, "source", "coverage", "pbx", "--json")

    assert (0, "", COVERAGE) == (table.code, table.err, orjson.loads(document.out))
    assert "pbx: complete before 2026-11-21T09:00:00.000Z" in table.out
    rows = rows_of(table.out)
    assert [
        "user_calls", "up", "2026-11-21T09:00:00.000Z", "1", "2026-11-21T10:00:01.000Z", "head", "12",
        "at the end, within 120 s",
    ] in rows  # fmt: skip
    assert ["queue_calls", "absent", "-", "0", "-", "-", "-", "-"] in rows
    assert [["timeout"], ["not_running"]] == [
        row[3:4] for row in rows if row[3] in ("timeout", "not_running")
    ]


async def test_rejects_are_listed_with_filters(server: SpeakingServer) -> None:
    server.say_list("/v1/rejects", 3, source_id="pbx", why="call_started_at is missing", row={"n": 1})

    table = await ran(server.url, "rejects", "list", "--source", "pbx", "--stream", "queue_calls")
    document = await ran(server.url, "rejects", "list", "--json", "--limit", "2")

    assert (0, 3) == (table.code, table.out.count("call_started_at is missing"))
    assert [("source_id", "pbx"), ("stream", "queue_calls"), ("limit", "50")] == server.asked[0].query
    assert (2, "2") == (len(orjson.loads(document.out)["items"]), orjson.loads(document.out)["next"])


@pytest.mark.parametrize(
    ("options", "stream"), [((), {}), (("--stream", "queue_calls"), {"stream": "queue_calls"})]
)
async def test_rejects_are_replayed(
    server: SpeakingServer, options: tuple[str, ...], stream: dict[str, str]
) -> None:
    replay = {"source_id": "pbx", "stream": None, "item_id": 3}
    server.say("POST /v1/rejects/replay", replay, 202)

    table = await ran(server.url, "rejects", "replay", "pbx", *options)
    document = await ran(server.url, "rejects", "replay", "pbx", *options, "--json")

    assert (0, ["item_id", "3"]) == (table.code, rows_of(table.out)[-1])
    assert replay == orjson.loads(document.out)
    assert {"source_id": "pbx", **stream} == server.asked[0].body


async def test_aliases_are_exported_and_imported_in_steps(server: SpeakingServer, tmp_path: Path) -> None:
    async def listed(request: web.Request) -> web.Response:
        start, limit = int(request.query.get("after", 0)), int(request.query["limit"])
        end = min(start + limit, len(ALIASES))
        return web.json_response(
            {"items": ALIASES[start:end], "next": str(end) if end < len(ALIASES) else None, **KEY}
        )

    server.on("GET /v1/aliases", listed)
    server.say("POST /v1/aliases", {"given": 1, "added": 1})
    file = tmp_path / "aliases.json"

    exported = await ran(server.url, "aliases", "export", str(file), "--source", "pbx")
    on_the_way = await ran(server.url, "aliases", "export", "-")
    imported = await ran(server.url, "aliases", "import", str(file), "--json")
    from_input = await ran(server.url, "aliases", "import", "-", said=on_the_way.out)

    assert [(0, "")] * 4 == [(done.code, done.err) for done in (exported, on_the_way, imported, from_input)]
    expected = {"items": ALIASES, "next": None, **KEY}
    assert [expected] * 2 == [orjson.loads(file.read_bytes()), orjson.loads(on_the_way.out)]
    assert {"given": 1_203, "added": 2} == orjson.loads(imported.out)
    posted = [one.body for one in server.asked if one.method == "POST"]
    sent = [body["items"] for body in posted]
    assert {KEY["id_key_fingerprint"]} == {body["id_key_fingerprint"] for body in posted}
    assert [1_000, 203] * 2 == [len(items) for items in sent]
    assert ALIASES == sent[0] + sent[1]
    assert ("source_id", "pbx") in server.asked[1].query


@pytest.mark.parametrize("said", ['{"items": []}', '{"items": [], "id_key_fingerprint": null}'])
async def test_an_import_of_nothing_still_asks_and_names_only_a_key_there_is(
    server: SpeakingServer, said: str
) -> None:
    server.say("POST /v1/aliases", {"given": 0, "added": 0})

    done = await ran(server.url, "aliases", "import", "-", "--json", said=said)

    assert (0, {"given": 0, "added": 0}) == (done.code, orjson.loads(done.out))
    assert [{"items": []}] == [one.body for one in server.asked]


async def test_an_export_that_fails_writes_nothing(server: SpeakingServer, tmp_path: Path) -> None:
    file = tmp_path / "aliases.json"
    file.write_text("what was there")

    done = await ran(server.url, "aliases", "export", str(file))

    assert (1, "what was there") == (done.code, file.read_text())


@pytest.mark.parametrize("said", ["", "[]", "{}", '{"items": 1}', "\x00"])
async def test_what_is_no_export_is_not_imported(server: SpeakingServer, said: str) -> None:
    done = await ran(server.url, "aliases", "import", "-", said=said)

    assert (2, "", []) == (done.code, done.out, server.asked)
    assert "aliases export" in done.err


async def test_an_alias_with_another_id_is_told(server: SpeakingServer) -> None:
    server.say("POST /v1/aliases", {"title": "Conflict", "detail": "c_1 is c_2 here"}, 409)

    done = await ran(server.url, "aliases", "import", "-", said='{"items": [{}]}')

    assert (1, "relay: Conflict (409): c_1 is c_2 here\n") == (done.code, done.err)


async def test_links_are_explained(server: SpeakingServer) -> None:
    server.say("GET /v1/calls/c_1/links", LINKS)

    table = await ran(server.url, "link", "explain", "c_1")
    document = await ran(server.url, "link", "explain", "c_1", "--json")

    rows = rows_of(table.out)
    assert (0, "") == (table.code, table.err)
    assert ["anchor", "leg_1"] in rows
    assert ["a", "b", "score", "why"] in rows
    assert [["leg_1", "leg_2", "4.5", "-"], ["leg_1", "leg_3", "-", "\\x1b[2J"]] == rows[-2:]
    assert LINKS == orjson.loads(document.out)


async def test_links_are_tried_with_other_rules(server: SpeakingServer) -> None:
    server.say("POST /v1/sources/pbx/links/dry-run", {"calls": 3, "pairs": []})
    stretch = ("--from", "2026-11-01T00:00:00Z", "--to", "2026-11-02T00:00:00Z")
    rules = ("--rule", "same_instant_s=5", "--rule", "greedy=true", "--rule", "mode=loose")

    done = await ran(server.url, "link", "dry-run", "pbx", *stretch, *rules)

    expected: dict[str, Any] = {"same_instant_s": 5, "greedy": True, "mode": "loose"}
    assert (0, expected) == (done.code, server.asked[0].body["rules"])
    assert ["calls", "3"] in rows_of(done.out)


async def test_a_rule_without_a_value_is_wrong_usage(server: SpeakingServer) -> None:
    done = await ran(server.url, "link", "dry-run", "pbx", "--from", "x", "--to", "y", "--rule", "margin")

    assert (2, [], True) == (done.code, server.asked, "NAME=VALUE" in done.err)
