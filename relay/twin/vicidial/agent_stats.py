"""
What agents did in a stretch of time, with the sums as the page gets them wrong.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from relay.model.times import to_ms
from relay.twin.vicidial.agents import WorkRecord
from relay.twin.vicidial.asking import Answer, Ask


@dataclass(slots=True)
class Worked:
    """
    The sums of one agent, in whole seconds.
    """

    user: str
    calls: int = 0
    pause_s: int = 0
    wait_s: int = 0
    talk_s: int = 0
    dispo_s: int = 0
    dead_s: int = 0
    first_dispo_s: int = 0
    pauses: int = 0
    sessions: set[int] = field(default_factory=set)


def agent_stats_export(ask: Ask) -> str:
    """
    Sum up the agent log between two local times, one row for each agent that has records in it.

    The newer build counts the first record's disposition twice.  `avg_talk_time` divides what the row
    before has as total, once it is written: both builds (reference/vicidial.md, 4).
    """
    user, start, end = ask.get("agent_user"), ask.get("datetime_start"), ask.get("datetime_end")
    begin_ms, end_ms = _instant(start, ask.world.zone), _instant(end, ask.world.zone)
    if begin_ms is None or end_ms is None:
        return ask.error("INVALID SEARCH PARAMETERS", user, start, end)
    records = [
        r for r in ask.world.floor.work if begin_ms <= r.started_ms <= end_ms and (not user or r.user == user)
    ]
    if not records:
        return ask.noted("ERROR", "NO RECORDS FOUND", ask.caller.user, user, start, end)
    worked = _sums(records)
    total = sum(one.calls for one in worked)
    rows: list[list[object]] = []
    for one in worked:
        # The page divides a text of the row before: what stands in front of its first colon.
        previous = int(str(rows[-1][5]).partition(":")[0]) if rows else 0
        rows.append(_row(ask, one, total, previous))
    return ask.table(ask.headers("agent_stats_export"), rows)


def _sums(records: Sequence[WorkRecord]) -> list[Worked]:
    sums: dict[str, Worked] = defaultdict(lambda: Worked(""))
    for record in records:
        one, spent = sums[record.user], {kind: ms // 1000 for kind, ms in record.spent_ms.items()}
        if not one.user:
            one.user, one.first_dispo_s = record.user, spent.get("dispo", 0)
        one.calls += bool(record.status)
        one.pause_s += spent.get("pause", 0)
        one.wait_s += spent.get("wait", 0)
        one.talk_s += spent.get("talk", 0)
        one.dispo_s += spent.get("dispo", 0)
        one.dead_s += spent.get("dead", 0)
        one.pauses += spent.get("pause", 0) > 0
        one.sessions.add(record.session)
    return [sums[user] for user in sorted(sums)]


def _row(ask: Ask, one: Worked, total: int, previous: int) -> list[object]:
    person = ask.world.floor.agents[one.user].person
    style = ask.get("time_format") or "HF"
    dispo_s = one.dispo_s + (one.first_dispo_s if ask.build.is_newer else 0)
    login_s = one.pause_s + one.wait_s + one.talk_s + dispo_s
    row = [
        one.user, person.full_name, person.user_group, one.calls, _written(login_s, style),
        _written(one.talk_s - one.dead_s, style), _written(_share(previous, one.calls), style),
        _written(_share(one.wait_s, one.calls), style), _percent(one.calls, total), one.pause_s,
        len(one.sessions), _written(_share(login_s, len(one.sessions)), style), one.pauses,
        _written(_share(one.pause_s, one.pauses), style), _percent(one.pause_s, login_s),
        _share(one.pauses, len(one.sessions)), _written(one.wait_s, style),
    ]  # fmt: skip
    if not ask.build.is_newer:
        return row
    return [*row, *(_written(seconds, style) for seconds in (one.talk_s, dispo_s, one.dead_s))]


def _share(amount: int, parts: int) -> int:
    return int(amount / parts + 0.5) if parts else 0


def _percent(part: int, whole: int) -> str:
    return f"{round(100 * part / whole, 1) if whole else 0:g}%"


def _written(seconds: int, style: str) -> str:
    """
    Write a duration: S seconds, M minutes and seconds, else hours too.
    """
    if style == "S":
        return str(seconds)
    minutes, rest = divmod(seconds, 60)
    if style == "M":
        return f"{minutes}:{rest:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _instant(text: str, zone: ZoneInfo) -> int | None:
    try:
        return to_ms(datetime.strptime(text.replace("+", " "), "%Y-%m-%d %H:%M:%S").replace(tzinfo=zone))
    except ValueError:
        return None


FUNCTIONS: Final[dict[str, Answer]] = {"agent_stats_export": agent_stats_export}
