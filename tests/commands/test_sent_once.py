"""
A command is sent once, whatever happens: keys, crashes, timeouts, clients that go away; and no secret stays.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from relay.api.admission import ApiKey
from relay.commands.catalogue import function
from relay.commands.examples import example_of
from relay.model.command import SENT, Command
from tests.api.conftest import Answered
from tests.commands.doubles import dialer, source_of
from tests.commands.house import DEADLINE_S, KEY, OPS, House, dialer_house, house_of
from tests.commands.recipes import LEAD
from tests.journal.making import NOW

SECRET = "Verysecret42"


def kind_of(answer: Answered) -> tuple[int, str]:
    """
    Return status and kind of a problem.
    """
    assert "application/problem+json" == answer.headers["Content-Type"], answer.body
    return answer.status, answer.document["type"].removeprefix("urn:relay:problem:")


async def verdicts(house: House) -> list[tuple[str, str]]:
    """
    Return function and state of all commands, newest first.
    """
    listed = await house.got("/v1/commands?source=dialer")
    return [(item["function"], item["status"]) for item in listed["items"]]


async def test_a_change_needs_a_key_and_a_read_takes_none(tmp_path: Path) -> None:
    async with dialer_house(tmp_path / "relay.db") as (house, _):
        without = await house.run("dialer", "add_lead", LEAD, key=None)
        read = await house.run("dialer", "version", key=None)
        again = [await house.run("dialer", "version", key="one") for _ in range(2)]

        assert (400, "key_needed") == kind_of(without)
        assert "Idempotency-Key" in without.document["detail"]
        assert 200 == read.status
        assert 2 == len({answer.document["command_id"] for answer in again})
        assert [("version", "succeeded")] * 3 == await verdicts(house)


async def test_the_same_key_is_answered_as_before_and_another_body_is_a_conflict(tmp_path: Path) -> None:
    async with dialer() as made:
        async with (
            source_of(made) as source,
            house_of(tmp_path / "relay.db", [(source, "dialer360")]) as house,
        ):
            first = await house.run("dialer", "add_lead", LEAD, "one")
            again = await house.run("dialer", "add_lead", LEAD, "one")
            other = await house.run("dialer", "add_lead", {**LEAD, "last_name": "B"}, "one")
        async with (
            source_of(made) as source,
            house_of(tmp_path / "relay.db", [(source, "dialer360")]) as house,
        ):
            later = await house.run("dialer", "add_lead", LEAD, "one")

    assert (200, first.body) == (again.status, again.body)
    assert (200, first.body) == (later.status, later.body)
    assert "true" == later.headers["Idempotent-Replayed"]
    assert (409, "conflict") == kind_of(other)
    assert 1 == len(made.asked)


async def test_a_refusal_comes_back_with_its_status(tmp_path: Path) -> None:
    async with dialer_house(tmp_path / "relay.db") as (house, _):
        wanted = LEAD | {"list_id": "777"}
        first = await house.run("dialer", "add_lead", wanted, "one")
        again = await house.run("dialer", "add_lead", wanted, "one")

        assert (403, "vendor_denied") == kind_of(first)
        assert (kind_of(first), first.body) == (kind_of(again), again.body)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("ERROR: Login incorrect, please try again: |relay|\n", (502, "vendor_auth")),
        ("ERROR: Too many login attempts, try again in 15 minutes: |relay|10|\n", (503, "vendor_locked")),
    ],
)
async def test_while_the_login_is_refused_no_command_is_sent(
    tmp_path: Path, said: str, kind: tuple[int, str]
) -> None:
    async def refuse(_request: web.Request) -> web.StreamResponse:
        return web.Response(text=said)

    async with dialer() as made:
        made.speak = refuse
        async with (
            source_of(made) as source,
            house_of(tmp_path / "relay.db", [(source, "dialer360")]) as house,
        ):
            first = await house.run("dialer", "add_lead", LEAD)
            others = [await house.run("dialer", "add_lead", LEAD) for _ in range(12)]
            sent = len(made.asked)
            version = await house.run("dialer", "version")
            made.speak = made.add
            polled = await source.call("update_log_entry", {})  # a poll that gets in
            again = await house.run("dialer", "add_lead", LEAD)

    assert kind == kind_of(first)
    assert {(502, "not_sent")} == {kind_of(answer) for answer in others}
    assert all(840 < int(answer.headers["Retry-After"]) <= 900 for answer in others)
    assert "relay's own login" in others[0].document["detail"]
    assert 1 == sent
    assert 502 <= version.status
    assert "success" == polled.answer.verdict
    assert 200 == again.status


async def test_while_the_first_is_under_way_its_key_is_a_conflict(tmp_path: Path) -> None:
    async with dialer() as made:
        made.speak = made.hang
        async with (
            source_of(made) as source,
            house_of(tmp_path / "relay.db", [(source, "dialer360")]) as house,
        ):
            running = asyncio.create_task(house.run("dialer", "add_lead", LEAD, "one"))
            await made.asked_for(1)
            meanwhile = await house.run("dialer", "add_lead", LEAD, "one")
            listed = await verdicts(house)
            made.let_go.set()
            first = await running

    assert (409, "conflict") == kind_of(meanwhile)
    assert [("add_lead", "sent")] == listed
    assert (200, 1) == (first.status, len(made.asked))


async def test_two_at_once_with_one_key_send_one_request(tmp_path: Path) -> None:
    async with dialer() as made:
        async with (
            source_of(made) as source,
            house_of(tmp_path / "relay.db", [(source, "dialer360")]) as house,
        ):
            answers = await asyncio.gather(*(house.run("dialer", "add_lead", LEAD, "one") for _ in range(5)))

    assert 1 == len(made.asked)
    assert {200, 409} >= {answer.status for answer in answers}
    assert 1 <= sum(answer.status == 200 for answer in answers)


async def test_a_client_that_goes_away_does_not_stop_its_command(tmp_path: Path) -> None:
    async with dialer() as made:
        made.speak = made.hang
        async with (
            source_of(made) as source,
            house_of(tmp_path / "relay.db", [(source, "dialer360")]) as house,
        ):
            async with aiohttp.ClientSession(house.url) as client:
                path = "/v1/sources/dialer/commands/add_lead"
                sent = {KEY: "one", "Content-Type": "application/json"}
                running = asyncio.create_task(client.post(path, data=orjson.dumps(LEAD), headers=sent))
                await made.asked_for(1)
                running.cancel()
                await asyncio.wait({running})
            made.let_go.set()
            done = await house.until(
                "/v1/commands?source=dialer", lambda page: page["items"][0]["status"] != "sent"
            )
            async with asyncio.timeout(DEADLINE_S):
                # The request of the client that went away is just ending.
                while (again := await house.run("dialer", "add_lead", LEAD, "one")).status == 409:  # noqa: ASYNC110
                    await asyncio.sleep(0)

    assert "succeeded" == done["items"][0]["status"]
    assert (200, 1) == (again.status, len(made.asked))


@pytest.mark.parametrize(
    ("fault", "timeout_s", "status", "kind"),
    [("hang", 0.3, 504, "no_answer"), ("cut", 20.0, 502, "cut_off")],
)
async def test_a_change_without_an_answer_is_unknown_and_never_sent_again(
    tmp_path: Path, fault: str, timeout_s: float, status: int, kind: str
) -> None:
    async with dialer() as made:
        made.speak = getattr(made, fault)
        async with source_of(made, timeout_s) as source:
            async with house_of(tmp_path / "relay.db", [(source, "dialer360")]) as house:
                answer = await house.run("dialer", "add_lead", LEAD, "one")
                made.speak = made.add
                again = await house.run("dialer", "add_lead", LEAD, "one")
                shown = await house.got(f"/v1/commands/{answer.document['command_id']}")
                items = await house.journal.inbox("dialer", 10)

    assert (status, kind) == kind_of(answer)
    assert (kind_of(answer), answer.body) == (kind_of(again), again.body)
    assert "relay does not send it again" in answer.document["detail"]
    assert answer.document["command_id"] in answer.document["detail"]
    assert ("unknown", 1) == (shown["status"], len(made.asked))
    assert [("command_done", "unknown")] == [(item.kind, item.body["state"]) for item in items]
    assert ["dialer"] == house.woken


async def test_a_read_without_an_answer_has_failed(tmp_path: Path) -> None:
    async with dialer() as made:
        made.speak = made.hang
        async with source_of(made, 0.3) as source:
            async with house_of(tmp_path / "relay.db", [(source, "dialer360")]) as house:
                answer = await house.run("dialer", "agent_status", {"agent_user": "1001"})

                assert (504, "no_answer") == kind_of(answer)
                assert "may have been done" not in answer.document["detail"]
                assert [("agent_status", "failed")] == await verdicts(house)


async def test_what_cannot_be_connected_to_has_failed(tmp_path: Path) -> None:
    async with dialer() as made:
        source = source_of(made)
    async with source, house_of(tmp_path / "relay.db", [(source, "dialer360")]) as house:
        answer = await house.run("dialer", "add_lead", LEAD)

        assert (502, "not_sent") == kind_of(answer)
        assert [("add_lead", "failed")] == await verdicts(house)


async def test_an_answer_of_no_known_meaning_is_unknown(tmp_path: Path) -> None:
    async def garble(_request: web.Request) -> web.StreamResponse:
        return web.Response(text="ERROR: add_lead THE MOON IS FULL - 1|2\n")

    async with dialer() as made:
        made.speak = garble
        async with (
            source_of(made) as source,
            house_of(tmp_path / "relay.db", [(source, "dialer360")]) as house,
        ):
            answer = await house.run("dialer", "add_lead", LEAD)

            assert (502, "vendor_unknown") == kind_of(answer)
            assert "THE MOON IS FULL" in answer.document["detail"]
            assert [("add_lead", "unknown")] == await verdicts(house)


async def test_a_command_of_a_process_that_is_no_more_is_unknown_before_anybody_is_served(
    tmp_path: Path,
) -> None:
    async with dialer() as made:
        made.speak = made.hang
        async with source_of(made) as source:
            async with house_of(tmp_path / "relay.db", [(source, "dialer360")]) as house:
                running = asyncio.create_task(house.run("dialer", "add_lead", LEAD, "one"))
                await made.asked_for(1)
                left_over = Command("cmd_0", "dialer", "add_lead", LEAD, True, None, NOW, SENT)
                await house.journal.commands.begin_command(left_over, None, NOW)
                running.cancel()
        made.speak = made.add
        async with (
            source_of(made) as source,
            house_of(tmp_path / "relay.db", [(source, "dialer360")]) as house,
        ):
            seen = await verdicts(house)
            again = await house.run("dialer", "add_lead", LEAD, "one")

    assert [("add_lead", "unknown")] * 2 == seen
    assert (502, "cut_off") == kind_of(again)
    assert 1 == len(made.asked)


async def test_too_many_that_wait_are_told_to_come_again(tmp_path: Path) -> None:
    async with dialer() as made:
        made.speak = made.hang
        async with (
            source_of(made) as source,
            house_of(tmp_path / "relay.db", [(source, "dialer360")]) as house,
        ):
            waiting = [asyncio.create_task(house.run("dialer", "add_lead", LEAD)) for _ in range(36)]
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            refused = done.pop().result()
            made.let_go.set()
            answers = await asyncio.gather(*waiting)

    assert (429, "budget_spent") == kind_of(refused)
    assert int(refused.headers["Retry-After"]) >= 1
    assert {200, 429} == {answer.status for answer in answers}
    assert len(made.asked) == sum(answer.status == 200 for answer in answers)


async def test_who_asked_is_kept_and_scopes_count(tmp_path: Path) -> None:
    reader = ApiKey("reader", "the key of the reader", ("commands:read",))
    async with dialer_house(tmp_path / "relay.db", keys=[OPS, reader]) as (house, _):
        bearer = {"Authorization": f"Bearer {reader.key}"}
        read = await house.run("dialer", "version", headers=bearer)
        change = await house.run("dialer", "add_lead", LEAD, headers=bearer)
        await house.run("dialer", "add_lead", LEAD)
        listed = (await house.got("/v1/commands?source=dialer"))["items"]

        assert (200, 403) == (read.status, change.status)
        assert ["ops", "reader"] == [item["requested_by"] for item in listed]


@pytest.mark.parametrize("name", ["add_user", "update_user", "add_phone", "update_phone"])
async def test_a_password_is_nowhere_to_be_read_again(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    one = function("dialer360", name)
    secrets = {field.name: SECRET for field in one.parameters if field.is_secret}
    params: dict[str, Any] = {**example_of(one), **secrets}

    async def echo(_request: web.Request) -> web.StreamResponse:
        said = "|".join(str(value) for value in params.values())
        text = f"NOTICE: {name} {SECRET} IS ODD - {said}\nERROR: {name} THE MOON IS FULL {SECRET} - {said}\n"
        return web.Response(text=text)

    async with dialer() as made:
        for speak in (made.hang, echo):
            made.speak = speak
            async with source_of(made, 0.3) as source:
                async with house_of(tmp_path / "relay.db", [(source, "dialer360")]) as house:
                    answer = await house.run("dialer", name, params)
                    shown = await house.got(f"/v1/commands/{answer.document['command_id']}")

                    assert SECRET not in answer.body.decode()
                    assert SECRET not in str(shown)
                    assert {"***"} == {shown["params"][field] for field in secrets}
        assert all(SECRET == form[field] for form in made.asked for field in secrets)

    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert any(b"THE MOON IS FULL" in path.read_bytes() for path in files)
    assert not any(SECRET.encode() in path.read_bytes() for path in files)
    assert SECRET not in caplog.text
