"""
Agents and groups of dialers by REST, as last published.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from relay.api import agents
from relay.api.mapping_answers import AgentAnswer, GroupAnswer
from relay.journal.port import Append
from relay.model.subject_state import SubjectChange
from relay.model.times import rfc3339
from tests.api.conftest import Api
from tests.journal.making import NOW
from tests.journal.making_subjects import subject_change

READY: dict[str, Any] = {"status": "READY", "user_group": "SALES", "since": rfc3339(NOW)}
PAUSED: dict[str, Any] = {"status": "PAUSED", "user_group": "SALES", "since": None}
AWAY: dict[str, Any] = {"status": "LOGGED_OUT", "user_group": "ADMIN", "since": rfc3339(NOW)}
WAITING = {"calls_waiting": 3}


async def show(api: Api, source_id: str, changes: Iterable[SubjectChange]) -> None:
    """
    Have a source show agents and groups.
    """
    await api.journal.append(Append(source_id, "agents", NOW, subjects=tuple(changes)))


@pytest.fixture
async def floor(api: Api) -> Api:
    """
    Give an API on a journal with agents and groups of two dialers.
    """
    records = {"1001": READY, "1002": PAUSED, "1003": AWAY}
    for source_id in ("dialer", "other"):
        await api.journal.register_source(source_id, "dialer360", NOW, NOW)
        await show(
            api, source_id, (subject_change(n, source_id=source_id, record=r) for n, r in records.items())
        )
    await show(
        api,
        "dialer",
        [
            subject_change("SALESLINE", "in_group", "dialer", record=WAITING),
            subject_change("ADMIN", "user_group", "dialer", record=WAITING),
        ],
    )
    return api


async def names(api: Api, query: str) -> list[tuple[str, str]]:
    """
    Return the agents of all pages of a list.
    """
    found, place = [], ""
    while True:
        page = await api.got(f"/v1/agents?{query}{place}")
        found += [(one["source_id"], one["agent_id"]) for one in page["items"]]
        if page["next"] is None:
            return found
        place = f"&after={page['next']}"


async def test_an_agent_is_shown_with_its_record_and_last_event(floor: Api) -> None:
    change = subject_change("1001", source_id="dialer", revision=2, record=READY)
    await show(floor, "dialer", [change])

    shown = await floor.got("/v1/agents/dialer/1001")

    AgentAnswer.model_validate(shown, extra="forbid")
    assert {
        "source_id": "dialer",
        "subject": "agent/dialer/1001",
        "revision": 2,
        "last_event_id": change.events[0].id,
        "changed_at": rfc3339(NOW),
        "data": READY,
        "agent_id": "1001",
        "since": rfc3339(NOW),
    } == shown
    assert shown == (await floor.got("/v1/agents?source=dialer"))["items"][0]


async def test_an_agent_that_has_no_event_yet_is_shown_empty(floor: Api) -> None:
    change = subject_change("1009", source_id="dialer", revision=0)
    await show(floor, "dialer", [SubjectChange(change.state._replace(record={}), (), 0)])

    shown = await floor.got("/v1/agents/dialer/1009")

    AgentAnswer.model_validate(shown, extra="forbid")
    assert (0, None, {}, None) == tuple(
        shown[name] for name in ("revision", "last_event_id", "data", "since")
    )


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_agents_are_listed_by_source_and_id_and_by_what_they_are(floor: Api, limit: int) -> None:
    everyone = [(source, name) for source in ("dialer", "other") for name in ("1001", "1002", "1003")]

    assert everyone == await names(floor, f"limit={limit}")
    assert everyone[3:] == await names(floor, f"limit={limit}&source=other")
    assert [everyone[1], everyone[4]] == await names(floor, f"limit={limit}&status=PAUSED")
    assert everyone[:2] == await names(floor, f"limit={limit}&source=dialer&user_group=SALES")
    assert [] == await names(floor, f"limit={limit}&status=READY&user_group=ADMIN")


async def test_a_page_is_filled_over_agents_that_are_not_wanted(floor: Api) -> None:
    page = await floor.got("/v1/agents?limit=1&status=LOGGED_OUT")

    assert ["1003"] == [one["agent_id"] for one in page["items"]]


async def test_a_page_ends_short_rather_than_look_at_everybody(floor: Api) -> None:
    many = (
        subject_change(f"0{number:03}", source_id="dialer", record=READY)
        for number in range(agents.PAGES_AT_ONCE)
    )
    await show(floor, "dialer", many)

    page = await floor.got("/v1/agents?limit=1&status=PAUSED&source=dialer")

    assert [] == page["items"]
    assert [("dialer", "1002")] == await names(floor, "limit=1&status=PAUSED&source=dialer")


async def test_groups_are_listed_by_kind_and_shown(floor: Api) -> None:
    listed = (await floor.got("/v1/groups?source=dialer"))["items"]
    teams = (await floor.got("/v1/groups?kind=user_group"))["items"]
    shown = await floor.got("/v1/groups/dialer/in_group/SALESLINE")

    GroupAnswer.model_validate(shown, extra="forbid")
    assert [("in_group", "SALESLINE"), ("user_group", "ADMIN")] == [
        (one["kind"], one["group_id"]) for one in listed
    ]
    assert [listed[1]] == teams
    assert (listed[0], WAITING) == (shown, shown["data"])
    assert [] == (await floor.got("/v1/groups?source=other"))["items"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/agents/dialer/1999",
        "/v1/agents/nowhere/1001",
        "/v1/groups/dialer/user_group/SALESLINE",
        "/v1/groups/dialer/agent/1001",
    ],
)
async def test_what_is_not_there_is_not_found(floor: Api, path: str) -> None:
    assert (404, "not_found") == (await floor.ask("GET", path)).problem


@pytest.mark.parametrize("query", ["agents?status=ready", "agents?kind=in_group", "groups?kind=agent"])
async def test_a_filter_that_cannot_be_is_refused(floor: Api, query: str) -> None:
    assert (422, "invalid") == (await floor.ask("GET", f"/v1/{query}")).problem
