"""
What the server tells others by calling their URLs: call URLs and agent events.
"""

from __future__ import annotations

from typing import Protocol

from relay.twin.vicidial.agents import Agent
from relay.twin.vicidial.calls import Call


class Tell(Protocol):
    """
    Is told what happens, when it happens.

    `event` is start, dispo, no_agent or dead, for the call URLs, or a word of the agent events push.
    """

    def __call__(self, event: str, agent: Agent | None, call: Call | None) -> None:
        """
        Take note; must return at once.
        """
        ...
