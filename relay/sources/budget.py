"""
The request budget of one source: a place is reserved durably before each request (I7).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import ClientHandlerType, ClientMiddlewareType, ClientRequest, ClientResponse

from relay.model.clock import Clock
from relay.model.errors import SourceThrottled
from relay.sources.port import BACKFILL, OWN_QUOTA, POLL, STATUS, NoRoom, SendLog, Share

MOST_STATUSES: Final = 3  # of a window: system status and probes


@dataclass(frozen=True, slots=True)
class BudgetSettings:
    """
    What the vendor allows, and what is kept back for commands, the status and slack.

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
    def commands(self) -> int:
        """
        Return how many requests of a window are there for commands alone: half of the reserve.
        """
        return self.reserve // 2

    @property
    def statuses(self) -> int:
        """
        Return how many requests of a window the system status may use; at least one.

        It lives on the reserve, so that no run of them takes what is the polls'.
        """
        return max(1, min(MOST_STATUSES, self.reserve - self.commands))

    @property
    def slack(self) -> int:
        """
        Return how many requests of a window are nobody's, and so a backfill's; at least one.
        """
        return max(1, self.reserve - self.commands - self.statuses)


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
        self._polls = settings.polls

    def allow(self, polls: int | None) -> None:
        """
        Let polls use only so many requests of a window from now on, at least one; None: as configured.

        What is taken from polls goes to nobody: it is what others use of the vendor's limit.
        """
        self._polls = self._settings.polls if polls is None else max(1, min(polls, self._settings.polls))

    def share(self, purpose: str) -> Share:
        """
        Return what a purpose may have of a window now.

        Polls leave the reserve alone, and the system status leaves alone what is the polls'.  A backfill
        has the slack: what polls did not use up to now they may need before its place is free again.  Polls
        and backfills together never take more than is there for the two, so that what commands need is
        always free.
        """
        settings = self._settings
        limit, own_limit = settings.requests, settings.requests
        shared_with: tuple[str, ...] = ()
        shared_limit = 0
        if purpose == STATUS:
            own_limit = settings.statuses
        elif purpose == POLL:
            own_limit = self._polls
            # As configured: what a backfill took before the polls' part became smaller must not stop them.
            shared_with, shared_limit = (BACKFILL,), settings.polls + settings.slack
        elif purpose == BACKFILL:
            limit, own_limit = settings.requests - settings.commands, settings.slack
            shared_with, shared_limit = (POLL,), self._polls + settings.slack
        return Share(limit, own_limit, settings.per_s, settings.deadline_s, shared_with, shared_limit)

    def middleware(self, purpose: str) -> ClientMiddlewareType:
        """
        Return a middleware that lets a request pass only with a place of a purpose's share.

        Raises (when the request is made):
            SourceThrottled: the share is used up.
        """

        async def reserve_and_send(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
            share = self.share(purpose)
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

    async def taken(self) -> int:
        """
        Return how many places of the window are taken.
        """
        return await self._log.in_window(self._source_id, self._clock.now())

    async def remaining(self) -> int:
        """
        Return how many requests the window still has room for.
        """
        return max(0, self._settings.requests - await self.taken())
