"""
The listener for users: REST and the event stream.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

from aiohttp import web

from relay.api.admission import Admission, ApiKey
from relay.api.front_door import UNKNOWN_ROUTE, FrontDoor, Patience
from relay.api.gate import Gate
from relay.api.openapi import as_bytes, document_of
from relay.api.operation import Operation, Reach
from relay.api.operations import OPERATIONS
from relay.api.request import MAX_BODY
from relay.model.errors import ConfigError, Fault
from relay.telemetry.metrics import Metrics

SHUTDOWN_S: Final = 1.0
LINGER_S: Final = 2.0


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
    How the API is served.
    """

    keys: Sequence[ApiKey] = ()
    patience: Patience = field(default_factory=Patience)
    gate: Gate = field(default_factory=Gate)


class ApiListener:
    """
    The listening API, as a loop: it stops listening as soon as it is told to stop.
    """

    name = "api"

    def __init__(self, runner: web.AppRunner, door: FrontDoor) -> None:
        self._runner = runner
        self._door = door
        host, port = runner.addresses[0][:2]
        self.address: tuple[str, int] = (host, port)  # as really bound, for port 0

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
        await self._runner.cleanup()


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
    app = web.Application(client_max_size=MAX_BODY)
    for path, operations in _by_path(OPERATIONS):
        app.router.add_route("*", path, door.answering(path, operations))
    app.router.add_route("*", "/{unknown:.*}", door.answering(UNKNOWN_ROUTE, ()))
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=SHUTDOWN_S, lingering_time=LINGER_S, logger=_http_log
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, *listen).start()
        except OSError as error:
            problem = f"cannot listen on {listen[0]} port {listen[1]}: {error.strerror}"
            raise ConfigError([Fault("server.listen", problem)]) from error
        yield ApiListener(runner, door)
    finally:
        door.end_streams()
        await runner.cleanup()


def _by_path(operations: Iterable[Operation]) -> Iterable[tuple[str, Sequence[Operation]]]:
    paths: dict[str, list[Operation]] = {}
    for operation in operations:
        paths.setdefault(operation.path, []).append(operation)
    return paths.items()
