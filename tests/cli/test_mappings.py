"""
`relay lead-statuses`, `agent-mappings`, `agents` and `groups` as processes, against a server that speaks as
relay does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from relay.cli.mapping_file import MAX_ROWS, read_mappings
from tests.cli.speaking import SpeakingServer, ran

SOLD = {
    "source_id": "dialer",
    "code": "Contract signed",
    "dialer_status": "SALE",
    "description": "",
    "is_default": True,
}
ANN = {"source_id": "dialer", "agent_id": "1001", "external_id": "ann@crm", "description": "Ann"}
AGENT = {
    "source_id": "dialer",
    "agent_id": "1001",
    "revision": 3,
    "since": "2026-11-21T10:00:00.000Z",
    "data": {"agent_name": "Ann \x1b[2J", "status": "INCALL", "campaign": "SALES", "calls_today": 0},
}
GROUP = {"group_id": "SALESLINE", "kind": "in_group", "data": {"calls_waiting": 4}}


@pytest.fixture
async def server() -> AsyncIterator[SpeakingServer]:
    """
    Give a server that answers as it is told to.
    """
    async with SpeakingServer() as speaking:
        yield speaking


async def test_a_lead_status_is_added(server: SpeakingServer) -> None:
    server.say("POST /v1/lead-statuses", SOLD, 201)

    table = await ran(server.url, "lead-statuses", "add", "dialer", "Contract signed", "SALE")
    document = await ran(
        server.url, "lead-statuses", "add", "dialer", "won", "SALE", "--description", "Yes", "--no-default",
        "--json",
    )  # fmt: skip

    given = {"source_id": "dialer", "code": "Contract signed", "dialer_status": "SALE"}
    assert (0, "") == (table.code, table.err)
    assert "Contract signed" in table.out
    assert SOLD == orjson.loads(document.out)
    assert [given, {**given, "code": "won", "description": "Yes", "is_default": False}] == [
        one.body for one in server.asked
    ]


async def test_a_lead_status_is_changed_and_removed_by_its_code(server: SpeakingServer) -> None:
    path = "/v1/lead-statuses/dialer/Contract signed"
    server.say(f"PATCH {path}", SOLD)
    server.say(f"DELETE {path}", None, 204)

    names = ("dialer", "Contract signed")
    changed = await ran(
        server.url, "lead-statuses", "change", *names, "--dialer-status", "SALE", "--default", "--json"
    )
    removed = await ran(server.url, "lead-statuses", "remove", *names)

    assert SOLD == orjson.loads(changed.out)
    assert (0, "Contract signed of dialer is removed.\n") == (removed.code, removed.out)
    assert [("PATCH", {"dialer_status": "SALE", "is_default": True}), ("DELETE", None)] == [
        (one.method, one.body) for one in server.asked
    ]
    assert {path.replace(" ", "%20")} == {one.path for one in server.asked}


@pytest.mark.parametrize("noun", ["lead-statuses", "agent-mappings"])
async def test_mappings_are_listed_of_a_source(server: SpeakingServer, noun: str) -> None:
    server.say_list(f"/v1/{noun}", 3, source_id="dialer", description="as given")

    table = await ran(server.url, noun, "list", "--source", "dialer")
    document = await ran(server.url, noun, "list", "--json", "--limit", "2")

    assert (0, 3) == (table.code, table.out.count("as given"))
    assert [("source", "dialer"), ("limit", "50")] == server.asked[0].query
    assert 2 == len(orjson.loads(document.out)["items"])


async def test_an_agent_mapping_is_added_and_removed(server: SpeakingServer) -> None:
    server.say("POST /v1/agent-mappings", ANN, 201)
    server.say("DELETE /v1/agent-mappings/dialer/1001", None, 204)

    added = await ran(
        server.url, "agent-mappings", "add", "dialer", "1001", "ann@crm", "--description", "Ann", "--json"
    )
    removed = await ran(server.url, "agent-mappings", "remove", "dialer", "1001")

    assert (ANN, ANN) == (orjson.loads(added.out), server.asked[0].body)
    assert (0, "1001 of dialer is removed.\n") == (removed.code, removed.out)


async def test_what_relay_refuses_is_told(server: SpeakingServer) -> None:
    server.say("POST /v1/agent-mappings", {"title": "Conflict", "detail": "there is one"}, 409)

    done = await ran(server.url, "agent-mappings", "add", "dialer", "1001", "x")

    assert (1, "relay: Conflict (409): there is one\n") == (done.code, done.err)


async def test_a_file_is_imported_and_what_is_there_changes(server: SpeakingServer, tmp_path: Path) -> None:
    server.say("GET /v1/agent-mappings", {"items": [ANN, {**ANN, "agent_id": "1002"}], "next": None})
    server.say("POST /v1/agent-mappings", ANN, 201)
    server.say("PATCH /v1/agent-mappings/dialer/1002", ANN)
    file = tmp_path / "agents.csv"
    file.write_text('\ufeffAgent_ID, external_id\n1001,ann@crm\n1002,"bob, jr"\n1003, c@crm\n')

    done = await ran(server.url, "agent-mappings", "import", str(file), "--source", "dialer", "--json")

    assert (0, "") == (done.code, done.err)
    assert {"given": 3, "added": 1, "changed": 1, "same": 1} == orjson.loads(done.out)
    assert [
        ("PATCH", {"external_id": "bob, jr"}),
        ("POST", {"source_id": "dialer", "agent_id": "1003", "external_id": "c@crm", "description": ""}),
    ] == [(one.method, one.body) for one in server.asked[1:]]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "missing: agent_id, external_id"),
        ("agent_id\n1", "missing: external_id"),
        ("agent_id,external_id,phone\n1,2,3", "not phone"),
        ("agent_id,external_id,agent_id\n1,2,3", "twice"),
        ("agent_id,external_id\n1,2,3", "line 2: has more values"),
        ("agent_id,external_id\n1,", "line 2: external_id is missing"),
        ("agent_id,external_id\n1", "line 2: external_id is missing"),
        ("agent_id,external_id\n1,a\n1,b", "line 3: agent 1 of dialer was there already"),
        ('agent_id,external_id\n1,"a"b', "is no CSV"),
    ],
)
async def test_a_file_with_a_fault_changes_nothing(server: SpeakingServer, text: str, fault: str) -> None:
    done = await ran(server.url, "agent-mappings", "import", "-", "--source", "dialer", said=text)

    assert (2, []) == (done.code, server.asked)
    assert fault in " ".join(done.err.replace("│", " ").split())


def test_a_row_without_a_source_needs_one() -> None:
    rows = read_mappings(["source_id,agent_id,external_id", "b,1,x", ",1,y"], "a")

    assert ["b", "a"] == [row["source_id"] for row in rows]
    with pytest.raises(ValueError, match="or give --source"):
        read_mappings(["agent_id,external_id", "1,x"], None)


def test_a_file_has_no_more_rows_than_a_source_may_have() -> None:
    lines = ["agent_id,external_id", *(f"{number},x" for number in range(MAX_ROWS + 1))]

    assert MAX_ROWS == len(read_mappings(lines[:-1], "a"))
    with pytest.raises(ValueError, match="more than 10000"):
        read_mappings(lines, "a")


async def test_agents_are_a_table_of_what_was_published(server: SpeakingServer) -> None:
    server.say("GET /v1/agents", {"items": [AGENT], "next": None})
    filters = ("--source", "dialer", "--status", "INCALL", "--user-group", "SALES")

    table = await ran(server.url, "agents", "list", *filters)
    document = await ran(server.url, "agents", "list", "--json")

    line = next(line for line in table.out.splitlines() if "1001" in line)
    cells: list[Any] = [cell.strip() for cell in line.strip("│").split("│")]
    assert [
        "1001", "INCALL", "-", "2026-11-21T10:00:00.000Z", "Ann \\x1b[2J", "SALES", "-", "-", "0", "-",
        "dialer", "-",
    ] == cells  # fmt: skip
    assert AGENT == orjson.loads(document.out)["items"][0]
    assert [("source", "dialer"), ("status", "INCALL"), ("user_group", "SALES"), ("limit", "50")] == (
        server.asked[0].query
    )


async def test_groups_are_a_table_of_their_gauges(server: SpeakingServer) -> None:
    server.say("GET /v1/groups", {"items": [GROUP], "next": None})

    table = await ran(server.url, "groups", "list", "--kind", "in_group")

    assert ["SALESLINE", "in_group", "4"] == [
        cell.strip() for cell in table.out.splitlines()[-2].strip("│").split("│")[:3]
    ]
    assert [("kind", "in_group"), ("limit", "50")] == server.asked[0].query
