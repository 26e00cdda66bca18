"""
What agents do, one change at a time, and what the server shows of them after each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from zoneinfo import ZoneInfo

from relay.twin.vicidial import agents as words
from relay.twin.vicidial.agenda import Agenda
from relay.twin.vicidial.agents import Agent, Shown, StateChange, WorkRecord
from relay.twin.vicidial.calls import Call, local
from relay.twin.vicidial.exchange import Exchange
from relay.twin.vicidial.hooks import Tell
from relay.twin.vicidial.leads import Lead
from relay.twin.vicidial.office import INBOUND_CAMPAIGN, Office

_KINDS: Final = {
    words.PAUSED: "pause", words.READY: "wait", words.CLOSER: "wait", words.QUEUE: "wait",
    words.INCALL: "talk",
}  # fmt: skip


class Floor:
    """
    All agents.  `states` is every change of what the server showed of one of them, oldest first.

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
        self._shown: dict[str, Shown] = {}
        self._logins = 0
        self.agents = {user: self._seat(user) for user in office.agent_names()}
        self.states: list[StateChange] = []
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

    def logged_in(self) -> list[Agent]:
        """
        Return the agents that have a row, in the order of their logins.
        """
        present = [agent for agent in self.agents.values() if agent.is_logged_in]
        return sorted(present, key=lambda agent: agent.login_order)

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
        Log an agent out; a call of it ends, and stays without disposition.
        """
        if agent.status in (words.QUEUE, words.INCALL) and agent.call is not None:
            self._exchange.end(agent.call, "AGENT")
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
            agent.previewed = None
            agent.is_ringing = False
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
            agent.previewed = None
            agent.is_ringing = False
            agent.status = agent.ready_status
        self._tell("state_ready", agent, None)

    def preview(self, agent: Agent, lead: Lead) -> None:
        """
        Show a paused agent the lead it may call next.
        """
        with self._changing(agent):
            agent.previewed = lead

    def ring(self, agent: Agent) -> None:
        """
        Let the phone of an on-hook agent ring.
        """
        with self._changing(agent):
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
            others = (other for other in self.agents.values() if other is not agent)
            if call is not None and not any(o.status == words.INCALL and o.call is call for o in others):
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
        self.look()

    def look(self) -> None:
        """
        Keep what is shown anew of anyone: after a restart, or at midnight.
        """
        in_call = self._in_call()
        for agent in self.agents.values():
            self._keep(agent, in_call)

    def calls_today(self, agent: Agent) -> int:
        """
        Return the calls that this agent took today, by the server's day, in its campaign.
        """
        day = local(self._agenda.now_ms, self._zone).date()
        return agent.calls_by_day.get((day, agent.campaign), 0)

    def shown(self, agent: Agent, in_call: Counter[int] | None = None) -> Shown:
        """
        Return what the server shows of an agent now.
        """
        if not agent.is_logged_in:
            return Shown(words.LOGGED_OUT, campaign=agent.campaign)
        counts = self._in_call() if in_call is None else in_call
        lead = agent.previewed or agent.lead
        return Shown(
            agent.status,
            self._sub_status(agent, counts),
            agent.record.pause_code if agent.record is not None else "",
            agent.callerid,
            0 if lead is None else lead.lead_id,
            agent.campaign,
            self.calls_today(agent),
        )

    def _sub_status(self, agent: Agent, in_call: Counter[int]) -> str:
        """
        Return the sub-status as the server finds it: the last match wins (reference/vicidial.md, 7).
        """
        if agent.status == words.PAUSED:
            if agent.previewed is not None:
                return words.PREVIEW
            return words.DISPO if agent.lead is not None else ""
        if agent.status != words.INCALL or agent.lead is None:
            return words.RING if agent.is_ringing else ""
        if agent.is_parked:
            return words.PARK
        if agent.callerid not in self._exchange.live:
            return words.DEAD
        if agent.call is not None and agent.call.is_dialling:
            return words.DIAL
        return words.THREE_WAY if in_call[agent.lead.lead_id] > 1 else ""

    def _in_call(self) -> Counter[int]:
        return Counter(
            agent.lead.lead_id
            for agent in self.agents.values()
            if agent.status == words.INCALL and agent.lead is not None
        )

    @contextmanager
    def _changing(self, agent: Agent) -> Iterator[None]:
        self._account(agent)
        yield
        agent.spell += 1
        agent.since_ms = self._agenda.now_ms
        self._note(agent)

    def _note(self, changed: Agent) -> None:
        """
        Keep what is shown anew: a call that ends, or a second agent in it, changes others too.
        """
        in_call = self._in_call()
        for agent in self.agents.values():
            if agent is changed or agent.status == words.INCALL:
                self._keep(agent, in_call)

    def _keep(self, agent: Agent, in_call: Counter[int]) -> None:
        shown = self.shown(agent, in_call)
        if self._shown.get(agent.user, Shown(words.LOGGED_OUT, campaign=agent.campaign)) != shown:
            self._shown[agent.user] = shown
            self.states.append(StateChange(agent.user, self._agenda.now_ms, shown))

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
