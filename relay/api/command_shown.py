"""
Commands, their verdicts and bulk jobs as JSON.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any, Final

from relay.api.operation import Answer
from relay.api.problems import (
    BUDGET_SPENT,
    CONTENT_TYPE,
    CUT_OFF,
    NO_ANSWER,
    NOT_SENT,
    NUMBER_REFUSED,
    VENDOR,
    Problem,
)
from relay.api.shown import Shown
from relay.commands.function import Function
from relay.commands.schemas import request_schema, result_schema
from relay.commands.verdict import CUT_OFF as WAS_CUT_OFF
from relay.commands.verdict import NOT_SENT as WAS_NOT_SENT
from relay.commands.verdict import REFUSED, TIMED_OUT, Verdict
from relay.model.command import SUCCEEDED, UNKNOWN, BulkJob, BulkRow, Command
from relay.model.errors import SourceThrottled
from relay.model.times import rfc3339, rfc3339_or_null

_WITHOUT_ANSWER: Final = {
    WAS_CUT_OFF: CUT_OFF,
    WAS_NOT_SENT: NOT_SENT,
    TIMED_OUT: NO_ANSWER,
    REFUSED: NUMBER_REFUSED,
}


def reply_of(verdict: Verdict) -> bytes:
    """
    Return what is answered, now and to the same Idempotency-Key, to whoever asked for a command.
    """
    return answer_of(verdict).to_reply()


def answer_of(verdict: Verdict) -> Answer:
    """
    Return the result of a command, or the problem that it is.
    """
    result, command = verdict.result, verdict.command
    told = {
        "command_id": command.command_id,
        "message": result.message,
        "data": dict(result.data),
        "raw": result.raw,
    }
    if result.status == SUCCEEDED:
        return Answer.of({"command_id": command.command_id, "status": result.status, **told})
    kind = _WITHOUT_ANSWER.get(verdict.cause) or VENDOR[result.word]
    headers = {}
    if verdict.until is not None and command.finished_at is not None:
        headers["Retry-After"] = _seconds(verdict.until, command.finished_at)
    problem = Problem(kind.word, kind.status, kind.title, _detail(verdict), members=told)
    return Answer(problem.to_json(), problem.status, CONTENT_TYPE, headers)


def budget_spent(error: SourceThrottled, now: datetime) -> Problem:
    """
    Return the problem of a command that may not be sent yet.
    """
    retry_after = {"Retry-After": _seconds(error.until, now)}
    return BUDGET_SPENT.about(f"Nothing was sent: {error}.", retry_after)


def function(one: Function) -> Shown:
    """
    Show a function.
    """
    return {
        "name": one.name,
        "summary": one.summary,
        "is_write": one.is_write,
        "takes": request_schema(one),
        "gives": result_schema(one),
        "events": one.events,
        "errors": [saying.text for saying in one.errors],
    }


def command(one: Command) -> Shown:
    """
    Show a command as it stands now.
    """
    result: Any = one.result or {}
    return {
        "command_id": one.command_id,
        "source_id": one.source_id,
        "function": one.function,
        "params": dict(one.params),
        "is_write": one.is_write,
        "requested_by": one.requested_by,
        "requested_at": rfc3339(one.requested_at),
        "finished_at": rfc3339_or_null(one.finished_at),
        "status": one.state,
        "message": result.get("message"),
        "data": result.get("data"),
        "raw": result.get("raw"),
        "call_id": one.call_id,
        "bulk_id": one.bulk_id,
        "row_no": one.row_no,
    }


def bulk(job: BulkJob) -> Shown:
    """
    Show a bulk job.
    """
    return {
        "bulk_id": job.bulk_id,
        "source_id": job.source_id,
        "function": job.function,
        "state": job.state,
        "progress": job.done / job.total if job.total else 1.0,
        "total": job.total,
        "done": job.done,
        "succeeded": job.succeeded,
        "failed": job.failed,
        "unknown": job.unknown,
        "defaults": dict(job.defaults),
        "requested_by": job.requested_by,
        "requested_at": rfc3339(job.requested_at),
        "started_at": rfc3339_or_null(job.started_at),
        "finished_at": rfc3339_or_null(job.finished_at),
    }


def bulk_row(row: BulkRow) -> Shown:
    """
    Show a row of a bulk job.
    """
    return {
        "row_no": row.row_no,
        "params": dict(row.params),
        "status": row.state,
        "command_id": row.command_id,
        "message": row.message,
        "data": None if row.data is None else dict(row.data),
    }


def _detail(verdict: Verdict) -> str:
    said = verdict.result.message or verdict.result.raw[:200]
    if verdict.result.status != UNKNOWN:
        return said
    more = f"look at GET /v1/commands/{verdict.command.command_id} before you ask for it again"
    words = said.rstrip(".") or "There is no clear answer"
    return f"{words}. It may have been done; relay does not send it again: {more}."


def _seconds(until: datetime, now: datetime) -> str:
    return str(max(1, math.ceil((until - now).total_seconds())))
