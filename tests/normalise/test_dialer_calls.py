"""
From what a dialer told of a call to its events.
"""

from __future__ import annotations

import pytest

from relay.model.dialer_call import DialerCall
from relay.model.mapping import Mappings
from relay.normalise.dialer_logs import LoggedCall, over, with_detail, with_log
from tests.normalise.dialer_book import (
    INBOUND_ID,
    OUTBOUND_ID,
    Book,
    Telling,
    answered,
    ended,
    row_of,
    short,
)
from tests.normalise.dialer_floor import ZONE
from tests.normalise.office import at


def detail(**columns: str) -> Telling:
    """
    Tell what `callid_info` says.
    """
    return lambda call: with_detail(call, row_of(**columns), ZONE)


def recorded(call: DialerCall) -> DialerCall:
    """
    Tell where the recording is.
    """
    return call.told(recording_url="http://10.10.10.15/RECORDINGS/MP3/a.mp3")


def test_the_life_of_an_answered_call() -> None:
    book = Book()

    assert ["started"] == short(book.tell(1, lambda call: call))
    assert ["answered"] == short(book.tell(6, answered(5.5)))
    assert ["finished"] == short(book.tell(66, ended(65.5)))
    assert ["dispositioned"] == short(book.tell(70, detail(status="SALE", custtime="60")))
    (event,) = book.tell(80, recorded)
    assert "call.recording_ready" == event.type
    assert {
        "native_id": INBOUND_ID, "direction": "inbound", "from_raw": "7275551212", "to_raw": "3125551212",
        "did": "+13125551212", "state": "ended", "outcome": "answered", "agent_id": "1001", "lead_id": "122",
        "started_at": "2026-11-21T00:00:00.000Z", "answered_at": "2026-11-21T00:00:05.500Z",
        "ended_at": "2026-11-21T00:01:05.500Z", "wait_s": 5, "talk_s": 60, "duration_s": 65,
        "disposition": "SALE", "recording_url": "http://10.10.10.15/RECORDINGS/MP3/a.mp3",
        "queue": "SALESLINE", "source_tz": "America/New_York", "revision": 5,
    }.items() <= (event.data | {"revision": event.revision}).items()  # fmt: skip


def test_how_exactly_a_time_is_known_stands_in_its_event() -> None:
    book = Book()
    events = book.tell(1, lambda call: call) + book.tell(6, answered(5.5)) + book.tell(66, ended(65.5))

    assert [(1, at(0)), (1, at(5.5)), (2, at(65.5))] == [
        (event.precision_s, event.occurred_at) for event in events
    ]


def test_of_a_call_that_only_a_log_told_of_neither_wait_nor_talk_is_known() -> None:
    logged = LoggedCall("7275551212", None, "2026-11-20 19:00:00", at(0), 65, "SALE", "CALLER", "1001", "101")
    events = Book().tell(600, lambda call: with_log(call, logged))

    assert ["started", "answered", "finished", "dispositioned"] == short(events)
    finished = events[2].data
    assert ("answered", None, None, 65, [None]) == (
        finished["outcome"], finished["wait_s"], finished["talk_s"], finished["duration_s"],
        [leg["talk_s"] for leg in finished["legs"]],
    )  # fmt: skip
    assert (at(32.5), 33) == (events[1].occurred_at, events[1].precision_s)


def test_an_outbound_call_goes_to_the_number() -> None:
    (event, _) = Book().tell(6, answered(5), vendor_id=OUTBOUND_ID)

    assert ("outbound", "3125551212", "7275551212", "+17275551212", None) == tuple(
        event.data[name] for name in ("direction", "from_raw", "to_raw", "to_e164", "did")
    )


def test_a_call_first_seen_over_is_told_in_order() -> None:
    events = Book().tell(90, lambda call: recorded(detail(status="SALE", custtime="60")(ended(65)(call))))

    assert ["started", "answered", "finished", "dispositioned", "recording_ready"] == short(events)
    assert [True, True, False, False, False] == [event.inferred for event in events]
    assert [None, None, None, "SALE", "SALE"] == [event.data["disposition"] for event in events]
    assert [None, None, None, None] == [event.data["recording_url"] for event in events[:4]]


def test_an_unanswered_end_waits_for_what_the_dialer_says() -> None:
    book = Book()

    assert ["started"] == short(book.tell(6, ended(5)))
    assert [] == short(book.tell(30, detail(status="QUEUE", user="VDCL")))
    assert book.known[book.key(INBOUND_ID)].call.is_end_held
    events = book.tell(40, detail(status="DROP", user="VDCL"))

    assert ["abandoned", "dispositioned"] == short(events)
    assert (True, 0, None) == (events[0].inferred, events[0].data["talk_s"], events[0].data["agent_id"])


