"""
The working day of an agent, made up as it goes.
"""

from __future__ import annotations

from random import Random
from typing import Final

from relay.twin.vicidial.acting import Act, Acting
from relay.twin.vicidial.agents import Agent
from relay.twin.vicidial.calls import Call
from relay.twin.vicidial.exchange import Exchange
from relay.twin.vicidial.floor import Floor
from relay.twin.vicidial.office import IN_GROUPS
from relay.twin.vicidial.traffic import Traffic

LATE_SHARE: Final = 4  # one agent in so many comes in after the others
BREAK_AFTER_S: Final = 90.0
LONGEST_TALK_S: Final = 120.0
PAUSE_CODES: Final = ("BREAK", "LUNCH", "COACH", "")
DISPOSITIONS: Final = ("SALE", "NI", "NI", "CALLBK", "A", "N", "DNC")
# Of the calls that are no short ones:
PARKED: Final = 0.25
WITH_THIRD: Final = 0.05
TRANSFERRED: Final = 0.04
CUSTOMER_LEAVES_FIRST: Final = 0.5
# After a call:
LOGS_OUT: Final = 0.02
PAUSES: Final = 0.12
DIALS_BY_HAND: Final = 0.4  # of an outbound agent's pauses


class Shifts:
    """
    Lets every agent of a floor live: wait, talk, disposition, pause, log out and in again.
    """

    def __init__(
        self, floor: Floor, exchange: Exchange, traffic: Traffic, acting: Acting, short_calls: float
    ) -> None:
        self._floor = floor
        self._exchange = exchange
        self._traffic = traffic
        self._acting = acting
        self._short_calls = short_calls

    def begin(self, seed: int) -> None:
        """
        Let everyone come in.
        """
        for number, agent in enumerate(self._floor.agents.values()):
            rng = Random(f"{seed} {agent.user}")  # noqa: S311 (lives that can be repeated)
            is_late = number % LATE_SHARE == LATE_SHARE - 1
            self._acting.begin(agent.user, self._shift(agent, rng, 30.0 if is_late else 0.0))

    def log_out(self, agent: Agent) -> None:
        """
        Log an agent out whatever it does; it comes back later.
        """
        if agent.is_logged_in:
            self._floor.logout(agent)
        rng = Random(f"{agent.user} {agent.spell}")  # noqa: S311 (as above)
        self._acting.begin(agent.user, self._shift(agent, rng, 15.0))

    def _shift(self, agent: Agent, rng: Random, late_s: float) -> Act:
        yield rng.uniform(0, 2) + rng.uniform(1, 2) * late_s
        while True:
            self._floor.login(agent)
            yield rng.uniform(1, 8)
            yield from self._work(agent, rng)
            self._floor.logout(agent)
            yield rng.uniform(8, 40)

    def _work(self, agent: Agent, rng: Random) -> Act:
        while True:
            self._floor.ready(agent)
            self._traffic.ask_for_calls()
            call = yield rng.expovariate(1 / BREAK_AFTER_S)
            while call is None and self._traffic.is_stopped:  # the floor comes to rest
                call = yield BREAK_AFTER_S
            if call is None:
                yield from self._pause(agent, rng)
                continue
            yield from self._take(agent, call, rng)
            fate = rng.random()
            if fate < LOGS_OUT:
                return
            if fate < LOGS_OUT + PAUSES:
                yield from self._pause(agent, rng)

    def _pause(self, agent: Agent, rng: Random) -> Act:
        self._floor.pause(agent, rng.choice(PAUSE_CODES))
        yield rng.uniform(3, 25)
        if not agent.is_closer and rng.random() < DIALS_BY_HAND and not self._traffic.is_stopped:
            yield from self._dial(agent, rng)

    def _dial(self, agent: Agent, rng: Random) -> Act:
        lead = self._traffic.lead_to_call(rng)
        self._floor.preview(agent, lead)
        yield rng.uniform(2, 8)
        call = self._traffic.manual(lead)
        self._floor.dial(agent, call)
        yield rng.uniform(2, 7)
        if rng.random() < 0.7:
            self._floor.connect(agent, call)
            yield from self._talk(agent, call, rng)
            return
        self._exchange.end(call, "NONE")
        self._floor.hang_up(agent)
        yield rng.uniform(0.5, 2)
        yield from self._done(agent, "NA" if rng.random() < 0.7 else "B", rng)

    def _take(self, agent: Agent, call: Call, rng: Random) -> Act:
        if call.answered_ms is not None:
            yield from self._help(agent, call, rng)
            return
        if agent.is_on_hook:
            self._floor.ring(agent, call)
            yield rng.uniform(1.5, 4)
        is_short = rng.random() < self._short_calls
        self._floor.offer(agent, call)
        yield rng.uniform(0.05, 0.15) if is_short else rng.uniform(0.2, 1.6)
        self._floor.answer(agent, call)
        if not is_short:
            yield from self._talk(agent, call, rng)
            return
        yield rng.uniform(0.15, 0.3)
        self._floor.hang_up(agent)
        yield rng.uniform(0.1, 0.2)
        self._floor.dispose(agent, "A")
        yield 0.05

    def _help(self, agent: Agent, call: Call, rng: Random) -> Act:
        """
        Join a colleague's call for a while.
        """
        self._floor.join(agent, call)
        yield rng.uniform(3, 8)
        self._floor.hang_up(agent)
        yield rng.uniform(1, 4)
        yield from self._done(agent, "XFER", rng)

    def _talk(self, agent: Agent, call: Call, rng: Random) -> Act:
        talk_s = min(6 + rng.expovariate(1 / 18), LONGEST_TALK_S)
        yield talk_s / 2
        fate = rng.random()
        if fate < PARKED:
            self._floor.park(agent)
            yield rng.uniform(2, 6)
            self._floor.unpark(agent)
        elif fate < PARKED + WITH_THIRD:
            yield from self._consult(agent, call, rng)
        elif fate < PARKED + WITH_THIRD + TRANSFERRED:
            yield from self._transfer(agent, call, rng)
            return
        yield talk_s / 2
        if rng.random() < CUSTOMER_LEAVES_FIRST:
            self._floor.customer_leaves(agent)
            yield rng.uniform(0.6, 6)
        self._floor.hang_up(agent)
        yield rng.uniform(1, 8)
        yield from self._done(agent, rng.choice(DISPOSITIONS), rng)

    def _consult(self, agent: Agent, call: Call, rng: Random) -> Act:
        colleague = self._traffic.free_agent(but=agent)
        if colleague is not None:
            self._acting.wake(colleague.user, call)
            yield 8 + rng.uniform(1, 3)  # the colleague leaves first

    def _transfer(self, agent: Agent, call: Call, rng: Random) -> Act:
        self._exchange.end(call, "AGENT")
        self._floor.hang_up(agent)
        self._traffic.transfer(call, rng.choice(IN_GROUPS), rng)
        yield rng.uniform(1, 4)
        yield from self._done(agent, "XFER", rng)

    def _done(self, agent: Agent, disposition: str, rng: Random) -> Act:
        self._floor.dispose(agent, disposition)
        yield rng.uniform(0.1, 0.7)
