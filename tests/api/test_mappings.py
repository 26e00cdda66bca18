"""
Lead statuses and agent mappings by REST.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from relay.api.mapping_answers import AgentMappingAnswer, LeadStatusAnswer
from relay.model.mapping import Mappings
from tests.api.conftest import Api, running_api
from tests.journal.making import NOW

STATUSES, AGENTS = "/v1/lead-statuses", "/v1/agent-mappings"
SOLD = {
    "source_id": "dialer",
    "code": "Contract signed",
    "dialer_status": "SALE",
    "description": "A contract was signed",
    "is_default": True,
}
WON = {**SOLD, "code": "won", "description": "", "is_default": True}
ANN = {"source_id": "dialer", "agent_id": "1001", "external_id": "ann@crm", "description": "Ann"}


@dataclass
class Wakeful:
    """
    A running API that knows a dialer, and whose owners were woken.
    """

    api: Api
    woken: list[str] = field(default_factory=list)

    async def made(self, path: str, *bodies: Any) -> None:
        """
        Make mappings.
        """
        for body in bodies:
            answer = await self.api.ask("POST", path, body)
            assert 201 == answer.status, answer.body


@pytest.fixture
async def mapped(journal_path: Path) -> AsyncIterator[Wakeful]:
    """
    Run the API without keys on a journal that knows a dialer.
    """
    woken: list[str] = []
    async with running_api(journal_path, change_reach=lambda reach: replace(reach, wake=woken.append)) as api:
        await api.journal.register_source("dialer", "dialer360", NOW, NOW)
        yield Wakeful(api, woken)


async def test_a_lead_status_is_made_once_shown_and_wakes_the_owner(mapped: Wakeful) -> None:
    api = mapped.api
    answers = [await api.ask("POST", STATUSES, SOLD, {"Idempotency-Key": "k"}) for _ in range(2)]

    place = answers[0].headers["Location"]
    LeadStatusAnswer.model_validate(answers[0].document, extra="forbid")
    assert [(201, SOLD)] * 2 == [(answer.status, answer.document) for answer in answers]
    assert f"{STATUSES}/dialer/Contract%20signed" == place
    assert SOLD == await api.got(place)
    assert ["dialer"] == mapped.woken
    assert (409, "conflict") == (await api.ask("POST", STATUSES, SOLD)).problem


async def test_what_is_left_out_of_a_lead_status_has_a_default(mapped: Wakeful) -> None:
    await mapped.made(STATUSES, {"source_id": "dialer", "code": "lost", "dialer_status": "NI"})

    assert {**SOLD, "code": "lost", "dialer_status": "NI", "description": ""} == await mapped.api.got(
        f"{STATUSES}/dialer/lost"
    )


async def test_the_second_code_of_a_dialer_status_leaves_the_default_alone(mapped: Wakeful) -> None:
    second = {"source_id": "dialer", "code": "won", "dialer_status": SOLD["dialer_status"]}
    await mapped.made(STATUSES, SOLD, second)

    listed = (await mapped.api.got(STATUSES))["items"]
    assert {SOLD["code"]: True, "won": False} == {one["code"]: one["is_default"] for one in listed}


async def test_lead_statuses_are_listed_by_source_and_code_in_pages(mapped: Wakeful) -> None:
    api = mapped.api
    of_pbx = {**SOLD, "source_id": "pbx", "code": "a"}
    await mapped.made(STATUSES, WON, SOLD, of_pbx)

    first = await api.got(f"{STATUSES}?limit=2")
    rest = await api.got(f"{STATUSES}?limit=2&after={first['next']}")

    assert [SOLD, {**WON, "is_default": False}, of_pbx] == first["items"] + rest["items"]
    assert [of_pbx] == (await api.got(f"{STATUSES}?source=pbx"))["items"]
    assert None is rest["next"]


async def test_only_what_is_given_of_a_lead_status_is_changed(mapped: Wakeful) -> None:
    api = mapped.api
    await mapped.made(STATUSES, SOLD, {**WON, "is_default": False})

    changed = await api.ask("PATCH", f"{STATUSES}/dialer/won", {"is_default": True, "description": "Yes"})
    moved = await api.ask("PATCH", f"{STATUSES}/dialer/Contract%20signed", {"dialer_status": "XFER"})
    empty = await api.ask("PATCH", f"{STATUSES}/dialer/won", {})

    assert (200, {**WON, "description": "Yes"}) == (changed.status, changed.document)
    assert {**SOLD, "dialer_status": "XFER"} == moved.document
    assert changed.document == empty.document
    assert ["dialer"] * 5 == mapped.woken
    assert Mappings(
        5, {"SALE": "won", "XFER": "Contract signed"}, {}, {"won": "SALE", "Contract signed": "XFER"}
    ) == await api.journal.mappings.mappings("dialer")


async def test_a_lead_status_is_removed(mapped: Wakeful) -> None:
    api = mapped.api
    await mapped.made(STATUSES, SOLD, WON)

    gone = await api.ask("DELETE", f"{STATUSES}/dialer/won")

    assert (204, b"") == (gone.status, gone.body)
    assert [SOLD] == (await api.got(STATUSES))["items"]
    assert ["dialer"] * 3 == mapped.woken
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        assert (404, "not_found") == (await api.ask(method, f"{STATUSES}/dialer/won", body)).problem


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"code": ""}, "code"),
        ({"code": "a/b"}, "code"),
        ({"code": ".."}, "code"),
        ({"code": "x" * 41}, "code"),
        ({"code": "ends in a space "}, "code"),
        ({"dialer_status": "TOOLONG"}, "dialer_status"),
        ({"dialer_status": "A-B"}, "dialer_status"),
        ({"dialer_status": "A B"}, "dialer_status"),
        ({"dialer_status": ""}, "dialer_status"),
        ({"dialer_status": None}, "dialer_status"),
        ({"description": "x" * 501}, "description"),
        ({"is_default": "yes"}, "is_default"),
        ({"source_id": "No Source"}, "source_id"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_what_cannot_be_a_lead_status_is_refused_by_its_field(
    mapped: Wakeful, change: dict[str, Any], fault: str
) -> None:
    answer = await mapped.api.ask("POST", STATUSES, {**SOLD, **change})

    assert (422, "invalid") == answer.problem
    assert {fault} == answer.faulty.keys()
    assert [] == mapped.woken


@pytest.mark.parametrize(("path", "body"), [(STATUSES, SOLD), (AGENTS, ANN)])
async def test_mappings_of_an_unknown_source_are_not_found(
    mapped: Wakeful, path: str, body: dict[str, Any]
) -> None:
    answer = await mapped.api.ask("POST", path, {**body, "source_id": "nowhere"})

    assert (404, "not_found") == answer.problem
    assert [] == mapped.woken


async def test_an_agent_mapping_is_made_listed_changed_and_removed(mapped: Wakeful) -> None:
    api = mapped.api
    made = await api.ask("POST", AGENTS, ANN)
    await mapped.made(AGENTS, {"source_id": "dialer", "agent_id": "1000", "external_id": "Bob Öz"})
    page = await api.got(f"{AGENTS}?limit=1")
    rest = await api.got(f"{AGENTS}?after={page['next']}")
    changed = await api.ask("PATCH", f"{AGENTS}/dialer/1001", {"external_id": "42"})
    shown = await api.got(f"{AGENTS}/dialer/1001")
    gone = await api.ask("DELETE", f"{AGENTS}/dialer/1000")

    AgentMappingAnswer.model_validate(made.document, extra="forbid")
    assert (201, ANN, f"{AGENTS}/dialer/1001") == (made.status, made.document, made.headers["Location"])
    assert ["1000", "1001"] == [one["agent_id"] for one in page["items"] + rest["items"]]
    assert {**ANN, "external_id": "42"} == changed.document == shown
    assert 204 == gone.status
    assert [shown] == (await api.got(f"{AGENTS}?source=dialer"))["items"]
    assert ["dialer"] * 4 == mapped.woken
    assert {"1001": "42"} == (await api.journal.mappings.mappings("dialer")).external_ids
    assert (409, "conflict") == (await api.ask("POST", AGENTS, ANN)).problem
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        assert (404, "not_found") == (await api.ask(method, f"{AGENTS}/dialer/1000", body)).problem


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"agent_id": "../1"}, "agent_id"),
        ({"external_id": ""}, "external_id"),
        ({"external_id": "a\nb"}, "external_id"),
        ({"external_id": "x" * 201}, "external_id"),
    ],
)
async def test_what_cannot_be_an_agent_mapping_is_refused_by_its_field(
    mapped: Wakeful, change: dict[str, Any], fault: str
) -> None:
    answer = await mapped.api.ask("POST", AGENTS, {**ANN, **change})

    assert {fault} == answer.faulty.keys()


@pytest.mark.parametrize("path", [f"{STATUSES}/dialer/a%2Fb", f"{AGENTS}/dialer/a%20b", f"{AGENTS}/Di/1"])
async def test_what_cannot_be_the_name_of_a_mapping_is_not_found(mapped: Wakeful, path: str) -> None:
    assert (404, "not_found") == (await mapped.api.ask("GET", path)).problem
