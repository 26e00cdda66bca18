"""
Whether this process may be given work: named conditions, each ok or not, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """
    One thing that must be so; `reason` says why it is not.
    """

    name: str
    ok: bool
    reason: str


class Health:
    """
    The conditions of one process: ready once every name has been set ok.

    A phone system, Kafka or an endpoint that is down is no condition: replacing this process would not help.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._conditions = {name: Condition(name, False, "not yet") for name in names}

    def set(self, name: str, ok: bool, reason: str = "") -> None:
        """
        Say how a condition is; a new name becomes one more condition.
        """
        self._conditions[name] = Condition(name, ok, reason)

    @property
    def is_ready(self) -> bool:
        """
        Tell whether all conditions are met.
        """
        return all(condition.ok for condition in self._conditions.values())

    def report(self) -> tuple[Condition, ...]:
        """
        Return all conditions, in the order they were named.
        """
        return tuple(self._conditions.values())
