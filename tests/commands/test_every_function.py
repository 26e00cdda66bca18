"""
Every function once done and refused in every way the twins know, asked for over REST and by the command line.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from relay.commands.catalogue import function, functions_of
from relay.commands.examples import example_of
from relay.commands.function import Function, Saying
from relay.commands.result import PROBLEMS
from relay.model.vendor_answer import LOGIN_REFUSED
from relay.twin.vicidial.faults import Fault, Faults
from relay.twin.vicidial.script import Script
from tests.commands.house import House, dialer_house, elision_house, relay
from tests.commands.recipes import (
    DIALER360_DONE,
    DIALER360_REFUSED,
    ELISION_DONE,
    ELISION_REFUSED,
    Recipe,
)

PASSWORDS = {"api": "twin", "lvl8": "pass8", "bare": "pass9", "restrict": "pass9"}
# Refusals of relay itself; they come whatever is asked for.
OF_ALL = [
    ("wrong_password", 502, "vendor_auth"),
    ("locked", 503, "vendor_locked"),
    ("ip_block", 502, "vendor_ip_blocked"),
]


ABOUT_A_CALL = {"callid_info", "update_log_entry"}


# What every answer says that is about the request itself, not about a function.
UNNAMED = (
    "Login incorrect",
    "Too many login attempts",
    "Your IP Address",
    "NO FUNCTION SPECIFIED",
    "Invalid Source",
)
ONE_AGENT = "1001|TESTCAMP|8600051|READY|0||3|Alice Adams|AGENTS|1||\n"


def as_the_vendor_says(one: Function, text: str) -> str:
    """
    Return an error as the phone system words it.
    """
    kind = "NOTICE" if text.startswith("NANPA") else "ERROR"
    return (
        f"{kind}: {text}: |6666|0\n" if text.startswith(UNNAMED) else f"{kind}: {one.name} {text} - 6666|0\n"
    )


def words(params: dict[str, Any]) -> Iterator[str]:
    """
    Yield parameters as the command line takes them.
    """
    for name, value in params.items():
        yield f"{name}={value}" if isinstance(value, str) else f"{name}:={orjson.dumps(value).decode()}"


async def differences(house: House, faults: Faults, one: Function, saying: Saying) -> list[str]:
    """
    Have a function answer with an error; return what of it does not come back.
    """
    text, problem, params = saying.text.replace("*", "User"), PROBLEMS[saying.word], example_of(one)
    said = Fault("says", text=as_the_vendor_says(one, text))
    faults.on(said)
    answer = await house.run("dialer", one.name, params)
    if saying.word in LOGIN_REFUSED:
        await let_in(house, faults)
        faults.on(said)
    printed = await relay(house.url, "command", "run", "dialer", one.name, *words(params))
    if saying.word in LOGIN_REFUSED:
        await let_in(house, faults)

    told = answer.status, text in answer.document.get("detail", "")
    shown = printed.code, f"({problem.status})" in printed.err, text in " ".join(printed.err.split())
    if (told, shown) == ((problem.status, True), (1, True, True)):
        return []
    return [f"{one.name} {text}: {answer.status} {answer.document}, {printed.code} {printed.err}"]


async def let_in(house: House, faults: Faults) -> None:
    """
    Have a poll get in: while a login is refused no command is sent.
    """
    faults.on(Fault("says", text=ONE_AGENT))
    await house.polled["dialer"].call("logged_in_agents", {})


async def check_done(house: House, recipe: Recipe) -> None:
    """
    See that a command is done.
    """
    for name, params in recipe.first:
        assert 200 == (await house.run("dialer", name, params)).status
    answer = await house.run("dialer", recipe.function, recipe.params)

    assert 200 == answer.status, answer.body
    assert ["command_id", "status", "message", "data", "raw"] == list(answer.document)
    assert "succeeded" == answer.document["status"]
    kept = await house.got(f"/v1/commands/{answer.document['command_id']}")
    assert ("succeeded", recipe.function) == (kept["status"], kept["function"])


async def check_refused(house: House, kind: str, recipe: Recipe) -> None:
    """
    See that a command is refused with the vendor's words, over REST and by the command line.
    """
    for name, params in recipe.first:
        assert 200 == (await house.run("dialer", name, params)).status
    answer = await house.run("dialer", recipe.function, recipe.params)
    printed = await relay(house.url, "command", "run", "dialer", recipe.function, *words(recipe.params))

    problem = answer.document
    assert recipe.error is not None
    assert (recipe.status, recipe.status) == (answer.status, problem["status"]), problem
    assert recipe.error in problem["detail"]
    assert problem["type"].startswith("urn:relay:problem:vendor_")
    assert {"command_id", "message", "data", "raw"} <= problem.keys()
    assert 1 == printed.code
    assert f"({recipe.status})" in printed.err
    assert recipe.error in printed.err
    known = [saying.text.lstrip("* ") for saying in function(kind, recipe.function).errors]
    assert any(text in recipe.error for text in known)


def test_every_function_has_its_recipe() -> None:
    assert set(functions_of("dialer360")) - ABOUT_A_CALL == {recipe.function for recipe in DIALER360_DONE}
    assert set(functions_of("elision")) == {recipe.function for recipe in ELISION_DONE}


@pytest.mark.parametrize("recipe", DIALER360_DONE, ids=str)
async def test_a_function_of_dialer360_is_done(tmp_path: Path, recipe: Recipe) -> None:
    async with dialer_house(tmp_path / "relay.db") as (house, twin):
        recipe.prepare(twin.world)
        await check_done(house, recipe)


@pytest.mark.parametrize("recipe", DIALER360_REFUSED, ids=str)
async def test_a_function_of_dialer360_is_refused(tmp_path: Path, recipe: Recipe) -> None:
    async with dialer_house(tmp_path / "relay.db", recipe.user, PASSWORDS[recipe.user]) as (house, twin):
        recipe.prepare(twin.world)
        await check_refused(house, "dialer360", recipe)


async def test_functions_about_a_call_are_done_and_refused(tmp_path: Path) -> None:
    async with dialer_house(tmp_path / "relay.db") as (house, twin):
        script = Script(twin.world)
        script.put("1001", "INCALL")
        script.dispose("1001", "SALE")
        (call,) = twin.world.exchange.calls
        entry = {"call_id": call.call_id, "group": call.group, "status": "SALEX"}
        for recipe in (
            Recipe("callid_info", {"call_id": call.call_id, "detail": True}),
            Recipe("update_log_entry", entry),
        ):
            await check_done(house, recipe)
            again = recipe.params | ({"status": "SALEY"} if "status" in recipe.params else {})
            printed = await relay(house.url, "command", "run", "dialer", recipe.function, *words(again))
            assert 0 == printed.code, printed.err
        for recipe in (
            Recipe("update_log_entry", entry | {"group": "NOBODY"}, "GROUP NOT FOUND", 404),
            Recipe("update_log_entry", entry | {"call_id": "V1210245330000000128"}, "NO RECORDS FOUND", 404),
        ):
            await check_refused(house, "dialer360", recipe)

    assert "SALEY" == call.status


async def test_every_function_of_elision_is_done_by_the_command_line(tmp_path: Path) -> None:
    async with elision_house(tmp_path / "relay.db") as (house, _):
        for recipe in ELISION_DONE:
            given = words(recipe.params)
            printed = await relay(house.url, "command", "run", "dialer", recipe.function, *given, "--json")

            assert 0 == printed.code, printed.err
            assert "succeeded" == orjson.loads(printed.out)["status"]


@pytest.mark.parametrize("recipe", ELISION_DONE, ids=str)
async def test_a_function_of_elision_is_done(tmp_path: Path, recipe: Recipe) -> None:
    async with elision_house(tmp_path / "relay.db") as (house, _):
        await check_done(house, recipe)


@pytest.mark.parametrize("recipe", ELISION_REFUSED, ids=str)
async def test_a_function_of_elision_is_refused(tmp_path: Path, recipe: Recipe) -> None:
    async with elision_house(tmp_path / "relay.db") as (house, _):
        await check_refused(house, "elision", recipe)


@pytest.mark.parametrize("recipes", [DIALER360_DONE[:15], DIALER360_DONE[15:]], ids=["reports", "changes"])
async def test_every_function_is_done_by_the_command_line(
    tmp_path: Path, recipes: tuple[Recipe, ...]
) -> None:
    async with dialer_house(tmp_path / "relay.db") as (house, twin):
        for recipe in recipes:
            recipe.prepare(twin.world)
            given = words(recipe.params)
            printed = await relay(house.url, "command", "run", "dialer", recipe.function, *given, "--json")

            assert 0 == printed.code, printed.err
            assert "succeeded" == orjson.loads(printed.out)["status"]


@pytest.mark.parametrize(("fault", "status", "word"), OF_ALL)
async def test_every_function_tells_where_relay_itself_is_refused(
    tmp_path: Path, fault: str, status: int, word: str
) -> None:
    async with dialer_house(tmp_path / "relay.db") as (house, twin):
        for name, one in functions_of("dialer360").items():
            if name == "version":  # told to everybody
                continue
            twin.faults.on(Fault(fault))
            answer = await house.run("dialer", name, example_of(one))
            twin.faults.off()
            await house.polled["dialer"].call("logged_in_agents", {})  # else the next one is not even sent

            assert (status, f"urn:relay:problem:{word}") == (answer.status, answer.document["type"]), name


@pytest.mark.parametrize("kind", ["dialer360", "elision"])
async def test_every_documented_error_comes_back_over_rest_and_by_the_command_line(
    tmp_path: Path, kind: str
) -> None:
    """
    Also those that relay's own checks would find first, or that come of a setting that the twins lack.
    """
    house_of_kind: Any = dialer_house if kind == "dialer360" else elision_house
    wrong: list[str] = []
    async with house_of_kind(tmp_path / "relay.db") as (house, twin):
        for one in functions_of(kind).values():
            for saying in one.errors:
                wrong += await differences(house, twin.faults, one, saying)

    assert wrong == []


@pytest.mark.parametrize("user", ["bare", "restrict"])
async def test_every_function_that_needs_a_right_is_denied_without_it(tmp_path: Path, user: str) -> None:
    open_to_all = {"version"} | ({"agent_status"} if user == "restrict" else set())
    async with dialer_house(tmp_path / "relay.db", user, PASSWORDS[user]) as (house, _):
        for name, one in functions_of("dialer360").items():
            if name in open_to_all:
                continue
            answer = await house.run("dialer", name, example_of(one))

            assert (403, "urn:relay:problem:vendor_denied") == (answer.status, answer.document["type"]), name
            assert "PERMISSION" in answer.document["detail"]


async def test_what_relay_finds_wrong_is_said_at_once_and_never_sent(tmp_path: Path) -> None:
    async with dialer_house(tmp_path / "relay.db") as (house, twin):
        before = len(list(twin.world.office.leads))
        answer = await house.run("dialer", "add_lead", {"phone_number": "12", "usacan_prefix_check": "?"})
        unknown = await house.run("dialer", "call-to-number", {})
        elsewhere = await house.run("nobody", "version")

        assert (422, "invalid") == answer.problem
        assert {"phone_number", "usacan_prefix_check"} == set(answer.faulty)
        assert (404, 404) == (unknown.status, elsewhere.status)
        assert before == len(list(twin.world.office.leads))
        assert [] == (await house.got("/v1/commands?source=dialer"))["items"]


async def test_the_functions_are_listed_with_all_that_they_take(tmp_path: Path) -> None:
    async with dialer_house(tmp_path / "relay.db") as (house, _):
        listed = (await house.got("/v1/sources/dialer/commands"))["items"]
        one = await relay(house.url, "command", "functions", "dialer", "add_lead", "--json")
        none = await relay(house.url, "command", "functions", "dialer", "nothing")

    assert sorted(functions_of("dialer360")) == [item["name"] for item in listed]
    by_name: dict[str, Function] = dict(functions_of("dialer360"))
    assert all(item["is_write"] == by_name[item["name"]].is_write for item in listed)
    assert "phone_number" in orjson.loads(one.out)["takes"]["required"]
    assert (1, True) == (none.code, "nothing" in none.err)
