"""
relay as a process: started, asked, stopped and killed by its own process id.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import aiohttp
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

ROOT: Final = Path(__file__).parents[2]
COMMAND: Final = (sys.executable, "-m", "relay.cli.app")
READY_TIMEOUT_S: Final = 40.0
END_TIMEOUT_S: Final = 40.0
LOOK_EVERY_S: Final = 0.05
LOG_CHARACTERS: Final = 4_000


class RelayProcess:
    """
    `relay serve`, one process at a time.

    Args:
        config: its configuration file.
        log: where what it says is kept, for the messages of failed tests.
        ops_port: where it answers operators.
        session: asks it.
    """

    def __init__(self, config: Path, log: Path, ops_port: int, session: aiohttp.ClientSession) -> None:
        self.config = config
        self.log = log
        self.ops_url = f"http://127.0.0.1:{ops_port}"
        self._session = session
        self._process: asyncio.subprocess.Process | None = None

    async def spawn(self, before: Callable[[], None] | None = None) -> None:
        """
        Start it and return at once; `before` runs in the child first.
        """
        read_end, write_end = os.pipe()
        # Read here and written to the file by us: limits of the child must not cut off its last words.
        drain = asyncio.get_running_loop().run_in_executor(None, _copy, read_end, self.log)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *COMMAND, "serve", "--config", str(self.config),
                stdin=asyncio.subprocess.DEVNULL, stdout=write_end, stderr=write_end,
                cwd=ROOT, env=environ(), preexec_fn=before,
            )  # fmt: skip
        finally:
            os.close(write_end)
        self._drain = drain

    async def start(self) -> None:
        """
        Start it and return once it is ready.
        """
        await self.spawn()
        await self.wait_for(self.is_ready, "ready", READY_TIMEOUT_S)

    async def is_ready(self) -> bool:
        """
        Tell whether it says so.
        """
        assert self._process is not None
        assert self._process.returncode is None, f"relay ended: {self.said()}"
        return await self.get("/readyz") is not None

    async def kill(self) -> None:
        """
        End it as `kill -9` does.  Safe where it does not run.
        """
        if self._process is not None:
            self._send(signal.SIGKILL)
            await self.ended()

    def terminate(self) -> None:
        """
        Ask it to end.
        """
        self._send(signal.SIGTERM)

    async def stop(self) -> int:
        """
        Ask it to end; return its exit code.
        """
        self.terminate()
        return await self.ended()

    async def ended(self) -> int:
        """
        Return its exit code once it has ended and all it said is in the log.
        """
        assert self._process is not None
        async with asyncio.timeout(END_TIMEOUT_S):
            code = await self._process.wait()
            await self._drain
        self._process = None
        return code

    async def get(self, path: str) -> str | None:
        """
        Return what it answers operators, None where that is not 200.
        """
        try:
            async with self._session.get(self.ops_url + path) as answer:
                return await answer.text() if answer.status == 200 else None
        except (aiohttp.ClientError, TimeoutError):
            return None

    async def metrics(self) -> dict[str, Metric]:
        """
        Return its families by name, as Prometheus reads them; none while it does not answer.
        """
        page = await self.get("/metrics")
        return {family.name: family for family in text_string_to_metric_families(page or "")}

    async def total(self, sample_name: str, **labels: str) -> float:
        """
        Return the sum of all samples of that name with these labels.
        """
        families = (await self.metrics()).values()
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == sample_name and labels.items() <= sample.labels.items()
        )

    async def wait_for(
        self, is_so: Callable[[], Awaitable[bool]], what: str, timeout_s: float = READY_TIMEOUT_S
    ) -> None:
        """
        Return once something is so; fail with the log where it is not in time.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not await is_so():  # noqa: ASYNC110 (it is another process that makes it so)
                    await asyncio.sleep(LOOK_EVERY_S)
        except TimeoutError:
            raise AssertionError(f"not {what} within {timeout_s:.0f} s; relay said: {self.said()}") from None

    def said(self) -> str:
        """
        Return the last of what it said.
        """
        return self.log.read_text(errors="replace")[-LOG_CHARACTERS:] if self.log.exists() else ""

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.send_signal(number)


def environ() -> dict[str, str]:
    """
    Return the environment without anything that would override a configuration.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("RELAY_")}


def free_ports(count: int) -> list[int]:
    """
    Return ports that nobody listens on.
    """
    # All held at once: a port given back too early could be handed out twice.
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def _copy(read_end: int, log: Path) -> None:
    with open(read_end, "rb") as said, log.open("ab") as file:
        while piece := said.read1():
            file.write(piece)
            file.flush()
