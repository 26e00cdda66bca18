"""
Leads on their way to a dialer: codes of the CRM become its statuses, bad numbers are not sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from relay.api.admission import ApiKey
from relay.commands.desk import CommandRequest
from relay.commands.number_checks import NumberChecks, NumberGate
from relay.model.command import Command
from relay.model.mapping import LeadStatus, Mappings
from relay.model.number_status import HLR, VALIDITY
from relay.normalise.command_events import Tidings, tidings_of
from relay.sources.vicidial.source import VicidialSource
from relay.system_clock import SystemClock
from relay.twin.elision.server import RunningElision, start_elision_twin
from relay.twin.elision.settings import ElisionTwinSettings
from relay.twin.vicidial.server import RunningDialer, start_dialer_twin
from relay.twin.vicidial.settings import DialerTwinSettings, Floor
from tests.commands.house import House, dialer_settings, house_of

GOOD, OTHER, BAD = "2125551234", "2125551235", "5551234567"
WHY: Final = f"{BAD} of +1 is no number that the numbering plan has"
STRICT: Final = ApiKey("strict", "the key of the strict one", ("*",))
LAX: Final = ApiKey("lax", "the key of the lax one", ("*",))
AS_LAX: Final = {"Authorization": f"Bearer {LAX.key}"}
GATE: Final = NumberGate({"dialer": NumberChecks("US")}, {"strict": VALIDITY})
KIND: Final = "urn:relay:problem:number_refused"
LEAD: Final = {"phone_number": GOOD, "phone_code": "1"}


@dataclass
class Before:
    """
    Relay before a simulated phone system.
    """

    house: House
    twin: Any

    async def commands(self) -> list[Command]:
        """
        Return the commands of the journal, oldest first.
        """
        page = await self.house.journal.commands.list_commands("dialer", {}, None, 100)
        return list(reversed(page.items))

    async def told(self) -> list[Tidings]:
        """
        Return what the owner of the source tells of the last command.
        """
        command = (await self.commands())[-1]
        return tidings_of(command, tuple((command.result or {})["events"]), Mappings(), "US")


@pytest.fixture
async def dialer(tmp_path: Path) -> AsyncIterator[Before]:
    """
    Give relay before a Dialer360.
    """
    clock = SystemClock()
    twin: RunningDialer = await start_dialer_twin(DialerTwinSettings(floor=Floor(is_scripted=True)), clock)
    async with VicidialSource(dialer_settings(twin.api_url), clock) as source:
        path, sources = tmp_path / "relay.db", [(source, "dialer360")]
        async with house_of(path, sources, keys=(STRICT, LAX), gate=GATE) as house:
            yield Before(house, twin)
    await twin.close()


@pytest.fixture
async def elision(tmp_path: Path) -> AsyncIterator[Before]:
    """
    Give relay before an Elision dialer.
    """
    twin: RunningElision = await start_elision_twin(ElisionTwinSettings())
    async with VicidialSource(dialer_settings(twin.api_url), SystemClock()) as source:
        path, sources = tmp_path / "relay.db", [(source, "elision")]
        async with house_of(path, sources, keys=(STRICT, LAX), gate=GATE) as house:
            yield Before(house, twin)
    await twin.close()


def phones_of(twin: RunningElision) -> list[str]:
    """
    Return the numbers of all leads of a twin.
    """
    return [lead.phone for lead in twin.store.leads]


async def test_a_bad_number_is_not_sent_and_the_lead_is_rejected(dialer: Before) -> None:
    before = len(dialer.twin.world.office.leads)

    answer = await dialer.house.run("dialer", "add_lead", {**LEAD, "phone_number": BAD}, "k")
    again = await dialer.house.run("dialer", "add_lead", {**LEAD, "phone_number": BAD}, "k")

    assert (422, KIND) == (answer.status, answer.document["type"])
    assert f"number refused: {WHY}" in answer.document["detail"]
    assert (answer.status, answer.body) == (again.status, again.body)
    assert before == len(dialer.twin.world.office.leads)
    assert ["failed"] == [one.state for one in await dialer.commands()]
    rejected, command = await dialer.told()
    assert ("lead.rejected", f"number refused: {WHY}") == (rejected.type, rejected.data["reason"])
    assert ("command.failed", f"number refused: {WHY}") == (command.type, command.data["message"])
    assert ["dialer"] == dialer.house.woken


async def test_a_good_number_is_sent_and_so_is_any_of_a_key_without_checks(dialer: Before) -> None:
    good = await dialer.house.run("dialer", "add_lead", LEAD)
    lax = await dialer.house.run("dialer", "add_lead", {**LEAD, "phone_number": BAD}, headers=AS_LAX)

    assert [200, 200] == [good.status, lax.status]


async def test_a_code_of_the_crm_goes_out_as_the_dialers_status(dialer: Before) -> None:
    status = LeadStatus("dialer", "contract-signed", "SALE")
    await dialer.house.journal.mappings.put_lead_status(status, is_new=True)
    made = await dialer.house.run("dialer", "add_lead", LEAD)
    lead_id = made.document["data"]["details"]["lead_id"]

    changed = await dialer.house.run(
        "dialer", "update_lead", {"lead_id": lead_id, "status": "contract-signed"}
    )
    unknown = await dialer.house.run("dialer", "update_lead", {"lead_id": lead_id, "status": "no-such-code"})

    assert (200, 422) == (changed.status, unknown.status)
    assert "SALE" == (await dialer.commands())[-1].params["status"]
    assert ["SALE"] == [one.data["status"] for one in await dialer.told() if one.type == "lead.updated"]
    assert "SALE" == dialer.twin.world.office.leads.get(int(lead_id)).status


async def test_of_many_leads_the_good_ones_are_sent(elision: Before) -> None:
    lists = elision.twin.store
    leads = [{"phone_number": phone, "list_id": list_of(lists)} for phone in (GOOD, BAD, OTHER)]

    answer = await elision.house.run("dialer", "add_multi_lead", {"multi_leads": leads})

    rows = answer.document["data"]["rows"]
    assert [GOOD, OTHER] == phones_of(elision.twin)
    assert ["lead 1", "lead 2", "lead 3"] == [row["lead"] for row in rows]
    assert [True, False, True] == [row["success"] for row in rows]
    assert WHY.replace("+1", "US") == rows[1]["message"]
    told = await elision.told()
    assert [("lead.created", GOOD), ("lead.created", OTHER), ("lead.rejected", BAD)] == [
        (one.type, one.data["phone_raw"]) for one in told[:-1]
    ]
    assert "command.succeeded" == told[-1].type


async def test_many_leads_that_are_all_bad_are_refused(elision: Before) -> None:
    leads = [{"phone_number": BAD, "list_id": list_of(elision.twin.store)}] * 2

    answer = await elision.house.run("dialer", "add_multi_lead", {"multi_leads": leads})

    assert (422, KIND) == (answer.status, answer.document["type"])
    assert [] == phones_of(elision.twin)
    assert ["lead.rejected"] * 2 + ["command.failed"] == [one.type for one in await elision.told()]


async def test_a_bulk_job_is_checked_as_its_starter(elision: Before) -> None:
    house = elision.house
    rows = [{"phone_number": phone, "list_id": list_of(elision.twin.store)} for phone in (GOOD, BAD)]
    body = b"\n".join(orjson.dumps(row) for row in rows)
    headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": "k"}

    made = await house.ask("POST", "/v1/sources/dialer/bulk", body, headers)
    assert 202 == made.status, made.body
    path = f"/v1/sources/dialer/bulk/{made.document['bulk_id']}"
    done = await house.until(path, lambda job: job["state"] == "done")

    assert (1, 1, 0) == (done["succeeded"], done["failed"], done["unknown"])
    assert [GOOD] == phones_of(elision.twin)


def list_of(store: Any) -> str:
    """
    Return the id of a list that there is.
    """
    return str(next(iter(store.lists)))


class Silent:
    """
    A provider that is asked, and never answers.
    """

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def look_up(self, number: str) -> str:
        """
        Wait for good.
        """
        self.asked.set()
        await asyncio.Event().wait()
        return number


async def test_a_command_whose_look_up_is_cut_off_is_known_not_to_be_sent(tmp_path: Path) -> None:
    provider, clock = Silent(), SystemClock()
    gate = NumberGate({"dialer": NumberChecks("US", provider)}, {"strict": HLR})
    twin = await start_dialer_twin(DialerTwinSettings(floor=Floor(is_scripted=True)), clock)
    async with VicidialSource(dialer_settings(twin.api_url), clock) as source:
        path, sources = tmp_path / "relay.db", [(source, "dialer360")]
        async with house_of(path, sources, keys=(STRICT,), gate=gate) as house:
            desk = house.commands.reach.desk
            asked = CommandRequest("dialer", "add_lead", LEAD, "strict")
            running = asyncio.create_task(desk.carry_out(asked))
            async with asyncio.timeout(20):
                await provider.asked.wait()
            await desk.close()
            with pytest.raises(asyncio.CancelledError):
                await running
            (command,) = await Before(house, twin).commands()
    await twin.close()

    assert ("failed", "not_sent") == (command.state, (command.result or {})["cause"])
