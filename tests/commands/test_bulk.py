"""
Bulk jobs: every row once, bad rows apart, over refusals of relay itself, over restarts, until cancelled.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from relay.commands.desk import CommandRequest
from relay.journal.commands_port import MAX_BULK_ROWS
from tests.commands.doubles import dialer, source_of
from tests.commands.house import KEY, House, dialer_house, elision_house, house_of, relay

CSV = {"Content-Type": "text/csv", KEY: "one"}
NDJSON = {"Content-Type": "application/x-ndjson", KEY: "one"}
HEAD = "phone_number,phone_code,list_id,first_name\n"
PATH = "/v1/sources/dialer/bulk"


def csv_of(count: int, first: int = 0) -> bytes:
    """
    Return so many leads.
    """
    return (HEAD + "".join(f"727555{first + number:04d},1,101,Bob\n" for number in range(count))).encode()


def lines_of(*rows: object) -> bytes:
    """
    Return rows as NDJSON.
    """
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


async def made(house: House, body: bytes, headers: dict[str, str] | None = None, query: str = "") -> Any:
    """
    Make a bulk job.
    """
    answer = await house.ask("POST", f"{PATH}{query}", body, headers or CSV)
    assert 202 == answer.status, answer.body
    assert answer.headers["Location"] == f"{PATH}/{answer.document['bulk_id']}"
    return answer.document


async def ended(house: House, job: Any) -> Any:
    """
    Return a job once it has ended.
    """
    return await house.until(f"{PATH}/{job['bulk_id']}", lambda one: one["state"] in ("done", "cancelled"))


async def rows_of(house: House, job: Any, query: str = "") -> list[Any]:
    """
    Return the rows of a job.
    """
    rows: list[Any] = (await house.got(f"{PATH}/{job['bulk_id']}/rows?limit=1000{query}"))["items"]
    return rows


def counts(job: Any) -> tuple[str, int, int, int, int]:
    """
    Return state and counts of a job.
    """
    return job["state"], job["done"], job["succeeded"], job["failed"], job["unknown"]


async def test_every_row_is_added_once_with_its_verdict(tmp_path: Path) -> None:
    async with dialer_house(tmp_path / "relay.db") as (house, twin):
        before = len(twin.world.office.leads)
        job = await made(house, csv_of(30))
        again = await house.ask("POST", PATH, csv_of(30), CSV)
        done = await ended(house, job)
        rows = await rows_of(house, job)
        commands = (await house.got(f"/v1/commands?source=dialer&bulk={job['bulk_id']}"))["items"]

        assert ("done", 30, 30, 0, 0) == counts(done)
        assert (1.0, job["bulk_id"]) == (done["progress"], again.document["bulk_id"])
        assert before + 30 == len(twin.world.office.leads)
        assert list(range(1, 31)) == [row["row_no"] for row in rows]
        assert all(row["data"]["lead_id"] and "ADDED" in row["message"] for row in rows)
        assert [row["command_id"] for row in rows] == [one["command_id"] for one in reversed(commands)]
        assert 1 == len((await house.got(PATH))["items"])


async def test_bad_rows_fail_before_anything_is_sent_and_stop_no_other(tmp_path: Path) -> None:
    good = {"phone_number": "7275551212", "phone_code": "1", "list_id": 101}
    body = lines_of(good, {**good, "phone_number": "12"}, ["no", "object"]) + b"{broken\n"
    body += lines_of({**good, "colour": "red", "custom_fields": False}, {**good, "list_id": "777"}, good)
    async with dialer_house(tmp_path / "relay.db") as (house, _):
        job = await made(house, body, NDJSON)
        done = await ended(house, job)
        rows = await rows_of(house, job)
        failed = await rows_of(house, job, "&state=failed")

        assert ("done", 7, 2, 5, 0) == counts(done)
        assert [2, 3, 4, 5, 6] == [row["row_no"] for row in failed]
        assert "phone_number" in rows[1]["message"]
        assert all("no JSON object" in row["message"] for row in rows[2:4])
        assert "colour" in rows[4]["message"]
        assert [None] * 4 == [row["command_id"] for row in rows[1:5]]
        assert "NOT AN ALLOWED LIST ID" in rows[5]["message"]
        assert rows[5]["command_id"] is not None


async def test_defaults_fill_what_rows_lack(tmp_path: Path) -> None:
    async with dialer_house(tmp_path / "relay.db") as (house, twin):
        body = b"phone_number,list_id\n7275551212,\n7275551213,102\n"
        job = await made(house, body, CSV, "?default=phone_code=1&default=list_id=101")
        unknown = await house.ask("POST", f"{PATH}?default=colour=red", body, {**CSV, KEY: "two"})
        await ended(house, job)
        leads = {lead.phone: lead.list_id for lead in twin.world.office.leads}

        assert {"phone_code": "1", "list_id": "101"} == job["defaults"]
        assert [101, 102] == [leads["7275551212"], leads["7275551213"]]
        assert (422, "invalid") == unknown.problem


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", CSV, 400),
        (HEAD.encode(), CSV, 400),
        (b"\n\n", NDJSON, 400),
        (b"\xff\xfe\n1\n", CSV, 400),
        (b"a,a\n1,2\n", CSV, 422),
        (b"a,,b\n1,2,3\n", CSV, 422),
        (b'a,b\n"1,2\n', CSV, 422),
        (b"{}\n", {"Content-Type": "application/json", KEY: "one"}, 415),
        (b"{}\n", {"Content-Type": "application/x-ndjson"}, 400),
        (b"{}\n" * (MAX_BULK_ROWS + 1), NDJSON, 422),
    ],
    ids=[
        "nothing",
        "no rows",
        "blank",
        "no text",
        "twice",
        "nameless",
        "open quote",
        "kind",
        "no key",
        "too many",
    ],
)
async def test_what_is_no_list_of_rows_is_refused(
    tmp_path: Path, body: bytes, headers: dict[str, str], status: int
) -> None:
    async with dialer_house(tmp_path / "relay.db") as (house, _):
        answer = await house.ask("POST", PATH, body, headers)

        assert status == answer.status, answer.body
        assert [] == (await house.got(PATH))["items"]


async def test_a_row_with_too_many_columns_fails_alone(tmp_path: Path) -> None:
    async with dialer_house(tmp_path / "relay.db") as (house, _):
        job = await made(house, csv_of(1) + b"7275551213,1,101,Bob,more\n")

        assert ("done", 2, 1, 1, 0) == counts(await ended(house, job))


async def test_leads_of_elision_go_out_many_at_once_and_each_has_its_verdict(tmp_path: Path) -> None:
    rows = [{"phone_number": f"72755512{number:02d}", "list_id": "1101"} for number in range(60)]
    rows[7] |= {"list_id": "4711"}
    rows[9] |= {"phone_number": "1"}
    async with elision_house(tmp_path / "relay.db") as (house, _):
        job = await made(house, lines_of(*rows), NDJSON)
        done = await ended(house, job)
        shown = await rows_of(house, job)
        commands = (await house.got(f"/v1/commands?source=dialer&bulk={job['bulk_id']}"))["items"]

        assert ("add_multi_lead", "done", 60, 58, 2, 0) == (job["function"], *counts(done))
        assert [8, 10] == [row["row_no"] for row in shown if row["status"] == "failed"]
        assert ("Invalid list id", None) == (shown[7]["message"], shown[9]["command_id"])
        assert 2 == len(commands)
        assert shown[0]["data"]["data"].startswith("7275551200|1101|")


async def test_a_row_that_may_have_been_added_is_unknown_and_not_sent_again(tmp_path: Path) -> None:
    async with dialer() as other:
        other.speak = other.hang
        async with source_of(other, 0.3) as source:
            async with house_of(tmp_path / "relay.db", [(source, "dialer360")]) as house:
                job = await made(house, csv_of(1))

                assert ("done", 1, 0, 0, 1) == counts(await ended(house, job))
    assert 1 == len(other.asked)


async def test_a_job_goes_on_after_a_restart_and_sends_no_row_twice(tmp_path: Path) -> None:
    async with dialer() as other:

        async def hang_at_the_fifth(request: web.Request) -> web.StreamResponse:
            if len(other.asked) == 5:
                return await other.hang(request)
            return await other.add(request)

        other.speak = hang_at_the_fifth
        async with source_of(other) as source:
            async with house_of(tmp_path / "relay.db", [(source, "dialer360")]) as house:
                job = await made(house, csv_of(12))
                await other.asked_for(5)
        other.speak = other.add
        async with source_of(other) as source:
            async with house_of(tmp_path / "relay.db", [(source, "dialer360")]) as house:
                done = await ended(house, job)
                rows = await rows_of(house, job)

    assert ("done", 12, 11, 0, 1) == counts(done)
    assert ["unknown"] == [row["status"] for row in rows if row["row_no"] == 5]
    assert [f"727555{number:04d}" for number in range(12)] == [form["phone_number"] for form in other.asked]


async def test_a_verdict_that_was_not_noted_is_found_after_a_restart(tmp_path: Path) -> None:
    """
    Relay ended between the verdict of the command and that of its row.
    """
    async with dialer() as other:
        async with source_of(other) as source:
            async with house_of(tmp_path / "relay.db", [(source, "dialer360")], with_bulk=False) as house:
                job = await made(house, csv_of(3))
                (loop,) = house.commands.loops
                row = (await house.journal.commands.open_rows(job["bulk_id"], 1))[0]
                wanted = CommandRequest("dialer", "add_lead", row.params, None, job["bulk_id"], 1)
                await house.commands.reach.desk.carry_out(wanted)
            async with house_of(tmp_path / "relay.db", [(source, "dialer360")]) as house:
                done = await ended(house, job)

    assert ("done", 3, 3, 0, 0) == counts(done)
    assert 3 == len(other.asked)
    assert loop.name == "bulk dialer"


async def test_while_the_dialer_takes_nothing_the_job_waits(tmp_path: Path) -> None:
    async with dialer() as other:

        async def locked(_request: web.Request) -> web.StreamResponse:
            return web.Response(text="ERROR: Too many login attempts, try again in 15 minutes: |api|LOCK|\n")

        other.speak = locked
        async with (
            source_of(other) as source,
            house_of(tmp_path / "relay.db", [(source, "dialer360")]) as house,
        ):
            job = await made(house, csv_of(3))
            await other.asked_for(1)
            commands = await house.until(
                "/v1/commands?source=dialer", lambda page: page["items"][0]["status"] == "failed"
            )
            waiting = await house.got(f"{PATH}/{job['bulk_id']}")
        other.speak = other.add
        async with (  # a source that knows nothing of the refusal, as after a restart
            source_of(other) as source,
            house_of(tmp_path / "relay.db", [(source, "dialer360")]) as house,
        ):
            done = await ended(house, job)

    assert (1, 0) == (len(commands["items"]), waiting["done"])
    assert ("done", 3, 3, 0, 0) == counts(done)


async def test_a_cancelled_job_sends_nothing_more(tmp_path: Path) -> None:
    async with dialer() as other:
        other.speak = other.hang
        async with (
            source_of(other) as source,
            house_of(tmp_path / "relay.db", [(source, "dialer360")]) as house,
        ):
            first = await made(house, csv_of(5))
            second = await made(house, csv_of(2, 100), {**CSV, KEY: "two"})
            await other.asked_for(1)
            answer = await house.ask("DELETE", f"{PATH}/{first['bulk_id']}")
            other.let_go.set()
            done = await ended(house, second)
            left = await house.got(f"{PATH}/{first['bulk_id']}")
            missing = await house.ask("DELETE", f"{PATH}/bulk_0")

    assert (200, "cancelled") == (answer.status, answer.document["state"])
    assert ("done", 2, 2, 0, 0) == counts(done)
    assert ("cancelled", 1, 1, 0, 0) == counts(left)
    assert (3, 404) == (len(other.asked), missing.status)


async def test_the_command_line_adds_leads_and_waits(tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    file.write_bytes(csv_of(4) + b"12,1,101,Bob\n")
    async with dialer_house(tmp_path / "relay.db") as (house, twin):
        before = len(twin.world.office.leads)
        bulk = ("command", "bulk", "dialer", "add_lead", str(file))
        waited = await relay(house.url, *bulk, "--wait", "--json")
        job = orjson.loads(waited.out)
        rows = await relay(
            house.url, "command", "jobs", "rows", "dialer", job["bulk_id"], "--status", "failed"
        )
        listed = await relay(house.url, "command", "jobs", "list", "dialer", "--json")
        shown = await relay(house.url, "command", "jobs", "show", "dialer", job["bulk_id"])
        wrong = await relay(house.url, "command", "bulk", "dialer", "add_user", str(file))
        no_file = await relay(house.url, "command", "bulk", "dialer", "add_lead", str(tmp_path / "none"))

        assert (1, "done", 4) == (waited.code, job["state"], job["succeeded"])
        assert before + 4 == len(twin.world.office.leads)
        assert (0, True) == (rows.code, "phone_number" in rows.out)
        assert [job["bulk_id"]] == [one["bulk_id"] for one in orjson.loads(listed.out)["items"]]
        assert (0, True) == (shown.code, "done" in shown.out)
        assert (1, 2) == (wrong.code, no_file.code)


async def test_status_polling_goes_on_beside_a_job(tmp_path: Path) -> None:
    async with dialer_house(tmp_path / "relay.db") as (house, _):
        job = await made(house, csv_of(40))
        asked = 0
        while (await house.got(f"{PATH}/{job['bulk_id']}"))["state"] != "done":
            assert 200 == (await house.run("dialer", "logged_in_agents")).status
            asked += 1
            await asyncio.sleep(0)

        assert asked > 0
