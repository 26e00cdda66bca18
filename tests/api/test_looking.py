"""
Events, calls, deliveries, sources and types by REST.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from relay.api.answers import (
    AttemptAnswer,
    CallAnswer,
    CallDetailAnswer,
    DeliveryAnswer,
    EventAnswer,
    EventTypeAnswer,
    SourceAnswer,
)
from relay.journal.port import StreamState
from relay.model.catalogue import EVENT_TYPES
from relay.model.outcome import TryLater
from relay.model.schemas import envelope_schema
from relay.testing.manual_clock import ManualClock
from tests.api.conftest import Api, running_api
from tests.journal.making import NOW, SECOND, append_of, call_change, read_of


@pytest.fixture
async def api(journal_path: Path) -> AsyncIterator[Api]:
    """
    Run the API on a journal with two calls of three events each, delivered to one endpoint.
    """
    async with running_api(journal_path) as running:
        await running.made(events=["*"])
        for name in ("a", "b"):
            await running.append(append_of(call_change(name)))
        await running.settled()
        yield running


async def items(api: Api, path: str) -> list[Any]:
    """
    Return all items of a list, page by page.
    """
    found: list[Any] = []
    after = ""
    while True:
        page = await api.got(path + after)
        found += page["items"]
        if page["next"] is None:
            return found
        after = ("&" if "?" in path else "?") + f"after={page['next']}"


async def test_events_are_listed_in_the_order_of_the_journal(api: Api) -> None:
    listed = await items(api, "/v1/events?limit=4")

    for item in listed:
        EventAnswer.model_validate(item, extra="forbid")
    assert [1, 2, 3, 4, 5, 6] == [item["seq"] for item in listed]


async def test_an_event_is_the_cloudevent_that_was_delivered(api: Api) -> None:
    sent = api.sink.delivered[0]

    shown = await api.ask("GET", f"/v1/events/{sent.event_id}")

    assert b'{"seq":1,"event":' + sent.body + b"}" == shown.body


@pytest.mark.parametrize(
    ("parameters", "seqs"),
    [
        ("subject=call/pbx/b", [4, 5, 6]),
        ("type=call.updated", [1, 2, 3, 4, 5, 6]),
        ("type=source.*&type=call.started", []),
        ("type=source.*&type=call.*&after=4", [5, 6]),
        ("source=pbx&source=dialer", [1, 2, 3, 4, 5, 6]),
        ("source=dialer", []),
        ("recorded_from=2026-03-02T01:00:00Z", [1, 2, 3, 4, 5, 6]),
        ("recorded_before=2026-03-02T12:00:00%2B11:00", []),
        ("after=999999999999999999", []),
    ],
)
async def test_events_are_filtered(api: Api, parameters: str, seqs: list[int]) -> None:
    assert seqs == [item["seq"] for item in await items(api, f"/v1/events?{parameters}")]


async def test_calls_are_listed_and_filtered(api: Api) -> None:
    listed = await items(api, "/v1/calls?limit=1")

    for item in listed:
        CallAnswer.model_validate(item, extra="forbid")
    assert {"a", "b"} == {item["call_id"] for item in listed}
    assert ["pbx"] * 2 == [item["source_id"] for item in await items(api, "/v1/calls?source=pbx&state=ended")]
    assert [] == await items(api, "/v1/calls?source=dialer")
    assert [] == await items(api, "/v1/calls?started_before=2026-03-02T01:00:00Z")


async def test_a_call_is_shown_with_its_legs_and_events(api: Api) -> None:
    answer = await api.ask("GET", "/v1/calls/a")

    call = CallDetailAnswer.model_validate(answer.document, extra="forbid")
    assert ("call/pbx/a", 3, {"call_id": "a"}) == (call.subject, call.revision, call.data)
    assert [("leg-a-0", "Ann", 55)] == [(leg.leg_id, leg.agent_name, leg.talk_s) for leg in call.legs]
    assert [1, 2, 3] == [event.seq for event in call.events]
    assert b"row" not in answer.body


async def test_deliveries_are_listed_and_filtered(api: Api) -> None:
    listed = await items(api, "/v1/deliveries?limit=4")

    for item in listed:
        DeliveryAnswer.model_validate(item, extra="forbid")
    assert [6, 5, 4, 3, 2, 1] == [item["seq"] for item in listed]
    assert listed == await items(api, "/v1/endpoints/crm/deliveries?status=delivered&status=pending")
    assert listed == await items(api, "/v1/deliveries?endpoint=crm&type=call.*")
    assert [] == await items(api, "/v1/deliveries?status=exhausted")
    event = listed[2]["event_id"]
    assert [listed[2]] == await items(api, f"/v1/deliveries?event={event}")


async def test_a_delivery_is_found_by_its_id_and_has_its_attempts(api: Api) -> None:
    (first, *_) = await items(api, "/v1/deliveries")

    shown = await api.got(f"/v1/deliveries/{first['id']}")
    (attempt,) = await items(api, f"/v1/deliveries/{first['id']}/attempts")

    assert first == shown
    assert ("delivered", "ok", 200, 1) == tuple(
        shown[name] for name in ("status", "reason", "http_status", "attempts")
    )
    made = AttemptAnswer.model_validate(attempt, extra="forbid")
    assert (1, "ok", 200) == (made.attempt, made.reason, made.http_status)


async def test_a_failed_attempt_is_shown_with_what_came_back(api: Api) -> None:
    outcomes = iter([TryLater("http_5xx", 503, b"busy \xff")])
    good = api.sink.answer
    api.sink.answer = lambda delivery: next(outcomes, None) or good(delivery)

    await api.append(append_of(call_change("c", events=1)))
    await api.settled()
    (delivery, *_) = await items(api, "/v1/deliveries")

    attempts = await items(api, f"/v1/deliveries/{delivery['id']}/attempts")
    assert [("http_5xx", 503, "busy \ufffd"), ("ok", 200, "")] == [
        (one["reason"], one["http_status"], one["answer"][:6]) for one in attempts
    ]


async def test_a_resend_is_a_delivery_of_its_own(api: Api) -> None:
    (first, *_) = await items(api, "/v1/deliveries")

    answer = await api.ask("POST", f"/v1/deliveries/{first['id']}/resend")
    await api.settled()

    resent = DeliveryAnswer.model_validate(answer.document, extra="forbid")
    assert (201, f"/v1/deliveries/{resent.id}") == (answer.status, answer.headers["Location"])
    assert (first["event_id"], "pending") == (resent.event_id, resent.status)
    assert resent.job > 0
    assert first["event_id"] == api.sink.delivered[-1].event_id
    assert "delivered" == (await api.got(f"/v1/deliveries/{resent.id}"))["status"]


async def test_what_was_sent_to_a_disabled_endpoint_is_not_resent(journal_path: Path) -> None:
    async with running_api(journal_path, of_file=["filed"]) as api:
        await api.append(append_of(call_change("a", events=1)))
        await api.settled()
    async with running_api(journal_path) as api:  # the endpoint is no longer in the file
        (first,) = await items(api, "/v1/deliveries")
        answer = await api.ask("POST", f"/v1/deliveries/{first['id']}/resend")

    assert (409, "conflict") == answer.problem


@pytest.mark.parametrize(
    "path",
    [
        "/v1/events/evt_aaaaaaaaaaaaaaaaaaaa",
        "/v1/events/1",
        "/v1/calls/nothing",
        "/v1/deliveries/crm.evt_aaaaaaaaaaaaaaaaaaaa.0",
        "/v1/deliveries/crm",
        "/v1/deliveries/crm.evt_aaaaaaaaaaaaaaaaaaaa.0/attempts",
        "/v1/sources/nowhere",
        "/schemas/call.nothing",
    ],
)
async def test_what_is_not_there_is_not_found(api: Api, path: str) -> None:
    assert (404, "not_found") == (await api.ask("GET", path)).problem


async def test_a_source_shows_how_far_it_was_read_and_what_it_may_be_asked(journal_path: Path) -> None:
    async with running_api(journal_path, clock=ManualClock(NOW + 90 * SECOND)) as api:
        read = append_of()
        for stream, end in (("user_calls", 30), ("queue_calls", 80)):
            await api.append(replace(read, stream=stream, read=read_of(-3_600, end, stream)))
        absent = StreamState("absent")
        await api.append(replace(read, stream="ringgroup_calls", stream_state=absent))
        listed = await items(api, "/v1/sources")
        shown = await api.got("/v1/sources/pbx")

    source = SourceAnswer.model_validate(listed[0], extra="forbid")
    assert [shown] == [{**listed[0], "open_gaps": 0}]
    assert ("pbx", "voipcloud", 60) == (source.id, source.kind, source.lag_s)
    assert {"user_calls": 60, "queue_calls": 10, "ringgroup_calls": None} == {
        stream.stream: stream.lag_s for stream in source.streams
    }
    assert {"requests": 100, "per_s": 900.0, "used": 0, "remaining": 100} == shown["budget"]


async def test_a_source_that_was_never_read_has_no_lag(api: Api) -> None:
    assert None is (await api.got("/v1/sources/pbx"))["lag_s"]


async def test_sources_come_page_by_page(api: Api) -> None:
    for name in ("aaa", "zzz"):
        await api.journal.register_source(name, "voipcloud", NOW, NOW)

    listed = await items(api, "/v1/sources?limit=1")

    assert ["aaa", "pbx", "zzz"] == [item["id"] for item in listed]
    assert None is listed[0]["budget"]


async def test_every_type_of_event_is_listed_with_its_schema(api: Api) -> None:
    listed = await items(api, "/v1/event-types")

    for item in listed:
        EventTypeAnswer.model_validate(item, extra="forbid")
        answer = await api.ask("GET", item["schema_url"])
        assert "application/schema+json" == answer.headers["Content-Type"]
        assert orjson.loads(orjson.dumps(envelope_schema(item["type"]))) == answer.document
    assert list(EVENT_TYPES) == [item["type"] for item in listed]


async def test_a_page_of_many_is_as_long_as_asked_for(api: Api) -> None:
    for number in range(40):
        await api.append(append_of(call_change(f"more{number}")))

    default = await api.got("/v1/events")
    all_of_them = await api.got("/v1/events?limit=1000")

    assert (100, "100") == (len(default["items"]), default["next"])
    assert (126, None) == (len(all_of_them["items"]), all_of_them["next"])
