"""
`relay serve` and its refusals, as far as they need no phone system (`tests/whole` runs it with one).
"""

from __future__ import annotations

import json
import signal
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.cli.conftest import Relay, finished, started
from tests.whole.processes import free_ports


def test_faults_are_told_before_anything_starts(relay: Relay, config_file: Path) -> None:
    done = relay("serve", "--config", str(config_file), RELAY_SERVER__LISTEN="nowhere")

    assert (2, "") == (done.code, done.out)
    expected = (
        "relay: server.listen: must be HOST:PORT, an IPv6 host in brackets (set by RELAY_SERVER__LISTEN)\n"
    )
    assert expected == done.err


@pytest.mark.parametrize(
    ("roles", "told"),
    [("poll,fly", "no such role: fly"), ("poll", "this version runs all roles in one process")],
)
def test_roles_that_cannot_be_had_are_refused(relay: Relay, config_file: Path, roles: str, told: str) -> None:
    done = relay("serve", "--config", str(config_file), "--roles", roles, COLUMNS="200")

    assert (2, True) == (done.code, told in done.err)


def test_a_file_that_is_not_there_is_told(relay: Relay, tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"

    done = relay("serve", "--config", str(missing))

    assert (2, f"relay: {missing}: cannot be read: No such file or directory\n") == (done.code, done.err)


def test_an_endpoint_that_may_not_be_dialled_stops_the_start(
    relay: Relay, config_file: Path, tmp_path: Path
) -> None:
    journal = tmp_path / "relay.db"

    done = relay(
        "serve",
        "--config",
        str(config_file),
        RELAY_ENDPOINTS__CRM__URL="http://10.0.0.1/",
        RELAY_JOURNAL__URL=f"sqlite:///{journal}",
    )

    assert (2, True) == (done.code, done.err.startswith("relay: endpoints[crm].url: "))
    assert not journal.exists()


def test_a_port_that_is_taken_is_told(relay: Relay, config_file: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"

        done = relay(
            "serve",
            "--config",
            str(config_file),
            RELAY_SERVER__LISTEN="127.0.0.1:0",
            RELAY_SERVER__OPS_LISTEN=address,
            RELAY_JOURNAL__URL=f"sqlite:///{tmp_path / 'relay.db'}",
        )

    assert (2, True) == (done.code, "server.ops_listen" in done.err)


def test_what_it_writes_while_it_runs_is_json_lines(config_file: Path, tmp_path: Path) -> None:
    environ = {
        "RELAY_SERVER__LISTEN": "127.0.0.1:0",
        "RELAY_SERVER__OPS_LISTEN": "127.0.0.1:0",
        "RELAY_JOURNAL__URL": f"sqlite:///{tmp_path / 'relay.db'}",
        "RELAY_SOURCES__PBX_SYDNEY__BASE_URL": "http://127.0.0.1:1",
    }
    with started("serve", "--config", str(config_file), **environ) as process:
        assert process.stderr is not None
        first = [process.stderr.readline() for _ in range(2)]  # it serves; the phone system does not answer
        process.send_signal(signal.SIGTERM)
        done = finished(process)

    assert 0 == done.code
    lines = [json.loads(line) for line in (*first, *done.err.splitlines())]
    assert ("relay serves", "127.0.0.1:0") == (lines[0]["message"], lines[0]["listen"])
    assert ("stream does not answer", "pbx-sydney") == (lines[1]["message"], lines[1]["source"])
    assert "relay has stopped" == lines[-1]["message"]
    assert not any("t0ken" in line for line in (*first, done.err))


def test_a_phone_system_may_push_to_the_listener_for_it(config_file: Path, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    token = "0123456789 token".replace(" ", "-")
    environ = {
        "RELAY_SERVER__LISTEN": "127.0.0.1:0",
        "RELAY_SERVER__OPS_LISTEN": "127.0.0.1:0",
        "RELAY_SERVER__HOOKS_LISTEN": f"127.0.0.1:{port}",
        "RELAY_JOURNAL__URL": f"sqlite:///{tmp_path / 'relay.db'}",
        "RELAY_SOURCES__PBX_SYDNEY__BASE_URL": "http://127.0.0.1:1",
        "RELAY_SOURCES__PBX_SYDNEY__HOOK_TOKEN": token,
    }

    def push(given: str) -> int:
        url = f"http://127.0.0.1:{port}/hooks/pbx-sydney?token={given}"
        try:
            with urllib.request.urlopen(url, b"event=ringing", timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code

    with started("serve", "--config", str(config_file), **environ) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        answers = [push(token), push(token[:-1])]
        process.send_signal(signal.SIGTERM)
        done = finished(process)

    assert (0, [202, 401]) == (done.code, answers)
    assert token[:-1] not in first + done.err
