"""
Functions by which many leads are added: what a row of a bulk job is, and how rows become commands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from relay.commands.catalogue import DIALER360, ELISION, function
from relay.commands.checking import check
from relay.commands.function import RECORDS, THROTTLED, Function
from relay.commands.verdict import NOT_SENT
from relay.model.command import FAILED, SUCCEEDED, UNKNOWN, BulkRow, Command
from relay.model.errors import NotFound
from relay.model.vendor_answer import LOGIN_REFUSED

UNREADABLE: Final = "(unreadable)"  # in the place of parameters of a row that cannot be read: why
BATCH: Final = 50  # rows of one request, where a function takes several
# Refusals of relay itself: any other row would be refused as well.
_NOT_THE_ROW: Final = frozenset({*LOGIN_REFUSED, THROTTLED})
_TRUE: Final = frozenset({True, "true", "True", "1"})


@dataclass(frozen=True, slots=True)
class BulkFunction:
    """
    A function for many rows: `of_row` has the parameters of one row, `records` is the name of the parameter
    that takes several (None: a command for each row).
    """

    name: str
    of_row: Function
    records: str | None = None

    @property
    def rows_at_once(self) -> int:
        """
        Return how many rows go into one command.
        """
        return 1 if self.records is None else BATCH

    def faults(self, params: Mapping[str, Any]) -> str | None:
        """
        Return what is wrong with a row, defaults included; None: nothing.
        """
        if UNREADABLE in params:
            return f"the row {params[UNREADABLE]}"
        faults = check(self.of_row, params)
        return "; ".join(f"{fault.parameter}: {fault.problem}" for fault in faults) or None

    def params(self, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """
        Return the parameters of the command for some rows.
        """
        return rows[0] if self.records is None else {self.records: [dict(row) for row in rows]}

    def rows_in(self, command: Command) -> int:
        """
        Return how many rows a command was for.
        """
        given = 1 if self.records is None else command.params.get(self.records)
        return len(given) if isinstance(given, list) else 1

    def verdicts(self, rows: Sequence[BulkRow], command: Command) -> list[BulkRow]:
        """
        Return rows with the verdicts that their command, which has one, gives them.
        """
        result: Mapping[str, Any] = command.result or {}
        data: Mapping[str, Any] = result.get("data") or {}
        answered = data.get("rows") or []
        if self.records is not None and len(answered) == len(rows) and command.state != UNKNOWN:
            return [_judged(row, command, told) for row, told in zip(rows, answered, strict=True)]
        # Without a verdict for each row none is known to have been added where some were.
        state = UNKNOWN if self.records is not None and command.state == SUCCEEDED else command.state
        details = dict(data.get("details") or {})
        message = result.get("message") or None
        return [
            replace(row, state=state, command_id=command.command_id, message=message, data=details)
            for row in rows
        ]


def bulk_function(kind: str, name: str | None) -> BulkFunction:
    """
    Return the function by which a kind of source takes many leads.

    Raises:
        NotFound: it has none, or not of that name.
    """
    only = {DIALER360: "add_lead", ELISION: "add_multi_lead"}.get(kind)
    if only is None or name not in (None, only):
        raise NotFound(f"sources of kind `{kind}` take no bulk jobs" + (f" of `{name}`" if name else ""))
    found = function(kind, only)
    records = next((one for one in found.parameters if one.kind == RECORDS), None)
    if records is None:
        return BulkFunction(only, found)
    of_row = replace(found, parameters=records.fields, rules=(), custom_fields=None)
    return BulkFunction(only, of_row, records.name)


def is_for_later(command: Command) -> bool:
    """
    Tell whether a verdict says nothing of the row: the phone system takes nothing now, and nothing was done.
    """
    result: Mapping[str, Any] = command.result or {}
    return command.state == FAILED and (result.get("cause") == NOT_SENT or result.get("word") in _NOT_THE_ROW)


def _judged(row: BulkRow, command: Command, told: Mapping[str, Any]) -> BulkRow:
    state = SUCCEEDED if told.get("success") in _TRUE else FAILED
    message = str(told.get("message") or "") or None
    data = {"data": told["data"]} if told.get("data") else {}
    return replace(row, state=state, command_id=command.command_id, message=message, data=data)
