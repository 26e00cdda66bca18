"""
A running relay, asked everything that its own description allows and much that it forbids (schemathesis).
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
from schemathesis.engine import events, from_schema
from schemathesis.hooks import unregister

from relay.journal.port import Append
from relay.journal.store import open_sqlite
from relay.model.mapping import AgentMapping, LeadStatus
from tests.api.conftest import SECRET
from tests.journal.making import NOW, append_of, call_change, endpoint_spec
from tests.journal.making_subjects import subject_change
from tests.whole.processes import ROOT, environ, free_ports

pytestmark = pytest.mark.whole

EXAMPLES: Final = 8
STREAM: Final = "/stream$"
# Nothing generates bodies for the rules of leads; tests/commands/test_schemas.py does what can be done.
LEADS: Final = "/commands/(add|update)_lead$"
FUNCTIONS: Final = "/commands/[a-z]"
OF_THE_PHONE_SYSTEM: Final = (502, 504)
KEY: Final = "the-key-of-the-fuzzer"
KEYS: Final = f'api_keys = [{{ name = "fuzzer", key = "{KEY}", scopes = ["*"] }}]'
CONFIG: Final = """\
[server]
listen = "127.0.0.1:{api_port}"
ops_listen = "127.0.0.1:{ops_port}"
{keys}
[journal]
url = "sqlite:///{folder}/relay.db"
[webhooks]
allow_private = ["127.0.0.0/8"]
[[sources]]
id = "pbx"
kind = "voipcloud"
base_url = "{nowhere}"
token = "t0ken"
timezone = "Australia/Sydney"
country = "AU"
[[endpoints]]
id = "filed"
url = "{nowhere}"
secret = "{secret}"
events = ["call.*"]
"""

OFF: Final = {"enabled": False}


@schemathesis.serializer("text/csv", "application/x-ndjson")
def as_text(_context: Any, value: Any) -> bytes:
    """
    Write a body that is no JSON.
    """
    return str(value).encode("utf-8", "replace")


Change = Callable[[Any, Any, dict[str, Any]], None]


async def fill(path: Path) -> None:
    """
    Write a journal with a few calls, deliveries of them, an agent, a group and mappings.
    """
    async with open_sqlite(path, "tests", NOW) as journal:
        await journal.register_source("pbx", "voipcloud", NOW, NOW)
        await journal.sync_endpoints([endpoint_spec("filed")], NOW)
        for name in ("a", "b", "c"):
            await journal.append(append_of(call_change(name)))
        shown = (subject_change("1001", source_id="pbx"), subject_change("SALES", "in_group", "pbx"))
        await journal.append(Append("pbx", "agents", NOW, subjects=shown))
        await journal.mappings.put_lead_status(LeadStatus("pbx", "sold", "SALE"), is_new=True)
        await journal.mappings.put_agent_mapping(AgentMapping("pbx", "1001", "ann"), is_new=True)


@contextmanager
def running_relay(folder: Path, nowhere: str, keys: str) -> Iterator[str]:
    """
    Run `relay serve` on a filled journal; gives the URL of its API.
    """
    asyncio.run(fill(folder / "relay.db"))
    api_port, ops_port = free_ports(2)
    config, log = folder / "relay.toml", folder / "log"
    config.write_text(
        CONFIG.format(
            api_port=api_port, ops_port=ops_port, folder=folder, nowhere=nowhere, secret=SECRET, keys=keys
        )
    )
    command = [sys.executable, "-m", "relay.cli.app", "serve", "--config", str(config)]
    with log.open("wb") as said:
        process = subprocess.Popen(command, cwd=ROOT, env=environ(), stdout=said, stderr=said)  # noqa: S603 (our own)
        try:
            yield f"http://127.0.0.1:{api_port}"
        finally:
            process.terminate()
            assert 0 == process.wait(timeout=40), log.read_text()


def sensible(nowhere: str) -> Change:
    """
    Return a hook that takes out of good requests what no schema can know to be bad here.

    Places in lists that no page gave, sources that there are none of, addresses of other machines, and times
    that are none of the past.
    """

    def before_call(_context: Any, case: Any, _kwargs: dict[str, Any]) -> None:
        if case.meta is None or not case.meta.generation.mode.is_positive:
            return
        if isinstance(case.query, dict) and not case.path.endswith("/events"):
            case.query.pop("after", None)
        if isinstance(case.body, dict):
            for name in ("sources", "conditions", "fields", "client_certificate"):
                case.body.pop(name, None)
            if "url" in case.body:
                case.body["url"] = nowhere
            if "from" in case.body or "to" in case.body:
                case.body.pop("day", None)
                case.body |= {"from": instant(hours_ago=9), "to": instant(hours_ago=3)}
            make_secrets_fit(case.body)
            if "day" in case.body:
                case.body["day"] = instant(hours_ago=72)[:10]

    return before_call


def make_secrets_fit(body: dict[str, Any]) -> None:
    """
    Take out of a body what excludes something else in it.
    """
    if "bearer" in body:
        body.pop("basic", None)
    if isinstance(body.get("headers"), dict):
        body["headers"] = {name.lower(): value for name, value in body["headers"].items()}
    if "scheme" in body:
        body.pop("secret", None)
    if "starts_at" in body:
        body["starts_at"] = instant(hours_ago=-1)


def instant(hours_ago: int) -> str:
    """
    Return a time of the past.
    """
    return (datetime.now(UTC) - timedelta(hours=hours_ago)).isoformat(timespec="seconds")


def found_by(schema: Any) -> tuple[int, list[str]]:
    """
    Try everything; return how many requests were made, and what was wrong.
    """
    count = 0
    wrong: list[str] = []
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            wrong.append(str(event))
        if not isinstance(event, events.ScenarioFinished):
            continue
        count += len(event.recorder.interactions)
        for case_id, checks in event.recorder.checks.items():
            request, response = (
                event.recorder.interactions[case_id].request,
                event.recorder.interactions[case_id].response,
            )
            # The phone system of these tests cannot be reached: that is said, and no fault of relay.
            is_told = response is not None and response.status_code in OF_THE_PHONE_SYSTEM
            wrong += [
                f"{check.name}: {request.method} {request.uri} {request.body!r}: {check.failure_info.failure}"
                for check in checks
                if check.failure_info is not None and not (is_told and check.name == "not_a_server_error")
            ]
            if response is None:
                wrong.append(f"no answer: {request.method} {request.uri}")
    return count, wrong


def described_at(url: str, config: schemathesis.Config, keys: str) -> Any:
    """
    Return what a relay says of its API, with the key to ask it.
    """
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json", config=config, wait_for_schema=40)
    if keys:
        schema.config.update(headers={"Authorization": f"Bearer {KEY}"})
    return schema


def config_of(generation: dict[str, object], phases: dict[str, object]) -> schemathesis.Config:
    """
    Return how to generate: the same requests in every run.
    """
    fixed = {"deterministic": True, "max-examples": EXAMPLES}
    return schemathesis.Config.from_dict(
        {"generation": {**fixed, **generation}, "phases": phases, "request-timeout": 10.0}
    )


@contextmanager
def hooked(hook: Change) -> Iterator[None]:
    """
    Have a hook run before each request.
    """
    schemathesis.hook(hook)
    try:
        yield
    finally:
        unregister(hook)


@pytest.mark.parametrize("keys", ["", KEYS], ids=["keyless", "with keys"])
def test_every_answer_is_as_described(tmp_path: Path, keys: str) -> None:
    nowhere = f"http://127.0.0.1:{free_ports(1)[0]}/hooks"
    with running_relay(tmp_path, nowhere, keys) as url, hooked(sensible(nowhere)):
        left_out = f"{STREAM}|{FUNCTIONS}"
        count, wrong = found_by(described_at(url, config_of({}, {}), keys).exclude(path_regex=left_out))

    assert [] == wrong
    assert count > 500


def test_every_function_answers_as_described(tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_ports(1)[0]}/hooks"
    few = config_of({"max-examples": 2}, {"coverage": OFF})
    with running_relay(tmp_path, nowhere, "") as url, hooked(sensible(nowhere)):
        asked = described_at(url, few, "").include(path_regex=FUNCTIONS).exclude(path_regex=LEADS)
        count, wrong = found_by(asked)

    assert [] == wrong
    assert count > 30


def test_the_event_stream_refuses_what_it_does_not_take(tmp_path: Path) -> None:
    """
    Only what is to be refused: a good request has no end.
    """
    nowhere = f"http://127.0.0.1:{free_ports(1)[0]}/hooks"
    with running_relay(tmp_path, nowhere, "") as url:
        negative = config_of({"mode": "negative"}, {"examples": OFF, "fuzzing": OFF, "stateful": OFF})
        count, wrong = found_by(described_at(url, negative, "").include(path_regex=STREAM))

    assert [] == wrong
    assert count > 10
