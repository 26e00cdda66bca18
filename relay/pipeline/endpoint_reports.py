"""
Say what happened to an endpoint: one change of its state at a time, with the events that tell it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, Protocol, TypeVar

import orjson

from relay.journal.port import Appended, DeliveryJournal, EndpointChange
from relay.model.clock import Clock
from relay.model.endpoint import DISABLED, ENDPOINT_STATES, HEALTHY, PAUSED, PROBING, Delivery, Endpoint
from relay.model.errors import Conflict, JournalBusy
from relay.model.event import Event
from relay.model.ids import IdMaker
from relay.model.journal_stats import EndpointBacklog
from relay.model.outcome import TryLater
from relay.model.times import from_ms, rfc3339, to_ms
from relay.normalise.endpoint_events import EndpointEvents
from relay.pipeline.standing import CLOSED

OPERATIONAL: Final = ("endpoint.", "delivery.")
FAILING: Final = "failing"  # why an endpoint is disabled that had no success for too long
BUSY_PAUSE_S: Final = 0.05
DUE_AT_ONCE: Final = 2_000

T = TypeVar("T")

log = logging.getLogger(__name__)


class Switch(Protocol):
    """
    What follows the state of an endpoint once it is durable.
    """

    def close(self) -> None:
        """
        Send nothing more.
        """
        ...

    def open(self) -> None:
        """
        Send what is due: nothing is held back any more.
        """
        ...

    def recover(self) -> None:
        """
        Send what is due: the endpoint is probed no more.
        """
        ...

    def move(self) -> None:
        """
        Send what is due to a new address, where nobody has asked for a wait and nothing has failed.
        """
        ...

    def hold(self, until_ms: int) -> None:
        """
        Send nothing before then.
        """
        ...


class EndpointReports:
    """
    Writes the events of one endpoint, in the order in which they were reported.

    While the journal is busy a report waits, and with it those after it.  `endpoint` is as last stored.

    Args:
        endpoint: what the reports are about.
        journal: where they go.
        ids: maker of event ids.
        clock: when they happened.
        appended: told of the events once they are durable.
        switch: follows the states.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        journal: DeliveryJournal,
        ids: IdMaker,
        clock: Clock,
        appended: Callable[[Appended], None],
        switch: Switch,
    ) -> None:
        self.endpoint = endpoint
        self._journal = journal
        self._ids = ids
        self._clock = clock
        self._appended = appended
        self._switch = switch
        self._is_over = False
        self._one_at_a_time = asyncio.Lock()

    def end(self) -> None:
        """
        Report nothing more: the endpoint was deleted.
        """
        self._is_over = True

    async def paused(self) -> None:
        """
        Store that the endpoint is sent nothing for now, and say so; nothing where that is so already.

        Raises:
            Conflict: it is disabled.
        """
        await self._change(PAUSED, None, lambda events: events.paused())

    async def resumed(self) -> None:
        """
        Store that the endpoint is sent to again, and say so where it was not; what waits is due at once.
        """
        await self._hold(None)
        await self._make_due()
        await self._change(HEALTHY, None, lambda events: events.resumed())
        if self.endpoint.state == HEALTHY:
            self._switch.open()

    async def probing(self, outcome: TryLater, failures_in_a_row: int, since_ms: int) -> None:
        """
        Store that the endpoint is only probed since it has failed so often, and say so; nothing where it is
        paused or disabled.
        """
        log.error("endpoint fails, probed", extra={"endpoint": self.endpoint.id, "reason": outcome.reason})
        await self._change(
            PROBING,
            outcome.reason,
            lambda e: e.failing(PROBING, outcome.reason, outcome.status, failures_in_a_row),
            of=(HEALTHY,),
            failing_since_ms=since_ms,
        )

    async def recovered(self) -> None:
        """
        Store that the endpoint takes events again, and say so; what waits is due at once.
        """
        await self._make_due()
        await self._change(HEALTHY, None, lambda events: events.recovered(), of=(PROBING,))
        if self.endpoint.state == HEALTHY:
            self._switch.recover()

    async def disabled(self, reason: str, status: int | None) -> None:
        """
        Store that the endpoint gets no more events, and say so.
        """
        log.error("endpoint is disabled", extra={"endpoint": self.endpoint.id, "reason": reason})
        await self._change(DISABLED, reason, lambda events: events.disabled(reason, status))

    async def failing(self, outcome: TryLater, attempts_in_a_row: int) -> None:
        """
        Say that the endpoint refuses what it is sent: a person should look.
        """
        log.error("endpoint refuses", extra={"endpoint": self.endpoint.id, "status": outcome.status})
        await self._change(
            None, None, lambda e: e.failing(None, outcome.reason, outcome.status, attempts_in_a_row)
        )

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

    async def backlog(self, percent: int, backlog: EndpointBacklog) -> None:
        """
        Say how much of what may wait for the endpoint does; 0 percent: say nothing, and forget what was said.
        """
        if percent:
            log.warning("endpoint backlog", extra={"endpoint": self.endpoint.id, "percent": percent})
        say = (lambda events: events.backlog(percent, backlog)) if percent else (lambda _: None)
        await self._change(None, None, say, backlog_told=percent)

    async def held(self, until_ms: int) -> None:
        """
        Store until when the receiver asked to be left alone.
        """
        until = rfc3339(from_ms(until_ms))
        log.warning("endpoint asked to wait", extra={"endpoint": self.endpoint.id, "until": until})
        await self._hold(until_ms)
        self._switch.hold(until_ms)

    async def read_again(self) -> None:
        """
        Follow what somebody else has changed in the journal.
        """
        await self._stored(self._read_again)

    async def _read_again(self) -> None:
        before = self.endpoint
        self.endpoint = (await self._journal.endpoint_head(before.no)).endpoint
        if self.endpoint.state in CLOSED:
            self._switch.close()
        elif before.url != self.endpoint.url:
            self._switch.move()
        elif before.state != self.endpoint.state == HEALTHY:
            self._switch.open()

    async def _hold(self, until_ms: int | None) -> None:
        await self._stored(lambda: self._journal.hold_endpoint(self.endpoint.no, until_ms))
        self.endpoint = replace(self.endpoint, not_before_ms=until_ms)

    async def _make_due(self) -> None:
        due = DUE_AT_ONCE
        while due == DUE_AT_ONCE:  # what waits may be very much: nobody else could write for as long
            due = await self._stored(self._made_due)

    async def _made_due(self) -> int:
        now_ms = to_ms(self._clock.now())
        return await self._journal.make_due(self.endpoint.no, now_ms, DUE_AT_ONCE)

    async def _change(
        self,
        state: str | None,
        reason: str | None,
        say: Callable[[EndpointEvents], None],
        *,
        of: Sequence[str] = ENDPOINT_STATES,
        failing_since_ms: int | None = None,
        backlog_told: int | None = None,
    ) -> None:
        """
        Store a state (None: as it is) and what is said of it; nothing where the state before is not in `of`.
        """

        async def changed() -> Appended:
            now = self._clock.now()
            head = await self._journal.endpoint_head(self.endpoint.no)
            before = head.endpoint
            if self._is_over or before.state == state or before.state not in of:
                return Appended((), ())
            if state == PAUSED and before.state == DISABLED:
                raise Conflict(f"endpoint {before.id} is disabled: it gets nothing as it is; resume it first")
            events = EndpointEvents(self._ids, before, head.revision, head.last_event_id, now)
            say(events)
            after = _after(before, state, reason, failing_since_ms)
            return await self._store(before, after, tuple(events.made), now, backlog_told)

        self._appended(await self._stored(changed))

    async def _store(
        self,
        before: Endpoint,
        after: Endpoint,
        events: tuple[Event, ...],
        now: datetime,
        backlog_told: int | None,
    ) -> Appended:
        state, since_ms = after.state, after.failing_since_ms
        change = EndpointChange(after.no, state, after.state_reason, events, since_ms, backlog_told)
        appended = await self._journal.change_endpoint(change, now)
        if after.state != before.state:
            self.endpoint = replace(
                self.endpoint,
                state=after.state,
                state_reason=after.state_reason,
                failing_since_ms=after.failing_since_ms,
            )
        if after.state in CLOSED:
            self._switch.close()
        return appended

    async def _stored(self, write: Callable[[], Awaitable[T]]) -> T:
        async with self._one_at_a_time:
            while True:
                try:
                    return await write()
                except JournalBusy:
                    await self._clock.sleep(BUSY_PAUSE_S)


def _after(before: Endpoint, state: str | None, reason: str | None, failing_since_ms: int | None) -> Endpoint:
    """
    Return the endpoint in a new state; one that keeps its state keeps the reason for it, too.
    """
    if state is None:
        return before
    if state in CLOSED:
        failing_since_ms = before.failing_since_ms
    return replace(before, state=state, state_reason=reason, failing_since_ms=failing_since_ms)
