"""
Commands: what somebody asked a phone system to do, and bulk jobs of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from relay.model.times import from_rfc3339, rfc3339, rfc3339_or_null

# States of a command.  A command that was `sent` and whose process ended before the answer is `unknown`.
SENT: Final = "sent"  # written down before the request, durably; no verdict yet
SUCCEEDED: Final = "succeeded"
FAILED: Final = "failed"
UNKNOWN: Final = "unknown"
COMMAND_STATES: Final = (SENT, SUCCEEDED, FAILED, UNKNOWN)

# States of a bulk job.
BULK_WAITING: Final = "waiting"
BULK_RUNNING: Final = "running"
BULK_DONE: Final = "done"
BULK_CANCELLED: Final = "cancelled"
BULK_STATES: Final = (BULK_WAITING, BULK_RUNNING, BULK_DONE, BULK_CANCELLED)


@dataclass(frozen=True, slots=True)
class Command:
    """
    One command.

    `params` are as given, secrets removed.  `result` is `{status, message, data, raw}` once there is a
    verdict.  `call_id` is the call that it caused, once that was found.  `bulk_id` and `row_no` tell which
    row of a bulk job it is.
    """

    command_id: str
    source_id: str
    function: str
    params: Mapping[str, Any]
    is_write: bool
    requested_by: str | None
    requested_at: datetime
    state: str = SENT
    finished_at: datetime | None = None
    result: Mapping[str, Any] | None = None
    call_id: str | None = None
    bulk_id: str | None = None
    row_no: int | None = None

    def as_json(self) -> dict[str, Any]:
        """
        Return the command as JSON values, for an inbox.
        """
        return {
            "command_id": self.command_id,
            "source_id": self.source_id,
            "function": self.function,
            "params": dict(self.params),
            "is_write": self.is_write,
            "requested_by": self.requested_by,
            "requested_at": rfc3339(self.requested_at),
            "state": self.state,
            "finished_at": rfc3339_or_null(self.finished_at),
            "result": None if self.result is None else dict(self.result),
            "call_id": self.call_id,
            "bulk_id": self.bulk_id,
            "row_no": self.row_no,
        }

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> Command:
        """
        Read back what `as_json` gave.
        """
        finished = values["finished_at"]
        times = {
            "requested_at": from_rfc3339(values["requested_at"]),
            "finished_at": None if finished is None else from_rfc3339(finished),
        }
        return cls(**{**values, **times})


@dataclass(frozen=True, slots=True)
class BulkJob:
    """
    Many leads to be added: one command for each row, or for each batch of rows.

    `total` rows were given; `done` of them have a verdict, of which so many `succeeded`, `failed` and are
    `unknown`.
    """

    bulk_id: str
    source_id: str
    function: str
    requested_by: str | None
    requested_at: datetime
    state: str
    total: int
    defaults: Mapping[str, Any] = field(default_factory=dict)
    started_at: datetime | None = None
    finished_at: datetime | None = None
    done: int = 0
    succeeded: int = 0
    failed: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class BulkRow:
    """
    One row of a bulk job: what was given, and its verdict (None: none yet).
    """

    bulk_id: str
    row_no: int
    params: Mapping[str, Any]
    state: str | None = None
    command_id: str | None = None
    message: str | None = None
    data: Mapping[str, Any] | None = None
