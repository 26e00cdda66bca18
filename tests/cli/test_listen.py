"""
`relay listen` as a process: what it prints, how it ends, and that it keeps its secret.
"""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from standardwebhooks import Webhook

from tests.cli.conftest import Relay, finished, started

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
ANY_PORT = ("listen", "--listen", "127.0.0.1:0")


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def post(url: str, event_id: str, revision: int, secret: str = SECRET) -> int:
    event = {"id": event_id, "type": "call.started", "subject": "call/pbx/1", "data": {"revision": revision}}
    body, at = json.dumps(event), datetime.now(UTC)
    request = urllib.request.Request(  # noqa: S310 (our own receiver)
        url, body.encode(), method="POST",
        headers={
            "content-type": "application/cloudevents+json",
            "webhook-id": event_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign(event_id, at, body),
        },
    )  # fmt: skip
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_it_prints_a_line_for_each_event_and_a_summary_at_its_end() -> None:
    other = "whsec_" + base64.b64encode(b"another secret, same size").decode()
    with started(*ANY_PORT, "--fail-first", "1", RELAY_LISTEN_SECRET=SECRET) as process:
        url = first_line(process).removeprefix("listening on ")
        statuses = [
            post(url, "evt_2", 2), post(url, "evt_2", 2), post(url, "evt_1", 1), post(url, "evt_1", 1),
            post(url, "evt_3", 3, other),
        ]  # fmt: skip
        process.send_signal(signal.SIGINT)
        done = finished(process)

    assert ([503, 204, 204, 204, 401], 0, "") == (statuses, done.code, done.err)
    lines = done.out.splitlines()
    assert ["failed 503", "ok", "ok", "ok", "bad signature"] == [
        line.split("  ")[-1].strip() for line in lines[:5]
    ]
    assert ["new", "new", "new", "again"] == [line.split()[5] for line in lines[:4]]
    assert ["call.started", "call/pbx/1", "2", "evt_2"] == lines[0].split()[1:5]
    summary = " ".join(done.out.split())
    for words in ("arrivals │ 5", "distinct ids │ 2", "resent │ 1", "out of order │ 1", "bad signatures │ 1"):
        assert words in summary, summary
    assert SECRET.removeprefix("whsec_") not in done.out


def test_json_is_an_object_a_line(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n")
    with started(*ANY_PORT, "--json", "--secret-file", str(file)) as process:
        url = json.loads(first_line(process))["url"]
        post(url, "evt_1", 1)
        process.send_signal(signal.SIGTERM)
        done = finished(process)

    arrived, end = (json.loads(line) for line in done.out.splitlines())
    assert ("evt_1", 1, "ok", False) == tuple(
        arrived[key] for key in ("id", "revision", "verdict", "seen_before")
    )
    assert {"arrivals": 1, "distinct_ids": 1, "bad_signatures": 0} == {
        name: end["summary"][name] for name in ("arrivals", "distinct_ids", "bad_signatures")
    }
    assert (0, "") == (done.code, done.err)


def test_without_a_secret_it_says_that_nothing_is_verified() -> None:
    with started(*ANY_PORT) as process:
        status = post(first_line(process).removeprefix("listening on "), "evt_1", 1)
        process.send_signal(signal.SIGTERM)
        done = finished(process)

    assert (204, 0) == (status, done.code)
    assert "nothing is verified" in done.err
    assert "unverified" in done.out


def test_what_can_not_be_done_is_a_fault_of_usage(relay: Relay) -> None:
    bad = [
        relay(*ANY_PORT, "--fail", "soon"),
        relay(*ANY_PORT, "--drop", "2"),
        relay("listen", "--listen", "nowhere"),
        relay(*ANY_PORT, RELAY_LISTEN_SECRET="whsec_no-base64-at-all"),
    ]

    assert [2, 2, 2, 2] == [done.code for done in bad]
    assert "no-base64-at-all" not in bad[3].err


def test_a_port_that_is_taken_is_a_failure(relay: Relay) -> None:
    with started(*ANY_PORT) as process:
        port = first_line(process).rstrip("/").rpartition(":")[2]
        done = relay("listen", "--listen", f"127.0.0.1:{port}")

    assert (1, True) == (done.code, f"cannot listen on 127.0.0.1:{port}" in done.err)
