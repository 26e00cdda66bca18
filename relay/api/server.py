"""
The listeners for users, REST and the event stream, and for phone systems that push.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

from aiohttp import web

from relay.api.admission import Admission, ApiKey
from relay.api.front_door import UNKNOWN_ROUTE, Answering, FrontDoor, Patience
from relay.api.gate import Gate
from relay.api.hooks import ROUTE, HookDoor
from relay.api.openapi import as_bytes, document_of
from relay.api.operation import MAX_BODY, Operation, Reach
from relay.api.operations import OPERATIONS
from relay.api.problems import NOT_FOUND, Refused
from relay.model.errors import ConfigError, Fault
from relay.telemetry.metrics import Metrics

SHUTDOWN_S: Final = 1.0
LINGER_S: Final = 2.0
ANYWHERE: Final = "/{unknown:.*}"


class _WithoutTraceback(logging.Filter):
    """
    Tells of a request that was no HTTP in one line: anybody may send one, and it is nobody's bug here.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """
        Let a record pass, made small.
        """
        record.exc_info, record.levelno, record.levelname = None, logging.INFO, "INFO"
        return True


_http_log = logging.getLogger("relay.api.http")
_http_log.addFilter(_WithoutTraceback())


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """
    How the API is served; `hook_tokens` by source, `hooks_listen` for pushes alone.
    """

    keys: Sequence[ApiKey] = ()
    hook_tokens: Mapping[str, str] = field(default_factory=dict)
    hooks_listen: tuple[str, int] | None = None
    patience: Patience = field(default_factory=Patience)
    gate: Gate = field(default_factory=Gate)


class ApiListener:
    """
    The listening API, as a loop: it stops listening as soon as it is told to stop.

    Args:
        door: where requests come in.
        api: what listens to users.
        hooks: what listens to pushes alone, if anything does.
    """

    name = "api"

    def __init__(self, door: FrontDoor, api: web.AppRunner, hooks: web.AppRunner | None) -> None:
        self._door = door
        self._runners = [api, hooks] if hooks is not None else [api]
        self.address = _address(api)
        self.hooks_address = _address(hooks) if hooks is not None else None

    async def run(self, stop: asyncio.Event) -> None:
        """
        Answer until told to stop; then let go of everyone.

        Raises:
            JournalUnusable: a request met it, and the process must end.
        """
        stopped = asyncio.create_task(stop.wait())
        reasons: set[asyncio.Future[Any]] = {stopped, self._door.failure}
        try:
            await asyncio.wait(reasons, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            await self.close()
        if self._door.failure.done():
            raise self._door.failure.result()

    async def close(self) -> None:
        """
        Stop listening and let go of everyone.  Safe twice.
        """
        self._door.end_streams()
        for runner in self._runners:
            await runner.cleanup()


@asynccontextmanager
async def api_listener(
    listen: tuple[str, int], reach: Reach, metrics: Metrics, settings: ApiSettings
) -> AsyncIterator[ApiListener]:
    """
    Listen while entered, or until the loop that this gives has ended.

    Raises:
        ConfigError: the address cannot be bound.
    """
    admission = Admission(settings.keys)
    document = as_bytes(document_of(OPERATIONS, admission.needs_key))
    door = FrontDoor(replace(reach, document=document), admission, settings.gate, metrics, settings.patience)
    hooks = HookDoor(reach, settings.hook_tokens, metrics, settings.patience.body_s)
    pushed = door.guarding(ROUTE, hooks.answer)
    routes = {path: door.answering(path, operations) for path, operations in _by_path(OPERATIONS)}
    routes |= {ROUTE: pushed, ANYWHERE: door.answering(UNKNOWN_ROUTE, ())}
    async with AsyncExitStack() as listening:
        api = await listening.enter_async_context(_listening("server.listen", listen, routes))
        alone = None
        if settings.hooks_listen is not None:
            routes = {ROUTE: pushed, ANYWHERE: door.guarding(UNKNOWN_ROUTE, _nothing_but_hooks)}
            alone = await listening.enter_async_context(
                _listening("server.hooks_listen", settings.hooks_listen, routes)
            )
        listening.callback(door.end_streams)
        yield ApiListener(door, api, alone)


@asynccontextmanager
async def _listening(
    key: str, listen: tuple[str, int], routes: Mapping[str, Answering]
) -> AsyncIterator[web.AppRunner]:
    app = web.Application(client_max_size=MAX_BODY)
    for path, answer in routes.items():
        app.router.add_route("*", path, answer)
    # No access log: it would show tokens that stand in URLs.
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=SHUTDOWN_S, lingering_time=LINGER_S, logger=_http_log
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, *listen).start()
        except OSError as error:
            problem = f"cannot listen on {listen[0]} port {listen[1]}: {error.strerror}"
            raise ConfigError([Fault(key, problem)]) from error
        yield runner
    finally:
        await runner.cleanup()


async def _nothing_but_hooks(_request: web.Request) -> web.StreamResponse:
    raise Refused(NOT_FOUND.about("Only /hooks/ is here."))


def _address(runner: web.AppRunner) -> tuple[str, int]:
    """
    Return the address as really bound, for port 0.
    """
    host, port = runner.addresses[0][:2]
    return host, port


def _by_path(operations: Iterable[Operation]) -> Iterable[tuple[str, Sequence[Operation]]]:
    paths: dict[str, list[Operation]] = {}
    for operation in operations:
        paths.setdefault(operation.path, []).append(operation)
    return paths.items()
