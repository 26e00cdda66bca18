"""
The dialer of a demonstration: a simulated floor of agents, asked for the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from relay.model.times import from_rfc3339
from relay.twin.vicidial.settings import Access, DialerTwinSettings, Floor

DIALER: Final = "demo-dialer"
USER: Final = "relay"
PASSWORD: Final = "demo"  # noqa: S105 (guards a simulation)
IN_GROUPS: Final = ("SALESLINE", "SUPPORT", "BILLING")
DIDS: Final = ("3125551212", "3125551213", "3125551214")
AGENTS: Final = 12
_SPEED: Final = 4.0

CONFIG: Final = """\
[[sources]]
id = "{dialer}"
kind = "dialer360"
base_url = "{dialer_url}"
user = "{dialer_user}"
password = "{dialer_password}"
timezone = "America/New_York"
country = "US"
publish_from = "lookback"
poll_every_s = 0.5
in_groups = {in_groups}
user_groups = ["AGENTS"]
group_every_s = 2
min_interval_s = 2
dids = {dids}
did_every_s = 3
version_every_s = 5
"""


@dataclass(frozen=True, slots=True)
class DialerLook:
    """
    What the dialer knows of itself: the truth, for the audit, and what is shown of it.
    """

    truth: dict[str, Any]

    @property
    def is_done(self) -> bool:
        """
        Tell whether no call is under way, nor a disposition outstanding.
        """
        return all(
            call["ended_at"] is not None
            and (call["answered_at"] is None or call["dispositioned_at"] is not None)
            for call in self.truth["calls"]
        )

    @property
    def calls(self) -> int:
        """
        Return how many calls have begun.
        """
        return len(self.truth["calls"])

    @property
    def agents_logged_in(self) -> int:
        """
        Return how many agents are logged in.
        """
        return sum(bool(agent["status"]) for agent in self.truth["agents"].values())

    @property
    def agents_in_call(self) -> int:
        """
        Return how many of them have a call.
        """
        return sum(agent["status"] == "INCALL" for agent in self.truth["agents"].values())

    @property
    def calls_waiting(self) -> dict[str, int]:
        """
        Return how many calls wait in each in-group.
        """
        return {name: gauges["calls_waiting"] for name, gauges in self.truth["groups"]["in_groups"].items()}

    @property
    def last_change_s(self) -> float:
        """
        Return how long ago an agent last changed.
        """
        states = self.truth["states"]
        now = from_rfc3339(self.truth["now"])
        return (now - from_rfc3339(states[-1]["at"])).total_seconds() if states else 0.0


class Dialer:
    """
    The twin, asked for the truth.
    """

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def look(self) -> DialerLook:
        """
        Return what it knows now.
        """
        async with self._session.get(f"{self._url}/truth") as answer:
            return DialerLook(await answer.json())

    async def stop_calls(self) -> None:
        """
        Begin no more calls; those under way go on.
        """
        async with self._session.post(f"{self._url}/control", json={"making_calls": False}) as answer:
            answer.raise_for_status()


def dialer_settings(seed: int) -> DialerTwinSettings:
    """
    Return a floor on which much happens in a minute.
    """
    return DialerTwinSettings(
        seed=seed,
        floor=Floor(agents=AGENTS, speed=_SPEED, short_calls=0.0),
        access=Access(USER, PASSWORD),
    )
