"""
The smaller commands: version, usage, secrets, schemas, database, twin.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from relay.config.checked import webhook_secret_bytes
from relay.model.catalogue import EVENT_TYPES
from relay.version import __version__
from tests.cli.conftest import Relay, finished, started


def test_the_version_is_printed(relay: Relay) -> None:
    done = relay("--version")

    assert (0, f"{__version__}\n") == (done.code, done.out)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["serve"],
        ["config", "check"],
        ["db", "upgrade"],
        ["db", "upgrade", "--config", "x", "--url", "sqlite:///x"],
        ["db", "upgrade", "--url", "mysql://x"],
        ["schema", "call.finish"],
        ["twin", "voipcloud", "--listen", "0.0.0.0:0"],
        ["twin", "voipcloud", "--timezone", "Australia/Sidney"],
        ["twin", "voipcloud", "--absent", "agents"],
        ["twin", "voipcloud", "--speed", "0"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2_and_told_on_the_error_stream(relay: Relay, arguments: list[str]) -> None:
    done = relay(*arguments)

    assert 2 == done.code
    assert done.out or "Usage: " in done.err
    assert "Traceback" not in done.err


def test_a_command_that_speaks_to_a_running_relay_loads_no_database() -> None:
    """
    What the others need makes each start take a second longer.
    """
    loaded = (
        "import sys; from typer.main import get_command; from relay.cli.app import app;"
        "get_command(app).commands['endpoints'];"
        "print(sorted({'aiohttp', 'sqlalchemy', 'alembic', 'aiokafka'} & set(sys.modules)))"
    )
    done = subprocess.run(  # noqa: S603 (our own words)
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    )

    assert "['aiohttp']\n" == done.stdout


def test_every_command_explains_itself(relay: Relay) -> None:
    done = relay("--help", COLUMNS="200")

    assert 0 == done.code
    for command in (
        "serve", "schema", "config", "db", "endpoints", "deliveries", "source", "backfill", "audit",
        "rejects", "aliases", "link", "budget", "twin",
    ):  # fmt: skip
        assert f" {command} " in done.out


def test_each_new_secret_is_another_good_one(relay: Relay) -> None:
    secrets = [relay("endpoints", "new-secret").out.strip() for _ in range(2)]

    assert secrets[0] != secrets[1]
    assert [32, 32] == [len(webhook_secret_bytes(secret)) for secret in secrets]


def test_the_schema_of_a_type_fits_its_example(relay: Relay) -> None:
    schema = json.loads(relay("schema", "call.finished").out)
    example = json.loads(relay("schema", "call.finished", "--example").out)

    assert [] == list(Draft202012Validator(schema).iter_errors(example))
    assert "call.finished" == example["type"]


def test_the_schema_of_the_data_alone_can_be_had(relay: Relay) -> None:
    schema = json.loads(relay("schema", "call.finished", "--data").out)
    example = json.loads(relay("schema", "call.finished", "--data", "--example").out)

    assert [] == list(Draft202012Validator(schema).iter_errors(example))
    assert "call_id" in example


def test_without_a_type_all_schemas_are_printed(relay: Relay) -> None:
    done = relay("schema")

    assert list(EVENT_TYPES) == list(json.loads(done.out))


def test_a_database_is_upgraded_by_file_or_by_url(relay: Relay, config_file: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'relay.db'}"

    by_file = relay("db", "upgrade", "--config", str(config_file), RELAY_JOURNAL__URL=url)
    by_url = relay("db", "upgrade", "--url", url)

    assert [(0, f"{url} is up to date.\n")] * 2 == [(by_file.code, by_file.out), (by_url.code, by_url.out)]


@pytest.mark.postgresql
def test_a_postgresql_database_is_upgraded(relay: Relay, postgresql_url: str) -> None:
    done = relay("db", "upgrade", "--url", postgresql_url)

    assert (0, "") == (done.code, done.err)


def test_a_database_that_cannot_be_upgraded_is_told(relay: Relay, tmp_path: Path) -> None:
    by_path = relay("db", "upgrade", "--url", f"sqlite:///{tmp_path / 'missing' / 'relay.db'}")
    by_password = relay("db", "upgrade", "--url", "postgresql://relay:hunter2@127.0.0.1:1/relay")

    for done in (by_path, by_password):
        assert (1, True, False) == (
            done.code,
            "journal" in done.err.splitlines()[0],
            "hunter2" in done.err,
        )


def test_a_twin_answers_until_it_is_stopped() -> None:
    with started("twin", "voipcloud", "--listen", "127.0.0.1:0", "--past-calls", "3") as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with urllib.request.urlopen(f"{url}/truth", timeout=30) as answer:  # noqa: S310 (the twin)
            truth = json.load(answer)
        process.send_signal(signal.SIGTERM)
        done = finished(process)

    assert (0, "") == (done.code, done.err)
    assert 3 <= len(truth["calls"])


def test_a_twin_can_be_told_whom_to_answer_and_how() -> None:
    options = ("--past-calls", "5", "--queues", "0", "--wrapped", "--token", "t")
    with started(
        "twin", "voipcloud", "--listen", "127.0.0.1:0", *options, "--whitelist", "127.0.0.1"
    ) as process:
        assert process.stdout is not None
        path = "/api/integration/v1/get-user-calls"
        asked = urllib.request.Request(process.stdout.readline().strip() + path, headers={"token": "t"})  # noqa: S310
        with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 (the twin)
            page = json.load(answer)

    assert page["data"]
    with started(
        "twin", "voipcloud", "--listen", "127.0.0.1:0", *options, "--whitelist", "10.0.0.1"
    ) as process:
        assert process.stdout is not None
        asked = urllib.request.Request(process.stdout.readline().strip() + path, headers={"token": "t"})  # noqa: S310
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(asked, timeout=30)  # noqa: S310 (the twin)

    assert 401 == refused.value.code
    refused.value.close()


def test_a_twin_whose_port_is_taken_is_told(relay: Relay) -> None:
    with started("twin", "voipcloud", "--listen", "127.0.0.1:0") as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip().removeprefix("http://")
        second = relay("twin", "voipcloud", "--listen", address)

    assert 1 == second.code
    assert second.err.startswith(f"relay: cannot listen on {address}: ")
