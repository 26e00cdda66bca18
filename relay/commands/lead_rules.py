"""
What relay itself does with the leads of a command before it is sent: statuses, numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relay.commands.function import Function
from relay.commands.mapping_statuses import has_status, translated
from relay.commands.number_checks import NumberGate, Refusal
from relay.journal.commands_port import MappingJournal


class LeadRules:
    """
    Puts statuses of the CRM into the dialer's words, and checks numbers.

    Args:
        mappings: the statuses of each source.
        gate: the checks of numbers.
    """

    def __init__(self, mappings: MappingJournal, gate: NumberGate) -> None:
        self._mappings = mappings
        self._gate = gate

    async def translated(self, source_id: str, function: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """
        Return the parameters with the dialer's statuses in place of codes of the CRM.
        """
        if not has_status(function, params):
            return params
        known = await self._mappings.mappings(source_id)
        return translated(function, params, known.dialer_statuses)

    async def refusal_of(
        self, source_id: str, function: Function, params: Mapping[str, Any], requested_by: str | None
    ) -> Refusal | None:
        """
        Return which leads of a command must not be sent, for whoever asked; None: all may be.
        """
        return await self._gate.refusal_of(source_id, function, params, requested_by)
