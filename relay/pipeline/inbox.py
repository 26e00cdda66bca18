"""
What others put down for the owner of a source: pushes of the phone system, rejects to be read again.

An item is taken away by the transaction that holds its effect, so a crash in between only repeats it.
"""

from __future__ import annotations

from relay.pipeline.poll_context import PollContext


class Inbox:
    """
    Takes what was put down for one source.
    """

    def __init__(self, context: PollContext) -> None:
        self._context = context

    async def step(self) -> bool:
        """
        Take what is there; return whether the phone system told of something new.
        """
        return False
