"""
The processes of the bench: servers that stay, and sides that are run once.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final
from urllib.request import urlopen

import orjson

ROOT: Final = Path(__file__).parents[1]
STOP_TIMEOUT_S: Final = 20.0


class BenchFailed(Exception):
    """
    A process of the bench did not do what it was started for; no figure of it can be trusted.
    """


class Child:
    """
    A process whose standard output is read line by line; what it says otherwise goes to ours.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process = subprocess.Popen(  # noqa: S603 - our own fixed commands
            [*command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=ROOT
        )

    @property
    def pid(self) -> int:
        """
        Return its process id.
        """
        return self._process.pid

    def line(self) -> bytes:
        """
        Return the next line it writes.

        Raises:
            BenchFailed: it ended without.
        """
        line = self._out().readline()
        if not line:
            raise BenchFailed(f"{' '.join(self._command)} ended with {self._process.wait()}")
        return line

    def last_line(self) -> bytes:
        """
        Return the last line it writes before it ends well.

        Raises:
            BenchFailed: it failed.
        """
        lines = self._out().read().splitlines()
        if self._process.wait() != 0 or not lines:
            raise BenchFailed(f"{' '.join(self._command)} ended with {self._process.returncode}")
        return bytes(lines[-1])

    def kill(self) -> None:
        """
        End it as `kill -9` does.
        """
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """
        End it where it still runs.
        """
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._out().close()

    def _out(self) -> IO[bytes]:
        if self._process.stdout is None:
            raise AssertionError("standard output is a pipe")
        return self._process.stdout


@contextmanager
def running(*command: str) -> Iterator[Child]:
    """
    Start a process of Python, and end it at the end.
    """
    child = Child([sys.executable, *command])
    try:
        yield child
    finally:
        child.end()


@contextmanager
def server(module: str, *arguments: str) -> Iterator[str]:
    """
    Start one of our servers; give its URL once it has printed its port.
    """
    with running("-m", module, *arguments) as child:
        yield f"http://127.0.0.1:{int(child.line())}"


def run_side(name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """
    Run one side in a fresh process and return its result.

    Raises:
        BenchFailed: it failed; it has said why.
    """
    with running("-m", "bench.side", name, orjson.dumps(parameters).decode()) as child:
        result: dict[str, Any] = orjson.loads(child.last_line())
    return result


def ask(url: str) -> dict[str, Any]:
    """
    Return the JSON that one of our servers answers.
    """
    with urlopen(url, timeout=60) as answer:  # noqa: S310 - our own servers on loopback
        said: dict[str, Any] = orjson.loads(answer.read())
    return said
