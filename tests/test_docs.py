"""
Documents and code say the same: what one has, the other has.
"""

from __future__ import annotations

import re
import sqlite3
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import BaseModel
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from relay.assembly import SOURCE_KINDS, check
from relay.cli.commands_page import commands, commands_page
from relay.commands.functions_page import functions_page
from relay.config.load import load
from relay.config.schema import RelayConfig
from relay.model.catalogue import CALL_FINISHED, CALL_STARTED, EVENT_TYPES
from relay.model.events_page import events_page
from relay.model.examples import example
from relay.telemetry.metrics import families
from relay.telemetry.metrics_page import metrics_page

PROJECT = Path(__file__).parents[1]
README = (PROJECT / "README.md").read_text()
PAGES = {"events": events_page, "metrics": metrics_page, "cli": commands_page, "functions": functions_page}
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
DOCUMENTS = [
    path
    for path in sorted(PROJECT.rglob("*.md"))
    if not any(part.startswith(".") for part in path.relative_to(PROJECT).parts)
]


def code_of_readme(language: str) -> str:
    """
    Return the one block of a language in the README.
    """
    (block,) = re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)
    return str(block)


def keys_of(model: dict[str, Any], definitions: dict[str, Any]) -> Iterator[str]:
    """
    Yield the names of all keys of a JSON Schema, those of its parts too.
    """
    for text in re.findall(r'"\$ref":"#/\$defs/(\w+)"', orjson.dumps(model).decode()):
        yield from keys_of(definitions[text], definitions)
    yield from model.get("properties", {})


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_up_to_date(name: str) -> None:
    text = (PROJECT / "docs" / f"{name}.md").read_text()

    assert PAGES[name]() == text, "run `make docs`"


def test_every_type_of_event_and_every_field_is_on_the_page() -> None:
    page = events_page()
    fields = {name for kind in EVENT_TYPES.values() for name in kind.data.model_fields}

    assert [] == [name for name in (*EVENT_TYPES, *fields) if f"| `{name}` |" not in page]


def test_every_metric_is_on_the_page() -> None:
    page = metrics_page()

    assert [] == [family.name for family in families().values() if f"| `{family.name}` |" not in page]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_commands_that_a_document_names_exist(document: Path) -> None:
    known = {tuple(name.split()[1:]) for name, _ in commands()}
    named = re.findall(
        r"(?:`|^ {4})relay ([a-z]\S*)(?: ([a-z]\S*))?", document.read_text(), flags=re.MULTILINE
    )

    words = [(first.strip("`,."), second.strip("`,.")) for first, second in named]
    assert [] == [pair for pair in words if pair not in known and pair[:1] not in known]


def test_every_key_of_every_kind_of_source_stands_in_the_reference_file() -> None:
    text = (PROJECT / "config" / "relay.toml").read_text()
    models: list[type[BaseModel]] = [RelayConfig, *SOURCE_KINDS.values()]
    schemas = [model.model_json_schema() for model in models]
    keys = {key for schema in schemas for key in keys_of(schema, schema.get("$defs", {}))}

    assert {"ops_listen", "token", "reserve", "retry_schedule_s"} <= keys
    assert set() == {key for key in keys if not re.search(rf"(\b{key}\b = |\[+{key}\]+)", text)}


def test_the_configuration_in_the_readme_can_be_used(tmp_path: Path) -> None:
    path = tmp_path / "relay.toml"
    path.write_text(code_of_readme("toml"))

    config = load(path, {"PBX_TOKEN": "token", "CRM_SECRET": SECRET}, SOURCE_KINDS)

    assert ["pbx-sydney"] == [source.id for source in config.sources]
    assert [] == check(config)


def test_the_receiver_in_the_readme_verifies_and_upserts_by_revision() -> None:
    names: dict[str, Any] = {}
    exec(compile(code_of_readme("python"), "README.md", "exec"), names)  # noqa: S102 - our own document
    calls = sqlite3.connect(":memory:")
    columns = "call_id PRIMARY KEY, revision INTEGER, state TEXT, outcome TEXT, talk_s INTEGER"
    calls.execute(f"CREATE TABLE calls ({columns})")
    finished, started = example(CALL_FINISHED), example(CALL_STARTED)

    for event in (finished, finished, started):  # resent, then late
        names["receive"](SECRET, *signed(event), calls)

    shown = [finished["data"][name] for name in ("call_id", "revision", "state", "outcome", "talk_s")]
    assert finished["data"]["call_id"] == started["data"]["call_id"]
    assert [tuple(shown)] == calls.execute("SELECT * FROM calls").fetchall()
    headers, body = signed(finished)
    with pytest.raises(WebhookVerificationError):
        names["receive"](SECRET, headers, body.replace(b"ended", b"open!"), calls)


def signed(event: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    """
    Return headers and body of a request with an event, signed by the official library.
    """
    body, now = orjson.dumps(event), datetime.now(UTC)
    headers = {
        "webhook-id": event["id"],
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(event["id"], now, body.decode()),
    }
    return headers, body


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text())

    assert [] == [target for target in targets if not (document.parent / target).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_files_and_targets_that_a_document_names_exist(document: Path) -> None:
    text = document.read_text()
    targets = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), flags=re.MULTILINE))
    paths = re.findall(r"`((?:relay|tests|config|docs)/[\w./]+\.\w+)`", text)
    made_up = ("relay/sources/acme/", "relay/twin/acme/", "relay/normalise/acme_rows.py", "config/acme.toml")

    missing = [path for path in paths if not path.startswith(made_up) and not (PROJECT / path).exists()]
    assert [] == missing
    assert set() == set(re.findall(r"(?:`|^ {4})make ([a-z]+)", text, flags=re.MULTILINE)) - targets


def test_decisions_are_numbered_and_listed() -> None:
    folder = PROJECT / "docs" / "decisions"
    names = sorted(path.name for path in folder.iterdir())
    listed = re.findall(r"\]\((\d{4}-[a-z0-9-]+\.md)\)", (folder / names[0]).read_text())

    assert [f"{number:04}" for number in range(1, len(names) + 1)] == [name[:4] for name in names]
    assert names[1:] == listed


def test_the_version_is_the_packages() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())

    assert "relay/version.py" == project["tool"]["hatch"]["version"]["path"]
