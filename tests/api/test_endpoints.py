"""
Endpoints by REST: registered, read, changed, given secrets, held, tested, taken away.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from relay.api.answers import EndpointAnswer, EndpointStats, NewEndpointAnswer, NewSecretAnswer, TestAnswer
from relay.config.webhook_secret import decode_secret
from relay.model.outcome import TryLater
from relay.testing.manual_clock import ManualClock
from tests.api.conftest import NEW, SECRET, URL, Api, running_api
from tests.journal.making import NOW, append_of, call_change


async def test_an_endpoint_is_registered_with_its_defaults(api: Api) -> None:
    answer = await api.ask("POST", "/v1/endpoints", {"url": URL, "events": ["call.*"]})

    made = NewEndpointAnswer.model_validate(answer.document, extra="forbid")
    assert 201 == answer.status
    assert f"/v1/endpoints/{made.id}" == answer.headers["Location"]
    assert made.id.startswith("ep-")
    assert ("healthy", 0, False) == (made.state, made.start_seq, made.is_from_file)
    assert (20.0, 64, 9) == (made.timeout_s, made.max_in_flight, len(made.retry_schedule_s))
    assert 32 == len(decode_secret(made.secret))


async def test_everything_that_was_given_is_kept_and_the_secret_is_shown_once(api: Api) -> None:
    given = {
        "id": "crm-1",
        "url": "https://crm.example.com/hooks?account=5",
        "events": ["call.finished", "source.*"],
        "sources": ["pbx"],
        "description": "Für den Vertrieb",
        "timeout_s": 5,
        "max_in_flight": 3,
        "retry_schedule_s": [1, 2],
    }
    made = await api.made(**given, secret=SECRET)
    read = await api.ask("GET", "/v1/endpoints/crm-1")

    assert SECRET == made["secret"]
    assert given == {name: read.document[name] for name in given}
    assert "whsec" not in read.body.decode()
    EndpointAnswer.model_validate(read.document, extra="forbid")


async def test_an_endpoint_gets_the_events_after_its_start(api: Api) -> None:
    await api.append(append_of(call_change("a")))

    made = await api.made()
    await api.append(append_of(call_change("b")))
    await api.sink.wait_until(lambda sink: len(sink.delivered) == 3)

    assert 3 == made["start_seq"]
    assert [4, 5, 6] == [delivery.seq for delivery in api.sink.delivered]


async def test_an_id_is_used_once_and_never_again(api: Api) -> None:
    await api.made()

    again = await api.ask("POST", "/v1/endpoints", NEW)
    deleted = await api.ask("DELETE", "/v1/endpoints/crm")
    after = await api.ask("POST", "/v1/endpoints", NEW)

    assert (204, b"") == (deleted.status, deleted.body)
    assert [(409, "conflict")] * 2 == [again.problem, after.problem]


async def test_a_change_is_of_the_given_fields_only(api: Api) -> None:
    made = await api.made(description="before", timeout_s=5.0)

    changed = await api.ask("PATCH", "/v1/endpoints/crm", {"description": "after", "sources": ["pbx"]})

    assert 200 == changed.status
    expected = {**made, "description": "after", "sources": ["pbx"]}
    del expected["secret"], expected["public_key"]
    assert expected == changed.document == await api.got("/v1/endpoints/crm")


async def test_a_changed_address_is_used_from_then_on(api: Api) -> None:
    await api.made()

    await api.ask("PATCH", "/v1/endpoints/crm", {"url": "https://new.example.com/", "events": ["*"]})

    assert ["https://new.example.com/", ("*",)] == [api.opened[-1].url, api.opened[-1].events]


async def test_an_empty_change_changes_nothing(api: Api) -> None:
    await api.made()
    before = await api.got("/v1/endpoints/crm")

    changed = await api.ask("PATCH", "/v1/endpoints/crm", {})

    assert (200, before) == (changed.status, changed.document)


async def test_a_new_secret_signs_first_and_the_old_one_for_a_while(api: Api) -> None:
    old = decode_secret((await api.made())["secret"])

    answer = await api.ask("POST", "/v1/endpoints/crm/secrets", {"secret": SECRET, "overlap_s": 60})
    listed = await api.ask("GET", "/v1/endpoints/crm/secrets")

    made = NewSecretAnswer.model_validate(answer.document, extra="forbid")
    assert (201, SECRET, None) == (answer.status, made.secret, made.expires_at)
    newest, older = listed.document["items"]
    assert (made.id, None, False) == (newest["id"], newest["starts_at"], newest["is_lost"])
    assert {"secret", "public_key"} == answer.document.keys() - newest.keys()
    ends = datetime.fromisoformat(older["expires_at"]) - datetime.fromisoformat(newest["created_at"])
    assert timedelta(seconds=60) == ends
    assert SECRET.encode() not in listed.body
    assert (decode_secret(SECRET), old) == api.opened[-1].secrets


async def test_a_secret_is_made_where_none_is_given(api: Api) -> None:
    await api.made()

    answer = await api.ask("POST", "/v1/endpoints/crm/secrets", {})

    assert 32 == len(decode_secret(answer.document["secret"]))
    older = (await api.got("/v1/endpoints/crm/secrets"))["items"][1]
    until = datetime.fromisoformat(older["expires_at"])
    assert timedelta(hours=23) < until - datetime.now(UTC) <= timedelta(days=1)


async def test_an_endpoint_is_held_and_let_go(api: Api) -> None:
    await api.made()

    paused = await api.ask("POST", "/v1/endpoints/crm/pause")
    await api.append(append_of(call_change("a", events=1)))
    waiting = await api.got("/v1/endpoints/crm/stats")
    resumed = await api.ask("POST", "/v1/endpoints/crm/resume")
    await api.sink.wait_until(lambda sink: len(sink.delivered) == 1)

    assert [(200, "paused"), (200, "healthy")] == [
        (answer.status, answer.document["state"]) for answer in (paused, resumed)
    ]
    assert 1 == waiting["pending"]


async def test_a_test_tells_what_the_receiver_said(api: Api) -> None:
    await api.made()

    good = await api.ask("POST", "/v1/endpoints/crm/test")
    api.sink.answer = lambda _: TryLater("http_5xx", 503, b"closed \xff")
    bad = await api.ask("POST", "/v1/endpoints/crm/test")

    shown = [TestAnswer.model_validate(answer.document, extra="forbid") for answer in (good, bad)]
    assert [("ok", 200, ""), ("http_5xx", 503, "closed \ufffd")] == [
        (one.reason, one.http_status, one.answer) for one in shown
    ]
    assert [one.event_id for one in shown] == [delivery.event_id for delivery in api.sink.attempted]


async def test_statistics_count_what_waits_and_what_became_of_the_rest(api: Api) -> None:
    await api.made()
    empty = await api.got("/v1/endpoints/crm/stats")
    await api.append(append_of(call_change("a")))
    await api.settled()

    stats = EndpointStats.model_validate(await api.got("/v1/endpoints/crm/stats"), extra="forbid")

    assert (0, None, None) == (empty["pending"], empty["latency_ms"], empty["oldest_pending_at"])
    assert ("crm", 0, 3) == (stats.endpoint_id, stats.pending, stats.of)
    assert ({"delivered": 3}, {"ok": 3}) == (stats.by_status, stats.by_reason)


async def test_the_list_is_in_the_order_of_registration_page_by_page(api: Api) -> None:
    for name in ("zulu", "alfa", "mike"):
        await api.made(id=name)

    first = await api.got("/v1/endpoints?limit=2")
    second = await api.got(f"/v1/endpoints?limit=2&after={first['next']}")

    assert ["zulu", "alfa"] == [item["id"] for item in first["items"]]
    assert (["mike"], None) == ([item["id"] for item in second["items"]], second["next"])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/v1/endpoints/filed", {"description": "mine"}),
        ("DELETE", "/v1/endpoints/filed", None),
        ("POST", "/v1/endpoints/filed/secrets", {}),
    ],
)
async def test_an_endpoint_of_the_file_cannot_be_changed(
    journal_path: Path, method: str, path: str, body: object
) -> None:
    async with running_api(journal_path, of_file=["filed"]) as api:
        before = await api.got("/v1/endpoints/filed")
        answer = await api.ask(method, path, body)
        after = await api.got("/v1/endpoints/filed")

    assert (409, "conflict") == answer.problem
    assert "configuration file" in answer.document["detail"]
    assert before == after
    assert before["is_from_file"]


async def test_an_endpoint_of_the_file_can_be_held_and_tested(journal_path: Path) -> None:
    async with running_api(journal_path, of_file=["filed"]) as api:
        answers = [
            await api.ask("POST", f"/v1/endpoints/filed/{verb}") for verb in ("pause", "resume", "test")
        ]

    assert [200, 200, 200] == [answer.status for answer in answers]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/endpoints/nobody", None),
        ("PATCH", "/v1/endpoints/nobody", {}),
        ("DELETE", "/v1/endpoints/nobody", None),
        ("GET", "/v1/endpoints/nobody/secrets", None),
        ("POST", "/v1/endpoints/nobody/secrets", {}),
        ("POST", "/v1/endpoints/nobody/test", None),
        ("POST", "/v1/endpoints/nobody/pause", None),
        ("POST", "/v1/endpoints/nobody/resume", None),
        ("GET", "/v1/endpoints/nobody/stats", None),
        ("GET", "/v1/endpoints/nobody/deliveries", None),
        ("GET", "/v1/endpoints/No%20Body", None),
    ],
)
async def test_an_endpoint_that_is_not_there_is_not_found(
    api: Api, method: str, path: str, body: object
) -> None:
    assert (404, "not_found") == (await api.ask(method, path, body)).problem


async def test_two_changes_at_once_do_not_undo_each_other(api: Api) -> None:
    await api.made()
    changes: list[dict[str, object]] = [
        {"description": "one"},
        {"timeout_s": 7.0},
        {"max_in_flight": 5},
        {"events": ["*"]},
    ]

    await asyncio.gather(*(api.ask("PATCH", "/v1/endpoints/crm", change) for change in changes))

    read = await api.got("/v1/endpoints/crm")
    assert changes == [{name: read[name] for name in change} for change in changes]


async def test_times_are_those_of_the_clock(journal_path: Path) -> None:
    async with running_api(journal_path, clock=ManualClock(NOW)) as api:
        made = await api.made()

    assert "2026-03-02T01:00:00.000Z" == made["created_at"]
