"""
How many agents and calls are in which state, counted as the server counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from relay.twin.vicidial import agents as words
from relay.twin.vicidial.agents import Shown
from relay.twin.vicidial.exchange import Exchange
from relay.twin.vicidial.floor import Floor
from relay.twin.vicidial.office import IN_GROUPS


def in_group_gauges(floor: Floor, exchange: Exchange, in_groups: Collection[str]) -> dict[str, int]:
    """
    Return the gauges of some in-groups together: every agent that takes calls takes those of each group.

    `agents_in_calls` includes QUEUE and DEAD; unknown groups count nothing (reference/vicidial.md, 7).
    """
    known = any(group in IN_GROUPS for group in in_groups)
    live = [call for call in exchange.live.values() if call.group in in_groups]
    shown = [shown for agent, shown in floor.showing.rows() if known and agent.is_closer]
    return {
        "total_calls": len(live),
        "calls_waiting": sum(call in exchange.waiting for call in live),
        "agents_logged_in": len(shown),
        "agents_in_calls": sum(one.status in (words.QUEUE, words.INCALL) for one in shown),
        **_idle(shown),
        "agents_in_dial": _in_sub_status(shown, words.DIAL),
    }


def user_group_gauges(floor: Floor, exchange: Exchange, user_groups: Collection[str]) -> dict[str, int]:
    """
    Return the gauges of some user groups together.

    `calls_waiting` is that of the whole server; `agents_in_calls` excludes DEAD.
    """
    shown = [shown for agent, shown in floor.showing.rows() if agent.person.user_group in user_groups]
    dead = _in_sub_status(shown, words.DEAD)
    idle = _idle(shown)
    return {
        "calls_waiting": len(exchange.waiting),
        "agents_logged_in": len(shown),
        "agents_in_calls": sum(one.status in (words.QUEUE, words.INCALL) for one in shown) - dead,
        "agents_waiting": idle["agents_waiting"],
        "agents_paused": idle["agents_paused"],
        "agents_in_dead_calls": dead,
        "agents_in_dispo": idle["agents_in_dispo"],
        "agents_in_dial": _in_sub_status(shown, words.DIAL),
    }


def _idle(shown: Iterable[Shown]) -> dict[str, int]:
    shown = list(shown)
    dispo = _in_sub_status(shown, words.DISPO)
    return {
        "agents_waiting": sum(one.status in words.WAITING for one in shown),
        "agents_paused": sum(one.status == words.PAUSED for one in shown) - dispo,
        "agents_in_dispo": dispo,
    }


def _in_sub_status(shown: Iterable[Shown], sub_status: str) -> int:
    return sum(one.sub_status == sub_status for one in shown)
