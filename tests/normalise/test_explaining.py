"""
What linking says of itself, and what it would do under other rules.
"""

from __future__ import annotations

from typing import Any

import orjson

from relay.model.linking import LinkAccount, LinkRules, PairAccount
from relay.normalise.explaining import dry_run, explain
from tests.normalise.office import TRUNK, Office, queue_row, ring_group_row, user_row

RULES = LinkRules()


def account(office: Office, start: str) -> LinkAccount:
    """
    Return the account of the call that began at a time of the story, as `MM:SS`.
    """
    (call,) = (call for call in office.standing() if f"{call.started_at:%M:%S}" == start)
    return explain(call.call_id, list(office.legs.values()), office.calls, RULES)


def told(pairs: tuple[PairAccount, ...]) -> set[tuple[Any, ...]]:
    """
    Return what became of pairs.
    """
    return {(pair.relation, pair.score, pair.verdict, pair.why) for pair in pairs}


def test_the_legs_of_a_call_are_explained_pair_by_pair() -> None:
    office = Office()
    office.queues(90, queue_row(0, 80, answered=20, by="Bao Smith"))
    office.users(91, user_row(5, 90, ended=20), user_row(5, 90, answered=20, ended=80, user_name="Bao Smith"))

    found = account(office, "00:00")

    assert 1.0 == found.link_confidence
    assert {
        ("answered_by", 10, "linked", None),
        ("rang_in", 7, "linked", None),
        ("rang_together", 7, "linked", None),
    } == told(found.pairs)
    answered = next(pair for pair in found.pairs if pair.relation == "answered_by")
    assert {
        "same_caller": 1, "same_did": 1, "same_agent": 3, "same_answer": 3, "same_finish": 2,
    } == answered.reasons  # fmt: skip
    assert "rang_in" in {pair["relation"] for pair in orjson.loads(orjson.dumps(found.as_json()))["pairs"]}


def test_a_pair_that_two_calls_claim_alike_has_no_margin() -> None:
    office = Office()
    office.queues(90, queue_row(0, 60), queue_row(20, 70))
    office.users(91, user_row(30, 91, ended=45))

    found = account(office, "00:30")

    assert {("rang_in", 5, "no_margin", None)} == told(found.pairs)
    assert found.link_confidence is None


def test_a_contradiction_of_the_pair_or_of_the_two_calls_is_named() -> None:
    office = Office()
    office.users(90, user_row(5, 90, ended=20), user_row(5, 90, answered=20, ended=80, user_name="Bao Smith"))
    office.queues(91, queue_row(3, 60))

    assert {
        (None, 0, "rejected", "caller_had_gone"),
        ("rang_in", 5, "rejected", "caller_had_gone"),
    } == told(account(office, "00:03").pairs)


def test_too_little_evidence_is_below_the_threshold() -> None:
    office = Office()
    office.users(90, user_row(0, 90, answered=5, ended=60))
    office.users(91, user_row(40, 99, answered=45, ended=99, user_name="Bao Smith"))

    assert {("transferred", 3, "below_threshold", None)} == told(account(office, "00:00").pairs)


def test_what_rests_on_time_alone_is_rejected_on_a_shared_number() -> None:
    office = Office()
    office.users(
        100,
        user_row(0, 99, answered=5, ended=40, from_number=TRUNK),
        user_row(41, 99, answered=45, ended=80, from_number=TRUNK, user_name="Bao Smith"),
        user_row(3, 99, answered=9, ended=99, from_number=TRUNK, user_name="Chloe O'Brien"),
    )

    assert ("transferred", 5, "rejected", "shared_number") in told(account(office, "00:00").pairs)


def test_two_published_calls_are_not_joined_by_turns_alone() -> None:
    office = Office()
    office.users(16, user_row(0, 16), user_row(12, 16, user_name="Bao Smith"))
    office.users(17, user_row(0, 17, ended=12), user_row(12, 17, user_name="Bao Smith"))

    assert {("rang_in_turn", 5, "rejected", "in_turn_alone")} == told(account(office, "00:00").pairs)


def test_a_dry_run_with_the_rules_in_force_changes_nothing() -> None:
    office = busy()

    report = dry_run(list(office.legs.values()), RULES)

    assert ((), ()) == (report.joined, report.split)
    assert (5, 2, 2) == (report.legs, report.calls, report.calls_then)


def test_a_dry_run_tells_which_calls_would_fall_apart() -> None:
    office = busy()
    of_the_group = next(call for call in office.standing() if call.record["ring_group"])

    report = dry_run(list(office.legs.values()), LinkRules(overflowed=0, at_once=0))

    assert 3 == report.calls_then
    assert {(of_the_group.call_id,)} == {one.call_ids for one in report.split}
    assert [1, 2] == sorted(len(one.leg_ids) for one in report.split)
    assert () == report.joined


def test_a_dry_run_tells_which_calls_would_be_joined() -> None:
    office = Office()
    office.users(90, user_row(0, 90, ended=20), user_row(23, 90, ended=40, user_name="Bao Smith"))

    report = dry_run(list(office.legs.values()), LinkRules(same_instant=LinkRules().overflow_within))

    (joined,) = report.joined
    assert sorted(office.calls) == list(joined.call_ids)
    assert (
        "2026-11-21T00:00:00.000Z" == orjson.loads(orjson.dumps(report.as_json()))["joined"][0]["started_at"]
    )


def busy() -> Office:
    """
    Return an office with a call that overflowed, and one of another caller.
    """
    office = Office()
    office.ring_groups(90, ring_group_row(0, 20, status="timedout"))
    office.queues(91, queue_row(20, 80, answered=40, by="Bao Smith"), queue_row(7, 30, callerid=TRUNK))
    office.users(
        92,
        user_row(30, 92, answered=40, ended=80, user_name="Bao Smith"),
        user_row(9, 92, ended=30, from_number=TRUNK),
    )
    return office
