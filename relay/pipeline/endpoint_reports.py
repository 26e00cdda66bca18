"""
Say what happened to an endpoint: one change of its state at a time, with the events that tell it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import orjson

from relay.journal.port import Appended, DeliveryJournal, EndpointChange
from relay.model.clock import Clock
from relay.model.endpoint import DISABLED, Delivery, Endpoint
from relay.model.errors import JournalBusy
from relay.model.ids import IdMaker
from relay.model.outcome import GiveUp, TryLater
from relay.model.times import from_ms, rfc3339
from relay.normalise.endpoint_events import EndpointEvents

OPERATIONAL: Final = ("endpoint.", "delivery.")
BUSY_PAUSE_S: Final = 0.05

T = TypeVar("T")

log = logging.getLogger(__name__)


class EndpointReports:
    """
    Writes the events of one endpoint, in the order in which they were reported.

    While the journal is busy a report waits, and with it those after it.

    Args:
        endpoint: what the reports are about.
        journal: where they go.
        ids: maker of event ids.
        clock: when they happened.
        appended: told of the events once they are durable.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        journal: DeliveryJournal,
        ids: IdMaker,
        clock: Clock,
        appended: Callable[[Appended], None],
    ) -> None:
        self._endpoint = endpoint
        self._journal = journal
        self._ids = ids
        self._clock = clock
        self._appended = appended
        self._one_at_a_time = asyncio.Lock()

    async def disabled(self, outcome: GiveUp) -> None:
        """
        Store that the endpoint gets no more events, and say so.
        """
        log.error(
            "endpoint is gone, disabled", extra={"endpoint": self._endpoint.id, "status": outcome.status}
        )
        await self._change(
            DISABLED, outcome.reason, lambda events: events.disabled(outcome.reason, outcome.status)
        )

    async def failing(self, outcome: TryLater, attempts_in_a_row: int) -> None:
        """
        Say that the endpoint refuses what it is sent: a person should look.
        """
        log.error("endpoint refuses", extra={"endpoint": self._endpoint.id, "status": outcome.status})
        await self._change(None, None, lambda e: e.failing(outcome.reason, outcome.status, attempts_in_a_row))

    async def exhausted(self, delivery: Delivery, outcome: TryLater, attempts: int) -> None:
        """
        Say that a delivery was given up; not where it was itself about an endpoint, or two dead
        endpoints would tell each other for ever.
        """
        event = orjson.loads(delivery.body)
        if not event["type"].startswith(OPERATIONAL):
            named = {"event_id": event["id"], "event_subject": event["subject"], "event_type": event["type"]}
            await self._change(
                None, None, lambda e: e.exhausted(named, attempts, outcome.reason, outcome.status)
            )

    async def held(self, until_ms: int) -> None:
        """
        Store until when the receiver asked to be left alone.
        """
        until = rfc3339(from_ms(until_ms))
        log.warning("endpoint asked to wait", extra={"endpoint": self._endpoint.id, "until": until})
        await self._stored(lambda: self._journal.hold_endpoint(self._endpoint.no, until_ms))

    async def _change(
        self, state: str | None, reason: str | None, say: Callable[[EndpointEvents], None]
    ) -> None:
        self._appended(await self._stored(lambda: self._changed(state, reason, say)))

    async def _changed(
        self, state: str | None, reason: str | None, say: Callable[[EndpointEvents], None]
    ) -> Appended:
        now = self._clock.now()
        head = await self._journal.endpoint_head(self._endpoint.no)
        before = head.endpoint
        if state is None:  # what is told of an endpoint that keeps its state does not explain that state
            state, reason = before.state, before.state_reason
        events = EndpointEvents(self._ids, before, head.revision, head.last_event_id, now)
        say(events)
        change = EndpointChange(self._endpoint.no, state, reason, tuple(events.made))
        return await self._journal.change_endpoint(change, now)

    async def _stored(self, write: Callable[[], Awaitable[T]]) -> T:
        async with self._one_at_a_time:
            while True:
                try:
                    return await write()
                except JournalBusy:
                    await self._clock.sleep(BUSY_PAUSE_S)
