"""
Where every request comes in: it is admitted, read, worked on in its turn, answered and counted.

Nothing gets past without an answer: whatever goes wrong becomes a problem document here.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Final

from aiohttp import web
from prometheus_client import Counter

from relay.api.admission import Admission
from relay.api.gate import Gate
from relay.api.openapi import REPLAYED
from relay.api.operation import (
    EVENT_STREAM,
    JSON,
    MAX_BODY,
    Answer,
    Asked,
    Operation,
    Reach,
    Streaming,
)
from relay.api.problems import (
    BUG,
    CONTENT_TYPE,
    NOT_FOUND,
    WRONG_METHOD,
    FieldError,
    Problem,
    Refused,
    invalid,
    problem_of,
)
from relay.api.request import body_of, last_event_id_of, once_of, parsed_body, path_of, query_of
from relay.model.errors import JournalUnusable, NoSuchPlace
from relay.telemetry.metrics import Metrics

UNKNOWN_ROUTE: Final = "_other"
HEADERS: Final = {"X-Content-Type-Options": "nosniff", "Server": "relay"}
_V1_HEADERS: Final = {**HEADERS, "Cache-Control": "no-store"}
_BODIES: Final = ("POST", "PATCH")

log = logging.getLogger(__name__)

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Patience:
    """
    How long a client may take to send a body, and a reader of the event stream to take a block.
    """

    body_s: float = 15.0
    stall_s: float = 10.0


class FrontDoor:
    """
    Answers the requests of one listener.

    Args:
        reach: what handlers may ask and change.
        admission: who may come in.
        gate: how many at a time.
        metrics: counts requests and readers of the event stream.
        patience: with clients that are slow.
    """

    def __init__(
        self, reach: Reach, admission: Admission, gate: Gate, metrics: Metrics, patience: Patience
    ) -> None:
        self._reach = reach
        self._admission = admission
        self._gate = gate
        self._metrics = metrics
        self._patience = patience
        self._counted: dict[tuple[str, int], Counter] = {}
        self._streaming: set[asyncio.Task[object]] = set()
        self.failure: asyncio.Future[JournalUnusable] = asyncio.get_running_loop().create_future()

    def answering(self, route: str, operations: Sequence[Operation]) -> Answering:
        """
        Return what answers the requests to one path; `route` stands for it in the metrics.
        """
        by_method = {operation.method: operation for operation in operations}
        return self.guarding(route, partial(self._answered, by_method))

    def guarding(self, route: str, work: Answering) -> Answering:
        """
        Return what answers the requests to one path by `work`, counts them, and turns failures into problems.
        """
        duration = self._metrics.api_request_duration_seconds.labels(route)

        async def answer(request: web.Request) -> web.StreamResponse:
            began = time.perf_counter()
            response = await self._safely(route, work, request)
            self._count(route, response.status)
            if not isinstance(response, web.Response):
                return response  # a stream that has ended: its time says nothing
            duration.observe(time.perf_counter() - began)
            return response

        return answer

    def end_streams(self) -> None:
        """
        Let go of all readers of the event stream.
        """
        for task in self._streaming:
            task.cancel()

    async def _safely(self, route: str, work: Answering, request: web.Request) -> web.StreamResponse:
        try:
            return await work(request)
        except Exception as error:  # whatever it is, the one who asked gets an answer
            problem = problem_of(error)
            if isinstance(error, JournalUnusable) and not self.failure.done():
                self.failure.set_result(error)
            if problem is None:
                log.exception("a request failed", extra={"method": request.method, "route": route})
                problem = BUG
            return _refusal(problem)

    async def _answered(
        self, operations: Mapping[str, Operation], request: web.Request
    ) -> web.StreamResponse:
        operation = operations.get(request.method)
        scope = operation.scope if operation is not None else None
        owner = self._admission.admit(request.method, request.headers, scope)
        if operation is None:
            raise _nothing_there(operations)
        with self._gate.enter():
            async with self._gate.large if _may_be_large(operation) else nullcontext():
                body = await self._body(operation, request)
                # Whoever waits for a receiver must not keep the others waiting.
                async with nullcontext() if operation.waits_for_others else self._gate.turn:
                    answer = await self._worked_on(operation, request, owner, body)
        if isinstance(answer, Streaming):
            return await self._streamed(request, answer)
        headers = _V1_HEADERS if operation.path.startswith("/v1/") else HEADERS
        if answer.status == 204:
            return web.Response(status=204, headers=headers)
        headers = {**headers, **answer.headers, "Content-Type": answer.content_type}
        return web.Response(body=answer.body, status=answer.status, headers=headers)

    async def _body(self, operation: Operation, request: web.Request) -> bytes:
        if request.method not in _BODIES:
            return b""
        if operation.takes is None:
            kinds = (JSON,) if operation.body is not None else ()
            return await body_of(request, kinds, self._patience.body_s)
        within_s = operation.takes.within_s or self._patience.body_s
        return await body_of(request, operation.takes.content, within_s, operation.takes.max_bytes)

    async def _worked_on(
        self, operation: Operation, request: web.Request, owner: str, body: bytes
    ) -> Answer | Streaming:
        once = once_of(request, owner, body, operation.key)
        asked = Asked(
            path_of(request),
            query_of(request.query, operation.query),
            await parsed_body(body, operation.body) if operation.body is not None else None,
            once,
            last_event_id_of(request) if operation.content_type == EVENT_STREAM else None,
            body if operation.takes is not None else b"",
            request.content_type,
            owner,
        )
        if once is None:
            return await self._handled(operation, asked)
        registry = self._reach.registry
        with self._gate.alone(once):
            known = await registry.recall(once, self._reach.clock.now())
            if known is not None:
                return Answer.of_reply(known, {REPLAYED: "true"})
            answer = await self._handled(operation, asked)
            if operation.keeps_reply or not isinstance(answer, Answer):
                return answer
            now = self._reach.clock.now()
            return Answer.of_reply(await registry.remember(once, answer.to_reply(), now))

    async def _handled(self, operation: Operation, asked: Asked) -> Answer | Streaming:
        try:
            return await operation.handler(self._reach, asked)
        except NoSuchPlace as error:
            raise invalid([FieldError("after", "is the `next` of no page of this list")]) from error

    async def _streamed(self, request: web.Request, streaming: Streaming) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={**_V1_HEADERS, "Content-Type": EVENT_STREAM, "X-Accel-Buffering": "no"}
        )
        async with aclosing(streaming.blocks) as blocks:
            with self._gate.stream(), self._reading():
                await response.prepare(request)
                try:
                    async for block in blocks:
                        if not await self._sent(request, response, block):
                            break
                finally:
                    # What has begun cannot become a problem document any more: it breaks off.
                    if request.transport is not None:
                        request.transport.abort()
        return response

    @contextmanager
    def _reading(self) -> Iterator[None]:
        task = asyncio.current_task()
        if task is None:
            raise AssertionError("a request is worked on in a task")
        self._streaming.add(task)
        self._reach.pace.readers += 1
        self._metrics.api_streams.inc()
        try:
            yield
        finally:
            self._streaming.discard(task)
            self._reach.pace.readers -= 1
            self._metrics.api_streams.dec()

    async def _sent(self, request: web.Request, response: web.StreamResponse, block: bytes) -> bool:
        transport = request.transport
        if transport is None or transport.is_closing():
            return False
        if not block:
            return True
        try:
            async with asyncio.timeout(self._patience.stall_s):
                await response.write(block)
        except TimeoutError:
            self._metrics.api_streams_cut_off.inc()
            return False
        except ConnectionError:
            return False
        return True

    def _count(self, route: str, status: int) -> None:
        counted = self._counted.get((route, status))
        if counted is None:
            counted = self._metrics.api_requests.labels(route, str(status))
            self._counted[route, status] = counted
        counted.inc()


def _may_be_large(operation: Operation) -> bool:
    return operation.takes is not None and operation.takes.max_bytes > MAX_BODY


def _nothing_there(operations: Mapping[str, Operation]) -> Refused:
    if not operations:
        return Refused(NOT_FOUND.about("No operation has this path; /openapi.json lists them."))
    allowed = ", ".join(sorted(operations))
    return Refused(WRONG_METHOD.about(f"It takes {allowed}.", {"Allow": allowed}))


def _refusal(problem: Problem) -> web.Response:
    headers = {**_V1_HEADERS, **problem.headers, "Content-Type": CONTENT_TYPE}
    return web.Response(body=problem.to_json(), status=problem.status, headers=headers)
