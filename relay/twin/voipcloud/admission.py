"""
Who may ask, how often, and for how much: the vendor's rules, made stricter by faults.
"""

from __future__ import annotations

import hmac
from typing import Final

from aiohttp import web

from relay.model.clock import Clock
from relay.twin.voipcloud.answers import BAD_TOKEN, bad_address, problem, too_many
from relay.twin.voipcloud.fault_kinds import LargestPage, SharedKey
from relay.twin.voipcloud.faults import Faults
from relay.twin.voipcloud.parameters import PageBounds
from relay.twin.voipcloud.settings import TwinSettings
from relay.twin.voipcloud.throttle import RequestCounts, Throttle

DEEPEST_OFFSET: Final = 10**9


class Admission:
    """
    Refuses whom the vendor would refuse, and counts the requests of the token.
    """

    def __init__(self, settings: TwinSettings, faults: Faults, clock: Clock) -> None:
        self._token = settings.token
        self._rules = settings.rules
        self._faults = faults
        self._clock = clock
        self._throttle = Throttle(self._rules.requests, self._rules.per_s)

    def refusal(self, request: web.Request) -> web.Response | None:
        """
        Return the refusal of a request, or None where it may be answered; only known tokens are counted.
        """
        whitelist = self._rules.whitelist
        if whitelist and request.remote not in whitelist:
            return bad_address(request.remote)
        if not hmac.compare_digest(request.headers.get("token", "").encode(), self._token.encode()):
            return problem(401, BAD_TOKEN)
        wait_s = self._throttle.count(self._clock.monotonic(), self._foreign())
        if wait_s is None:
            return None
        return too_many(wait_s if self._rules.has_retry_after else None)

    def note(self, status: int) -> None:
        """
        Note the status of an answer, whoever decided it.
        """
        if status == web.HTTPTooManyRequests.status_code:
            self._throttle.note_429()

    def counts(self) -> RequestCounts:
        """
        Return what was counted so far.
        """
        return self._throttle.counts()

    def bounds(self) -> PageBounds:
        """
        Return how large and how deep a page may be now.
        """
        smaller = self._faults.get(LargestPage)
        limit = self._rules.largest_page if smaller is None else smaller.rows
        is_deep = self._rules.has_deep_offsets if smaller is None else not smaller.refuses_offsets
        return PageBounds(limit, DEEPEST_OFFSET if is_deep else limit)

    def _foreign(self) -> int:
        shared = self._faults.get(SharedKey)
        if shared is None:
            return 0
        return shared.requests or (self._rules.requests + 1) // 2
