"""
The world of a simulated dialer: everything in it, and the time.
"""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from relay.model.times import from_ms, rfc3339, to_ms
from relay.twin.vicidial.acting import Acting
from relay.twin.vicidial.agenda import Agenda
from relay.twin.vicidial.agents import Agent
from relay.twin.vicidial.calls import Call, local
from relay.twin.vicidial.exchange import Exchange
from relay.twin.vicidial.floor import Floor
from relay.twin.vicidial.gauges import in_group_gauges, user_group_gauges
from relay.twin.vicidial.hooks import Tell
from relay.twin.vicidial.office import Office
from relay.twin.vicidial.settings import DialerTwinSettings
from relay.twin.vicidial.shifts import Shifts
from relay.twin.vicidial.traffic import Traffic


def _tell_nobody(event: str, agent: Agent | None, call: Call | None) -> None:
    pass


class World:
    """
    A deterministic function of settings and start instant, but for what is done to it from outside.

    It stands still until `advance`; that it is asked often or seldom changes nothing in it.
    """

    def __init__(self, settings: DialerTwinSettings, now_ms: int, tell: Tell = _tell_nobody) -> None:
        floor = settings.floor
        self.zone = ZoneInfo(settings.dialect.timezone)
        self.agenda = Agenda(now_ms - round(floor.past_s * 1000))
        self.office = Office(settings)
        recordings = Random(f"{settings.seed} recordings")  # noqa: S311 (a world that can be repeated)
        self.exchange = Exchange(self.agenda, self.zone, recordings, tell)
        self.floor = Floor(self.office, self.exchange, self.agenda, self.zone, tell)
        acting = Acting(self.agenda, floor.speed)
        self.traffic = Traffic(self.office, self.exchange, self.floor, self.agenda, acting)
        self.shifts = Shifts(self.floor, self.exchange, self.traffic, acting, floor.short_calls)
        self.is_scripted = floor.is_scripted
        self._plan_midnight()
        if not floor.is_scripted:
            self.shifts.begin(settings.seed)
            self.traffic.begin(Random(f"{settings.seed} traffic"), floor.gap_s)  # noqa: S311 (as above)
        self.advance(now_ms)

    @property
    def now_ms(self) -> int:
        """
        Return the instant up to which everything was done.
        """
        return self.agenda.now_ms

    @property
    def local_hour(self) -> int:
        """
        Return the hour of the server's day.
        """
        return local(self.now_ms, self.zone).hour

    def advance(self, to_ms: int) -> None:
        """
        Let everything happen until then.
        """
        self.agenda.advance(to_ms)

    def log_out(self, user: str) -> None:
        """
        Log an agent out by force.

        Raises:
            KeyError: there is no such agent.
        """
        agent = self.floor.agents[user]
        if self.is_scripted:
            self.floor.logout(agent)
        else:
            self.shifts.log_out(agent)

    def truth(self) -> dict[str, Any]:
        """
        Return what really happened so far, as `/truth` shows it.
        """
        return {
            "now": rfc3339(from_ms(self.now_ms)),
            "calls": [call.as_json() for call in self.exchange.calls],
            "states": [change.as_json() for change in self.floor.showing.states],
            "agents": {agent.user: shown._asdict() for agent, shown in self.floor.showing.rows()},
            "groups": self._gauges(),
        }

    def _gauges(self) -> dict[str, dict[str, dict[str, int]]]:
        office, parts = self.office, (self.floor, self.exchange)
        return {
            "in_groups": {name: in_group_gauges(*parts, (name,)) for name in office.in_groups},
            "user_groups": {name: user_group_gauges(*parts, (name,)) for name in office.user_groups},
        }

    def _plan_midnight(self) -> None:
        """
        Let calls_today fall to 0 with the server's day.
        """
        today = local(self.now_ms, self.zone)
        midnight = (today + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)

        def turn() -> None:
            self.floor.showing.look()
            self._plan_midnight()

        self.agenda.at(to_ms(midnight), turn)
