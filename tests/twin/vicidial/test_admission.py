"""
Who may ask, and what the page says to everyone else, in the order of its own checks.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from relay.twin.vicidial.builds import NEWEST, OLDER
from relay.twin.vicidial.functions import FUNCTIONS
from relay.twin.vicidial.settings import Access
from tests.twin.vicidial.asking_dialer import API, QUIET, dialer, of_version

STATUS = {"agent_user": "1001"}
READY = "READY||0|TESTCAMP|0|Alice Adams|AGENTS|1|LOGIN||||8600051\n"
NO_DENIAL = "USER DOES NOT HAVE PERMISSION"


@pytest.mark.parametrize(
    ("function", "params", "answer"),
    [
        ("", {"user": None, "pass": None, "source": None},
         "ERROR: Login incorrect, please try again: |||BAD|\n"),
        ("", {}, "ERROR: NO FUNCTION SPECIFIED\n"),
        ("no_such_thing", {}, "ERROR: NO FUNCTION SPECIFIED\n"),
        ("agent_status", {"user": "nobody", "pass": "apipass9"},
         "ERROR: Login incorrect, please try again: |nobody|apipass9|BAD|\n"),
        ("no_such_thing", {"pass": "x"}, "ERROR: Login incorrect, please try again: |apiuser|x|BAD|\n"),
        ("agent_status", {"pass": "p@ss:word!"},
         "ERROR: Login incorrect, please try again: |apiuser|pssword|BAD|\n"),
        ("agent_status", {"user": "lvl5", "pass": "pass5"},
         "ERROR: Login incorrect, please try again: |lvl5|pass5|BAD|\n"),
        ("agent_status", {"user": "gone", "pass": "pass9"},
         "ERROR: Login incorrect, please try again: |gone|pass9|BAD|\n"),
        ("agent_status", {"source": None}, "ERROR: Invalid Source - \nERROR: Invalid Source: ||\n"),
        ("agent_status", {"source": "1.x"}, READY),
        ("agent_status", {"source": "x!"}, "ERROR: Invalid Source - x\nERROR: Invalid Source: |x|\n"),
        ("logged_in_agents", {"user": "restrict", "pass": "pass9"},
         "ERROR: auth USER DOES NOT HAVE PERMISSION TO USE THIS FUNCTION: |restrict|logged_in_agents|\n"),
        ("agent_status", {"user": "restrict", "pass": "pass9"}, READY),
        ("agent_status", {"user": "bare", "pass": "pass9"},
         "ERROR: agent_status USER DOES NOT HAVE PERMISSION TO GET AGENT INFO: |bare|0|\n"),
        ("agent_status", {"user": "grpapi", "pass": "pass9"},
         "ERROR: agent_status AGENT NOT FOUND: grpapi|1001\n"),
        ("logged_in_agents", {"user": "grpapi", "pass": "pass9"},
         "ERROR: logged_in_agents NO LOGGED IN AGENTS: grpapi|\n"),
        ("agent_status", {"agent_user": "john.doe"},
         "ERROR: agent_status AGENT NOT FOUND: apiuser|johndoe\n"),
        ("agent_status", {"header": "yes", "stage": "CSV"}, READY),
    ],
)  # fmt: skip
async def test_every_refusal_is_the_real_one(
    function: str, params: dict[str, str | None], answer: str
) -> None:
    async with dialer() as asking:
        asking.script.put("1001", "READY")

        assert answer == await asking.ask(function, **{**STATUS, **params})


@pytest.mark.parametrize("function", FUNCTIONS)
async def test_each_function_is_denied_to_whom_lacks_the_permission(function: str) -> None:
    async with dialer() as asking:
        body = await asking.ask(function, user="bare", **{"pass": "pass9"})

    assert body.startswith(f"ERROR: {function} {NO_DENIAL} TO ")
    assert body.endswith(": |bare|0|\n")


@pytest.mark.parametrize(
    ("version", "answer"),
    [
        (NEWEST, "VERSION: 2.14-202|BUILD: 250720-1841|DATE: 2026-11-21 03:05:43|EPOCH: 1795248343|DST: 0|"
                 "TZ: -5.00|TZNOW: -5.00|\n"),
        (OLDER, "VERSION: 2.14-96|BUILD: 170601-0747|DATE: 2026-11-21 03:05:43|EPOCH: 1795248343|DST: 0|"
                "TZ: -5.00|TZNOW: -5.00|\n"),
    ],
)  # fmt: skip
async def test_the_version_needs_no_login(version: str, answer: str) -> None:
    async with dialer(of_version(version)) as asking:
        assert answer == await asking.ask("version", user=None, source=None, **{"pass": None})


@pytest.mark.parametrize(
    ("version", "answer"),
    [
        (NEWEST, (418, "Coffee: coffee|Error 418 I'm a teapot")),
        (OLDER, (200, "ERROR: NO FUNCTION SPECIFIED\n")),
    ],
)
async def test_only_the_newer_build_is_a_teapot(version: str, answer: tuple[int, str]) -> None:
    async with dialer(of_version(version)) as asking:
        assert answer == await asking.whole("coffee")


async def test_ten_wrong_passwords_lock_a_user_for_15_minutes_after_its_last_good_login() -> None:
    wrong = {"pass": "wrong"}
    bad, lock = (
        "|apiuser|wrong|BAD|\n",
        "ERROR: Too many login attempts, try again in 15 minutes: |apiuser|LOCK|\n",
    )
    async with dialer() as asking:
        asking.script.put("1001", "READY")
        never_good = [await asking.ask("agent_status", **wrong) for _ in range(11)]
        await asking.ask("agent_status", **STATUS)
        attempts = [await asking.ask("agent_status", **wrong) for _ in range(10)]
        locked = await asking.ask("agent_status", **STATUS)
        asking.clock.advance(14 * 60)
        still = await asking.ask("agent_status", **STATUS)
        asking.clock.advance(61)
        free = await asking.ask("agent_status", **STATUS)

    assert all(body.endswith(bad) for body in never_good + attempts)
    assert [lock, lock, READY] == [locked, still, free]


async def test_a_good_login_between_wrong_ones_sets_the_count_back() -> None:
    async with dialer() as asking:
        asking.script.put("1001", "READY")
        for _ in range(3):
            for _ in range(9):
                await asking.ask("agent_status", **{"pass": "wrong"})

            assert READY == await asking.ask("agent_status", **STATUS)


@pytest.mark.parametrize(
    ("whitelist", "answer"),
    [
        ((), READY),
        (("127.0.0.1",), READY),
        (("10.0.0.1", "127.0.0.x"), READY),
        (("127.0.1.x",), "ERROR: Your IP Address is not allowed: 127.0.0.1: ||IPBLOCK|\n"),
    ],
)
async def test_an_address_must_be_on_the_list_exactly_or_by_its_network(
    whitelist: tuple[str, ...], answer: str
) -> None:
    settings = replace(QUIET, access=Access(API.user, API.password, whitelist))
    async with dialer(settings) as asking:
        asking.script.put("1001", "READY")

        assert answer == await asking.ask("agent_status", **STATUS)


async def test_post_works_like_get_and_get_wins() -> None:
    form = {
        "source": "test",
        "user": "apiuser",
        "pass": "apipass9",
        "function": "version",
        "agent_user": "1002",
    }
    async with dialer() as asking:
        asking.script.put("1001", "READY")
        for path in ("/", "/adminpanel/api.php"):
            url = f"{asking.running.url}{path}?function=agent_status&agent_user=9999&agent_user=1001"
            async with asking.session.post(url, data=form) as response:
                assert READY == await response.text()
                assert "text/html; charset=utf-8" == response.headers["Content-Type"]
                assert "no-cache, must-revalidate" == response.headers["Cache-Control"]


async def test_head_runs_the_function_and_says_nothing() -> None:
    async with dialer() as asking:
        async with asking.session.head(
            asking.running.api_url, params={"function": "add_lead", "phone_number": "7275551112", **LOGIN}
        ) as response:
            assert (200, "") == (response.status, await response.text())
        leads = list(asking.running.world.office.leads)

    assert "7275551112" == leads[-1].phone


async def test_a_latin_1_database_speaks_latin_1_under_a_utf_8_label() -> None:
    async with dialer(of_version(NEWEST, is_latin1=True)) as asking:
        asking.script.put("1001", "READY")
        await asking.control(rename={"1001": "José Núñez Łódź"})
        async with asking.session.get(
            asking.running.api_url, params={"function": "agent_status", **STATUS, **LOGIN}
        ) as response:
            body = await response.read()

    assert "|José Núñez ?ód?|".encode("latin-1") in body


LOGIN = {"source": "test", "user": API.user, "pass": API.password}


@pytest.mark.parametrize(
    ("version", "has_php8", "status"), [(NEWEST, True, 500), (NEWEST, False, 200), (OLDER, True, 200)]
)
async def test_an_apostrophe_in_an_answer_makes_it_a_500_with_the_right_body(
    version: str, has_php8: bool, status: int
) -> None:
    async with dialer(of_version(version, has_php8=has_php8)) as asking:
        asking.script.put("1001", "READY")
        await asking.control(rename={"1001": "Pat O'Brien"})
        one = await asking.whole("agent_status", **STATUS)
        everyone = await asking.whole("logged_in_agents")

    assert (status, "READY||0|TESTCAMP|0|Pat O'Brien|AGENTS|1|LOGIN||||8600051\n") == one
    assert (status, "1001|TESTCAMP|8600051|READY|0||0|Pat O'Brien|AGENTS|1\n") == everyone


async def test_free_text_is_neither_quoted_nor_escaped() -> None:
    async with dialer() as asking:
        asking.script.put("1001", "READY")
        await asking.control(rename={"1001": 'Smith, <b>Mary</b> & "Q"\tand\nme'})

        body = await asking.ask("agent_status", **STATUS, stage="csv")

    assert 'READY,,0,TESTCAMP,0,Smith, <b>Mary</b> & "Q"\tand\nme,AGENTS,1,LOGIN,,,,8600051\n' == body


async def test_pipes_need_no_encoding() -> None:
    async with dialer() as asking:
        asking.script.put("1002", "CLOSER")
        host, _, port = asking.running.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        path = "/?source=test&user=apiuser&pass=apipass9&function=in_group_status&in_groups=SALESLINE|SUPPORT"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()

    assert answer.endswith(b"\r\n\r\nSALESLINE SUPPORT|0|0|1|0|1|0|0|0\n")
