"""
The broker that the tests start: found from outside, and loud where it cannot start.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.kafka import ServiceFailed, running_kafka

PROJECT = Path(__file__).parents[2]


@pytest.mark.kafka
def test_it_runs_from_the_command_line_until_interrupted() -> None:
    command = [sys.executable, "-m", "tests.services.kafka"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        host, port = process.stdout.readline().strip().split(":")
        with socket.create_connection((host, int(port)), timeout=10):
            pass
        process.send_signal(signal.SIGINT)

    assert 0 == process.returncode
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=10)


@pytest.mark.kafka
def test_a_broker_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "kafka_2.13-none.jar").write_bytes(b"no jar")
    code = (
        "from pathlib import Path\nfrom tests.services.kafka import running_kafka\n"
        f"with running_kafka(Path({str(tmp_path)!r})): pass"
    )
    environment = {**os.environ, "RELAY_KAFKA_LIBS": str(tmp_path)}

    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "ServiceFailed: Kafka's storage could not be formatted:" in done.stderr
    assert "kafka.tools.StorageTool" in done.stderr


@pytest.mark.kafka
def test_a_broker_that_ends_at_start_shows_its_last_lines(tmp_path: Path) -> None:
    (tmp_path / "data" / "no-such-partition").mkdir(parents=True)

    with (
        pytest.raises(ServiceFailed, match=r"Kafka ended with \d+:(.|\n)*no-such-partition"),
        running_kafka(tmp_path),
    ):
        pass
