"""
Simulated dialers run as commands, with what was said on the command line.
"""

from __future__ import annotations

import json
import signal
import urllib.request
from typing import Any
from urllib.parse import urlencode

import pytest

from relay.twin.vicidial.faults import fault_table
from tests.cli.conftest import Relay, finished, started

DIALER = ("twin", "dialer360", "--listen", "127.0.0.1:0")


def ask(url: str, **params: str) -> str:
    with urllib.request.urlopen(f"{url}?{urlencode(params)}", timeout=30) as answer:  # noqa: S310 (the twin)
        text: str = answer.read().decode()
        return text


def truth(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/truth", timeout=30) as answer:  # noqa: S310 (the twin)
        told: dict[str, Any] = json.load(answer)
        return told


def test_a_dialer_answers_until_it_is_stopped() -> None:
    options = ("--agents", "7", "--past-s", "600", "--password", "open", "--version", "2.14-96")
    with started(*DIALER, *options, "--timezone", "Australia/Sydney") as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        version = ask(f"{url}/adminpanel/api.php", function="version")
        login = {"source": "test", "user": "api", "pass": "open"}
        rows = ask(url, **login, function="logged_in_agents", show_sub_status="YES").splitlines()
        told = truth(url)
        process.send_signal(signal.SIGTERM)
        done = finished(process)

    assert (0, "") == (done.code, done.err)
    assert version.startswith("VERSION: 2.14-96|")
    assert 7 == len(told["agents"])
    assert {12} == {len(row.split("|")) for row in rows}
    assert told["calls"]


def test_a_fault_is_on_from_the_start_at_its_rate() -> None:
    with started(*DIALER, "--scripted", "--fault", "empty_500=0", "--fault", "mysql_error") as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        answer = ask(url, function="version")
        on = truth(url)["faults"]["on"]

    assert "MySQL connect ERROR:  Connection refused\n" == answer
    assert {"empty_500": 0.0, "mysql_error": 1.0} == {name: fault["rate"] for name, fault in on.items()}


def test_an_elision_dialer_answers() -> None:
    with started("twin", "elision", "--listen", "127.0.0.1:0", "--password", "open") as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        login = {"source": "test", "user": "api", "pass": "open"}
        lists = json.loads(ask(f"{url}/dialer/elision_api.php", **login, function="active_lists"))

    assert lists["success"]
    assert 2 == len(lists["data"])


@pytest.mark.parametrize("kind", ["dialer360", "elision"])
def test_the_faults_of_dialers_are_listed(relay: Relay, kind: str) -> None:
    done = relay("twin", "faults", kind)

    assert (0, fault_table() + "\n") == (done.code, done.out)


@pytest.mark.parametrize(
    "options",
    [
        ("dialer360", "--listen", "0.0.0.0:0"),
        ("dialer360", "--version", "3.0"),
        ("dialer360", "--agents", "0"),
        ("dialer360", "--fault", "gremlins"),
        ("dialer360", "--fault", "broken=2"),
        ("dialer360", "--start-url", "ftp://127.0.0.1"),
        ("dialer360", "--timezone", "Mars/North"),
        ("elision", "--listen", "0.0.0.0:0"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_wrong_usage(relay: Relay, options: tuple[str, ...]) -> None:
    done = relay("twin", *options)

    assert 2 == done.code
    assert "Traceback" not in done.err


def test_a_dialer_whose_port_is_taken_is_told(relay: Relay) -> None:
    with started(*DIALER, "--scripted") as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip().removeprefix("http://")
        second = relay("twin", "dialer360", "--listen", address)

    assert 1 == second.code
    assert second.err.startswith(f"relay: cannot listen on {address}: ")
