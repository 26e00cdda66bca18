"""
Ask a provider about numbers, a few at a time, and remember what it said for a day.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from relay.model.clock import Clock
from relay.model.errors import SourceError
from relay.model.number_status import UNKNOWN
from relay.sources.hlr.answer import PROVIDER, read_lookup
from relay.sources.wire import Wire
from relay.telemetry.metrics import Metrics

AT_ONCE: Final = 4  # as many as the wire has connections: the time of a request is not spent in a queue
MAX_ANSWER_BYTES: Final = 64 * 1024
KEPT_S: Final = 24 * 3600
MAX_KEPT: Final = 100_000
CACHED: Final = "cached"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HlrSettings:
    """
    Where the provider is, and how it is asked: `method` is GET or POST.
    """

    url: str
    token: str = field(repr=False)
    method: str = "GET"
    timeout_s: float = 5.0
    max_kept: int = MAX_KEPT


class HlrLookup:
    """
    One provider; implements `relay.sources.port.NumberLookup`.  Use as an async context manager.

    Args:
        settings: see there.
        clock: how old an answer is.
        metrics: counts look-ups.
    """

    def __init__(self, settings: HlrSettings, clock: Clock, metrics: Metrics) -> None:
        self._settings = settings
        self._clock = clock
        self._outcomes = metrics.number_lookups
        self._wire = Wire(
            PROVIDER,
            settings.url,
            {"Authorization": f"Bearer {settings.token}"},
            settings.timeout_s,
            MAX_ANSWER_BYTES,
            secrets=(settings.token,),
        )
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._kept: OrderedDict[str, tuple[float, str]] = OrderedDict()  # oldest first
        self._is_failing = False

    async def __aenter__(self) -> Self:
        await self._wire.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._wire.close()

    async def look_up(self, number: str) -> str:
        """
        Return what the provider says of a number in E.164; UNKNOWN also where it gives no good answer.
        """
        async with self._turns:
            known = self._known(number)
            if known is not None:
                self._outcomes.labels(CACHED).inc()
                return known
            status = await self._asked(number)
        self._outcomes.labels(status).inc()
        if status != UNKNOWN:
            self._keep(number, status)
        return status

    async def _asked(self, number: str) -> str:
        settings = self._settings
        send = self._wire.post_form if settings.method == "POST" else self._wire.get_once
        try:
            answer = await send({"number": number}, settings.timeout_s)
            status = read_lookup(answer, number, (settings.token,))
        except SourceError as error:
            if not self._is_failing:
                self._is_failing = True
                log.warning("number look-ups fail", extra={"reason": error.reason, "why": str(error)})
            return UNKNOWN
        if self._is_failing:
            self._is_failing = False
            log.info("number look-ups work again")
        return status

    def _known(self, number: str) -> str | None:
        kept_at, status = self._kept.get(number, (0.0, None))
        if status is None or self._clock.monotonic() - kept_at < KEPT_S:
            return status
        del self._kept[number]
        return None

    def _keep(self, number: str, status: str) -> None:
        self._kept[number] = (self._clock.monotonic(), status)
        self._kept.move_to_end(number)
        if len(self._kept) > self._settings.max_kept:
            self._kept.popitem(last=False)
