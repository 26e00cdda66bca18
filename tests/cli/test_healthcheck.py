"""
The check that a container runs: asks `/livez` of a real server, from a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from socket import create_server

import pytest


@contextmanager
def answering(status: int) -> Iterator[int]:
    """
    Run a server that answers `/livez` with a status, everything else with 404; gives its port.
    """

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/livez" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # the name is the library's
            return

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def check(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """
    Run the check as a container does.
    """
    command = [sys.executable, "-m", "relay.cli.healthcheck", *arguments]
    environ = {**os.environ, **variables}
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603


@pytest.mark.parametrize(("status", "code"), [(200, 0), (404, 1), (503, 1)])
def test_the_answer_decides(status: int, code: int) -> None:
    with answering(status) as port:
        done = check(f"127.0.0.1:{port}")

    assert code == done.returncode


def test_a_server_on_every_address_is_asked_on_loopback() -> None:
    with answering(200) as port:
        done = check(RELAY_SERVER__OPS_LISTEN=f"0.0.0.0:{port}")

    assert (0, "") == (done.returncode, done.stderr)


def test_nobody_there_is_a_failure_with_a_reason() -> None:
    with create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    done = check(f"127.0.0.1:{port}")

    assert 1 == done.returncode
    assert done.stderr.startswith(f"relay: no answer from 127.0.0.1:{port}: ")


@pytest.mark.parametrize("address", ["9464", "127.0.0.1:", "127.0.0.1:http", ":9464"])
def test_what_is_no_address_is_a_usage_error(address: str) -> None:
    done = check(address)

    assert (2, f"relay: {address} is not HOST:PORT\n") == (done.returncode, done.stderr)


def test_a_name_that_no_host_can_have_is_a_failure_with_a_reason() -> None:
    done = check(f"{'x' * 64}.example:8081")

    assert 1 == done.returncode
    assert "no answer from" in done.stderr
    assert "Traceback" not in done.stderr
