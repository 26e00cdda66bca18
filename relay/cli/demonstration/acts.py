"""
What happens when: calls, a `kill -9`, a receiver that fails, the end of the calls, the last deliveries.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from typing import Final

from relay import journal_assembly
from relay.cli.demonstration.dialer import DIALER, DIDS, DialerLook
from relay.cli.demonstration.figures import figures
from relay.cli.demonstration.schedule import Spell
from relay.cli.demonstration.screen import Screen
from relay.cli.demonstration.settings import PER_S, DemoSettings
from relay.cli.demonstration.stage import SOURCE, Look, Stage
from relay.journal_assembly import TopicEvent
from relay.model.event import StoredEvent
from relay.twin.audit import audit
from relay.twin.vicidial.audit import audit_dialer
from relay.twin.voipcloud.fault_kinds import FAULTS, does

OVER_TIMEOUT_S: Final = 60.0
QUIET_TIMEOUT_S: Final = 60.0  # the log of an inbound number tells of a call half a minute after its end
QUIET_FOR_S: Final = 1.5
LOOK_EVERY_S: Final = 0.25
ROUNDS: Final = 2
AFTER_FAULTS_S: Final = 2 * PER_S  # two request windows: relay reads everything twice, at least
AFTER_FAULTS_TIMEOUT_S: Final = 120.0
FAILING: Final = 503


@dataclass(slots=True)
class Evidence:
    """
    What is left when all is over, for the verdict.

    `topics` is None where there was no Kafka; `faults` says what did not come to its end in time, `played`
    which faults the phone system had.
    """

    look: Look
    dialer: DialerLook
    journal: list[StoredEvent]
    topics: list[TopicEvent] | None
    kills: int
    faults: list[str] = field(default_factory=list)
    played: tuple[str, ...] = ()


class Acts:
    """
    Puts everyone on a stage through the demonstration, once.
    """

    def __init__(self, stage: Stage, settings: DemoSettings, screen: Screen) -> None:
        self._stage = stage
        self._settings = settings
        self._screen = screen
        self._started = time.monotonic()
        self._kills = 0
        self._faults: list[str] = []
        self._is_down_on_purpose = True

    async def perform(self) -> Evidence:
        """
        Play everything; return what came of it.

        Raises:
            RelayError: relay ended by itself, or did not start.
        """
        watching = asyncio.create_task(self._watch())
        playing = asyncio.create_task(self._play())
        try:
            await asyncio.wait({watching, playing}, return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                watching.result()
            return await playing
        finally:
            for task in (watching, playing):
                task.cancel()
            await asyncio.gather(watching, playing, return_exceptions=True)

    async def _play(self) -> Evidence:
        await self._start("relay runs, the phone system is busy")
        failing_from_s, failing_until_s = self._settings.failing_s
        acts: list[tuple[float, Callable[[], Awaitable[None]]]] = [
            (self._settings.kill_at_s, self._kill),
            (failing_from_s, self._fail),
            (failing_until_s, self._recover),
            (float(self._settings.seconds), self._stop_calls),
        ]
        for spell in self._settings.spells:
            acts.append((spell.from_s, partial(self._play_fault, spell)))
            acts.append((spell.until_s, partial(self._end_fault, spell)))
        for at_s, act in sorted(acts, key=itemgetter(0)):
            await asyncio.sleep(at_s - self._elapsed_s())
            await act()
        return await self._wind_up()

    async def _start(self, word: str) -> None:
        await self._stage.relay.start()
        self._is_down_on_purpose = False
        self._screen.say(word)

    async def _stop(self) -> None:
        self._is_down_on_purpose = True
        await self._stage.relay.stop()

    async def _kill(self) -> None:
        self._is_down_on_purpose = True
        await self._stage.relay.kill()
        self._kills += 1
        self._screen.say("relay was killed (kill -9) and is started again")
        since = time.monotonic()
        await self._stage.relay.start()
        self._is_down_on_purpose = False
        self._screen.say(f"relay is back after {time.monotonic() - since:.1f} s")

    async def _fail(self) -> None:
        self._stage.receiver.fail_with(FAILING)
        self._screen.say(f"the receiver fails: it answers {FAILING}")

    async def _recover(self) -> None:
        self._stage.receiver.recover()
        self._screen.say(f"the receiver works again; it refused {self._stage.receiver.refused} requests")

    async def _play_fault(self, spell: Spell) -> None:
        await self._stage.phone_system.play(spell.name, spell.details)
        self._screen.say(f"the phone system plays {spell.name}: {does(FAULTS[spell.name])}")

    async def _end_fault(self, spell: Spell) -> None:
        await self._stage.phone_system.play(spell.name, None)
        self._screen.say(f"the phone system is done with {spell.name}")

    async def _stop_calls(self) -> None:
        await self._stage.phone_system.stop_calls()
        await self._stage.dialer.stop_calls()
        self._screen.say("no more calls begin; those under way are waited for")

    async def _wind_up(self) -> Evidence:
        if self._settings.faults:
            await self._stage.phone_system.play_nothing()
            self._screen.say(f"no faults any more; relay has {AFTER_FAULTS_S:.0f} s to read everything again")
            await asyncio.sleep(AFTER_FAULTS_S)
        await self._wait_for(self._is_over, OVER_TIMEOUT_S, "calls were still under way")
        self._screen.say("all calls are over; the last deliveries are waited for")
        timeout_s = AFTER_FAULTS_TIMEOUT_S if self._settings.faults else QUIET_TIMEOUT_S
        await self._wait_for(self._is_delivered, timeout_s, "not every end had been delivered")
        await self._wait_until_quiet()
        for _ in range(ROUNDS):
            evidence = await self._gather()
            if not self._is_outstanding(evidence):
                break
            # Something was appended in the very moment of the stop: it is delivered after a restart.
            await self._start("relay was stopped with deliveries pending and is started again")
            await self._wait_until_quiet()
        return evidence

    async def _gather(self) -> Evidence:
        self._screen.say("relay is stopped; its journal is compared with the receiver and the truth")
        look, dialer = await self._stage.phone_system.look(), await self._stage.dialer.look()
        await self._stop()
        journal = await journal_assembly.journal_events(self._stage.journal_url)
        topics = None
        if self._settings.kafka:
            topics = await journal_assembly.read_topics(self._settings.kafka, self._stage.topic_prefix)
        return Evidence(look, dialer, journal, topics, self._kills, self._faults, self._settings.faults)

    def _is_outstanding(self, evidence: Evidence) -> bool:
        received, topics = self._stage.receiver.events, evidence.topics
        is_undelivered = any(
            event.id not in received for event in evidence.journal if event.source_id in (SOURCE, DIALER)
        )
        return is_undelivered or (topics is not None and len(topics) < len(evidence.journal))

    async def _is_over(self) -> bool:
        dialer = await self._stage.dialer.look()
        return dialer.is_done and (await self._stage.phone_system.look()).is_done

    async def _is_delivered(self) -> bool:
        look, events = await self._stage.phone_system.look(), list(self._stage.receiver.events.values())
        dialer = await self._stage.dialer.look()
        of_dialer = audit_dialer(dialer.truth, events, None, DIALER, DIDS)
        return of_dialer.is_clean and not audit(look.calls, events, None, source_id=SOURCE).lost

    async def _wait_until_quiet(self) -> None:
        last, since = None, time.monotonic()
        deadline = since + QUIET_TIMEOUT_S
        while time.monotonic() < deadline:
            now = await self._standing()
            if now != last or now is None:
                last, since = now, time.monotonic()
            elif now[-1] == 0 and time.monotonic() - since >= QUIET_FOR_S:
                return
            await asyncio.sleep(LOOK_EVERY_S)
        self._faults.append(f"relay was not quiet within {QUIET_TIMEOUT_S:.0f} s: {last} of {STANDING}")

    async def _standing(self) -> tuple[float, ...] | None:
        metrics = await self._stage.relay.metrics()
        return None if metrics is None else tuple(metrics.get(name, 0.0) for name in STANDING)

    async def _wait_for(self, is_so: Callable[[], Awaitable[bool]], timeout_s: float, fault: str) -> None:
        deadline = time.monotonic() + timeout_s
        while not await is_so():
            if time.monotonic() > deadline:
                self._faults.append(f"{fault} after {timeout_s:.0f} s")
                return
            await asyncio.sleep(LOOK_EVERY_S)

    async def _watch(self) -> None:
        while True:
            if self._stage.relay.has_died and not self._is_down_on_purpose:
                raise self._stage.relay.death()
            look, dialer = await self._stage.phone_system.look(), await self._stage.dialer.look()
            self._screen.show(figures(self._elapsed_s(), look, dialer, self._stage.receiver, self._kills))
            await asyncio.sleep(self._screen.every_s)

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._started


STANDING: Final = (
    "relay_journal_events_total",
    "relay_delivery_attempts_total",
    "relay_kafka_cursor_seq",
    "relay_sink_pending_events",
)
