"""
Replays, reconciliations and the account of a call over REST.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from relay.api.operating_answers import (
    ExplanationAnswer,
    ReconciliationAnswer,
    ReplayDetailAnswer,
    ReplayTrialAnswer,
)
from relay.model.times import rfc3339
from tests.api.conftest import Api, running_api
from tests.journal.making import NOW, SECOND, append_of, call_change

REPLAY = "/v1/endpoints/crm/replay"


async def delivered(api: Api, *names: str) -> None:
    """
    Register an endpoint and deliver an event of each call to it.
    """
    await api.made()
    await api.append(append_of(*(call_change(name, events=1) for name in names)))
    await api.settled()


async def ended(api: Api, job_id: int) -> Any:
    """
    Return a replay once it has ended.
    """
    async with asyncio.timeout(20):
        while True:
            found = await api.got(f"/v1/replays/{job_id}")
            if found["state"] not in ("waiting", "running"):
                return found


@pytest.mark.parametrize("path", [REPLAY, "/v1/replays"])
async def test_a_replay_is_made_shown_and_ends(api: Api, path: str) -> None:
    await delivered(api, "a", "b", "c")
    body = {"rate_per_s": 1_000, **({} if path == REPLAY else {"endpoint": "crm"})}

    answer = await api.ask("POST", path, body)
    done = await ended(api, answer.document["id"])

    assert (202, "/v1/replays/1") == (answer.status, answer.headers["Location"])
    assert ("waiting", 0, 3) == tuple(answer.document[name] for name in ("state", "made", "to_seq"))
    assert ("done", 3, 1.0, {"delivered": 3}) == (
        done["state"], done["made"], done["progress"], done["by_status"],
    )  # fmt: skip
    assert ReplayDetailAnswer.model_validate(done)
    assert [{name: value for name, value in done.items() if name != "by_status"}] == (
        await api.got("/v1/replays?endpoint=crm")
    )["items"]
    assert 6 == len(api.sink.delivered)


async def test_a_dry_run_counts_and_makes_nothing(api: Api) -> None:
    await delivered(api, "a", "b")

    answer = await api.ask("POST", REPLAY, {"dry_run": True, "call_id": "b"}, {"Idempotency-Key": "k"})
    same = await api.ask("POST", REPLAY, {"dry_run": True, "call_id": "b"}, {"Idempotency-Key": "k"})

    assert (202, 1, True) == (answer.status, answer.document["events"], answer.document["is_complete"])
    assert [api.sink.delivered[1].event_id] == answer.document["first_event_ids"]
    assert answer.document == same.document
    assert ReplayTrialAnswer.model_validate(answer.document)
    assert [] == (await api.got("/v1/replays"))["items"]


async def test_with_a_key_it_is_made_once(api: Api) -> None:
    await delivered(api, "a")

    first, second = [await api.ask("POST", REPLAY, {}, {"Idempotency-Key": "k"}) for _ in range(2)]

    assert first.document == second.document
    assert 1 == len((await api.got("/v1/replays"))["items"])


async def test_every_part_of_the_filter_arrives(api: Api) -> None:
    await delivered(api, "a")
    wanted = {
        "from": rfc3339(NOW - SECOND),
        "to": rfc3339(NOW + SECOND),
        "types": ["call.*"],
        "sources": ["pbx"],
        "call_id": "a",
        "agent_id": "1001",
        "agent_name": "Ann",
        "queue": "sales",
        "outcome": "missed",
        "only_missing": True,
    }

    made = (await api.ask("POST", REPLAY, {**wanted, "rate_per_s": 0.5})).document

    assert (wanted, 0.5) == (made["wanted"], made["rate_per_s"])


async def test_a_cancelled_replay_is_shown_so(api: Api) -> None:
    await delivered(api, "a", "b")
    await api.ask("POST", "/v1/endpoints/crm/pause")
    made = (await api.ask("POST", REPLAY, {})).document

    gone = await api.ask("DELETE", f"/v1/replays/{made['id']}")

    assert (200, "cancelled") == (gone.status, gone.document["state"])
    assert "cancelled" == (await api.got(f"/v1/replays/{made['id']}"))["state"]


@pytest.mark.parametrize(
    ("body", "faulty"),
    [
        ({"from": rfc3339(NOW), "to": rfc3339(NOW)}, {"from": "must be before `to`"}),
        ({"rate_per_s": 0}, {"rate_per_s"}),
        ({"types": ["call"]}, {"types[0]"}),
        ({"outcome": "lost"}, {"outcome"}),
        ({"endpoint": "crm"}, {"endpoint": "is unknown"}),
        ({"call_id": None}, {"call_id"}),
    ],
)
async def test_what_cannot_be_is_refused(api: Api, body: object, faulty: Any) -> None:
    await api.made()

    answer = await api.ask("POST", REPLAY, body)

    assert 422 == answer.status
    assert faulty == (answer.faulty if isinstance(faulty, dict) else set(answer.faulty))


async def test_what_is_not_there_is_not_found(api: Api) -> None:
    await api.made()
    asked = [
        ("POST", "/v1/endpoints/ops/replay", {}),
        ("POST", "/v1/endpoints/ops/replay", {"dry_run": True}),
        ("POST", "/v1/replays", {"endpoint": "ops"}),
        ("POST", REPLAY, {"call_id": "x"}),
        ("GET", "/v1/replays/7", None),
        ("DELETE", "/v1/replays/7", None),
        ("GET", "/v1/endpoints/ops/reconciliation", None),
        ("GET", "/v1/endpoints/ops/reconciliation/missing", None),
        ("GET", "/v1/calls/x/explain", None),
    ]

    for method, path, body in asked:
        assert (404, "not_found") == (await api.ask(method, path, body)).problem, path


async def test_an_endpoint_of_the_file_is_replayed_to_and_reconciled(journal_path: Path) -> None:
    async with running_api(journal_path, of_file=["filed"]) as api:
        await api.append(append_of(call_change("a", events=3)))
        await api.settled()
        made = (await api.ask("POST", "/v1/endpoints/filed/replay", {"rate_per_s": 1_000})).document
        done = await ended(api, made["id"])

    assert {"delivered": 3} == done["by_status"]


async def test_what_an_endpoint_lacks_is_counted_and_listed(api: Api) -> None:
    """
    One event is of before its endpoint, one waits for it.
    """
    await api.append(append_of(call_change("a", events=1)))
    await api.made()
    await api.ask("POST", "/v1/endpoints/crm/pause")
    await api.append(append_of(call_change("b", events=1)))

    counted = await api.got("/v1/endpoints/crm/reconciliation")
    since = await api.got("/v1/endpoints/crm/reconciliation?from=2026-01-01T00:00:00Z")
    listed = await api.got("/v1/endpoints/crm/reconciliation/missing?limit=1&from=2026-01-01T00:00:00Z")
    later = await api.got(f"/v1/endpoints/crm/reconciliation?from={rfc3339(NOW + SECOND)}")

    assert ReconciliationAnswer.model_validate(counted)
    for found, without_delivery in ((counted, 0), (since, 1)):
        assert (1 + without_delivery, 0, 1, without_delivery) == tuple(
            found[name] for name in ("matching", "delivered", "pending", "without_delivery")
        )
    assert [(1, "call.updated", "call/pbx/a", "none", "before_start")] == [
        (item["seq"], item["type"], item["subject"], item["status"], item["reason"])
        for item in listed["items"]
    ]
    assert 0 == later["matching"]


async def test_a_parameter_is_given_once(api: Api) -> None:
    await api.made()
    at = rfc3339(NOW)

    answer = await api.ask("GET", f"/v1/endpoints/crm/reconciliation?from={at}&from={at}")

    assert (422, {"from": "is given twice"}) == (answer.status, answer.faulty)


async def test_a_call_is_explained(api: Api) -> None:
    await delivered(api, "a")

    found = await api.got("/v1/calls/a/explain")

    assert ExplanationAnswer.model_validate(found)
    ((event,), (row,)) = found["events"], found["rows"]
    (delivery,) = event["deliveries"]
    assert ("leg-a-0", {"call": "a", "ordinal": 0}, []) == (row["leg_id"], row["row"], row["reads"])
    assert (1, "crm", "delivered") == (event["seq"], delivery["endpoint_id"], delivery["status"])
    assert [("ok", 200)] == [(one["reason"], one["http_status"]) for one in delivery["attempt_list"]]
    assert ([], None) == (found["cut"], found["links"])
