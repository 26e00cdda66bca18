"""
The verdict of `relay demo` is red wherever what was promised was not kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from relay.cli.demonstration.acts import Evidence
from relay.cli.demonstration.dialer import DialerLook
from relay.cli.demonstration.stage import SOURCE, Look
from relay.cli.demonstration.verdict import judge
from relay.journal_assembly import TopicEvent
from relay.model.catalogue import CALL_FINISHED, CALL_STARTED
from relay.model.event import StoredEvent
from relay.model.times import rfc3339
from relay.testing.receiver import VerifyingReceiver
from relay.twin.truth import TruthCall
from tests.whole.scene import SECRET
from tests.whole.told_floor import events_of_floor, truth_of_floor

START = datetime(2026, 3, 2, 1, tzinfo=UTC)
CALLS, LINKED = 100, 20


@dataclass
class Case:
    """
    What there is to judge; each test spoils something.
    """

    evidence: Evidence
    receiver: VerifyingReceiver


def truth_call(number: int) -> TruthCall:
    started_at = START + timedelta(minutes=number)
    return TruthCall(
        key=f"call-{number}",
        kind="queue",
        direction="inbound",
        from_number=f"04{number:08d}",
        to_number="0270101000",
        did="0270101000",
        started_at=started_at,
        answered_at=started_at + timedelta(seconds=2),
        ended_at=started_at + timedelta(seconds=5),
        duration_s=5,
        talk_s=3,
        wait_s=2,
        answered=True,
        outcome="answered",
        agent_name="Alice Nguyen",
        queue="Sales",
        ring_group=None,
        legs=2,
    )


def event_of(call: TruthCall, number: int, revision: int, seq: int) -> StoredEvent:
    event_type = CALL_STARTED if revision == 1 else CALL_FINISHED
    streams = ("user_calls", "queue_calls") if number < LINKED else ("user_calls",)
    same = {name: getattr(call, name) for name in ("direction", "agent_name", "queue", "ring_group")}
    data: dict[str, Any] = {
        **same,
        "source_id": SOURCE,
        "revision": revision,
        "call_id": f"id{number}",
        "from_raw": call.from_number,
        "to_raw": call.to_number,
        "outcome": "answered",
        "started_at": rfc3339(call.started_at),
        "ended_at": rfc3339(call.ended_at) if call.ended_at else None,
        "duration_s": call.duration_s,
        "talk_s": call.talk_s,
        "legs": [{"stream": stream} for stream in streams],
    }
    subject = f"call/{SOURCE}/id{number}"
    body = {"id": f"event_{seq}", "type": event_type, "subject": subject, "data": data}
    return StoredEvent(
        seq, f"event_{seq}", event_type, SOURCE, subject, revision, call.started_at, START, orjson.dumps(body)
    )


@pytest.fixture
def case() -> Case:
    calls = [truth_call(number) for number in range(CALLS)]
    journal = [
        event_of(call, number, revision, 2 * number + revision)
        for number, call in enumerate(calls)
        for revision in (1, 2)
    ]
    journal += events_of_floor(START, len(journal) + 1)
    receiver = VerifyingReceiver(SECRET)
    receiver.events.update((event.id, orjson.loads(event.body)) for event in journal)
    receiver.refused = 3
    topics = [TopicEvent("journal", event.seq, event.body) for event in journal]
    dialer = DialerLook(truth_of_floor(START))
    return Case(Evidence(Look(calls, 0, 500, True), dialer, journal, topics, 1), receiver)


def test_everything_kept_is_green(case: Case) -> None:
    verdict = judge(case.evidence, case.receiver)

    assert () == verdict.faults
    assert (True, CALLS, LINKED) == (
        verdict.as_json()["ok"],
        verdict.as_json()["delivered"],
        verdict.as_json()["linked_queue_calls"],
    )


def lose_a_delivery(case: Case) -> None:
    del case.receiver.events["event_7"]


def lose_a_call(case: Case) -> None:
    gone = [event for event in case.evidence.journal if event.subject.endswith("/id9")]
    case.evidence.journal = [event for event in case.evidence.journal if event not in gone]
    for event in gone:
        del case.receiver.events[event.id]


def bend_a_call(case: Case) -> None:
    call = case.evidence.look.calls[4]
    case.evidence.look.calls[4] = replace(call, talk_s=2)


def double_an_end(case: Case) -> None:
    again = event_of(case.evidence.look.calls[0], 0, 3, len(case.evidence.journal) + 1)
    case.evidence.journal.append(again)
    case.receiver.events[again.id] = orjson.loads(again.body)


def lose_a_call_of_the_dialer(case: Case) -> None:
    case.evidence.dialer.truth["calls"].append({**case.evidence.dialer.truth["calls"][0], "call_id": "V1"})


def bend_a_call_of_the_dialer(case: Case) -> None:
    case.evidence.dialer.truth["calls"][0]["disposition"] = "NI"


def end_a_call_of_the_dialer_later(case: Case) -> None:
    case.evidence.dialer.truth["calls"][0]["ended_at"] = rfc3339(START + timedelta(seconds=12))


def change_an_agent(case: Case) -> None:
    case.evidence.dialer.truth["states"][3]["status"] = "READY"


def deliver_something_else(case: Case) -> None:
    case.receiver.events["event_7"]["data"]["talk_s"] = 99


def deliver_out_of_nowhere(case: Case) -> None:
    case.receiver.events["event_0"] = {}


def never_kill(case: Case) -> None:
    case.evidence.kills = 0


def never_refuse(case: Case) -> None:
    case.receiver.refused = 0


def leave_a_call_open(case: Case) -> None:
    call = case.evidence.look.calls[4]
    case.evidence.look.calls.append(replace(call, key="open", from_number="0411", ended_at=None))


def ask_too_often(case: Case) -> None:
    case.evidence.look = replace(case.evidence.look, over_limit=1)


def forge_a_signature(case: Case) -> None:
    case.receiver.bad_signatures = 1


def overtake(case: Case) -> None:
    case.receiver.order_faults = 1


def topics(case: Case) -> list[TopicEvent]:
    assert case.evidence.topics is not None
    return case.evidence.topics


def lose_a_record(case: Case) -> None:
    topics(case).pop(5)


def double_a_record(case: Case) -> None:
    topics(case).append(topics(case)[5])


def change_a_record(case: Case) -> None:
    topics(case)[5] = topics(case)[5]._replace(body=b"{}")


def publish_from_two_journals(case: Case) -> None:
    topics(case)[5] = topics(case)[5]._replace(journal_id="another")


SPOILT: list[tuple[Callable[[Case], None], str]] = [
    (lose_a_delivery, "lost: call.started event_7 of call/demo-pbx/id3 was not delivered"),
    (lose_a_call, "lost: call-9 (queue, 0400000009 to 0270101000"),
    (bend_a_call, "bent: talk_s of call-4 is 2, call/demo-pbx/id4 says 3"),
    (double_an_end, "duplicated: call/demo-pbx/id0 has 2 events of the milestone end"),
    (lose_a_call_of_the_dialer, "lost: V1 ("),
    (bend_a_call_of_the_dialer, "bent: disposition of V3012000030000000420"),
    (end_a_call_of_the_dialer_later, "bent: end of V3012000030000000420"),
    (change_an_agent, "bent: agent 1004 is ('READY', None)"),
    (deliver_something_else, "event event_7 was delivered as something else than the journal holds"),
    (deliver_out_of_nowhere, "event event_0 was delivered and is not in the journal"),
    (never_kill, "relay was never killed"),
    (never_refuse, "the receiver never refused anything"),
    (leave_a_call_open, "1 calls had not ended"),
    (ask_too_often, "relay sent 1 requests more than the phone system allows"),
    (forge_a_signature, "1 bad signatures"),
    (overtake, "1 events came after a later one of their subject"),
    (lose_a_record, "event 6 of the journal is not in Kafka"),
    (double_a_record, "event 6 is 2 times in Kafka"),
    (change_a_record, "event 6 is something else in Kafka than in the journal"),
    (publish_from_two_journals, "the topics hold events of several journals"),
]


@pytest.mark.parametrize(("spoil", "fault"), SPOILT, ids=lambda value: getattr(value, "__name__", None))
def test_anything_else_is_red(case: Case, spoil: Callable[[Case], None], fault: str) -> None:
    spoil(case)

    verdict = judge(case.evidence, case.receiver)

    assert any(told.startswith(fault) for told in verdict.faults), verdict.faults
    assert not verdict.holds


def test_too_few_calls_and_links_are_red(case: Case) -> None:
    gone = {f"call/{SOURCE}/id0"}
    case.evidence.look.calls.pop(0)
    case.evidence.journal = [event for event in case.evidence.journal if event.subject not in gone]
    case.evidence.topics = None
    for event_id in ("event_1", "event_2"):
        del case.receiver.events[event_id]

    verdict = judge(case.evidence, case.receiver)

    assert ("only 99 calls, 100 are claimed", "only 19 linked queue calls, 20 are claimed") == verdict.faults
