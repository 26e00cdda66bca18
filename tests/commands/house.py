"""
The phone systems' twins, relay's API before them, and the command line before that.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from uuid import uuid4
from zoneinfo import ZoneInfo

import aiohttp
import orjson
from prometheus_client import CollectorRegistry

from relay.api.admission import ApiKey
from relay.api.server import ApiListener, ApiSettings, api_listener
from relay.api.tail import EventTail
from relay.cli.app import app
from relay.cli.failures import told_to_a_person
from relay.command_assembly import Commanded, Commands, open_commands
from relay.commands.lead_rules import LeadRules
from relay.commands.number_checks import NumberGate
from relay.journal.store import SqlJournal, open_sqlite
from relay.model.clock import Clock
from relay.pipeline.deliver import Deliver
from relay.pipeline.replays_of_endpoints import ReplaysOfEndpoints
from relay.sources.budget import BudgetSettings
from relay.sources.port import FunctionSource
from relay.sources.vicidial.source import VicidialSettings, VicidialSource
from relay.sources.voipcloud.source import VoipcloudSettings, VoipcloudSource
from relay.system_clock import SystemClock
from relay.telemetry.metrics import Metrics
from relay.twin.elision.server import RunningElision, start_elision_twin
from relay.twin.elision.settings import ElisionTwinSettings
from relay.twin.vicidial.server import RunningDialer, start_dialer_twin
from relay.twin.vicidial.settings import DialerTwinSettings, Floor
from relay.twin.voipcloud.server import RunningTwin, start_twin
from relay.twin.voipcloud.settings import Rules, Traffic, TwinSettings
from tests.api.conftest import ANY_PORT, Answered, reach_of
from tests.journal.making import IDS, NOW

KEY: Final = "Idempotency-Key"
PASSWORD: Final = "twin"
OPS: Final = ApiKey("ops", "the key of the ops", ("*",))
DEADLINE_S: Final = 30.0
BUDGET: Final = BudgetSettings(requests=100, per_s=900.0, reserve=20, deadline_s=10.0)


@dataclass
class House:
    """
    A running API that takes commands; `woken` are the sources whose owners were told of something, `polled`
    those that can be asked beside it, as polls do.
    """

    path: Path
    url: str
    journal: SqlJournal
    commands: Commands
    client: aiohttp.ClientSession
    woken: list[str] = field(default_factory=list)
    polled: dict[str, FunctionSource] = field(default_factory=dict)

    async def run(
        self,
        source_id: str,
        function: str,
        params: object = None,
        key: str | None = "",
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        """
        Run a command; the key is a new one where none is given, and none where it is None.
        """
        sent = {"Content-Type": "application/json", **(headers or {})}
        if key is not None:
            sent[KEY] = key or uuid4().hex
        path = f"/v1/sources/{source_id}/commands/{function}"
        body = None if params is None else orjson.dumps(params)
        async with self.client.post(path, data=body, headers=sent) as answer:
            return Answered(answer.status, answer.headers.copy(), await answer.read())

    async def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answered:
        """
        Ask for something else.
        """
        data = None if body is None else io.BytesIO(body)
        async with self.client.request(method, path, data=data, headers=headers) as answer:
            return Answered(answer.status, answer.headers.copy(), await answer.read())

    async def got(self, path: str) -> Any:
        """
        Return what is at a path.
        """
        answer = await self.ask("GET", path)
        assert 200 == answer.status, answer.body
        return answer.document

    async def until(self, path: str, is_so: Callable[[Any], bool]) -> Any:
        """
        Return what is at a path once it is so.
        """
        async with asyncio.timeout(DEADLINE_S):
            while True:
                document = await self.got(path)
                if is_so(document):
                    return document
                await asyncio.sleep(0.01)


@asynccontextmanager
async def house_of(
    path: Path,
    sources: Sequence[tuple[FunctionSource, str]],
    clock: Clock | None = None,
    keys: Sequence[ApiKey] = (),
    *,
    with_bulk: bool = True,
    pbx: Callable[[SqlJournal], VoipcloudSource] | None = None,
    gate: NumberGate | None = None,
) -> AsyncIterator[House]:
    """
    Run the API over sources that are entered already, with the loops of their bulk jobs; `pbx` makes one
    more.
    """
    woken: list[str] = []
    clock, stop = clock or SystemClock(), asyncio.Event()
    metrics = Metrics(CollectorRegistry())
    async with AsyncExitStack() as rooms:
        journal = await rooms.enter_async_context(open_sqlite(path, "tests", NOW))
        if pbx is not None:
            sources = [*sources, (await rooms.enter_async_context(pbx(journal)), "voipcloud")]
        for source, kind in sources:
            await journal.register_source(source.source_id, kind, NOW, clock.now())
        deliver = Deliver(journal, journal.registry, clock, metrics, IDS, grace_s=1.0)
        tail = EventTail(await journal.reading.last_seq())
        taking = [Commanded(source, kind) for source, kind in sources]
        rules = None if gate is None else LeadRules(journal.mappings, gate)
        commands = await open_commands(taking, journal.commands, clock, woken.append, rooms, rules)
        replays = ReplaysOfEndpoints(journal.operating, deliver.resent, clock, metrics)
        reach = replace(reach_of(journal, deliver, clock, tail, replays), commands=commands.reach)
        listener: ApiListener = await rooms.enter_async_context(
            api_listener(ANY_PORT, reach, metrics, ApiSettings(keys=keys))
        )
        host, port = listener.address
        url = f"http://{host}:{port}"
        bearer = {"Authorization": f"Bearer {keys[0].key}"} if keys else {}
        client = await rooms.enter_async_context(
            aiohttp.ClientSession(url, timeout=aiohttp.ClientTimeout(total=40), headers=bearer)
        )
        async with asyncio.TaskGroup() as loops:
            for loop in commands.loops if with_bulk else ():
                loops.create_task(loop.run(stop))
            try:
                polled = {source.source_id: source for source, _ in sources}
                yield House(path, url, journal, commands, client, woken, polled)
            finally:
                stop.set()


def dialer_settings(url: str, user: str = "api", password: str = PASSWORD, timeout_s: float = 10.0) -> Any:
    """
    Return the settings of a source that asks a dialer as some user.
    """
    return VicidialSettings("dialer", url, user, password, timeout_s=timeout_s)


@asynccontextmanager
async def dialer_house(
    path: Path, user: str = "api", password: str = PASSWORD, keys: Sequence[ApiKey] = ()
) -> AsyncIterator[tuple[House, RunningDialer]]:
    """
    Run a simulated Dialer360 on which nothing happens by itself, and relay before it.
    """
    clock = SystemClock()
    twin = await start_dialer_twin(DialerTwinSettings(floor=Floor(is_scripted=True)), clock)
    try:
        async with VicidialSource(dialer_settings(twin.api_url, user, password), clock) as source:
            async with house_of(path, [(source, "dialer360")], keys=keys) as house:
                yield house, twin
    finally:
        await twin.close()


@asynccontextmanager
async def elision_house(
    path: Path, user: str = "api", password: str = PASSWORD
) -> AsyncIterator[tuple[House, RunningElision]]:
    """
    Run a simulated Elision dialer, and relay before it.
    """
    twin = await start_elision_twin(ElisionTwinSettings())
    try:
        async with VicidialSource(dialer_settings(twin.api_url, user, password), SystemClock()) as source:
            async with house_of(path, [(source, "elision")]) as house:
                yield house, twin
    finally:
        await twin.close()


@asynccontextmanager
async def voipcloud_house(
    path: Path, budget: BudgetSettings = BUDGET, rules: Rules | None = None, token: str = PASSWORD
) -> AsyncIterator[tuple[House, RunningTwin]]:
    """
    Run a simulated VoIPcloud account in which nobody calls by himself, and relay before it.
    """
    clock = SystemClock()
    shape = TwinSettings(PASSWORD, traffic=Traffic(stop_after=0), rules=rules or Rules())
    twin = await start_twin(shape, clock)
    settings = VoipcloudSettings("pbx", twin.url, token, ZoneInfo("Australia/Sydney"), budget)
    try:
        async with house_of(path, [], pbx=lambda journal: VoipcloudSource(settings, journal, clock)) as house:
            yield house, twin
    finally:
        await twin.close()


@dataclass(frozen=True)
class Printed:
    """
    What a run of the command line left behind.
    """

    code: int
    out: str
    err: str


async def relay(url: str, *arguments: str) -> Printed:
    """
    Run the command line `relay` in a thread of this process.
    """
    return await asyncio.to_thread(_relay, [*arguments, "--url", url])


def _relay(arguments: list[str]) -> Printed:
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            with told_to_a_person():
                app(arguments)
        except SystemExit as end:
            code = end.code
    return Printed(int(str(code or 0)), out.getvalue(), err.getvalue())
