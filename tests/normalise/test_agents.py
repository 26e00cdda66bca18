"""
Two polls of a dialer's agents, and the events between them.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from relay.model.errors import RecordRejected
from relay.model.mapping import Mappings
from relay.normalise.agent_rows import read_agent_status, read_logged_in_agents
from tests.normalise.dialer_floor import Floor, agent, told
from tests.normalise.office import at

CALL = "V1210323440000000122"


def ready_floor() -> Floor:
    """
    Return a floor whose agent 1001 is READY since relay began to look, seen at 0 and 2.
    """
    floor = Floor()
    floor.poll(0, agent("1001", "READY"))
    floor.poll(2, agent("1001", "READY"))
    return floor


def test_the_very_first_poll_tells_who_is_logged_in_and_that_nobody_knows_since_when() -> None:
    floor = Floor()

    (event,) = floor.poll(0, agent("1001", "INCALL", call=CALL, lead="122", calls=3))

    assert ("agent.logged_in", True, None, at(0)) == (
        event.type, event.inferred, event.precision_s, event.occurred_at,
    )  # fmt: skip
    assert {
        "agent_id": "1001",
        "agent_name": "Alice Adams",
        "agent_external_id": None,
        "status": "INCALL",
        "sub_status": None,
        "pause_code": None,
        "campaign": "TESTCAMP",
        "user_group": "AGENTS",
        "call_id": "v1210323440000000122_20261121",
        "phone_number": None,
        "lead_id": "122",
        "calls_today": 3,
        "previous_status": None,
        "since": "2026-11-21T00:00:00.000Z",
        "dwell_s": None,
        "skipped_transitions": None,
    } == event.data


def test_an_agent_who_appears_between_two_polls_logged_in_there() -> None:
    floor = ready_floor()

    (event,) = floor.poll(5, agent("1001", "READY"), agent("1002", "PAUSED", pause="LOGIN"))

    assert ("agent.logged_in", False, 2, at(3.5)) == (
        event.type, event.inferred, event.precision_s, event.occurred_at,
    )  # fmt: skip
    assert ("PAUSED", "LOGIN", None, None) == tuple(
        event.data[name] for name in ("status", "pause_code", "previous_status", "dwell_s")
    )


def test_nothing_changed_is_nothing_at_all() -> None:
    floor = ready_floor()
    kept = dict(floor.states)

    assert [] == floor.poll(4, agent("1001", "READY"))
    assert (kept, 0) == (floor.states, floor.silent)


def test_a_day_of_one_agent_is_told_state_by_state_with_its_dwell() -> None:
    floor = ready_floor()
    fields = ("status", "sub_status", "previous_status", "dwell_s", "since")

    made = floor.poll(4, agent("1001", "QUEUE", call=CALL, lead="122"))
    made += floor.poll(6, agent("1001", "INCALL", call=CALL, lead="122", calls=1))
    made += floor.poll(26, agent("1001", "INCALL", "PARK", call=CALL, lead="122", calls=1))
    made += floor.poll(28, agent("1001", "PAUSED", "DISPO", lead="122", calls=1))
    made += floor.poll(30, agent("1001", "READY", calls=1))

    assert [
        ("status_changed", "QUEUE", None, "READY", None, "2026-11-21T00:00:03.000Z"),
        ("status_changed", "INCALL", None, "QUEUE", 2, "2026-11-21T00:00:05.000Z"),
        ("status_changed", "INCALL", "PARK", "INCALL", 11, "2026-11-21T00:00:16.000Z"),
        ("status_changed", "PAUSED", "DISPO", "INCALL", 11, "2026-11-21T00:00:27.000Z"),
        ("status_changed", "READY", None, "PAUSED", 2, "2026-11-21T00:00:29.000Z"),
    ] == told(made, *fields)
    assert [1, 1, 10, 1, 1] == [event.precision_s for event in made]
    assert [0] * 5 == [event.data["skipped_transitions"] for event in made]
    assert ("status", "call_id", "lead_id", "since") == made[0].changed
    assert ("status", "calls_today", "since") == made[1].changed


def test_what_is_no_change_of_status_leaves_its_begin_alone() -> None:
    floor = ready_floor()
    floor.poll(4, agent("1001", "PAUSED"))

    (paused,) = floor.poll(6, agent("1001", "PAUSED", pause="LUNCH"))
    (moved,) = floor.poll(8, agent("1001", "PAUSED", pause="LUNCH", user_group="NIGHT"))
    (back,) = floor.poll(10, agent("1001", "READY", user_group="NIGHT"))

    assert (("pause_code",), ("user_group",)) == (paused.changed, moved.changed)
    fields = ("previous_status", "dwell_s", "since")
    assert [
        ("status_changed", "PAUSED", None, "2026-11-21T00:00:03.000Z"),
        ("status_changed", "PAUSED", None, "2026-11-21T00:00:03.000Z"),
        ("status_changed", "PAUSED", 6, "2026-11-21T00:00:09.000Z"),
    ] == told([paused, moved, back], *fields)


def test_a_pause_code_counts_only_in_a_pause() -> None:
    floor = ready_floor()

    made = floor.poll(4, agent("1001", "INCALL", call=CALL, lead="122", pause="BREAK"))
    made += floor.poll(6, agent("1001", "PAUSED", "DISPO", lead="122", pause="BREAK"))
    made += floor.poll(8, agent("1001", "PAUSED", pause="BREAK"))

    assert [None, None, "BREAK"] == [event.data["pause_code"] for event in made]


def test_a_logout_needs_two_good_polls_and_happened_before_the_first_of_them() -> None:
    floor = ready_floor()

    assert [] == floor.poll(4)
    assert [] == floor.see(at(6), None)
    (event,) = floor.poll(8)

    assert ("agent.logged_out", at(3), 1, False) == (
        event.type, event.occurred_at, event.precision_s, event.final,
    )  # fmt: skip
    fields = ("status", "previous_status", "dwell_s", "calls_today", "campaign", "skipped_transitions")
    assert [("logged_out", "LOGGED_OUT", "READY", None, 0, "TESTCAMP", None)] == told([event], *fields)
    assert ("status", "since") == event.changed
    assert [] == floor.poll(10)
    assert [] == floor.poll(12)


def test_who_is_back_after_one_poll_never_left() -> None:
    floor = ready_floor()
    floor.poll(4)

    assert [] == floor.poll(6, agent("1001", "READY"))
    assert [] == floor.poll(8)
    (event,) = floor.poll(10, agent("1001", "PAUSED"))

    # It was last seen at 6: whenever it paused, it was after that.
    assert ("agent.status_changed", at(8), 2) == (event.type, event.occurred_at, event.precision_s)


def test_a_login_after_a_logout_tells_how_long_the_agent_was_away() -> None:
    floor = ready_floor()
    floor.poll(4)
    floor.poll(6)

    (event,) = floor.poll(66, agent("1001", "READY"))

    fields = ("previous_status", "dwell_s", "skipped_transitions")
    assert [("logged_in", "LOGGED_OUT", 33, 0)] == told([event], *fields)
    assert (30, ("status", "since")) == (event.precision_s, event.changed)


def test_the_same_row_as_before_the_logout_is_a_login() -> None:
    floor = ready_floor()
    floor.poll(4)
    floor.poll(6)

    assert ["logged_in"] == [name for (name,) in told(floor.poll(8, agent("1001", "READY")))]
    assert [] == floor.poll(10, agent("1001", "READY"))


def test_a_poll_that_cannot_be_read_changes_nothing_and_widens_the_next_interval() -> None:
    floor = ready_floor()

    assert [] == floor.see(at(4), None)
    assert [] == floor.see(at(6), None)
    (event,) = floor.poll(8, agent("1001", "PAUSED"))

    assert (at(5), 3) == (event.occurred_at, event.precision_s)


def test_times_are_told_by_the_clock_of_the_source() -> None:
    floor = ready_floor()
    floor.skew = timedelta(seconds=100)

    (event,) = floor.poll(4, agent("1001", "PAUSED"))

    assert (at(103), at(4)) == (event.occurred_at, event.observed_at)
    assert "2026-11-21T00:01:43.000Z" == event.data["since"]


def test_an_agent_in_the_words_of_the_crm_comes_with_the_next_event() -> None:
    floor = ready_floor()
    floor.mappings = Mappings(1, {}, {"1001": "crm-417"})

    assert [] == floor.poll(4, agent("1001", "READY"))
    (event,) = floor.poll(6, agent("1001", "PAUSED"))

    assert ("crm-417", ("agent_external_id", "status", "since")) == (
        event.data["agent_external_id"], event.changed,
    )  # fmt: skip


def test_there_and_back_and_there_again_is_three_events() -> None:
    floor = ready_floor()

    made = floor.poll(4, agent("1001", "PAUSED"))
    made += floor.poll(6, agent("1001", "READY"))
    made += floor.poll(8, agent("1001", "PAUSED"))

    assert 3 == len({event.id for event in made})


def test_an_id_follows_from_what_the_dialer_says_alone() -> None:
    one, other = ready_floor(), ready_floor()
    other.mappings = Mappings(1, {}, {"1001": "crm-417"})

    (first,) = one.poll(4, agent("1001", "PAUSED"))
    (second,) = other.poll(5, agent("1001", "PAUSED"))

    assert first.id == second.id


def test_a_call_keeps_its_id_over_midnight_and_one_without_meaning_has_none() -> None:
    floor = ready_floor()
    day_s = 86_400

    (before,) = floor.poll(day_s - 1, agent("1001", "INCALL", call=CALL, lead="122"))
    (after,) = floor.poll(day_s + 1, agent("1001", "INCALL", "PARK", call=CALL, lead="122"))
    (other,) = floor.poll(day_s + 2, agent("1001", "INCALL", call="none", lead="9"))

    assert before.data["call_id"] == after.data["call_id"]
    assert other.data["call_id"] is None


def test_a_number_stays_until_the_lead_is_gone() -> None:
    floor = ready_floor()
    (row,) = read_logged_in_agents([agent("1001", "INCALL", call=CALL, lead="122", calls=1)])

    made = floor.see(at(4), [row._replace(phone_number="7275550101")])
    made += floor.poll(6, agent("1001", "PAUSED", "DISPO", lead="122", calls=1))
    made += floor.poll(8, agent("1001", "READY", calls=1))

    assert ["7275550101", "7275550101", None] == [event.data["phone_number"] for event in made]


def test_a_number_goes_with_a_call_that_had_no_lead() -> None:
    floor = ready_floor()
    (row,) = read_logged_in_agents([agent("1001", "INCALL", call=CALL)])
    floor.see(at(4), [row._replace(phone_number="7275550101")])

    (event,) = floor.poll(6, agent("1001", "READY"))

    assert event.data["phone_number"] is None
    assert "phone_number" in event.changed


def test_an_agent_asked_for_alone_is_read_from_its_own_row() -> None:
    row = {
        "status": "PAUSED", "callerid": "", "lead_id": "122", "campaign_id": "TESTCAMP", "calls_today": "3",
        "full_name": "Alice Adams", "user_group": "AGENTS", "user_level": "1", "pause_code": "BREAK",
        "real_time_sub_status": "DISPO", "phone_number": "7275550101", "vendor_lead_code": "VLC|1",
        "session_id": "8600051",
    }  # fmt: skip

    listed = agent("1001", "PAUSED", "DISPO", lead="122", calls=3, pause="BREAK")
    (expected,) = read_logged_in_agents([listed])
    expected = expected._replace(phone_number="7275550101", vendor_lead_code="VLC|1")

    assert expected == read_agent_status("1001", row)


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"status": "LOGGED_OUT"}, "status 'LOGGED_OUT' of agent 1001 is not known"),
        ({"status": "ready"}, "status 'ready' of agent 1001 is not known"),
        ({"status": ""}, "status None of agent 1001 is not known"),
        ({"sub_status": "LUNCH"}, "sub-status 'LUNCH' of agent 1001 is not known"),
        ({"lead_id": "12a"}, "lead_id '12a' is not a number"),
        ({"calls_today": "-1"}, "calls_today '-1' is not a number"),
        ({"user": ""}, "user is empty"),
        ({"user": "1002"}, "user stands in two rows"),
        ({"sub_status": None}, "sub_status is missing"),
    ],
)
def test_one_row_that_is_not_as_documented_makes_the_whole_poll_bad(
    columns: dict[str, str], why: str
) -> None:
    rows = [agent("1002", "READY"), agent("1001", "READY") | columns]

    with pytest.raises(RecordRejected) as rejected:
        read_logged_in_agents(rows)

    assert (why, rows[1]) == (rejected.value.why, rejected.value.record)
