"""
`relay serve` runs until it is told to stop, and fails in words.
"""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.cli.conftest import Relay, finished, started


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_stops_in_order(config_file: Path, number: signal.Signals) -> None:
    with started("serve", "--config", str(config_file)) as process:
        assert process.stdout is not None
        assert "serving 1 sources\n" == process.stdout.readline()
        process.send_signal(number)
        done = finished(process)

    assert (0, "stopping\n", "") == (done.code, done.out, done.err)


def test_the_second_signal_ends_at_once(config_file: Path) -> None:
    with started("serve", "--config", str(config_file), SCRIPT="hang") as process:
        assert process.stdout is not None
        assert "serving 1 sources\n" == process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert "stopping\n" == process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        done = finished(process)

    assert 1 == done.code


def test_faults_are_told_before_anything_starts(relay: Relay, config_file: Path) -> None:
    done = relay("serve", "--config", str(config_file), RELAY_SERVER__LISTEN="nowhere")

    assert (2, "") == (done.code, done.out)
    expected = (
        "relay: server.listen: must be HOST:PORT, an IPv6 host in brackets (set by RELAY_SERVER__LISTEN)\n"
    )
    assert expected == done.err


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("unusable", ["relay: the journal is of a newer relay"]),
        ("several", ["relay: disk full", "relay: gone"]),
    ],
)
def test_an_error_of_relay_is_told_without_a_traceback(
    relay: Relay, config_file: Path, script: str, told: list[str]
) -> None:
    done = relay("serve", "--config", str(config_file), SCRIPT=script)

    assert (1, told) == (done.code, done.err.splitlines())


def test_a_bug_keeps_its_traceback(relay: Relay, config_file: Path) -> None:
    done = relay("serve", "--config", str(config_file), SCRIPT="bug")

    assert 1 == done.code
    assert "ZeroDivisionError: a bug" in done.err


@pytest.mark.parametrize(
    ("roles", "told"),
    [("poll,fly", "no such role: fly"), ("poll", "this version runs all roles in one process")],
)
def test_roles_that_cannot_be_had_are_refused(relay: Relay, config_file: Path, roles: str, told: str) -> None:
    done = relay("serve", "--config", str(config_file), "--roles", roles, COLUMNS="200")

    assert (2, True) == (done.code, told in done.err)


def test_all_roles_in_any_order_are_fine(config_file: Path) -> None:
    with started("serve", "--config", str(config_file), "--roles", "deliver, publish,poll,api") as process:
        assert process.stdout is not None
        assert "serving 1 sources\n" == process.stdout.readline()
        process.send_signal(signal.SIGTERM)

        assert 0 == finished(process).code


def test_a_file_that_is_not_there_is_told(relay: Relay, tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"

    done = relay("serve", "--config", str(missing))

    assert (2, f"relay: {missing}: cannot be read: No such file or directory\n") == (done.code, done.err)


def test_the_faults_of_a_file_are_no_json_lines(relay: Relay, config_file: Path) -> None:
    done = relay("serve", "--config", str(config_file), RELAY_LOG__LEVEL="loud")

    with pytest.raises(json.JSONDecodeError):
        json.loads(done.err)
