"""
A world under a test's own control: put an agent into a state, now or later, and nothing else happens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from relay.model.times import to_ms
from relay.twin.vicidial import agents as words
from relay.twin.vicidial.agents import Agent
from relay.twin.vicidial.calls import AUTO, INBOUND, LETTERS, MANUAL, Call
from relay.twin.vicidial.leads import Lead
from relay.twin.vicidial.office import IN_GROUPS, OUTBOUND_CAMPAIGN
from relay.twin.vicidial.world import World

DISPOSITION: Final = "SALE"


class Script:
    """
    Says what happens on a floor that is scripted; every action is done by the floor's own rules.

    Actions are done now, or planned with `at`.  An agent is put from any state into any other: what has
    to happen between (a login, the end of a call, its disposition) happens at the same instant.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._floor = world.floor
        self._exchange = world.exchange
        self._puts: Mapping[tuple[str, str], Callable[[Agent], None]] = {
            (words.LOGGED_OUT, ""): self._log_out,
            (words.PAUSED, ""): self._pause,
            (words.PAUSED, words.DISPO): self._end_call,
            (words.PAUSED, words.PREVIEW): self._preview,
            (words.READY, ""): self._ready,
            (words.CLOSER, ""): self._ready,
            (words.READY, words.RING): self._ring,
            (words.CLOSER, words.RING): self._ring,
            (words.QUEUE, ""): self._offer,
            (words.INCALL, ""): self._talk,
            (words.INCALL, words.PARK): self._park,
            (words.INCALL, words.DEAD): self._lose_customer,
            (words.INCALL, words.DIAL): self._dial,
        }

    @property
    def states(self) -> frozenset[tuple[str, str]]:
        """
        Return the states, status and sub-status, that `put` knows; `join` makes the 3-WAY.
        """
        return frozenset(self._puts)

    def at(self, when: datetime, action: Callable[[], object]) -> None:
        """
        Plan an action, as in `script.at(t, lambda: script.put("1001", "PAUSED", "DISPO"))`.
        """
        self._world.agenda.at(to_ms(when), lambda: _ignore(action()))

    def put(self, user: str, status: str, sub_status: str = "", code: str | None = None) -> Agent:
        """
        Put an agent into a state; with a pause code for PAUSED.  A call is made where the state needs one.

        Raises:
            KeyError: there is no such agent, or no such state.
        """
        agent = self._floor.agents[user]
        self._puts[status, sub_status](agent)
        if code is not None and agent.status == words.PAUSED:
            self._floor.pause(agent, code)
        return agent

    def call(self, user: str, kind: str | None = None, lead_id: int | None = None, group: str = "") -> Call:
        """
        Offer an agent a new call (QUEUE) of this kind, lead and in-group or campaign; each has a default.
        """
        agent = self._floor.agents[user]
        self._ready(agent)
        call = self.incoming(kind or (INBOUND if agent.is_closer else AUTO), lead_id, group)
        self._exchange.take(call)
        self._floor.offer(agent, call)
        return call

    def incoming(self, kind: str = INBOUND, lead_id: int | None = None, group: str = "") -> Call:
        """
        Let a call wait for an agent; `Exchange.give_up` ends it where nobody comes.
        """
        is_inbound = LETTERS[kind] in "YJ"
        group = group or (IN_GROUPS[0] if is_inbound else OUTBOUND_CAMPAIGN)
        did = next((did for did, name in self._world.office.dids.items() if name == group), None)
        call = self._exchange.new(kind, self._lead(lead_id), group, did if kind == INBOUND else None)
        if not is_inbound:
            self._exchange.connect(call)
        self._exchange.queue(call)
        return call

    def give_up(self, call: Call, status: str = "DROP", reason: str = "ABANDON") -> None:
        """
        End a call that waits.
        """
        self._exchange.give_up(call, status, reason)

    def join(self, user: str, other: str) -> None:
        """
        Let an agent into the call of another: 3-WAY for both.
        """
        agent, call = self._floor.agents[user], self._floor.agents[other].call
        if call is None:
            raise ValueError(f"{other} is in no call")
        self._ready(agent)
        self._floor.join(agent, call)

    def dispose(self, user: str, status: str = DISPOSITION) -> None:
        """
        End the call of an agent if it goes on, and say what became of it; the agent is PAUSED then.
        """
        agent = self._floor.agents[user]
        self._end_call(agent)
        self._floor.dispose(agent, status)

    def log_in(self, user: str) -> None:
        """
        Log an agent in, PAUSED with the code LOGIN.
        """
        self._present(self._floor.agents[user])

    def _lead(self, lead_id: int | None) -> Lead:
        leads = self._world.office.leads
        wanted = None if lead_id is None else leads.get(lead_id)
        return wanted or next(lead for lead in leads if not self._exchange.is_called(lead))

    def _present(self, agent: Agent) -> None:
        if not agent.is_logged_in:
            self._floor.login(agent)

    def _idle(self, agent: Agent) -> None:
        """
        Bring an agent out of whatever call it is in.
        """
        self._present(agent)
        if agent.is_ringing and agent.call is not None:
            self._exchange.give_up(agent.call, "DROP", "ABANDON")
        if agent.lead is not None:
            self.dispose(agent.user)

    def _log_out(self, agent: Agent) -> None:
        if agent.is_logged_in:
            self._idle(agent)
            self._floor.logout(agent)

    def _pause(self, agent: Agent) -> None:
        self._idle(agent)
        if agent.status != words.PAUSED:
            self._floor.pause(agent)
        elif agent.previewed is not None and agent.record is not None:
            self._floor.pause(agent, agent.record.pause_code)

    def _preview(self, agent: Agent) -> None:
        self._pause(agent)
        self._floor.preview(agent, self._lead(None))

    def _ready(self, agent: Agent) -> None:
        self._idle(agent)
        if agent.status not in words.WAITING or agent.is_ringing:
            self._floor.ready(agent)

    def _ring(self, agent: Agent) -> None:
        self._ready(agent)
        call = self.incoming(INBOUND if agent.is_closer else AUTO)
        self._exchange.take(call)
        self._floor.ring(agent, call)

    def _offer(self, agent: Agent) -> None:
        if agent.is_ringing and agent.call is not None:
            self._floor.offer(agent, agent.call)
        else:
            self.call(agent.user)

    def _talk(self, agent: Agent) -> None:
        if agent.is_parked:
            self._floor.unpark(agent)
            return
        call = agent.call
        if agent.status == words.INCALL and call is not None:
            if call.is_dialling:
                self._floor.connect(agent, call)
            elif call.ended_ms is not None:
                self.dispose(agent.user)  # a customer who has left does not come back
                self._talk(agent)
            return
        if agent.status != words.QUEUE:
            self._offer(agent)
        if agent.call is not None:
            self._floor.answer(agent, agent.call)

    def _busy(self, agent: Agent) -> None:
        if agent.status != words.INCALL:
            self._talk(agent)

    def _park(self, agent: Agent) -> None:
        self._talk(agent)
        self._floor.park(agent)

    def _lose_customer(self, agent: Agent) -> None:
        self._busy(agent)
        if agent.is_parked:
            self._floor.unpark(agent)
        self._floor.customer_leaves(agent)

    def _dial(self, agent: Agent) -> None:
        lead = agent.previewed or self._lead(None)
        self._idle(agent)
        if agent.status != words.PAUSED:
            self._floor.pause(agent)
        self._floor.dial(agent, self._exchange.new(MANUAL, lead, OUTBOUND_CAMPAIGN))

    def _end_call(self, agent: Agent) -> None:
        if not agent.in_disposition:
            self._busy(agent)
            self._floor.hang_up(agent)


def _ignore(result: object) -> None:
    del result
