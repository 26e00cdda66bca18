"""
The request budget of one source: a place is reserved durably before each request (I7).
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import ClientHandlerType, ClientMiddlewareType, ClientRequest, ClientResponse

from relay.model.clock import Clock
from relay.model.errors import SourceThrottled
from relay.sources.port import OWN_QUOTA, POLL, STATUS, NoRoom, SendLog, Share


@dataclass(frozen=True, slots=True)
class BudgetSettings:
    """
    What the vendor allows, and what is kept back for commands and probes.

    At most `requests` in any `per_s` seconds, of which polls may use all but `reserve`.  `deadline_s` is
    how long one request may take.
    """

    requests: int
    per_s: float
    reserve: int
    deadline_s: float

    @property
    def polls(self) -> int:
        """
        Return how many requests of a window polls may use; at least one.
        """
        return max(1, self.requests - self.reserve)

    @property
    def statuses(self) -> int:
        """
        Return how many requests of a window the system status may use; at least one.

        It lives on the reserve, so that no run of them takes what is the polls'.
        """
        return max(1, self.reserve)


class RequestBudget:
    """
    Reserves a place for every request of one source, as a middleware of the HTTP client.

    The middleware is the right place because aiohttp sends a GET again by itself when a kept connection
    turns out to be dead: that second request passes here too.
    """

    def __init__(self, source_id: str, settings: BudgetSettings, log: SendLog, clock: Clock) -> None:
        self._source_id = source_id
        self._settings = settings
        self._log = log
        self._clock = clock

    def middleware(self, purpose: str) -> ClientMiddlewareType:
        """
        Return a middleware that lets a request pass only with a place.

        Polls leave the reserve alone, and the system status leaves alone what is the polls'.

        Raises (when the request is made):
            SourceThrottled: the window is full.
        """

        settings = self._settings
        own_limit = {POLL: settings.polls, STATUS: settings.statuses}.get(purpose, settings.requests)
        share = Share(settings.requests, own_limit, settings.per_s, settings.deadline_s)

        async def reserve_and_send(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
            place = await self._log.reserve(self._source_id, purpose, share, self._clock.now())
            if isinstance(place, NoRoom):
                raise SourceThrottled(self._source_id, OWN_QUOTA, "the request budget is spent", place.until)
            response = await handler(request)
            is_noted = False
            try:
                # Only an answer is noted: a request that got none may be counted as late as its deadline.
                await self._log.note(
                    place.send_id,
                    f"http_{response.status}",
                    per_s=self._settings.per_s,
                    now=self._clock.now(),
                )
                is_noted = True
            finally:
                if not is_noted:
                    response.close()  # nobody else will: the client gives it out only after this
            return response

        return reserve_and_send

    async def remaining(self) -> int:
        """
        Return how many requests the window still has room for.
        """
        taken = await self._log.in_window(self._source_id, self._clock.now())
        return max(0, self._settings.requests - taken)
