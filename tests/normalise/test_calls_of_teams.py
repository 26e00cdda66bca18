"""
Legs of queues, ring groups and phones that are one conversation, in whatever order they come.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from itertools import permutations
from typing import Any

import pytest

from relay.model.call import QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS
from tests.normalise.office import OTHER_CALLER, Office, Row, at, queue_row, ring_group_row, types, user_row

RANG = user_row(5, 90, ended=20)
SPOKE = user_row(5, 90, answered=20, ended=80, user_name="Bao Smith")
SALES = queue_row(0, 80, answered=20, by="Bao Smith")
PAGES = {USER_CALLS: [RANG, SPOKE], QUEUE_CALLS: [SALES], RINGGROUP_CALLS: []}


def ends(office: Office) -> list[str]:
    """
    Return the ends that were published.
    """
    return [name for name in types(office.events) if name not in ("started", "answered", "updated")]


def facts(record: dict[str, Any]) -> dict[str, Any]:
    """
    Return what a record says of its call but for its name.
    """
    return {name: value for name, value in record.items() if name != "call_id"}


@pytest.mark.parametrize("order", list(permutations(PAGES)), ids="-".join)
def test_a_queue_call_is_one_call_whichever_stream_is_read_first(order: tuple[str, ...]) -> None:
    office = Office()

    for second, stream in enumerate(order, 100):
        office.reads(stream, second, PAGES[stream])
    office.nothing_more(300)

    (record,) = office.final_records()
    assert ["finished"] == ends(office)
    assert ("Sales", "Bao Smith", "answered") == (record["queue"], record["agent_name"], record["outcome"])
    assert (80, 60, 20) == (record["duration_s"], record["talk_s"], record["wait_s"])
    assert {"Alice Nguyen": True, "Bao Smith": False} == {
        leg["agent_name"]: leg["rang"] for leg in record["legs"] if leg["stream"] == USER_CALLS
    }


def test_phones_that_ring_together_are_one_call_with_one_end() -> None:
    office = Office()
    names = ("Alice Nguyen", "Bao Smith", "Chloe O'Brien")

    assert ["started"] == types(office.users(5, *(user_row(0, 5, user_name=name) for name in names)))
    spoke = user_row(0, 20, answered=12, user_name=names[1])
    others = [user_row(0, 20, ended=12, user_name=name) for name in (names[0], names[2])]
    assert ["answered"] == types(office.users(20, others[0], spoke, others[1]))
    spoke = user_row(0, 90, answered=12, ended=80, user_name=names[1])
    assert ["finished"] == types(office.users(90, others[1], others[0], spoke))
    assert [] == office.nothing_more(500)

    (record,) = office.final_records()
    assert {names[0]: True, names[1]: False, names[2]: True} == {
        leg["agent_name"]: leg["rang"] for leg in record["legs"]
    }
    assert names[1] == record["agent_name"]


def test_phones_that_rang_together_in_vain_are_one_missed_call_of_nobody() -> None:
    office = Office()
    office.users(40, user_row(0, 40, ended=30), user_row(0, 40, ended=30, user_name="Bao Smith"))

    (end,) = office.nothing_more(60)

    assert ("call.missed", None) == (end.type, end.data["agent_name"])


def test_a_queue_row_after_the_end_updates_the_call_under_its_name() -> None:
    office = Office()
    office.users(90, RANG, SPOKE)
    before = office.only_call()
    assert before.is_end_published

    (updated,) = office.queues(100, SALES)

    assert (before.subject, "call.updated", 4) == (updated.subject, updated.type, updated.revision)
    assert {"queue", "started_at", "wait_s", "duration_s", "legs"} == set(updated.changed)
    assert "ended" == updated.data["state"]
    assert ["finished"] == ends(office)


def test_a_leg_that_comes_late_and_open_never_reopens_a_call() -> None:
    office = Office()
    office.queues(90, queue_row(0, 80, answered=20))
    ended_at = office.only_call().ended_at

    late = office.users(95, user_row(5, 90, answered=20, user_name="Bao Smith"))

    assert ["updated"] == types(late)
    assert ("ended", "answered") == (late[0].data["state"], late[0].data["outcome"])
    assert (at(80), "ended") == (ended_at, office.only_call().state)
    assert late[0].data["ended_at"] is not None
    closed = office.users(99, SPOKE)
    assert ["updated"] == types(closed)
    assert ["finished"] == ends(office)
    assert [] == office.nothing_more(500)


def test_two_callers_at_once_to_one_number_do_not_swap() -> None:
    office = Office()
    office.queues(
        100,
        queue_row(1, 70, answered=21, by="Alice Nguyen", callerid=OTHER_CALLER),
        queue_row(0, 80, answered=20, by="Bao Smith"),
    )
    office.users(101, user_row(6, 90, answered=21, ended=70, from_number=OTHER_CALLER), SPOKE)

    assert [("0491570156", "Bao Smith", 60, 2), ("0491570157", "Alice Nguyen", 49, 2)] == [
        (record["from_raw"], record["agent_name"], record["talk_s"], len(record["legs"]))
        for record in office.final_records()
    ]


def test_two_people_behind_one_number_in_one_queue_do_not_swap() -> None:
    office = Office()
    first, second = (
        queue_row(0, 80, answered=20, by="Bao Smith"),
        queue_row(2, 70, answered=26, by="Alice Nguyen"),
    )
    office.users(99, user_row(6, 99, answered=26, ended=70), SPOKE)
    office.queues(100, first, second)

    assert [("Bao Smith", at(0)), ("Alice Nguyen", at(2))] == [
        (call.record["agent_name"], call.started_at)
        for call in sorted(office.calls.values(), key=lambda call: call.started_at)
    ]
    assert [2, 2] == [len(record["legs"]) for record in office.final_records()]


@pytest.mark.parametrize("number", ["", "Anonymous", "private", "04915701**", "12345***", "201"])
def test_a_number_that_tells_nobody_never_links(number: str) -> None:
    office = Office()

    office.users(90, SPOKE | {"from_number": number})
    office.queues(100, SALES | {"callerid": number})

    assert 2 == len(office.calls)
    assert [None, None] == [record["from_e164"] for record in office.final_records()]


def test_another_spelling_of_the_number_links_all_the_same() -> None:
    office = Office()

    office.users(90, SPOKE)
    office.queues(100, SALES | {"callerid": "+61491570156", "inbound_number": "61270101000"})

    assert 1 == len(office.calls)


def test_a_native_id_links_what_the_numbers_do_not() -> None:
    office = Office()
    native = {"unique_call_id": "A-77"}

    office.users(90, SPOKE | {"from_number": "anonymous"} | native)
    office.queues(100, SALES | {"callerid": ""} | native)

    (record,) = office.final_records()
    assert ("A-77", 2) == (record["native_id"], len(record["legs"]))


def test_other_native_ids_keep_apart_what_the_numbers_would_link() -> None:
    office = Office()

    office.users(90, SPOKE | {"call_id": 1})
    office.queues(100, SALES | {"call_id": 2})

    assert 2 == len(office.calls)


@pytest.mark.parametrize(
    ("ended", "answered", "agent"),
    [(60, 20, "Bao Smith"), (20, None, None), (60, 23, "Alice Nguyen"), (80, 20, "Alice Nguyen")],
)
def test_a_summary_of_another_number_or_time_or_agent_is_another_call(
    ended: int, answered: int | None, agent: str | None
) -> None:
    rows: list[Row] = [
        queue_row(0, ended, answered=answered, by=agent, inbound_number="0270101001"),
        queue_row(200, 200 + ended, answered=answered and 200 + answered, by=agent),
    ]
    if agent != "Bao Smith":
        rows.append(queue_row(0, ended, answered=answered, by=agent))
    for row in rows:
        office = Office()
        office.users(300, SPOKE)
        office.queues(301, row)

        assert 2 == len(office.calls)


@pytest.mark.parametrize("order", list(permutations(PAGES)), ids="-".join)
def test_a_group_that_overflows_into_a_queue_is_one_call(order: tuple[str, ...]) -> None:
    office = Office()
    pages = {
        RINGGROUP_CALLS: [ring_group_row(0, 20, status="timedout")],
        QUEUE_CALLS: [queue_row(21, 80, answered=None)],
        USER_CALLS: [],
    }

    for second, stream in enumerate(order, 100):
        office.reads(stream, second, pages[stream])
    office.nothing_more(300)

    (record,) = office.final_records()
    assert ["abandoned"] == ends(office)
    assert ("Reception", "Sales", 80) == (record["ring_group"], record["queue"], record["duration_s"])


@pytest.mark.parametrize("rings_at", [20, 21, 30])
@pytest.mark.parametrize("order", [(RINGGROUP_CALLS, QUEUE_CALLS), (QUEUE_CALLS, RINGGROUP_CALLS)])
def test_a_phone_of_the_queue_joins_a_call_that_overflowed_into_it(
    rings_at: int, order: tuple[str, str]
) -> None:
    office = Office()
    pages = {
        RINGGROUP_CALLS: [ring_group_row(0, 20, status="timedout")],
        QUEUE_CALLS: [queue_row(20, 80, answered=40, by="Bao Smith")],
    }
    for second, stream in enumerate(order, 100):
        office.reads(stream, second, pages[stream])

    office.users(102, user_row(rings_at, 102, answered=40, ended=80, user_name="Bao Smith"))

    (record,) = office.final_records()
    assert (3, "Bao Smith", 40) == (len(record["legs"]), record["agent_name"], record["talk_s"])


def test_a_queue_joins_the_call_that_rang_in_a_group_before() -> None:
    office = Office()
    office.users(30, user_row(2, 30, ended=20))
    office.ring_groups(31, ring_group_row(0, 20, status="timedout"))

    office.queues(100, queue_row(20, 80, answered=None))
    office.nothing_more(200)

    (record,) = office.final_records()
    assert (["abandoned"], 3, "Sales") == (ends(office), len(record["legs"]), record["queue"])


@pytest.mark.parametrize(
    "order", list(permutations((USER_CALLS, RINGGROUP_CALLS, QUEUE_CALLS))), ids="-".join
)
def test_among_legs_known_together_a_phone_names_the_call_before_a_group_before_a_queue(
    order: tuple[str, ...],
) -> None:
    """
    One transaction sees one stream, so the first stream read names the call and the name stays.
    """
    office = Office()
    pages = {
        USER_CALLS: [
            user_row(0, 90, ended=20),
            user_row(0, 90, answered=20, ended=80, user_name="Bao Smith"),
        ],
        RINGGROUP_CALLS: [ring_group_row(0, 80, answered=20, by="Bao Smith")],
        QUEUE_CALLS: [],
    }
    for second, stream in enumerate(order, 100):
        office.reads(stream, second, pages[stream])

    call = office.only_call()
    anchor = office.legs[call.call_id]
    assert next(stream for stream in order if pages[stream]) == anchor.facts.stream
    assert (
        min(leg.anchor_rank for leg in office.legs.values() if leg.facts.stream == anchor.facts.stream)
        == anchor.anchor_rank
    )
    assert [USER_CALLS, USER_CALLS, RINGGROUP_CALLS] == [leg["stream"] for leg in call.record["legs"]]


@pytest.mark.parametrize("apart_s", [0, 1, 2])
def test_phones_that_began_to_ring_in_one_moment_are_one_call_over_the_edge_of_a_second(apart_s: int) -> None:
    office = Office()

    office.users(
        90, user_row(0, 90, ended=12), user_row(apart_s, 90, answered=12, ended=80, user_name="Bao Smith")
    )

    (record,) = office.final_records()
    assert (["finished"], "Bao Smith", 80) == (ends(office), record["agent_name"], record["duration_s"])


@pytest.mark.parametrize("is_seen_live", [True, False])
def test_a_queue_that_rings_one_phone_after_the_other_makes_one_call_and_no_missed_one(
    is_seen_live: bool,
) -> None:
    office = Office()
    alice, bao = user_row(5, 20, ended=20), user_row(21, 35, ended=35, user_name="Bao Smith")
    chloe = user_row(35, 90, answered=40, ended=80, user_name="Chloe O'Brien")
    if is_seen_live:
        office.users(10, user_row(5, 10))
        office.users(25, alice, user_row(21, 25, user_name="Bao Smith"))
        office.releases(25)
        office.users(38, alice, bao, user_row(35, 38, user_name="Chloe O'Brien"))
        office.releases(38)
    office.users(90, chloe, bao, alice)
    office.queues(91, queue_row(0, 80, answered=40, by="Chloe O'Brien"))
    office.nothing_more(200)

    (record,) = office.final_records()
    assert (["finished"], "Chloe O'Brien", 40) == (ends(office), record["agent_name"], record["wait_s"])
    assert 2 == sum(leg["rang"] for leg in record["legs"])


def test_a_second_call_soon_after_a_missed_one_is_another_call() -> None:
    office = Office()

    office.users(90, user_row(0, 90, ended=20), user_row(23, 90, ended=40, user_name="Bao Smith"))
    office.nothing_more(200)

    assert ["missed", "missed"] == ends(office)


@pytest.mark.parametrize("number", range(8))
def test_of_phones_known_together_the_one_that_rang_first_names_the_call(number: int) -> None:
    office = Office(id_key=b"one of some keys %d" % number)

    office.users(90, user_row(1, 90, ended=12, user_name="Bao Smith"), user_row(0, 90, ended=12))

    assert at(0) == office.legs[office.only_call().call_id].facts.started_at


def test_one_leg_that_contradicts_keeps_another_call_of_the_number_out() -> None:
    office = Office()
    office.users(90, RANG, SPOKE)

    office.queues(91, queue_row(3, 60))

    assert [1, 2] == sorted(len(call.record["legs"]) for call in office.calls.values())


@pytest.mark.parametrize(
    ("stopped_at", "starts"),
    [(40, {at(0): 2, at(28): 1}), (60, {at(0): 1, at(28): 2})],
    ids=["with the first", "with the second"],
)
def test_of_two_calls_that_a_phone_may_belong_to_the_one_that_ended_as_it_stopped_has_it(
    stopped_at: int, starts: dict[datetime, int]
) -> None:
    """
    It does not matter which began nearer to the ring: a phone stops ringing when its caller gives up.
    """
    office = Office()
    office.queues(90, queue_row(0, 40), queue_row(28, 60))

    office.users(91, user_row(30, 91, ended=stopped_at))

    assert starts == Counter(office.calls[leg.call_id].started_at for leg in office.legs.values())


def test_a_phone_that_two_calls_claim_alike_stays_apart() -> None:
    office = Office()
    office.queues(90, queue_row(0, 60), queue_row(20, 70))

    office.users(91, user_row(30, 91, ended=45))

    assert 3 == len(office.calls)
    assert {None} == {call.record["link_confidence"] for call in office.calls.values()}
