"""
What faults do to whole answers: late, another one, cut off, or none at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from aiohttp import web

from relay.twin.voipcloud import fault_kinds as kinds
from relay.twin.voipcloud.answers import BAD_TOKEN, NOT_FOUND, bad_address, problem, too_many
from relay.twin.voipcloud.faults import Faults

HTML: Final = b"<!DOCTYPE html>\n<html><head><title>One moment, please</title></head><body></body></html>\n"

# In place of the right answer; of several that are on the first is played.
_INSTEAD: Final[dict[type[kinds.AnswerFault], Callable[[web.Request], web.Response]]] = {
    kinds.WrongToken: lambda request: problem(401, BAD_TOKEN),
    kinds.BlockedAddress: lambda request: bad_address(request.remote),
    kinds.NotFound: lambda request: problem(404, NOT_FOUND),
    kinds.CodeZero: lambda request: problem(0, "Unknown error", status=200),
    kinds.HtmlPage: lambda request: web.Response(body=HTML, content_type="text/html"),
}


class AnswerFaults:
    """
    Plays the faults of whole answers that are on.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    async def delay(self, stream: str | None) -> None:
        """
        Return when a slow answer may begin: this waits in real time, whatever clock the twin lives by.
        """
        slow = self._faults.take(kinds.Slow, stream)
        if slow is not None:
            await asyncio.sleep(slow.by_s)

    def instead(self, request: web.Request, stream: str | None) -> web.Response | None:
        """
        Return the answer to give in place of the right one, if any.
        """
        many = self._faults.take(kinds.TooManyRequests, stream)
        if many is not None:
            return too_many(many.retry_after_s)
        error = self._faults.take(kinds.ServerError, stream)
        if error is not None:
            return problem(error.status, "Internal error")
        for kind, answer in _INSTEAD.items():
            if self._faults.take(kind, stream) is not None:
                return answer(request)
        return None

    async def spoilt(
        self, request: web.Request, stream: str | None, response: web.StreamResponse
    ) -> web.StreamResponse:
        """
        Return an answer as it leaves: whole, cut, or on a connection that is dropped.
        """
        if not isinstance(response, web.Response) or not isinstance(response.body, bytes):
            return response
        body = response.body
        if self._faults.take(kinds.Truncated, stream) is not None:
            response.body = body[: len(body) // 2]
        dropped = self._faults.take(kinds.Dropped, stream)
        if dropped is None or request.transport is None:
            return response
        if not dropped.is_halfway:
            request.transport.abort()
            return response
        half = web.StreamResponse(status=response.status, headers=response.headers)
        half.content_length = len(body)
        await half.prepare(request)
        await half.write(body[: len(body) // 2])
        request.transport.close()
        return half
