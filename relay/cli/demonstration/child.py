"""
relay as a process of its own, that can be killed.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Final

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from relay import version
from relay.model.errors import RelayError

READY_TIMEOUT_S: Final = 30.0
STOP_TIMEOUT_S: Final = 25.0
ASK_AGAIN_S: Final = 0.1
LOG_LINES: Final = 15


class RelayProcess:
    """
    `relay serve` of one configuration.

    Args:
        config: the file.
        log: where its lines go.
        ops_url: where it answers operators.
        session: asks it.
    """

    def __init__(self, config: Path, log: Path, ops_url: str, session: aiohttp.ClientSession) -> None:
        self._config = config
        self._log = log
        self._ops_url = ops_url
        self._session = session
        self._process: asyncio.subprocess.Process | None = None

    @property
    def has_died(self) -> bool:
        """
        Tell whether it ended without being asked to.
        """
        return self._process is not None and self._process.returncode is not None

    async def start(self) -> None:
        """
        Start it and return once it is ready.

        Raises:
            RelayError: it ended, or was not ready in time.
        """
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "relay.cli.app", "serve", "--config", str(self._config),
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env=_environ(),
            )  # fmt: skip
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                while not await self._is_ready():
                    if self.has_died:
                        raise self.death()
                    await asyncio.sleep(ASK_AGAIN_S)
        except TimeoutError:
            raise self.death(f"was not ready within {READY_TIMEOUT_S:.0f} s") from None

    async def kill(self) -> None:
        """
        Kill it as `kill -9` does.  Safe where it does not run.
        """
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.send_signal(SIGKILL)
            await process.wait()

    async def stop(self) -> None:
        """
        Ask it to end and wait for that.

        Raises:
            RelayError: it failed, or did not end in time.
        """
        process = self._process
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(SIGTERM)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                code = await process.wait()
        except TimeoutError:
            raise self.death(f"did not stop within {STOP_TIMEOUT_S:.0f} s") from None
        if code != 0:
            raise self.death()
        self._process = None

    async def metrics(self) -> dict[str, float] | None:
        """
        Return its metrics, the series of a family summed up; None while it does not answer.
        """
        page = await self._get("/metrics")
        if page is None:
            return None
        sums: dict[str, float] = {}
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
        return sums

    def death(self, what: str | None = None) -> RelayError:
        """
        Return an error that says how it ended, with its last words.
        """
        code = self._process.returncode if self._process else None
        lines = self._log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        return RelayError("\n".join([f"the relay process {what or f'ended with {code}'}:", *lines]))

    async def _is_ready(self) -> bool:
        return await self._get("/readyz") is not None

    async def _get(self, path: str) -> str | None:
        try:
            async with self._session.get(self._ops_url + path) as answer:
                return await answer.text() if answer.status == 200 else None
        except (aiohttp.ClientError, TimeoutError):
            return None


def _environ() -> dict[str, str]:
    # The child is this very relay, whatever else the working folder holds under that name; and the
    # configuration is the demonstration's own: overrides of the caller's environment are not for it.
    own = str(Path(version.__file__).parents[1])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RELAY_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, (own, kept.get("PYTHONPATH"))))}
