"""
Log lines: JSON, whole, countable, and without secrets.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from relay.telemetry.logs import configure
from relay.telemetry.metrics import Metrics
from relay.telemetry.redaction import redact, redact_value


class Log:
    """
    A stream that logging writes to, read back as JSON.
    """

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def lines(self) -> list[dict[str, Any]]:
        """
        Return what was written so far.
        """
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def log() -> Iterator[Log]:
    """
    Send logging to a stream, and put everything back afterwards.
    """
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    log = Log()
    configure("info", log.stream)
    yield log
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def test_a_line_is_one_json_object(log: Log) -> None:
    logging.getLogger("relay.poll").warning(
        "%s is\nback", "pbx", extra={"source": "pbx", "after_s": 3, "at": None}
    )

    (line,) = log.lines()
    assert datetime.fromisoformat(line.pop("time")).tzinfo is UTC
    assert {
        "level": "warning",
        "logger": "relay.poll",
        "message": "pbx is\nback",
        "source": "pbx",
        "after_s": 3,
        "at": None,
    } == line


def test_what_is_below_the_level_is_not_written(log: Log) -> None:
    logging.getLogger("relay").debug("quiet")

    assert [] == log.lines()


def test_configuring_again_replaces_the_stream(log: Log) -> None:
    second = Log()
    configure("error", second.stream)

    logging.getLogger("relay").error("once")

    assert ([], 1) == (log.lines(), len(second.lines()))


def test_an_exception_stays_on_its_line(log: Log) -> None:
    try:
        raise ValueError("token=abcdef")
    except ValueError:
        logging.getLogger("relay").exception("it broke")

    (line,) = log.lines()
    assert "ValueError: token=***" in line["exception"]


def test_lines_are_counted_by_level(log: Log) -> None:
    metrics = Metrics(CollectorRegistry())
    configure("info", log.stream, metrics)

    logging.getLogger("relay").warning("one")
    logging.getLogger("relay").debug("none")

    counted = [
        metrics.registry.get_sample_value("relay_log_messages_total", {"level": level})
        for level in ("warning", "debug")
    ]
    assert [1, 0] == counted


def test_no_part_of_a_line_holds_a_secret(log: Log) -> None:
    logging.getLogger("relay").info(
        "GET /hooks?token=s3cret1 with %s",
        {"Authorization": "Bearer s3cret2", "token": "s3cret3"},
        extra={
            "headers": {"token": "s3cret4", "Authorization": "Basic s3cret5"},
            "hook_token": "s3cret6",
            "url": "postgresql://relay:s3cret7@db/relay",
            "nested": [{"deep": ("whsec_s3cret8",)}],
            "password": 12345,
        },
    )

    written = log.stream.getvalue()
    assert "s3cret" not in written
    assert "12345" not in written
    assert "/hooks?token=***" in log.lines()[0]["message"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the key whsec_MDEyMzQ1Njc4OTAx/+= is old", "the key *** is old"),
        ("?a=1&token=abc&b=2", "?a=1&token=***&b=2"),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer ***"),
        ("authorization: abc", "authorization: ***"),
        ('{"password": "p w", "x": 1}', '{"password": ***, "x": 1}'),
        ("postgresql://relay:p@db:5432/relay", "postgresql://relay:***@db:5432/relay"),
        ("http://127.0.0.1:8080/a@b", "http://127.0.0.1:8080/a@b"),
        ("basic checks passed", "basic *** passed"),
        ("5 tokens: all good", "5 tokens: all good"),
        ("call/pbx/abc answered", "call/pbx/abc answered"),
    ],
)
def test_secrets_are_taken_out_of_text(text: str, expected: str) -> None:
    assert expected == redact(text)


def test_a_value_of_any_kind_can_be_written() -> None:
    deep: dict[str, Any] = {}
    deep["deeper"] = deep

    assert {"a": [1, 2.5, True, None], "b": "{'x'}"} == redact_value(
        {"a": (1, 2.5, True, None), "b": "{'x'}"}
    )
    assert "RuntimeError('token=***')" == redact_value(RuntimeError("token=abc")).join(
        ["RuntimeError('", "')"]
    )
    assert "dict" in json.dumps(redact_value(deep))
