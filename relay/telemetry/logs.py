"""
Logs: one JSON object a line, secrets taken out, counted by level.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import orjson

from relay.model.times import rfc3339
from relay.telemetry.metrics import Metrics
from relay.telemetry.redaction import redact, redact_value

_OWN_NAMES: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_TAKEN: Final = ("time", "level", "logger", "message", "exception")
_CHATTY: Final = ("alembic", "aiokafka")  # they report every step, also where nothing changes


class JsonFormatter(logging.Formatter):
    """
    Writes a record as one line: time, level, logger, message, then what was given as `extra`.
    """

    def format(self, record: logging.LogRecord) -> str:
        """
        Return the line; nothing in it spans lines or holds a secret.
        """
        line: dict[str, Any] = {
            "time": rfc3339(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        for name, value in vars(record).items():
            if name not in _OWN_NAMES and name not in _TAKEN:
                line[name] = redact_value(value, name)
        if record.exc_info:
            line["exception"] = redact(self.formatException(record.exc_info))
        return orjson.dumps(line, option=orjson.OPT_PASSTHROUGH_SUBCLASS, default=str).decode()


class _LineHandler(logging.StreamHandler[TextIO]):
    def __init__(self, stream: TextIO, metrics: Metrics | None) -> None:
        super().__init__(stream)
        self._metrics = metrics
        self.setFormatter(JsonFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        if self._metrics:
            self._metrics.log_messages.labels(record.levelname.lower()).inc()


def configure(level: str, stream: TextIO, metrics: Metrics | None = None) -> None:
    """
    Send all logging to `stream`; called again it replaces what it set up before.

    Args:
        level: debug, info, warning or error.
        metrics: counts the lines, once there is one.
    """
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, _LineHandler):
            root.removeHandler(handler)
    root.addHandler(_LineHandler(stream, metrics))
    root.setLevel(level.upper())
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.captureWarnings(True)
