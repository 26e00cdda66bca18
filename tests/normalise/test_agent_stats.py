"""
What a dialer counts of an agent in a window of time that is over.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from relay.model.errors import RecordRejected
from relay.model.mapping import Mappings
from relay.normalise.agent_stats import StatsWindow, read_stats, stats_change
from tests.normalise.dialer_floor import IDS, NO_MAPPINGS, Floor, Row, agent
from tests.normalise.office import at

# One agent and window as both builds tell it, in seconds.
OLDER: Row = {
    "user": "1001", "full_name": "Alice Adams", "user_group": "AGENTS", "calls": "9", "login_time": "4123",
    "total_talk_time": "3574", "avg_talk_time": "0", "avg_wait_time": "32", "pct_of_queue": "11.5%",
    "pause_time": "148", "sessions": "2", "avg_session": "2062", "pauses": "10", "avg_pause_time": "15",
    "pause_pct": "3.6%", "pauses_per_session": "5", "wait_time": "292",
}  # fmt: skip
NEWER: Row = OLDER | {"login_time": "4133", "talk_time": "3592", "dispo_time": "101", "dead_time": "18"}
WINDOW = StatsWindow(at(-3600), at(0), at(30))
TOLD: dict[str, Any] = {
    "agent_id": "1001", "agent_name": "Alice Adams", "agent_external_id": "crm-417", "user_group": "AGENTS",
    "window_from": "2026-11-20T23:00:00.000Z", "window_to": "2026-11-21T00:00:00.000Z", "calls": 9,
    "talk_s": 3574, "wait_s": 292, "pause_s": 148, "sessions": 2, "pauses": 10,
}  # fmt: skip


@pytest.mark.parametrize(
    ("row", "trusted"),
    [
        (OLDER, {"login_s": 4123, "wrapup_s": None, "dead_s": None}),
        # 4133 and 101 hold the 10 seconds of the first disposition twice.
        (NEWER, {"login_s": None, "wrapup_s": None, "dead_s": 18}),
        (NEWER | {"login_time": "440", "dispo_time": "0"}, {"login_s": 440, "wrapup_s": 0, "dead_s": 18}),
    ],
)
def test_a_window_is_told_as_far_as_the_dialer_can_be_trusted(row: Row, trusted: dict[str, Any]) -> None:
    floor = Floor()
    mappings = Mappings(1, {}, {"1001": "crm-417"})

    change = stats_change(IDS, "dialer", None, read_stats(row), WINDOW, mappings)

    assert change is not None
    (event,) = floor.take(change)
    assert TOLD | trusted == event.data
    assert ("agent.stats", "agent/dialer/1001", at(0), at(30), None) == (
        event.type, event.subject, event.occurred_at, event.observed_at, event.precision_s,
    )  # fmt: skip


@pytest.mark.parametrize("text", ["3574", "59:34", "0:59:34"])
def test_a_time_is_read_in_every_format(text: str) -> None:
    assert 3574 == read_stats(OLDER | {"total_talk_time": text}).talk_s


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"total_talk_time": "1:2:3:4"}, "total_talk_time '1:2:3:4' is no time"),
        ({"calls": "1:00"}, "calls '1:00' is not a number"),
        ({"login_time": None}, "login_time is missing"),
        ({"user": ""}, "user is empty"),
    ],
)
def test_a_row_that_is_not_as_documented_is_rejected(columns: Row, why: str) -> None:
    with pytest.raises(RecordRejected) as rejected:
        read_stats(OLDER | columns)

    assert why == rejected.value.why


def test_what_is_not_told_is_null() -> None:
    read = read_stats(OLDER | {"full_name": "", "calls": "", "wait_time": ""})

    assert (None, None, None) == (read.agent_name, read.calls, read.wait_s)


def test_a_window_is_told_once_and_the_next_one_follows() -> None:
    floor = Floor()
    read = read_stats(OLDER)
    first = stats_change(IDS, "dialer", None, read, WINDOW, NO_MAPPINGS)
    assert first is not None
    floor.take(first)

    again = stats_change(IDS, "dialer", floor.states["1001"], read, WINDOW, NO_MAPPINGS)
    hour = timedelta(hours=1)
    later = StatsWindow(WINDOW.start + hour, WINDOW.end + hour, WINDOW.asked_at + hour)
    following = stats_change(IDS, "dialer", floor.states["1001"], read, later, NO_MAPPINGS)

    assert again is None
    assert following is not None
    assert [2] == [event.revision for event in floor.take(following)]


def test_statistics_stand_between_the_events_of_an_agent_and_disturb_none() -> None:
    floor = Floor()
    floor.poll(0, agent("1001", "READY"))
    floor.poll(2, agent("1001", "PAUSED"))
    change = stats_change(IDS, "dialer", floor.states["1001"], read_stats(OLDER), WINDOW, NO_MAPPINGS)
    assert change is not None
    floor.take(change)

    (event,) = floor.poll(4, agent("1001", "READY"))

    assert (4, "PAUSED", 2, ("status", "since")) == (
        event.revision, event.data["previous_status"], event.data["dwell_s"], event.changed,
    )  # fmt: skip


def test_an_agent_known_by_statistics_alone_logs_in_like_a_new_one() -> None:
    floor = Floor()
    floor.poll(0)
    change = stats_change(IDS, "dialer", None, read_stats(OLDER), WINDOW, NO_MAPPINGS)
    assert change is not None
    floor.take(change)

    assert [] == floor.poll(2)
    (event,) = floor.poll(4, agent("1001", "READY"))
    again = stats_change(IDS, "dialer", floor.states["1001"], read_stats(OLDER), WINDOW, NO_MAPPINGS)

    assert ("agent.logged_in", None, (), None) == (
        event.type, event.data["previous_status"], event.changed, again,
    )  # fmt: skip
