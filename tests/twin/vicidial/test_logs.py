"""
The logs tell of a call what happened to it, in the columns and with the oddities of the real server.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from relay.twin.vicidial.builds import NEWEST, OLDER
from relay.twin.vicidial.calls import AUTO, INBOUND
from tests.twin.vicidial.asking_dialer import BUSY, Asking, dialer, of_version

DID = "3125551212"


def talk(asking: Asking, user: str = "1003", lead_id: int = 128, seconds: float = 20) -> str:
    """
    Let an agent talk and leave the call for its disposition; return the call's id.
    """
    call = asking.script.call(user, lead_id=lead_id)
    asking.clock.advance(1)
    asking.running.twin.bring_up()
    asking.script.put(user, "INCALL")
    asking.clock.advance(seconds)
    asking.running.twin.bring_up()
    asking.script.put(user, "PAUSED", "DISPO")
    return call.call_id


def later(asking: Asking, seconds: float) -> None:
    asking.clock.advance(seconds)
    asking.running.twin.bring_up()


async def test_a_call_is_undecided_until_its_disposition() -> None:
    async with dialer() as asking:
        call_id = talk(asking)
        before = await asking.ask("callid_info", call_id=call_id, detail="YES", header="YES")
        asking.script.dispose("1003", "SALE")
        after = await asking.ask("callid_info", call_id=call_id, detail="YES")
        short = await asking.ask("callid_info", call_id=call_id, header="YES")

    header = "call_id|custtime|call_date|phone|call_type|campaign_id|list_id|status|user\n"
    what = "{}|2026-11-21 03:05:43|7275500128|OUTBOUND_AUTO|TESTCAMP|101|{}|1003\n"
    assert "V1210305430000000128" == call_id
    assert header + f"{call_id}|" + what.format(0, "INCALL") == before
    assert f"{call_id}|" + what.format(20, "SALE") == after
    assert f"call_id|custtime\n{call_id}|20\n" == short


@pytest.mark.parametrize(
    ("call_id", "answer"),
    [
        ("Y9999999999999999999", "ERROR: callid_info CALL NOT FOUND: apiuser|\n"),
        ("V123", "ERROR: callid_info INVALID SEARCH PARAMETERS: apiuser|V123\n"),
        (
            "1795247133.158123456789",
            "ERROR: callid_info INVALID SEARCH PARAMETERS: apiuser|1795247133158123456789\n",
        ),
    ],
)
async def test_calls_that_are_not_there_are_told_apart(call_id: str, answer: str) -> None:
    async with dialer() as asking:
        assert answer == await asking.ask("callid_info", call_id=call_id)


async def test_a_number_that_is_just_dialled_has_no_log_row_yet() -> None:
    async with dialer() as asking:
        world = asking.running.world
        call = world.exchange.new(AUTO, next(iter(world.office.leads)), "TESTCAMP")
        early = await asking.ask("callid_info", call_id=call.call_id)
        world.exchange.give_up(call, "NA", "NONE")
        rows = await asking.rows("phone_number_log", phone_number=call.phone)

    assert "ERROR: callid_info CALL LOG NOT FOUND: apiuser|\n" == early
    assert [[call.phone, "2026-11-21 03:05:43", "102", "0", "NA", "NONE", "NA", "mail101", "VDAD"]] == rows


async def test_the_log_of_a_number_shows_what_went_out_then_what_came_in() -> None:
    async with dialer() as asking:
        talk(asking)
        asking.script.dispose("1003", "A")
        waiting = asking.script.incoming(INBOUND, 128)
        later(asking, 7)
        asking.script.give_up(waiting)
        talk(asking, "1004", 128, 9)
        asking.script.dispose("1004", "NI")
        both = await asking.rows("phone_number_log", phone_number="7275500128", type="ALL")
        out = await asking.rows("phone_number_log", phone_number="7275500128")
        last = await asking.rows("phone_number_log", phone_number="7275500128", type="IN", detail="LAST")

    went_out = ["7275500128", "2026-11-21 03:05:43", "101", "21", "NI", "AGENT", "A", "mail128", "1003"]
    answered = ["7275500128", "2026-11-21 03:06:11", "101", "10", "NI", "AGENT", "NI", "mail128", "1004"]
    dropped = ["7275500128", "2026-11-21 03:06:04", "101", "7", "NI", "ABANDON", "DROP", "mail128", "VDCL"]
    assert [went_out, answered, dropped] == both
    assert [went_out] == out
    assert [answered] == last


@pytest.mark.parametrize(
    ("function", "params", "answer"),
    [
        ("phone_number_log", {"phone_number": "5550000000"},
         "NOTICE: phone_number_log NO RECORDS FOUND FOR THIS PHONE NUMBER - apiuser|5550000000||\n"),
        ("phone_number_log", {"phone_number": "312"},
         "ERROR: phone_number_log NO VALID PHONE NUMBERS DEFINED: apiuser|312|\n"),
        ("did_log_export", {"phone_number": DID, "date": "2001-01-01"},
         "ERROR: did_log_export NO RECORDS FOUND - apiuser|||2001-01-01\n"),
        ("did_log_export", {"phone_number": DID},
         "ERROR: did_log_export INVALID SEARCH PARAMETERS: apiuser|3125551212|\n"),
        ("recording_lookup", {"agent_user": "1003"},
         "ERROR: recording_lookup INVALID SEARCH PARAMETERS: apiuser|1003|||\n"),
        ("recording_lookup", {"agent_user": "1003", "date": "2001-01-01"},
         "ERROR: recording_lookup NO RECORDINGS FOUND - apiuser|1003||2001-01-01|\n"),
        ("agent_stats_export",
         {"datetime_start": "2001-01-01 00:00:00", "datetime_end": "2001-01-01 00:00:01"},
         "ERROR: agent_stats_export NO RECORDS FOUND - apiuser||2001-01-01 00:00:00|2001-01-01 00:00:01\n"),
        ("agent_stats_export", {"agent_user": "1001"},
         "ERROR: agent_stats_export INVALID SEARCH PARAMETERS: apiuser|1001||\n"),
        ("sounds_list", {"source": None, "format": "tab"}, ""),
    ],
)  # fmt: skip
async def test_nothing_is_said_as_the_real_server_says_it(
    function: str, params: dict[str, str | None], answer: str
) -> None:
    async with dialer() as asking:
        assert answer == await asking.ask(function, **params)


async def test_the_log_of_a_did_has_the_caller_before_the_time_whatever_its_header_says() -> None:
    async with dialer() as asking:
        talk(asking, "1004", 108, 5)
        open_call = asking.script.incoming(INBOUND, 109)
        body = await asking.ask(
            "did_log_export", phone_number=DID, date="2026-11-21", header="YES", stage="tab"
        )

    assert (
        "did_number\tcall_date\tcaller_id_number\tlength_in_sec\n"
        f"{DID}\t7275500108\t2026-11-21 03:05:43\t6\n{DID}\t{open_call.phone}\t2026-11-21 03:05:49\t\n"
    ) == body


async def test_the_location_of_a_recording_comes_after_the_call() -> None:
    async with dialer() as asking:
        talk(asking, seconds=3)
        early = await asking.rows("recording_lookup", lead_id="128")
        later(asking, 20)
        late = await asking.rows("recording_lookup", agent_user="1003", date="2026-11-21", duration="Y")
        call = (await asking.truth())["calls"][0]
        by_call = await asking.rows("recording_lookup", uniqueid=call["uniqueid"])

    url = "http://10.10.10.15/RECORDINGS/MP3/20261121-030543_7275500128_1003-all.mp3"
    assert [["2026-11-21 03:05:44", "1003", "1", "128", ""]] == early
    assert [["2026-11-21 03:05:44", "1003", "1", "128", "3", url]] == late
    assert [["2026-11-21 03:05:44", "1003", "1", "128", url]] == by_call
    assert url == call["recording_url"]
    assert call["ended_at"] < call["recording_ready_at"] <= "2026-11-21T08:06:07.000Z"


async def test_the_older_build_tells_no_duration() -> None:
    async with dialer(of_version(OLDER)) as asking:
        talk(asking)

        assert 5 == len((await asking.rows("recording_lookup", lead_id="128", duration="Y"))[0])


WINDOW = {"datetime_start": "2026-11-21 00:00:00", "datetime_end": "2026-11-21 23:59:59"}


@pytest.mark.parametrize(("version", "columns", "names"), [(OLDER, 17, 16), (NEWEST, 20, 20)])
async def test_statistics_add_up_and_say_what_is_wrong_as_wrongly(
    version: str, columns: int, names: int
) -> None:
    settings = replace(BUSY, dialect=of_version(version).dialect)
    async with dialer(settings, run_s=900) as asking:
        body = await asking.ask("agent_stats_export", time_format="S", header="YES", **WINDOW)
        calls = [c for c in (await asking.truth())["calls"] if c["dispositioned_at"]]
    header, *lines = body.splitlines()
    rows = [line.split("|") for line in lines]

    assert names == header.count("|") + 1
    assert {columns} == {len(row) for row in rows}
    assert sum(len(call["agents"]) for call in calls) == sum(int(row[3]) for row in rows)
    for before, row in zip([None, *rows], rows, strict=False):
        wrong = 0 if before is None else int(int(before[5]) / int(row[3]) + 0.5)
        assert wrong == int(row[6])


async def test_the_newer_build_counts_the_first_disposition_twice() -> None:
    rows = []
    for version in (OLDER, NEWEST):
        async with dialer(of_version(version)) as asking:
            for disposition_s in (5, 9):
                talk(asking, seconds=10)
                later(asking, disposition_s)
                asking.script.dispose("1003")
            rows.append((await asking.rows("agent_stats_export", time_format="S", **WINDOW))[0])
    waited_and_talked = 2 * 1 + 2 * 10

    assert [str(waited_and_talked + 5 + 9), str(waited_and_talked + 5 + 9 + 5)] == [row[4] for row in rows]
    assert ["20", "19", "0"] == rows[1][17:]


async def test_statistics_write_times_as_they_are_asked_to() -> None:
    async with dialer(BUSY, run_s=900) as asking:
        one = {"agent_user": "1001", **WINDOW}
        seconds = int((await asking.rows("agent_stats_export", time_format="S", **one))[0][4])
        minutes = (await asking.rows("agent_stats_export", time_format="M", **one))[0][4]
        hours = (await asking.rows("agent_stats_export", **one))[0]

    assert f"{seconds // 60}:{seconds % 60:02d}" == minutes
    assert f"0:{seconds // 60:02d}:{seconds % 60:02d}" == hours[4]
    assert ("0:00:00", "100%") == (hours[6], hours[8])


async def test_sounds_are_listed_as_tabs_links_or_a_page() -> None:
    async with dialer() as asking:
        tabs = await asking.ask("sounds_list", source=None, format="tab", stage="date")
        links = await asking.ask("sounds_list", format="link", stage="date")
        pages = [await asking.ask(name, source=None) for name in ("sounds_list", "moh_list", "vm_list")]

    assert "0\thold-music.wav\t2026-11-21 00:00:00.\t8044\t1795237200" == tabs.splitlines()[0]
    assert f'<a href="{asking.running.url}/sounds_dir/welcome.wav">welcome.wav</a><br>' in links.splitlines()
    assert all("<HTML><head><title>NON-AGENT API</title>" in page for page in pages)
