"""
An Elision dialer answers in text about users and in JSON about lists and leads, as its document shows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import pytest

from relay.twin.elision.server import RunningElision, start_elision_twin
from relay.twin.elision.settings import ElisionTwinSettings

API = {"source": "test", "user": "api", "pass": "1234"}
USER = {
    "agent_user": "10000", "agent_pass": "9999", "agent_user_level": "1", "agent_full_name": "Testing Person",
    "agent_user_group": "AGENTS",
}  # fmt: skip
LIST = {"list_id": "1102", "list_name": "Test API list", "campaign_id": "TESTCAMP"}
NO = "USER DOES NOT HAVE PERMISSION TO"
LEVEL_7 = {"user": "lvl7", "pass": "pass7"}
LEVEL_8 = {"user": "lvl8", "pass": "pass8"}


class Asking:
    """
    Asks the page of one twin.
    """

    def __init__(self, running: RunningElision, session: aiohttp.ClientSession) -> None:
        self.running = running
        self.session = session

    async def ask(self, function: str, **params: str) -> str:
        sent = {**API, "function": function, **params}
        async with self.session.get(self.running.api_url, params=sent) as response:
            assert 200 == response.status
            return await response.text()

    async def json(self, function: str, **params: str) -> Any:
        return orjson.loads(await self.ask(function, **params))

    async def control(self, said: object) -> int:
        async with self.session.post(f"{self.running.url}/control", json=said) as response:
            return response.status


@asynccontextmanager
async def elision() -> AsyncIterator[Asking]:
    running = await start_elision_twin(ElisionTwinSettings(password="1234"))
    try:
        async with aiohttp.ClientSession() as session:
            yield Asking(running, session)
    finally:
        await running.close()


@pytest.mark.parametrize(
    ("function", "params", "answer"),
    [
        ("add_user", {"pass": "x"}, "ERROR: Login incorrect, please try again: |api|x|BAD|"),
        ("nothing", {}, "ERROR: NO FUNCTION SPECIFIED"),
        ("add_user", {"source": ""}, "ERROR: Invalid Source: ||"),
        ("add_user", LEVEL_7, f"ERROR: add_user {NO} ADD USERS - lvl7|0"),
        ("add_user", {"agent_user": "1000"}, "ERROR: add_user YOU MUST USE ALL REQUIRED FIELDS - api|1000|"),
        ("add_user", {**USER, **LEVEL_8, "agent_user_level": "9"},
         f"ERROR: add_user {NO} ADD USERS IN THIS USER LEVEL - lvl8|9"),
        ("add_user", {**USER, "agent_user_group": "ADFHR"},
         "ERROR: add_user USER GROUP DOES NOT EXIST - api|ADFHR"),
        ("add_user", {**USER, "agent_user": "api"}, "ERROR: add_user USER ALREADY EXISTS - api|api"),
        ("add_user", USER, "SUCCESS: add_user USER HAS BEEN ADDED - api|10000|9999|1|Testing Person|AGENTS"),
        ("update_user", LEVEL_7, f"ERROR: update_user {NO} UPDATE USERS - lvl7|0"),
        ("update_user", {}, "ERROR: update_user YOU MUST USE ALL REQUIRED FIELDS - api||"),
        ("update_user", {"agent_user": "78789"}, "ERROR: update_user USER DOES NOT EXIST - api|78789"),
        ("update_user", {**LEVEL_8, "agent_user": "api"},
         f"ERROR: update_user {NO} UPDATE THIS USER - lvl8|api"),
        ("update_user", {"agent_user": "1001", "agent_full_name": "x" * 51},
         f"ERROR: update_user YOU MUST USE A VALID FULL NAME, THIS IS AN OPTIONAL FIELD - api|{'x' * 51}"),
        ("update_user", {"agent_user": "1001", "agent_user_level": "0"},
         "ERROR: update_user YOU MUST USE A VALID USER LEVEL, THIS IS AN OPTIONAL FIELD - api|0"),
        ("update_user", {**LEVEL_8, "agent_user": "1001", "agent_user_level": "9"},
         "ERROR: update_user YOU MUST USE A VALID USER LEVEL, THIS IS AN OPTIONAL FIELD - lvl8|9|8|1"),
        ("update_user", {"agent_user": "1001", "agent_user_group": "FAKEGROUP"},
         "ERROR: update_user YOU MUST USE A VALID USER GROUP, THIS IS AN OPTIONAL FIELD - api|FAKEGROUP|0"),
        ("update_user", {"agent_user": "1001", "active": "U"},
         "ERROR: update_user ACTIVE MUST BE Y OR N, THIS IS AN OPTIONAL FIELD - api|U"),
        ("update_user", {"agent_user": "1001", "email": "nobody"},
         "ERROR: update_user YOU MUST USE A VALID EMAIL, THIS IS AN OPTIONAL FIELD - api|nobody"),
        ("update_user", {"agent_user": "1001", "agent_pass": "9876", "agent_user_level": "5"},
         "SUCCESS: update_user USER HAS BEEN UPDATED - api|1001"),
    ],
)  # fmt: skip
async def test_users_are_told_about_in_text(function: str, params: dict[str, str], answer: str) -> None:
    async with elision() as asking:
        assert f"{answer}\n" == await asking.ask(function, **params)


async def test_a_user_that_was_added_is_there_with_its_new_level() -> None:
    async with elision() as asking:
        await asking.ask("add_user", **USER)
        await asking.ask("update_user", agent_user="10000", agent_user_level="5", email="a@example.invalid")
        async with asking.session.get(f"{asking.running.url}/truth") as response:
            truth = await response.json()

    assert {
        "user": "10000", "level": 5, "full_name": "Testing Person", "user_group": "AGENTS",
        "email": "a@example.invalid",
    } == truth["users"][-1]  # fmt: skip


@pytest.mark.parametrize(
    ("params", "message", "data"),
    [
        ({"user": "bare", "pass": "pass9"}, "bare User does not have permission to add list in the system",
         {"user": "bare", "password": "pass9"}),
        ({**LIST, "list_id": ""}, "Please send list id , campaign id and list name", {**LIST, "list_id": ""}),
        ({**LIST, "campaign_id": "NOPE"}, "NOPE campaign does not exist", {**LIST, "campaign_id": "NOPE"}),
        ({**LIST, "list_id": "1101"}, "1101 list already exist", {**LIST, "list_id": "1101"}),
    ],
)  # fmt: skip
async def test_lists_are_refused_in_json(params: dict[str, str], message: str, data: dict[str, str]) -> None:
    async with elision() as asking:
        assert {"success": False, "message": message, "data": data} == await asking.json("add_list", **params)


async def test_lists_change_by_being_added_and_by_control() -> None:
    async with elision() as asking:
        first = await asking.json("active_lists")
        added = await asking.json("add_list", **LIST, active="Y")
        await asking.json("add_list", **{**LIST, "list_id": "1103"})
        second = await asking.json("active_lists")
        status = await asking.control({"lists": [{"list_id": 7, "name": "Only", "campaign": "SALES"}]})
        third = await asking.json("active_lists")
    lists = ["TESTCAMP-1101-Test API list", "TESTCAMP-2018-Second list"]

    assert {"success": True, "message": "lists are listed successfully", "data": lists} == first
    assert {"success": True, "message": "1102 list created", "data": LIST} == added
    assert [*lists, "TESTCAMP-1102-Test API list"] == second["data"]
    assert 200 == status
    assert ["SALES-7-Only"] == third["data"]


@pytest.mark.parametrize("multi_leads", ["", "[]", "{}", "no json"])
async def test_leads_must_be_a_list(multi_leads: str) -> None:
    async with elision() as asking:
        assert ["ERROR", "add_multi_lead YOU MUST USE ALL REQUIRED FIELDS", "api", ""] == await asking.json(
            "add_multi_lead", multi_leads=multi_leads
        )


async def test_each_lead_has_its_own_verdict() -> None:
    leads = [
        {"phone_number": 1234567893, "list_id": "1101", "first_name": "test"},
        {"phone_number": "1293", "list_id": "1101"},
        {"phone_number": "1234567894", "list_id": "9"},
        {"phone_number": "1234567895", "list_id": "2018"},
    ]
    async with elision() as asking:
        verdicts = await asking.json("add_multi_lead", multi_leads=orjson.dumps(leads).decode())
        kept = asking.running.store.leads

    assert {
        "lead 1": {"success": True, "message": "Record(s) Created", "data": "1234567893|1101|1036||NEW|"},
        "lead 2": {"success": False, "message": "Invalid phone number", "data": "1293"},
        "lead 3": {"success": False, "message": "Invalid list id", "data": "9"},
        "lead 4": {"success": True, "message": "Record(s) Created", "data": "1234567895|2018|1037||NEW|"},
    } == verdicts
    assert [("1234567893", "test"), ("1234567895", None)] == [
        (lead.phone, lead.fields.get("first_name")) for lead in kept
    ]


async def test_answers_are_spoilt_by_the_same_faults() -> None:
    async with elision() as asking:
        assert 200 == await asking.control({"faults": {"cut_body": {}}})
        cut = await asking.ask("nothing")
        assert 200 == await asking.control({"faults": {"cut_body": None}})
        whole = await asking.ask("nothing")
        wrong: tuple[dict[str, Any], ...] = ({}, {"faults": {"x": {}}}, {"lists": 1}, {"faults": 1})
        refused = [await asking.control(said) for said in wrong]

    assert whole.startswith(cut)
    assert len(cut) < len(whole)
    assert [400] * 4 == refused


async def test_post_works_too() -> None:
    async with elision() as asking:
        form = {**API, "function": "active_lists"}
        async with asking.session.post(asking.running.api_url, data=form) as response:
            body = orjson.loads(await response.text())

    assert body["success"]
