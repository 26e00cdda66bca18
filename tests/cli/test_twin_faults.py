"""
`relay twin` with faults, pushes and other rules: said on the command line, shown by the phone system.
"""

from __future__ import annotations

import json
import signal
import urllib.request

import pytest

from relay.twin.voipcloud.fault_kinds import FAULTS, fault_table
from tests.cli.conftest import Relay, finished, started

TWIN = ("twin", "voipcloud", "--listen", "127.0.0.1:0")
PUSHING = ("--push-url", "http://127.0.0.1:9/hooks", "--push-loss", "1")


def test_the_faults_are_listed(relay: Relay) -> None:
    done = relay("twin", "faults")

    assert (0, fault_table() + "\n") == (done.code, done.out)
    assert all(f"\n{name} " in f"\n{done.out}" for name in FAULTS)


def test_a_twin_starts_with_the_faults_and_rules_it_was_told() -> None:
    options = ("--fault", "late_rows", "--fault", "skew", "--largest-page", "50", "--variety", *PUSHING)
    with started(*TWIN, *options, "--refuse-deep-offsets", "--past-calls", "300") as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with urllib.request.urlopen(f"{url}/truth", timeout=30) as answer:  # noqa: S310 (the twin)
            truth = json.load(answer)
        statuses = [status_of(url, "limit=51"), status_of(url, "limit=50&offset=51")]
        process.send_signal(signal.SIGTERM)
        done = finished(process)

    assert (0, "") == (done.code, done.err)
    assert {"late_rows", "skew"} == truth["faults"].keys()
    assert {"sent": 0, "failed": 0, "waiting": 0}.items() <= truth["pushes"].items()
    assert truth["pushes"]["lost"] > 300
    assert {"anonymous", ""} & {call["from"] for call in truth["calls"]}, "some withhold their number"
    assert [400, 400] == statuses


def status_of(url: str, query: str) -> int:
    """
    Return the status of a page of user calls.
    """
    path = f"{url}/api/integration/v1/get-user-calls?{query}"
    asked = urllib.request.Request(path, headers={"token": "twin"})  # noqa: S310 (the twin)
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((*TWIN, "--fault", "fly"), "there is no fault 'fly'"),
        ((*TWIN, "--push-url", "hooks"), "push needs a URL"),
        ((*TWIN, "--largest-page", "0"), "largest_page must be above 0"),
        (("demo", "--faults", "late_rows,fly"), "there is no fault 'fly'"),
        (("demo", "--faults", "naive_times"), "naive_times needs a false clock"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_played_is_wrong_usage(relay: Relay, arguments: tuple[str, ...], told: str) -> None:
    done = relay(*arguments, COLUMNS="400")

    assert 2 == done.code
    assert told in done.err
