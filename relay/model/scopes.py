"""
What an API key may do: `<noun>:read`, `<noun>:write`, `<noun>:*`, or `*` for everything.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

NOUNS: Final = (
    "endpoints", "deliveries", "events", "calls", "agents", "groups", "sources", "rejects", "aliases",
    "lead-statuses", "agent-mappings", "commands",
)  # fmt: skip
EVERYTHING: Final = "*"
SCOPES: Final = (EVERYTHING, *(f"{noun}:{action}" for noun in NOUNS for action in ("read", "write", "*")))


def allows(granted: Collection[str], wanted: str) -> bool:
    """
    Tell whether the scopes of a key cover one that a request needs, such as `endpoints:read`.
    """
    return not {EVERYTHING, wanted, f"{wanted.partition(':')[0]}:*"}.isdisjoint(granted)
