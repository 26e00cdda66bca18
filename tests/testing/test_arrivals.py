"""
Events are read from requests of every form; what comes again or too late is counted.
"""

from __future__ import annotations

import json

import pytest

from relay.testing.arrivals import Arrivals, ArrivedEvent, events_of

SUBJECT = "call/pbx/leg 1"
EVENT = {
    "id": "evt_1",
    "type": "call.started",
    "subject": SUBJECT,
    "data": {"source_id": "pbx", "call_id": "leg 1", "revision": 3},
}
READ = ArrivedEvent("evt_1", "call.started", SUBJECT, 3)


def body(document: object) -> bytes:
    return json.dumps(document).encode()


def arrived(event_id: str, revision: int | None, subject: str | None = SUBJECT) -> ArrivedEvent:
    return ArrivedEvent(event_id, "call.updated", subject, revision)


def test_every_form_tells_the_same_event() -> None:
    structured = events_of({"content-type": "application/cloudevents+json; charset=utf-8"}, body(EVENT))
    batched = events_of({"content-type": "application/cloudevents-batch+json"}, body([EVENT, EVENT]))
    attributes = {"ce-id": "evt_1", "ce-type": "call.started", "ce-subject": "call/pbx/leg%201"}
    binary = events_of(attributes | {"content-type": "application/json"}, body(EVENT["data"]))
    standard = events_of(
        {"webhook-id": "evt_1", "content-type": "application/json"},
        body({"type": "call.started", "timestamp": "2026-03-02T01:00:00Z", "data": EVENT["data"]}),
    )

    assert ([READ], [READ, READ], [READ], [READ]) == (structured, batched, binary, standard)


def test_a_revision_that_data_does_not_tell_is_read_from_the_sequence() -> None:
    lean = {**EVENT, "data": {}, "sequence": "0000000007"}

    (structured,) = events_of({"content-type": "application/cloudevents+json"}, body(lean))
    (binary,) = events_of({"ce-id": "evt_1", "ce-sequence": "0000000008"}, b"{}")
    (neither,) = events_of({"ce-id": "evt_1", "ce-sequence": "some"}, b"{}")

    assert (7, 8, None) == (structured.revision, binary.revision, neither.revision)


def test_a_standard_body_of_another_kind_has_no_subject() -> None:
    (event,) = events_of({"webhook-id": "evt_1"}, body({"type": "system.status_changed", "data": {}}))

    assert ArrivedEvent("evt_1", "system.status_changed", None, None) == event


@pytest.mark.parametrize(
    ("content_type", "document"),
    [
        ("application/json", b"{"),
        ("application/json", b'{"hello": 1}'),
        ("application/json", b"7"),
        ("application/cloudevents+json", b'{"id": 7}'),
        ("application/cloudevents-batch+json", b"{}"),
        ("application/cloudevents-batch+json", b"[7]"),
    ],
)
def test_what_is_no_event_is_refused(content_type: str, document: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        events_of({"content-type": content_type}, document)


def test_ids_that_come_again_and_revisions_out_of_order_are_counted() -> None:
    arrivals = Arrivals()

    for event in (
        arrived("a", 1), arrived("c", 3), arrived("b", 2), arrived("c", 3), arrived("d", 3),
        arrived("e", 1, "call/pbx/2"), arrived("f", None), arrived("g", 1, None),
    ):  # fmt: skip
        arrivals.take(event)

    assert (7, 1, 2) == (arrivals.distinct, arrivals.resent, arrivals.out_of_order)


def test_only_so_many_ids_and_subjects_are_remembered() -> None:
    arrivals = Arrivals(remembered=2)

    for number in range(3):
        arrivals.take(arrived(f"evt_{number}", 5, f"call/pbx/{number}"))
    seen = [arrivals.has_seen(arrived(f"evt_{number}", 5)) for number in range(3)]
    arrivals.take(arrived("evt_3", 1, "call/pbx/0"))

    assert [False, True, True] == seen
    assert (4, 0) == (arrivals.distinct, arrivals.out_of_order)