def test_an_unanswered_end_goes_out_when_nothing_is_said() -> None:
    book = Book()
    book.tell(6, ended(5))

    (event,) = book.tell(130, lambda call: call, is_end_due=True)
    assert ("call.finished", "unknown", True, None) == (
        event.type, event.data["outcome"], event.inferred, event.data["talk_s"],
    )  # fmt: skip
    assert ["dispositioned"] == short(book.tell(200, detail(status="DROP", user="VDCL")))
    assert "abandoned" == book.known[book.key(INBOUND_ID)].call.record["outcome"]


@pytest.mark.parametrize(
    ("status", "kind", "outcome"),
    [
        ("DROP", "abandoned", "abandoned"), ("TIMEOT", "timed_out", "timed_out"),
        ("AFTHRS", "timed_out", "timed_out"), ("NA", "finished", "no_answer"), ("B", "finished", "no_answer"),
        ("ADC", "finished", "failed"), ("IVRXFR", "finished", "unknown"), ("ODD", "finished", "unknown"),
    ],
)  # fmt: skip
def test_the_dialers_own_statuses_say_what_became_of_a_call(status: str, kind: str, outcome: str) -> None:
    events = Book().tell(40, lambda call: detail(status=status, user="VDAD")(ended(5)(call)))

    assert ["started", kind, "dispositioned"] == short(events)
    assert {outcome} == {event.data["outcome"] for event in events[1:]}


@pytest.mark.parametrize("status", ["NA", "DROP", "SALE", "B"])
def test_what_was_answered_stays_answered_whatever_its_status(status: str) -> None:
    book = Book()
    book.tell(6, answered(5))

    events = book.tell(70, lambda call: detail(status=status)(ended(65)(call)))
    assert ["finished", "dispositioned"] == short(events)
    assert "answered" == events[1].data["outcome"]


def test_what_comes_later_is_told_once() -> None:
    book = Book()
    book.tell(6, answered(5))
    book.tell(66, ended(65))

    events = book.tell(90, lambda call: call.told(hangup_reason="CALLER"))
    assert (["updated"], ("hangup_reason",)) == (short(events), events[0].changed)
    assert [] == book.tell(95, lambda call: call.told(hangup_reason="CALLER"))


def test_nothing_new_is_no_change_also_where_the_times_had_microseconds() -> None:
    book = Book()
    book.tell(6.0005, answered(5.0004567))
    book.tell(66, ended(65.0004566))

    assert [] == book.tell(70, lambda call: call)
    assert [] == book.tell(71, lambda call: call.told(agent_id="", queue=None))


def test_calls_that_ended_before_publishing_began_are_silent() -> None:
    book = Book(publish_from_s=100)

    assert [] == book.tell(110, lambda call: ended(65)(answered(5)(call)))
    assert [] == book.tell(120, detail(status="SALE", custtime="60"))
    known = book.known[book.key(INBOUND_ID)]
    assert (True, 0, "SALE") == (known.call.is_silent, known.call.revision, known.call.record["disposition"])


def test_a_call_that_lasts_when_publishing_begins_is_told() -> None:
    book = Book(publish_from_s=100)

    assert ["started", "answered"] == short(book.tell(110, answered(5)))
    assert ["finished"] == short(book.tell(130, ended(129)))


def test_the_words_of_the_crm() -> None:
    book = Book()
    book.mappings = Mappings(1, {"SALE": "won"}, {"1001": "crm-417"})

    started, *_, dispositioned = book.tell(
        70, lambda call: detail(status="SALE")(ended(65)(answered(5)(call)))
    )
    assert ("crm-417", None) == (started.data["agent_external_id"], started.data["disposition_mapped"])
    assert "won" == dispositioned.data["disposition_mapped"]


def test_a_call_is_read_back_as_it_was_written() -> None:
    call = DialerCall(None, "inbound", at(0), did="3125551212", answered_at=at(5), talk_s=0, is_pushed=True)

    assert call == DialerCall.of_row(call.as_row())
    assert call == call.told(phone=None, agent_id="")
    with pytest.raises(TypeError):
        DialerCall.of_row({"started_at": "2026-11-21T00:00:00.000Z"})


def test_two_disposition_are_two_events() -> None:
    book = Book()
    book.tell(70, lambda call: detail(status="SALE")(ended(65)(answered(5)(call))))

    assert ["dispositioned"] == short(book.tell(80, detail(status="CALLBK")))
    assert ["dispositioned"] == short(book.tell(90, detail(status="SALE")))


def test_a_fate_that_is_known_says_that_the_call_is_over() -> None:
    call = Book().calls.new(INBOUND_ID, at(90))._replace(status="SALE", agent_id="1001", talk_s=60)

    assert (at(0), at(60)) == (over(call).answered_at, over(call).ended_at)
    assert over(call) == over(over(call))
