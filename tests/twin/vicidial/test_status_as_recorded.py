"""
The twin's status answers are those a real server gave, byte for byte, where its agents do the same.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from relay.twin.vicidial.builds import NEWEST, OLDER
from relay.twin.vicidial.calls import INBOUND
from tests.twin.vicidial.asking_dialer import BUSY, Asking, dialer, of_version

# What two builds of the real page answered (2026-11-21 03:07:44), with eleven agents in eleven states.
AGENTS = {
    "1001": "READY||0|TESTCAMP|0|Alice Adams|AGENTS|1|LOGIN||||8600051\n",
    "1003": (
        "INCALL|V1210305430000000102|102|TESTCAMP|1|Carol Clark|AGENTS|"
        "1|BREAK|DEAD|7275500102|VLC00102|8600053\n"
    ),
    "1005": "PAUSED||103|TESTCAMP|1|Erin Evans|AGENTS|1|LOGIN|DISPO|7275500103|VLC00103|8600055\n",
    "1008": "CLOSER||0|SALES|0|Henry Hill|SUPPORTG|1|LOGIN|RING|||8600058\n",
    "1006": (
        "INCALL|Y1210305430000000105|105|SALES|1|Frank Ford|AGENTS|1|LOGIN|"
        "PARK|7275500105|VLC00105|8600056\n"
    ),
    "1002": (
        "INCALL|Y1210305430000000106|106|SALES|1|Bob Baker|AGENTS|1|LOGIN|"
        "3-WAY|7275500106|VLC00106|8600052\n"
    ),
    "1004": (
        "INCALL|Y1210305430000000106|106|SALES|1|Dan Davis|AGENTS|1|LOGIN|"
        "3-WAY|7275500106|VLC00106|8600054\n"
    ),
    "1010": (
        "QUEUE|Y1210305430000000107|107|SALES|0|Jack Jones|SUPPORTG|1|"
        "LOGIN||7275500107|VLC00107|8600060\n"
    ),
    "1007": (
        "INCALL|M1210305430000000108|108|TESTCAMP|1|Grace Green|SUPPORTG|"
        "1|LOGIN|DIAL|7275500108|VLC00108|8600057\n"
    ),
    "1011": "PAUSED||109|TESTCAMP|0|Kate King|SUPPORTG|1|BREAK|PREVIEW|7275500109|VLC00109|8600061\n",
    "1012": "ERROR: agent_status AGENT NOT LOGGED IN: apiuser|1012\n",
    "9999": "ERROR: agent_status AGENT NOT FOUND: apiuser|9999\n",
}  # fmt: skip


def play(asking: Asking) -> None:
    """
    Put eleven agents into the states that the recorded ones were in, and two calls into the queue.
    """
    script, floor = asking.script, asking.running.world.floor
    leads = {lead.lead_id: lead for lead in asking.running.world.office.leads}
    script.put("1001", "READY")
    script.put("1003", "PAUSED", code="BREAK")
    floor.answer(floor.agents["1003"], script.call("1003", lead_id=102))
    script.put("1003", "INCALL", "DEAD")
    floor.answer(floor.agents["1005"], script.call("1005", lead_id=103))
    script.put("1005", "PAUSED", "DISPO")
    script.put("1008", "CLOSER", "RING")
    for user, lead_id in (("1006", 105), ("1002", 106)):
        floor.answer(floor.agents[user], script.call(user, lead_id=lead_id))
    script.put("1006", "INCALL", "PARK")
    script.join("1004", "1002")
    script.call("1010", INBOUND, 107)
    script.put("1007", "PAUSED")
    floor.preview(floor.agents["1007"], leads[108])
    script.put("1007", "INCALL", "DIAL")
    script.put("1011", "PAUSED", code="BREAK")
    floor.preview(floor.agents["1011"], leads[109])


@pytest.mark.parametrize(("user", "answer"), AGENTS.items())
async def test_an_agent_is_shown_as_the_real_server_shows_one(user: str, answer: str) -> None:
    async with dialer() as asking:
        play(asking)

        assert answer == await asking.ask("agent_status", agent_user=user)


async def test_the_older_build_knows_no_dial() -> None:
    async with dialer(of_version(OLDER)) as asking:
        asking.script.put("1007", "INCALL", "DIAL")

        row = await asking.ask("agent_status", agent_user="1007")

    assert "INCALL|M1210305430000000101|101|TESTCAMP|1|Grace Green|SUPPORTG|1|LOGIN||7275500101" == row[:83]


@pytest.mark.parametrize(
    ("version", "names", "values"),
    [
        (OLDER, "status|callerid|lead_id|campaign_id|calls_today|full_name|user_group|user_level", 13),
        (
            NEWEST,
            "status|callerid|lead_id|campaign_id|calls_today|full_name|user_group|user_level|pause_code|"
            "real_time_sub_status|phone_number|vendor_lead_code|session_id|computer_ip",
            13,
        ),
    ],
)
async def test_the_header_cannot_be_trusted(version: str, names: str, values: int) -> None:
    async with dialer(of_version(version)) as asking:
        asking.script.put("1001", "READY")

        body = await asking.ask("agent_status", agent_user="1001", include_ip="YES", header="YES")

    header, row = body.splitlines()
    assert names == header
    assert values == len(row.split("|"))


@pytest.mark.parametrize(
    ("version", "function", "params", "answer"),
    [
        (NEWEST, "in_group_status", {"in_groups": "NOPE"}, "NOPE|0|0|0|0|0|0|0|0\n"),
        (OLDER, "in_group_status", {"in_groups": "NOPE"}, "NOPE|0|0|0|0|0|0|0\n"),
        (NEWEST, "in_group_status", {"in_groups": "SALES,OTHER"}, "SALES,OTHER|0|0|0|0|0|0|0|0\n"),
        (OLDER, "in_group_status", {"in_groups": "SALES,OTHER"}, "SALESOTHER|0|0|0|0|0|0|0\n"),
        (NEWEST, "in_group_status", {}, "ERROR: in_group_status INVALID SEARCH PARAMETERS: apiuser|\n"),
        (NEWEST, "user_group_status", {"user_groups": "NOPE"}, "NOPE|2|0|0|0|0|0|0|0\n"),
        (NEWEST, "agent_ingroup_info", {"agent_user": "9999"},
         "ERROR: agent_ingroup_info INVALID USER ID - 9999|apiuser\n"),
    ],
)  # fmt: skip
async def test_odd_questions_get_the_real_answers(
    version: str, function: str, params: dict[str, str], answer: str
) -> None:
    async with dialer(of_version(version)) as asking:
        for _ in range(2):
            asking.script.incoming()

        assert answer == await asking.ask(function, **params)


async def test_groups_count_as_the_real_server_counts() -> None:
    async with dialer() as asking:
        play(asking)
        for _ in range(2):
            asking.script.incoming()

        in_groups = await asking.ask("in_group_status", in_groups="SALESLINE|SUPPORT")
        user_groups = await asking.ask(
            "user_group_status", user_groups="AGENTS|SUPPORTG", header="YES", stage="csv"
        )

    # Recorded with 5 calls: there the ringing phone rang for nobody.
    assert "SALESLINE SUPPORT|6|2|5|4|1|0|0|0\n" == in_groups
    assert (
        "usergroups,calls_waiting,agents_logged_in,agents_in_calls,agents_waiting,agents_paused,"
        "agents_in_dead_calls,agents_in_dispo,agents_in_dial\nAGENTS SUPPORTG,2,10,5,2,1,1,1,1\n"
    ) == user_groups


async def test_a_list_is_filtered_by_campaigns_and_groups() -> None:
    async with dialer() as asking:
        play(asking)

        some = await asking.ask(
            "logged_in_agents", campaigns="SALES|NOPE", user_groups="SUPPORTG", show_sub_status="YES"
        )
        none = await asking.ask("logged_in_agents", campaigns="NOPE", header="YES")

    assert (
        "1008|SALES|8600058|CLOSER|0||0|Henry Hill|SUPPORTG|1|LOGIN|RING\n"
        "1010|SALES|8600060|QUEUE|107|Y1210305430000000107|0|Jack Jones|SUPPORTG|1|LOGIN|\n"
    ) == some
    assert "ERROR: logged_in_agents NO LOGGED IN AGENTS: apiuser|\n" == none


@pytest.mark.parametrize("version", [OLDER, NEWEST])
async def test_a_living_floor_is_shown_as_it_is_whoever_is_asked_for(version: str) -> None:
    settings = replace(BUSY, dialect=of_version(version).dialect)
    async with dialer(settings) as asking:
        for _ in range(60):
            asking.clock.advance(5)
            rows = await asking.rows("logged_in_agents", show_sub_status="YES")
            for row in rows:
                one = (await asking.rows("agent_status", agent_user=row[0]))[0]

                assert 12 == len(row)
                assert 13 == len(one)
                shown = [row[n] for n in (3, 5, 4, 1, 6, 7, 8, 9, 10, 11, 2)]
                assert shown == [*one[:10], one[12]]
            told = (await asking.truth())["agents"]

            assert {row[0]: (row[3], int(row[4])) for row in rows} == {
                user: (agent["status"], agent["lead_id"])
                for user, agent in told.items()
                if agent["status"] != "LOGGED_OUT"
            }
