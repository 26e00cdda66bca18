"""
`relay source read`: a raw answer in, how it is read out, as a process.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import APP, DEADLINE_S, ROOT, Relay

READ = ("source", "read", "--kind", "dialer360", "--function", "agent_status")
ROW = b"READY||0|TESTCAMP|0|Jos\xe9 O'Brien|AGENTS|1|LOGIN||||8600072\n"


@pytest.fixture
def answer(tmp_path: Path) -> Path:
    """
    A file with an answer.
    """
    file = tmp_path / "answer"
    file.write_bytes(ROW)
    return file


def test_an_answer_is_read_as_json(relay: Relay, answer: Path) -> None:
    done = relay(*READ, "--http-status", "500", "--version", "2.14-202", "--stage", "pipe", str(answer))

    document = json.loads(done.out)
    assert 0 == done.code
    assert ["verdict", "messages", "rows", "rejected"] == list(document)
    assert ("rows", "José O'Brien") == (document["verdict"], document["rows"][0]["full_name"])


def test_messages_and_rejected_parts_have_names(relay: Relay, answer: Path) -> None:
    answer.write_bytes(b"ERROR: Login incorrect, please try again: |bob|s3cret|BAD|\n")
    refused = json.loads(relay(*READ, str(answer)).out)
    answer.write_bytes(b"what is this\n")
    odd = relay(*READ, str(answer))

    assert "auth" == refused["verdict"]
    message = {"kind": "ERROR", "text": "Login incorrect, please try again"}
    assert [{**message, "details": ["[redacted]", "[redacted]", "BAD"]}] == refused["messages"]
    assert ("unknown", 0) == (json.loads(odd.out)["verdict"], odd.code)
    assert [{"line": "what is this", "why": "not as documented"}] == json.loads(odd.out)["rejected"]


def test_elision_answers_in_json(relay: Relay, answer: Path) -> None:
    answer.write_text('{"success":true,"message":"lists are listed successfully","data":["A1-1101-x"]}')

    done = relay("source", "read", "--kind", "elision", "--function", "active_lists", str(answer))

    assert "rows" == json.loads(done.out)["verdict"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["source", "read"],
        ["source", "read", "--kind", "voipcloud", "--function", "version", "-"],
        ["source", "read", "--kind", "dialer360", "-"],
        [*READ, "/no/such/file"],
        [*READ, "--stage", "xml", "-"],
        [*READ, "--http-status", "9", "-"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2(relay: Relay, arguments: list[str]) -> None:
    assert 2 == relay(*arguments).code


def test_the_answer_may_come_by_the_standard_input() -> None:
    command = [sys.executable, "-m", APP, *READ, "-"]

    done = subprocess.run(command, input=ROW, capture_output=True, cwd=ROOT, timeout=DEADLINE_S)  # noqa: S603 (ours)

    assert (0, "rows") == (done.returncode, json.loads(done.stdout)["verdict"])
