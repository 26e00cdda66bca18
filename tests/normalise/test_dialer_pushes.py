"""
What a dialer tells by itself.
"""

from __future__ import annotations

from typing import Any

import pytest

from relay.model.dialer_call import DialerCall
from relay.model.errors import RecordRejected
from relay.model.event import PUSH, Event
from relay.normalise.dialer_logs import with_detail
from relay.normalise.dialer_pushes import DialerPush, read_push, told_by_push
from tests.normalise.dialer_book import INBOUND_ID, Book, answered, ended, row_of, short
from tests.normalise.dialer_floor import ZONE
from tests.normalise.office import at

START = {
    "event": "start",
    "call_id": INBOUND_ID,
    "user": "1001",
    "phone_number": "7275551212",
    "dispo": "INCALL",
}
DISPO = START | {"event": "dispo", "dispo": "SALE", "talk_time": "60", "term_reason": "AGENT"}


def pushed(book: Book, second: float, body: dict[str, Any]) -> list[Event]:
    """
    Take a push that came at a second of the story.
    """
    push = read_push(body)
    key = book.key(push.vendor_id or "", second)
    now = told_by_push(push, book.calls, book.known.get(key), at(second))
    return [] if now is None else book.take(key, now, second, origin=PUSH)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("call_id", "caller_code"), ("call_id", "callerid"), ("agent", "agent_user"),
        ("phone", "phone"), ("dispo", "status"), ("group", "ingroup"), ("did", "did_pattern"),
        ("vendor_lead_code", "vendor_id"), ("recording", "recording_location"), ("reason", "hangup_reason"),
    ],
)  # fmt: skip
def test_a_field_is_found_by_each_of_its_names(name: str, given: str) -> None:
    assert (
        INBOUND_ID
        == read_push({"fullname": "A", "callid": "", given: INBOUND_ID, "agent_id": "1001"}).fields[name]
    )


def test_variables_that_were_not_filled_in_say_nothing() -> None:
    push = read_push({"call_id": INBOUND_ID, "user": "--A--user--B--", "phone_number": " ", "lead_id": 122})

    assert DialerPush(INBOUND_ID, None, False, {"call_id": INBOUND_ID, "lead_id": "122"}) == push


@pytest.mark.parametrize(
    "body",
    [
        {}, {"call_id": "--A--call_id--B--"}, {"call_id": "a b"}, {"call_id": "x" * 41}, {"user": "VDCL"},
        {"call_id": ["Y"]}, {"user": True}, {"call_id": {"a": 1}},
    ],
)  # fmt: skip
def test_garbage_is_rejected(body: dict[str, Any]) -> None:
    with pytest.raises(RecordRejected):
        read_push(body)


@pytest.mark.parametrize(
    ("body", "is_over"),
    [
        ({"event": "dispo"}, True), ({"event": "DEAD"}, True), ({"event": "no_agent"}, True),
        ({"event": "start", "status": "NEW"}, False), ({"event": "start", "talk_time": "0"}, False),
        ({"dispo": "SALE"}, True), ({"dispo": "INCALL"}, False), ({"dispo": "QUEUE"}, False), ({}, False),
        ({"event": "dispo", "counter": "12"}, False), ({"event": "state_ready", "counter": 12}, False),
    ],
)  # fmt: skip
def test_a_push_says_whether_the_call_is_over(body: dict[str, Any], is_over: bool) -> None:
    assert is_over == read_push({"call_id": INBOUND_ID, "user": "1001", **body}).is_over


def test_events_of_agents_name_no_call() -> None:
    assert [] == pushed(Book(), 5, {"user": "1001", "event": "state_ready", "counter": "7", "message": ""})


def test_a_call_that_no_poll_saw_is_told_by_its_pushes() -> None:
    book = Book()

    assert ["started", "answered"] == short(pushed(book, 5, START))
    assert ["finished", "dispositioned"] == short(pushed(book, 65, DISPO))
    known = book.known[book.key(INBOUND_ID)]
    assert ("SALE", 60, "AGENT", True) == (
        known.facts.status, known.facts.talk_s, known.facts.hangup_reason, known.facts.is_pushed,
    )  # fmt: skip


def test_pushes_in_the_wrong_order_tell_the_same_call_once() -> None:
    book = Book()

    events = pushed(book, 65, DISPO)
    assert ["started", "answered", "finished", "dispositioned"] == short(events)
    assert (at(5), "answered", "push") == (events[1].occurred_at, events[2].data["outcome"], events[2].origin)
    assert ([], []) == (pushed(book, 66, START), pushed(book, 67, DISPO))


def test_a_push_about_a_call_that_polls_show_adds_what_it_knows() -> None:
    book = Book()
    book.tell(6, answered(5, "1002"))

    assert [] == short(pushed(book, 7, START | {"vendor_lead_code": "V1"}))
    facts = book.known[book.key(INBOUND_ID)].facts
    assert ("1002", at(5), "V1", False) == (
        facts.agent_id, facts.answered_at, facts.vendor_lead_code, facts.is_pushed,
    )  # fmt: skip
    assert ["finished", "dispositioned"] == short(pushed(book, 65, DISPO))


def test_a_caller_whom_nobody_took() -> None:
    body = {
        "event": "no_agent",
        "call_id": INBOUND_ID,
        "user": "VDCL",
        "dispo": "DROP",
        "did_pattern": "3125551212",
    }

    events = pushed(Book(), 30, body)
    assert ["started", "abandoned", "dispositioned"] == short(events)
    assert (None, "+13125551212", 30) == tuple(
        events[1].data[name] for name in ("agent_id", "did", "duration_s")
    )


def test_a_dead_call_is_over_and_its_fate_open() -> None:
    book = Book()
    pushed(book, 5, START)

    assert ["finished"] == short(pushed(book, 40, {"event": "dead", "call_id": INBOUND_ID}))
    assert not book.known[book.key(INBOUND_ID)].facts.is_final


def test_a_manual_call_that_rings_is_not_answered() -> None:
    body = {"call_id": INBOUND_ID, "user": "1001", "event": "call_dialed", "counter": "3"}

    assert ["started"] == short(pushed(Book(), 5, body))


@pytest.mark.parametrize("talk", ["-1", "86401", "1e3", "٣"])
def test_a_talk_that_is_no_number_of_seconds_is_not_known(talk: str) -> None:
    book = Book()
    pushed(book, 65, DISPO | {"talk_time": talk})

    assert book.known[book.key(INBOUND_ID)].facts.talk_s is None


def test_a_look_up_confirms_a_push() -> None:
    book = Book()
    pushed(book, 5, START)

    def told(call: DialerCall) -> DialerCall:
        return with_detail(call, row_of(status="SALE", custtime="55"), ZONE)

    assert ["finished", "dispositioned"] == short(book.tell(70, told))
    facts = book.known[book.key(INBOUND_ID)].facts
    assert (at(60), 5, False) == (facts.ended_at, facts.ended_precision_s, facts.is_pushed)


def test_a_push_after_the_end_opens_nothing() -> None:
    book = Book()
    book.tell(70, lambda call: ended(65)(answered(5)(call)))

    assert [] == pushed(book, 71, START)
