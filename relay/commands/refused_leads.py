"""
What becomes of a command of which leads are refused: the others are sent, and each lead has its verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from relay.commands.function import Function
from relay.commands.number_checks import MANY, Refusal
from relay.commands.result import FAILED, CommandResult
from relay.model.vendor_answer import BAD_ARGUMENT


def sendable(params: Mapping[str, Any], refusal: Refusal | None) -> Mapping[str, Any] | None:
    """
    Return the parameters without the refused leads; None: nothing is left to be sent.
    """
    if refusal is None:
        return params
    leads = params.get(MANY)
    left = [
        lead
        for place, lead in enumerate(leads if isinstance(leads, list) else ())
        if place not in refusal.leads
    ]
    return {**params, MANY: left} if left else None


def all_refused(function: Function, refusal: Refusal) -> CommandResult:
    """
    Return the result of a command of which nothing was sent.
    """
    rows = [_row(place, why) for place, why in refusal.leads.items()] if function.row_verdict else []
    data = {"details": {}, "rows": rows, "notices": [], "rejected": 0}
    return CommandResult(FAILED, refusal.message, data, "", BAD_ARGUMENT, _events(function))


def with_refused(function: Function, result: CommandResult, refusal: Refusal | None) -> CommandResult:
    """
    Return a result with the verdicts of the leads that were not sent among those of the others.

    Where the vendor gave no verdict for each lead that was sent, the result stays as it is.
    """
    if refusal is None:
        return result
    rows = list(result.data["rows"])
    if len(rows) != refusal.count - len(refusal.leads):
        return result
    answered = iter(rows)
    told = [
        _row(place, refusal.leads[place])
        if place in refusal.leads
        else {**next(answered), "lead": _name(place)}
        for place in range(refusal.count)
    ]
    events = tuple(dict.fromkeys((*result.events, *_events(function))))
    return replace(result, data={**result.data, "rows": told}, events=events)


def _row(place: int, why: str) -> dict[str, Any]:
    return {"lead": _name(place), "success": False, "message": why, "data": ""}


def _name(place: int) -> str:
    return f"lead {place + 1}"  # as the vendor numbers them


def _events(function: Function) -> tuple[str, ...]:
    return (function.rejected_event,) if function.rejected_event else ()
