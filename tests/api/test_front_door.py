"""
What happens where things go wrong behind the door, and when there is too much at it.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from relay.api.front_door import Patience
from relay.api.gate import AT_ONCE, Gate
from relay.api.operation import Reach
from relay.api.problems import Refused
from relay.api.server import ApiSettings
from relay.model.errors import ConfigError, JournalBusy, JournalUnusable, TransportError
from relay.model.event import StoredEvent
from relay.model.listing import Page
from tests.api.conftest import ANY_PORT, NEW, Api, running_api

EVENT = "/v1/events/evt_aaaaaaaaaaaaaaaaaaaa"


class Failing:
    """
    A journal that cannot look for events; stands at `relay.journal.api_port.ReadingJournal`.
    """

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def event(self, _event_id: str) -> StoredEvent | None:
        """
        Fail.
        """
        raise self._error

    async def list_events(self, *_: object) -> Page[StoredEvent]:
        """
        Fail.
        """
        raise self._error


class Waiting:
    """
    A journal that finds nothing, and takes its time; stands at `relay.journal.api_port.ReadingJournal`.
    """

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.now = 0
        self.most = 0
        self.asked = 0

    async def event(self, _event_id: str) -> StoredEvent | None:
        """
        Wait, then find nothing.
        """
        self.asked += 1
        self.now += 1
        self.most = max(self.most, self.now)
        await self.go_on.wait()
        self.now -= 1
        return None


def behind(reading: Any) -> Callable[[Reach], Reach]:
    """
    Put a double behind the API.
    """
    return lambda reach: replace(reach, reading=reading)


@pytest.mark.parametrize(
    "error", [KeyError("a secret of ours"), ValueError("no"), TransportError("dns", "x")]
)
async def test_a_bug_is_logged_counted_and_not_explained(
    journal_path: Path, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    async with running_api(journal_path, change_reach=behind(Failing(error))) as api:
        answer = await api.ask("GET", EVENT)
        count = api.sample("relay_api_requests_total", route="/v1/events/{event_id}", status="500")

    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert (500, "bug") == answer.problem
    assert b"secret" not in answer.body
    assert 1 == count
    assert record.exc_info is not None
    assert (error, "/v1/events/{event_id}") == (record.exc_info[1], vars(record)["route"])


async def test_a_bug_in_a_list_is_not_blamed_on_who_asked(journal_path: Path) -> None:
    async with running_api(journal_path, change_reach=behind(Failing(ValueError("no")))) as api:
        answer = await api.ask("GET", "/v1/events?after=5")

    assert (500, "bug") == answer.problem


async def test_a_busy_journal_asks_to_come_again(journal_path: Path) -> None:
    async with running_api(journal_path, change_reach=behind(Failing(JournalBusy("locked")))) as api:
        answer = await api.ask("GET", EVENT)

    assert ((503, "busy"), "1") == (answer.problem, answer.headers["Retry-After"])


async def test_a_journal_that_cannot_be_used_ends_the_process(journal_path: Path) -> None:
    answers = []

    async def run() -> None:
        failing = behind(Failing(JournalUnusable("disk full")))
        async with running_api(journal_path, change_reach=failing) as api:
            answers.append(await api.ask("GET", EVENT))
            async with asyncio.timeout(20):
                await asyncio.Event().wait()  # ended by what is raised

    with pytest.raises(ExceptionGroup) as raised:
        await run()

    assert raised.group_contains(JournalUnusable, match="disk full")
    assert [(503, "stopping")] == [answer.problem for answer in answers]
    assert b"disk" not in answers[0].body


async def test_a_few_requests_are_worked_on_at_a_time_some_wait_and_the_rest_is_refused(
    journal_path: Path,
) -> None:
    waiting, settings = Waiting(), ApiSettings(gate=Gate(waiting=6))
    async with running_api(journal_path, settings=settings, change_reach=behind(waiting)) as api:
        asked = [asyncio.create_task(api.ask("GET", EVENT)) for _ in range(AT_ONCE + 6 + 5)]
        done, _ = await asyncio.wait(asked, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 5:
            more, _ = await asyncio.wait(set(asked) - done, timeout=20, return_when=asyncio.FIRST_COMPLETED)
            done |= more
        refused = [task.result() for task in done]
        working = waiting.asked
        waiting.go_on.set()
        answers = await asyncio.gather(*asked)
        after = await api.ask("GET", EVENT)

    assert [(503, "busy")] * 5 == [answer.problem for answer in refused]
    assert (AT_ONCE, AT_ONCE) == (working, waiting.most)
    assert [404] * (AT_ONCE + 6) == [answer.status for answer in answers if answer not in refused]
    assert 404 == after.status


async def test_a_receiver_that_hangs_keeps_no_other_request_waiting(journal_path: Path) -> None:
    async with running_api(journal_path, settings=ApiSettings(gate=Gate(at_once=1))) as api:
        await api.made()
        api.sink.gate.clear()
        test = asyncio.create_task(api.ask("POST", "/v1/endpoints/crm/test"))
        await api.sink.wait_until(lambda sink: sink.in_flight == 1)

        shown = await api.ask("GET", "/v1/endpoints/crm")
        api.sink.gate.set()

    assert [200, 200] == [shown.status, (await test).status]


def test_a_place_is_given_back_whatever_happened() -> None:
    gate = Gate(at_once=1, waiting=0, streams=1)
    for hold in (gate.enter, gate.stream):
        with pytest.raises(KeyError), hold():
            raise KeyError

        with hold(), pytest.raises(Refused), hold():
            pytest.fail("there was one place only")


async def test_a_body_that_does_not_come_is_not_waited_for(journal_path: Path) -> None:
    async with running_api(journal_path, settings=ApiSettings(patience=Patience(body_s=0.05))) as api:
        reader, writer = await asyncio.open_connection(*api.listener.address)
        writer.write(
            b"POST /v1/endpoints HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        said = await reader.readline()
        writer.close()

    assert b"HTTP/1.1 408 Request Timeout\r\n" == said


async def test_requests_are_counted_by_route_never_by_path(api: Api) -> None:
    await api.made()
    await api.got("/v1/endpoints/crm")
    await api.ask("GET", "/v1/endpoints/nobody")
    await api.ask("PUT", "/v1/endpoints/crm")
    await api.ask("GET", "/v1/no/such/path")
    await api.ask("POST", "/v1/endpoints", {**NEW, "colour": "red"})

    counted = {
        (sample.labels["route"], sample.labels["status"]): sample.value
        for family in api.metrics.registry.collect()
        for sample in family.samples
        if sample.name == "relay_api_requests_total"
    }
    assert {
        ("/v1/endpoints", "201"): 1,
        ("/v1/endpoints", "422"): 1,
        ("/v1/endpoints/{endpoint_id}", "200"): 1,
        ("/v1/endpoints/{endpoint_id}", "404"): 1,
        ("/v1/endpoints/{endpoint_id}", "405"): 1,
        ("_other", "404"): 1,
    } == counted
    assert 3 == api.sample("relay_api_request_duration_seconds_count", route="/v1/endpoints/{endpoint_id}")


async def test_an_address_in_use_is_a_fault_of_the_configuration(journal_path: Path) -> None:
    with socket.create_server(ANY_PORT) as taken:
        address = taken.getsockname()
        with pytest.raises(ConfigError, match=r"server\.listen: cannot listen on 127\.0\.0\.1 port \d+: .+"):
            async with running_api(journal_path, listen=address):
                pytest.fail("a second listener got the same port")


async def test_the_port_is_free_again_once_relay_stops(api: Api) -> None:
    api.stop.set()

    async with asyncio.timeout(20):
        while True:
            try:
                with socket.create_server(api.listener.address):
                    break
            except OSError:
                await asyncio.sleep(0)
