"""
What the API asks of whoever delivers: the owner of the endpoints' lanes.
"""

from __future__ import annotations

from typing import Protocol

from relay.model.outcome import TestResult


class EndpointOwner(Protocol):
    """
    Whoever delivers to the endpoints.
    """

    async def refresh(self) -> None:
        """
        Follow the journal: endpoints that are new, changed or gone.  Waits while the journal is busy.
        """
        ...

    async def pause(self, endpoint_id: str) -> None:
        """
        Hold deliveries to an endpoint until a person resumes it.  Harmless twice.

        Raises:
            NotFound: there is none with that id.
            Conflict: it is disabled, or has no secret.
        """
        ...

    async def resume(self, endpoint_id: str) -> None:
        """
        Deliver again to an endpoint that was paused or disabled.  Harmless twice.

        Raises:
            NotFound: there is none with that id.
            Conflict: it has no secret.
        """
        ...

    async def test(self, endpoint_id: str) -> TestResult:
        """
        Send an endpoint an event made for the purpose, once, and tell what came of it.

        Raises:
            NotFound: there is none with that id.
            Conflict: it has no secret, or too many tests are under way.
        """
        ...

    def resent(self, endpoint_id: str) -> None:
        """
        Take notice that the journal holds a delivery which a person asked for.
        """
        ...

    def taken_back(self, endpoint_id: str) -> None:
        """
        Take notice that deliveries which a person asked for were settled in the journal: they are not sent.
        """
        ...
