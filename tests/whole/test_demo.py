"""
`relay demo` is green, says so to people and programs, and leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest

from tests.whole.processes import COMMAND, ROOT, environ, free_ports

pytestmark = pytest.mark.whole

DEADLINE_S = 240.0
SECONDS = 25
FIGURES = ("lost", "duplicated", "bent", "kills", "requests_over_the_limit", "faults")


@asynccontextmanager
async def demo(folder: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """
    Run `relay demo` with its temporary folder inside `folder`.
    """
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "demo", *arguments,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        cwd=ROOT, env={**environ(), "TMPDIR": str(folder)},
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.kafka
async def test_a_short_demonstration_is_green_with_kafka(tmp_path: Path, kafka: str) -> None:
    async with demo(tmp_path, "--seconds", str(SECONDS), "--json", "--kafka", kafka) as process:
        async with asyncio.timeout(DEADLINE_S):
            out, err = await process.communicate()

    told = orjson.loads(out)
    assert (0, True) == (process.returncode, told["ok"]), err.decode()
    assert [0, 0, 0, 1, 0, []] == [told[name] for name in FIGURES]
    assert told["calls_in_truth"] == told["published"] == told["delivered"] >= 100
    assert told["linked_queue_calls"] >= 20
    assert told["refused_by_the_receiver"] > 0
    assert told["events"] == told["events_in_Kafka"]
    assert [] == list(tmp_path.iterdir())


async def test_an_interrupted_demonstration_leaves_nothing_behind(tmp_path: Path) -> None:
    (ops_port,) = free_ports(1)
    async with demo(tmp_path, "--seconds", str(SECONDS), "--ops-port", str(ops_port)) as process:
        async with asyncio.timeout(DEADLINE_S):
            assert process.stdout is not None
            while b"relay runs" not in await process.stdout.readline():
                pass
            _, writer = await asyncio.open_connection("127.0.0.1", ops_port)
            writer.close()
            process.send_signal(signal.SIGINT)
            _, err = await process.communicate()

    assert (1, "relay: interrupted\n") == (process.returncode, err.decode())
    assert [] == list(tmp_path.iterdir())
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", ops_port)


async def test_a_folder_in_use_is_not_demonstrated_in(tmp_path: Path) -> None:
    (tmp_path / "relay.db").write_text("mine")

    async with demo(tmp_path, "--keep", str(tmp_path)) as process:
        async with asyncio.timeout(DEADLINE_S):
            _, err = await process.communicate()

    expected = f"relay: {tmp_path} is not empty: a demonstration starts with a journal of its own\n"
    assert (1, expected) == (process.returncode, err.decode())
    assert "mine" == (tmp_path / "relay.db").read_text()
