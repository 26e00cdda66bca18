"""
What agents of a dialer really did, at random, and what polls may be expected to tell of it.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import groupby
from typing import Any, NamedTuple

from hypothesis import strategies as st

from relay.normalise.agent_rows import AgentSeen, read_logged_in_agents
from tests.normalise.dialer_floor import agent

POLL_MS = 1000
QUIET_MS = 3000  # at the end of a story, so that every doubt is decided
AT_QUEUE, AT_ANSWER, EARLY, LATE, NEVER = "at_queue", "at_answer", "early", "late", "never"


class Stretch(NamedTuple):
    """
    What the dialer shows of an agent from a moment on; `status` None: no row.
    """

    begin_ms: int
    status: str | None
    sub_status: str = ""
    call: str = ""
    lead: str = "0"


class Story(NamedTuple):
    """
    One agent: stretches without a gap, when its counter rose, the calls as (id, begin, end), and the end.
    """

    agent_id: str
    stretches: list[Stretch]
    rises_ms: list[int]
    calls: list[tuple[str, int, int]]
    end_ms: int

    def stretch_at(self, ms: int) -> int:
        """
        Return the number of the stretch that a moment lies in.
        """
        return bisect_right(self.stretches, ms, key=lambda stretch: stretch.begin_ms) - 1

    def row_at(self, ms: int) -> dict[str, Any] | None:
        """
        Return the row that a poll at a moment shows, or None.
        """
        stretch = self.stretches[self.stretch_at(ms)]
        if stretch.status is None:
            return None
        calls = bisect_right(self.rises_ms, ms)
        return agent(
            self.agent_id,
            stretch.status,
            stretch.sub_status,
            call=stretch.call,
            lead=stretch.lead,
            calls=calls,
        )

    def hidden_calls(self, polls: list[int]) -> int:
        """
        Return how many calls were counted and shown by none of the polls.
        """
        return sum(not any(begin <= ms < end for ms in polls) for _, begin, end in self.calls)


class Run(NamedTuple):
    """
    A status that polls show without another between, as it really began and ended.
    """

    status: tuple[str | None, str]
    begin_ms: int
    end_ms: int | None


def runs_of(story: Story, polls: list[int]) -> list[Run]:
    """
    Return the statuses that good polls show, an absence only where two in a row show it.
    """
    numbers = [story.stretch_at(ms) for ms in polls]
    absent = [story.stretches[number].status is None for number in numbers]
    shown = [
        number
        for place, number in enumerate(numbers)
        if not absent[place] or True in absent[place + 1 : place + 2] or (place and absent[place - 1])
    ]
    runs = []
    for status, group in groupby(shown, key=lambda number: story.stretches[number][1:3]):
        members = list(group)
        after = members[-1] + 1
        end = story.stretches[after].begin_ms if after < len(story.stretches) else None
        runs.append(Run(status, story.stretches[members[0]].begin_ms, end))
    return runs


_LENGTHS = st.integers(40, 3200)


@st.composite
def stories(draw: st.DrawFn, number: int, kinds: tuple[str, ...]) -> Story:
    """
    Make a story: ready, call after call, breaks and absences of any length.
    """
    stretches, rises, calls = [Stretch(0, "READY")], [], []
    now = 1100  # the first poll finds the agent ready
    for place in range(draw(st.integers(0, 7))):
        what = draw(st.sampled_from(("call", "call", "call", "break", "away")))
        if what == "call":
            ready_from = stretches[-1].begin_ms
            call_id, lead = f"V{place:09}{number:010}", str(place + 1)
            queued, talked, dispo, end = _moments(draw, now, 4)
            stretches.append(Stretch(queued, "QUEUE", "", call_id, lead))
            stretches.append(Stretch(talked, "INCALL", "", call_id, lead))
            stretches.append(Stretch(dispo, "PAUSED", "DISPO", "", lead))
            rise = _rise(draw(st.sampled_from(kinds)), draw(st.integers(1, 900)), ready_from, queued, talked)
            if rise is not None:
                rises.append(rise)
                calls.append((call_id, queued, dispo))
        else:
            begin, end = _moments(draw, now, 2)
            stretches.append(Stretch(begin, "PAUSED" if what == "break" else None))
        stretches.append(Stretch(end, "READY"))
        now = end + draw(_LENGTHS)
    return Story(str(1000 + number), stretches, sorted(rises), calls, now + QUIET_MS)


def _moments(draw: st.DrawFn, start_ms: int, count: int) -> list[int]:
    moments = [start_ms]
    for _ in range(count - 1):
        moments.append(moments[-1] + draw(_LENGTHS))
    return moments


def _rise(kind: str, shift_ms: int, ready_from: int, queued: int, talked: int) -> int | None:
    moments = {
        AT_QUEUE: queued,
        AT_ANSWER: talked,
        EARLY: max(queued - shift_ms, ready_from),
        LATE: queued + shift_ms,
    }
    return moments.get(kind)


def seen_at(tales: list[Story], ms: int) -> list[AgentSeen]:
    """
    Return what a poll of all agents shows at a moment.
    """
    rows = [tale.row_at(ms) for tale in tales]
    return read_logged_in_agents([row for row in rows if row is not None])
