"""
The calls that come in and go out, and who gets them.
"""

from __future__ import annotations

from itertools import count
from random import Random
from typing import Final

from relay.twin.vicidial.acting import Act, Acting
from relay.twin.vicidial.agenda import Agenda
from relay.twin.vicidial.agents import WAITING, Agent
from relay.twin.vicidial.calls import AUTO, INBOUND, MANUAL, TRANSFER, Call
from relay.twin.vicidial.exchange import Exchange
from relay.twin.vicidial.floor import Floor
from relay.twin.vicidial.leads import INBOUND_LIST, Lead
from relay.twin.vicidial.office import OUTBOUND_CAMPAIGN, Office

DROP_S: Final = 3.0  # how long an outbound customer listens to nobody
NO_ANSWER: Final = 0.3
BUSY: Final = 0.08
KNOWN_CALLER: Final = 0.7
TRIES: Final = 100


class Traffic:
    """
    Offers calls at random moments, and hands each one to the agent that is ready for longest.

    It never dials more numbers at once than agents are ready for.  Callers wait as long as they please.
    """

    def __init__(
        self, office: Office, exchange: Exchange, floor: Floor, agenda: Agenda, acting: Acting
    ) -> None:
        self._office = office
        self._exchange = exchange
        self._floor = floor
        self._agenda = agenda
        self._acting = acting
        self._pool = list(office.leads)  # what is added later is not called by itself
        self._dialling = 0
        self._names = count(1)
        self.is_stopped = False

    def begin(self, rng: Random, gap_s: float) -> None:
        """
        Offer calls from now on, `gap_s` real seconds apart in the mean.
        """

        def arrive() -> None:
            if not self.is_stopped:
                self._offer(rng)
            self._agenda.after(rng.expovariate(1 / gap_s), arrive)

        self._agenda.after(rng.expovariate(1 / gap_s), arrive)

    def ask_for_calls(self) -> None:
        """
        Hand out waiting calls in a moment: an agent asks for it while it becomes ready.
        """
        self._agenda.after(0, self._match)

    def free_agent(self, but: Agent) -> Agent | None:
        """
        Return another agent that is ready, if any.
        """
        return next((agent for agent in self._ready() if agent is not but), None)

    def manual(self, lead: Lead) -> Call:
        """
        Begin a call that an agent dials by hand.
        """
        return self._exchange.new(MANUAL, lead, OUTBOUND_CAMPAIGN)

    def transfer(self, call: Call, in_group: str, rng: Random) -> Call:
        """
        Send the customer of a call on to an in-group: a new call of the same lead.
        """
        onward = self._exchange.new(TRANSFER, call.lead, in_group)
        self._begin(self._wait(onward, 10 + rng.expovariate(1 / 30)))
        return onward

    def lead_to_call(self, rng: Random) -> Lead:
        """
        Return a lead of the lists that nobody talks to; any lead where such a one is hard to find.
        """
        lead = rng.choice(self._pool)
        for _ in range(TRIES):
            if self._office.leads.get(lead.lead_id) is lead and not self._exchange.is_called(lead):
                break
            lead = rng.choice(self._pool)
        return lead

    def _offer(self, rng: Random) -> None:
        agents = self._floor.agents.values()
        inbound = sum(agent.is_closer for agent in agents) / len(agents)
        if rng.random() < inbound:
            self._begin(self._inbound(rng))
        elif self._dialling < sum(not agent.is_closer for agent in self._ready()):
            self._begin(self._outbound(rng))

    def _begin(self, act: Act) -> None:
        self._acting.begin(f"call {next(self._names)}", act)

    def _inbound(self, rng: Random) -> Act:
        did = rng.choice(list(self._office.dids))
        if rng.random() < KNOWN_CALLER:
            lead = self.lead_to_call(rng)
        else:
            phone = f"81355{rng.randrange(10**5):05d}"
            lead = self._office.leads.add(INBOUND_LIST, phone, {}, self._agenda.now_ms)
        call = self._exchange.new(INBOUND, lead, self._office.dids[did], did)
        yield from self._wait(call, 4 + rng.expovariate(1 / 25))

    def _wait(self, call: Call, patience_s: float) -> Act:
        """
        Let a caller wait for an agent, who may come at any moment, and give up at last.
        """
        self._exchange.queue(call)
        self.ask_for_calls()
        yield patience_s
        if call in self._exchange.waiting:
            self._exchange.give_up(call, "DROP", "ABANDON")

    def _outbound(self, rng: Random) -> Act:
        call = self._exchange.new(AUTO, self.lead_to_call(rng), OUTBOUND_CAMPAIGN)
        self._dialling += 1
        yield rng.uniform(1, 5)
        self._dialling -= 1
        fate = rng.random()
        if fate < NO_ANSWER + BUSY:
            self._exchange.give_up(call, "NA" if fate < NO_ANSWER else "B", "NONE")
            return
        self._exchange.connect(call)
        yield from self._wait(call, DROP_S)

    def _ready(self) -> list[Agent]:
        ready = (a for a in self._floor.agents.values() if a.status in WAITING and not a.is_ringing)
        return sorted(ready, key=lambda agent: (agent.since_ms, agent.user))

    def _match(self) -> None:
        for call in list(self._exchange.waiting):
            ready = [agent for agent in self._ready() if agent.is_closer == call.is_inbound]
            if ready:
                self._exchange.take(call)
                self._acting.wake(ready[0].user, call)
