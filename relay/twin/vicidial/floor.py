"""
What agents do, one change at a time, and what the server shows of them after each.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from zoneinfo import ZoneInfo

from relay.twin.vicidial import agents as words
from relay.twin.vicidial.agenda import Agenda
from relay.twin.vicidial.agents import Agent, WorkRecord
from relay.twin.vicidial.calls import MANUAL, Call, local
from relay.twin.vicidial.exchange import Exchange
from relay.twin.vicidial.hooks import Tell
from relay.twin.vicidial.leads import Lead
from relay.twin.vicidial.office import INBOUND_CAMPAIGN, Office
from relay.twin.vicidial.showing import Showing

_KINDS: Final = {
    words.PAUSED: "pause", words.READY: "wait", words.CLOSER: "wait", words.QUEUE: "wait",
    words.INCALL: "talk",
}  # fmt: skip


class Floor:
    """
    All agents; `showing` is what the server shows of them.

    Each method is one action of an agent or of the server and happens now.  It asks only for what the
    server would ask for: the caller knows which agent may do what.
    """

    def __init__(
        self, office: Office, exchange: Exchange, agenda: Agenda, zone: ZoneInfo, tell: Tell
    ) -> None:
        self._office = office
        self._exchange = exchange
        self._agenda = agenda
        self._zone = zone
        self._tell = tell
        self._logins = 0
        self.agents = {user: self._seat(user) for user in office.agent_names()}
        self.showing = Showing(self.agents, exchange, agenda, zone)
        self.work: list[WorkRecord] = []

    def _seat(self, user: str) -> Agent:
        person = self._office.users[user]
        campaign = person.fields["campaign"]
        return Agent(
            person,
            person.fields["session_id"],
            campaign,
            is_closer=campaign == INBOUND_CAMPAIGN,
            is_on_hook=person.fields["is_on_hook"] == "Y",
        )

    def login(self, agent: Agent) -> None:
        """
        Log an agent in, paused.
        """
        with self._changing(agent):
            self._logins += 1
            agent.login_order = self._logins
            agent.session += 1
            agent.status = words.PAUSED
            self._new_record(agent, words.LOGIN)
        self._tell("logged_in", agent, None)

    def logout(self, agent: Agent) -> None:
        """
        Log an agent out; a call of its own ends, and stays without disposition.
        """
        call = agent.call
        if call is not None and not agent.in_disposition and not self._has_others(call, agent):
            self._abandon(call)
        with self._changing(agent):
            self._leave_call(agent)
            agent.status = words.LOGGED_OUT
            agent.record = None
        self._tell("logged_out", agent, None)

    def pause(self, agent: Agent, code: str = "") -> None:
        """
        Pause a ready agent, or say why a paused one is.
        """
        with self._changing(agent):
            self._stop_ringing(agent)
            if agent.status != words.PAUSED:
                agent.status = words.PAUSED
                self._new_record(agent, code)
            elif agent.record is not None:
                agent.record.pause_code = code
        self._tell("state_paused", agent, None)

    def ready(self, agent: Agent) -> None:
        """
        Make a paused agent ready for the next call.
        """
        with self._changing(agent):
            self._stop_ringing(agent)
            agent.status = agent.ready_status
        self._tell("state_ready", agent, None)

    def preview(self, agent: Agent, lead: Lead) -> None:
        """
        Show a paused agent the lead it may call next.
        """
        with self._changing(agent):
            agent.previewed = lead

    def ring(self, agent: Agent, call: Call) -> None:
        """
        Let the phone of an on-hook agent ring; the call is not shown with it yet.
        """
        with self._changing(agent):
            agent.call = call
            agent.is_ringing = True

    def offer(self, agent: Agent, call: Call) -> None:
        """
        Hand a call over to a ready agent: QUEUE.
        """
        with self._changing(agent):
            self._enter_call(agent, call)
            agent.status = words.QUEUE
            call.offered_ms = self._agenda.now_ms

    def answer(self, agent: Agent, call: Call) -> None:
        """
        Let agent and customer talk.
        """
        with self._changing(agent):
            self._enter_call(agent, call)
            agent.status = words.INCALL
            self._count(agent)
            self._answered_by(agent, call)
        self._tell("start", agent, call)
        self._tell("call_answered", agent, call)

    def join(self, agent: Agent, call: Call) -> None:
        """
        Let a further agent into a call: 3-WAY.
        """
        with self._changing(agent):
            self._enter_call(agent, call)
            agent.status = words.INCALL
            self._count(agent)
            call.agents.append(agent.user)
        self._tell("3way_start", agent, call)

    def dial(self, agent: Agent, call: Call) -> None:
        """
        Let a paused agent dial by hand: INCALL, and DIAL until the customer picks up.
        """
        with self._changing(agent):
            self._enter_call(agent, call)
            agent.previewed = None
            agent.status = words.INCALL
            self._count(agent)
            call.status = words.INCALL
            call.user = agent.user
            call.agents.append(agent.user)
        self._tell("call_dialed", agent, call)

    def connect(self, agent: Agent, call: Call) -> None:
        """
        Let the customer of a call dialled by hand pick up.
        """
        with self._changing(agent):
            self._exchange.connect(call)
            call.agents.clear()
            self._answered_by(agent, call)
        self._tell("start", agent, call)
        self._tell("call_answered", agent, call)

    def park(self, agent: Agent) -> None:
        """
        Put the customer on hold.
        """
        with self._changing(agent):
            agent.is_parked = True
        self._tell("park_started", agent, agent.call)

    def unpark(self, agent: Agent) -> None:
        """
        Take the customer back.
        """
        with self._changing(agent):
            agent.is_parked = False
        self._tell("park_retrieved", agent, agent.call)

    def customer_leaves(self, agent: Agent, reason: str = "CALLER") -> None:
        """
        End the call while the agent stays in it: DEAD.
        """
        with self._changing(agent):
            if agent.call is not None:
                self._exchange.end(agent.call, reason)
        self._tell("dead", agent, agent.call)
        self._tell("call_dead", agent, agent.call)

    def hang_up(self, agent: Agent) -> None:
        """
        Leave the call for the disposition; the last agent to leave ends it.
        """
        call = agent.call
        with self._changing(agent):
            agent.status = words.PAUSED
            agent.callerid = ""
            agent.is_parked = False
            if call is not None and not self._has_others(call, agent):
                self._exchange.end(call, "AGENT")
        self._tell("dispo_screen_open", agent, call)

    def dispose(self, agent: Agent, status: str) -> None:
        """
        Say what became of the call; the agent stays paused, with a new agent log record.
        """
        call = agent.call
        with self._changing(agent):
            if agent.record is not None:
                agent.record.status = status
            self._leave_call(agent)
            self._new_record(agent, "")
            if call is not None and call.agents[:1] == [agent.user]:
                call.status = status
                call.dispositioned_ms = self._agenda.now_ms
                call.lead.status = status
                call.lead.user = agent.user
        self._tell("dispo", agent, call)
        self._tell("dispo_set", agent, call)

    def restart_database(self) -> None:
        """
        Restart the database of the server; see `Exchange.restart_database`.
        """
        self._exchange.restart_database()
        self.showing.look()

    def _has_others(self, call: Call, agent: Agent) -> bool:
        others = (other for other in self.agents.values() if other is not agent)
        return any(other.status == words.INCALL and other.call is call for other in others)

    def _abandon(self, call: Call) -> None:
        if call.ended_ms is None and call.answered_ms is None and call.kind != MANUAL:
            self._exchange.give_up(call, "DROP", "ABANDON")
        else:
            self._exchange.end(call, "AGENT")

    @contextmanager
    def _changing(self, agent: Agent) -> Iterator[None]:
        self._account(agent)
        yield
        agent.spell += 1
        agent.since_ms = self._agenda.now_ms
        self.showing.note(agent)

    def _account(self, agent: Agent) -> None:
        """
        Add the time since the last change to what the agent log says was done in it.
        """
        if agent.record is None:
            return
        spent, passed_ms = agent.record.spent_ms, self._agenda.now_ms - agent.since_ms
        kind = "dispo" if agent.in_disposition else _KINDS[agent.status]
        spent[kind] = spent.get(kind, 0) + passed_ms
        if kind == "talk" and agent.callerid not in self._exchange.live:
            spent["dead"] = spent.get("dead", 0) + passed_ms

    def _new_record(self, agent: Agent, pause_code: str) -> None:
        number = len(self.work) + 1
        agent.record = WorkRecord(number, agent.user, agent.session, self._agenda.now_ms, pause_code)
        self.work.append(agent.record)

    def _count(self, agent: Agent) -> None:
        key = (local(self._agenda.now_ms, self._zone).date(), agent.campaign)
        agent.calls_by_day[key] = agent.calls_by_day.get(key, 0) + 1

    def _answered_by(self, agent: Agent, call: Call) -> None:
        call.agents.append(agent.user)
        call.user = agent.user
        call.status = words.INCALL
        call.answered_ms = self._agenda.now_ms
        self._exchange.record(call)

    @staticmethod
    def _stop_ringing(agent: Agent) -> None:
        agent.previewed = None
        if agent.is_ringing:
            agent.is_ringing = False
            agent.call = None

    @staticmethod
    def _enter_call(agent: Agent, call: Call) -> None:
        agent.call = call
        agent.callerid = call.call_id
        agent.lead = call.lead
        agent.is_ringing = False

    @staticmethod
    def _leave_call(agent: Agent) -> None:
        agent.call = None
        agent.callerid = ""
        agent.lead = None
        agent.previewed = None
        agent.is_ringing = False
        agent.is_parked = False
