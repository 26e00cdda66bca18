"""
What the server shows of its agents, and every change of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from relay.twin.vicidial import agents as words
from relay.twin.vicidial.agenda import Agenda
from relay.twin.vicidial.agents import Agent, Shown, StateChange
from relay.twin.vicidial.calls import local
from relay.twin.vicidial.exchange import Exchange


class Showing:
    """
    Shows agents as the server does; `states` is every change of what it showed of one, oldest first.
    """

    def __init__(
        self, agents: Mapping[str, Agent], exchange: Exchange, agenda: Agenda, zone: ZoneInfo
    ) -> None:
        self._agents = agents
        self._exchange = exchange
        self._agenda = agenda
        self._zone = zone
        self._shown: dict[str, Shown] = {}
        self.states: list[StateChange] = []

    def logged_in(self) -> list[Agent]:
        """
        Return the agents that have a row, in the order of their logins.
        """
        present = [agent for agent in self._agents.values() if agent.is_logged_in]
        return sorted(present, key=lambda agent: agent.login_order)

    def rows(self) -> list[tuple[Agent, Shown]]:
        """
        Return what is shown of every agent that is logged in, in the order of their logins.
        """
        in_call = self._in_call()
        return [(agent, self.shown(agent, in_call)) for agent in self.logged_in()]

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

    def calls_today(self, agent: Agent) -> int:
        """
        Return the calls that this agent took today, by the server's day, in its campaign.
        """
        day = local(self._agenda.now_ms, self._zone).date()
        return agent.calls_by_day.get((day, agent.campaign), 0)

    def look(self) -> None:
        """
        Keep what is shown anew of anyone: after a restart, or at midnight.
        """
        in_call = self._in_call()
        for agent in self._agents.values():
            self._keep(agent, in_call)

    def note(self, changed: Agent) -> None:
        """
        Keep what is shown anew: a call that ends, or a second agent in it, changes others too.
        """
        in_call = self._in_call()
        for agent in self._agents.values():
            if agent is changed or agent.status == words.INCALL:
                self._keep(agent, in_call)

    def _keep(self, agent: Agent, in_call: Counter[int]) -> None:
        shown = self.shown(agent, in_call)
        if self._shown.get(agent.user, Shown(words.LOGGED_OUT, campaign=agent.campaign)) != shown:
            self._shown[agent.user] = shown
            self.states.append(StateChange(agent.user, self._agenda.now_ms, shown))

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
            for agent in self._agents.values()
            if agent.status == words.INCALL and agent.lead is not None
        )
