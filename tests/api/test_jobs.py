"""
Backfills and reconciliations by REST.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from relay.api.operation import Reach
from relay.api.source_answers import JobAnswer
from relay.journal.api_port import MAX_WAITING_JOBS
from relay.model.source_work import DONE, FAILED, RUNNING
from relay.model.times import rfc3339
from relay.testing.manual_clock import ManualClock
from tests.api.conftest import Api, running_api
from tests.journal.making import NOW, SECOND, append_of

BACKFILL = "/v1/sources/pbx/backfill"
RECONCILE = "/v1/sources/pbx/reconcile"
DAY = timedelta(days=1)
STRETCH = {"from": rfc3339(NOW - 2 * DAY), "to": rfc3339(NOW - DAY)}


@pytest.fixture
def woken() -> list[str]:
    """
    Give the sources whose owners were woken.
    """
    return []


@pytest.fixture
async def api(journal_path: Path, woken: list[str]) -> AsyncIterator[Api]:
    """
    Run the API at 12:00 of 2 March in Sydney.
    """

    def waking(reach: Reach) -> Reach:
        return replace(reach, wake=woken.append)

    async with running_api(journal_path, clock=ManualClock(NOW), change_reach=waking) as running:
        yield running


async def started(api: Api, path: str = BACKFILL, body: object = STRETCH) -> Any:
    """
    Start a job and return it.
    """
    answer = await api.ask("POST", path, body)
    assert 202 == answer.status, answer.body
    return answer.document


async def worked_on(api: Api, **changes: object) -> None:
    """
    Note how far the next job has come.
    """
    job = await api.journal.next_job("pbx")
    assert job is not None
    await api.journal.append(replace(append_of(), job=replace(job, **changes)))  # type: ignore[arg-type]


async def test_a_backfill_waits_for_the_owner_who_is_woken(api: Api, woken: list[str]) -> None:
    answer = await api.ask("POST", BACKFILL, STRETCH)

    job = JobAnswer.model_validate(answer.document, extra="forbid")
    assert (202, f"{BACKFILL}/{job.id}") == (answer.status, answer.headers["Location"])
    assert ("pbx", "backfill", "waiting", 0.0) == (job.source_id, job.kind, job.state, job.progress)
    assert STRETCH == {name: answer.document[name] for name in ("from", "to")}
    assert (None, None, None, {}) == (job.started_at, job.finished_at, job.missing, job.read_to)
    waiting = await api.journal.next_job("pbx")
    assert waiting is not None
    assert (job.id, NOW - 2 * DAY, NOW - DAY) == (waiting.job_id, waiting.start, waiting.end)
    assert ["pbx"] == woken
    assert answer.document == await api.got(f"{BACKFILL}/{job.id}")


async def test_a_backfill_is_made_once(api: Api, woken: list[str]) -> None:
    key = {"Idempotency-Key": "october"}

    answers = [await api.ask("POST", BACKFILL, STRETCH, key) for _ in range(3)]

    assert 1 == len({(answer.status, answer.body, answer.headers["Location"]) for answer in answers})
    assert 1 == len((await api.got(BACKFILL))["items"])
    assert (409, "conflict") == (await api.ask("POST", RECONCILE, STRETCH, key)).problem


async def test_progress_is_the_share_of_all_streams(api: Api) -> None:
    job = await started(api)
    half = NOW - 2 * DAY + DAY / 2
    await worked_on(
        api,
        state=RUNNING,
        started_at=NOW,
        read_to={"user_calls": NOW - DAY, "queue_calls": half},
        requests=7,
        rows=120,
        events=4,
    )

    shown = await api.got(f"{BACKFILL}/{job['id']}")

    assert ("running", 0.5, 7, 120, 4) == tuple(
        shown[name] for name in ("state", "progress", "requests", "rows", "events")
    )
    assert {"user_calls": rfc3339(NOW - DAY), "queue_calls": rfc3339(half)} == shown["read_to"]


@pytest.mark.parametrize(("state", "progress", "reason"), [(DONE, 1.0, None), (FAILED, 0.0, "absent")])
async def test_an_end_is_shown_with_its_reason(
    api: Api, state: str, progress: float, reason: str | None
) -> None:
    job = await started(api, RECONCILE, STRETCH)
    await worked_on(api, state=state, finished_at=NOW + SECOND, missing=3, reason=reason)

    shown = await api.got(f"{RECONCILE}/{job['id']}")

    assert (state, progress, rfc3339(NOW + SECOND), 3, reason) == tuple(
        shown[name] for name in ("state", "progress", "finished_at", "missing", "reason")
    )


async def test_jobs_are_listed_by_kind_newest_first_and_by_pages(api: Api) -> None:
    made = [(await started(api))["id"] for _ in range(3)]
    reconciled = await started(api, RECONCILE, STRETCH)

    first = await api.got(f"{BACKFILL}?limit=2")
    second = await api.got(f"{BACKFILL}?limit=2&after={first['next']}")

    assert made[::-1] == [job["id"] for job in first["items"] + second["items"]]
    assert [reconciled] == (await api.got(RECONCILE))["items"]


async def test_a_job_is_cancelled_and_stays_so(api: Api) -> None:
    job = await started(api)

    answers = [await api.ask("DELETE", f"{BACKFILL}/{job['id']}") for _ in range(2)]

    assert [200, 200] == [answer.status for answer in answers]
    assert 1 == len({answer.body for answer in answers})
    assert ("cancelled", rfc3339(NOW)) == tuple(
        answers[0].document[name] for name in ("state", "finished_at")
    )
    assert await api.journal.next_job("pbx") is None


async def test_a_job_is_found_by_its_source_and_kind_only(api: Api) -> None:
    await api.journal.register_source("dialer", "voipcloud", NOW, NOW)
    job = (await started(api))["id"]
    elsewhere = [f"{RECONCILE}/{job}", f"/v1/sources/dialer/backfill/{job}", f"{BACKFILL}/{job + 1}"]

    for path in (*elsewhere, f"{BACKFILL}/x", "/v1/sources/nowhere/backfill"):
        assert (404, "not_found") == (await api.ask("GET", path)).problem
    for path in elsewhere:
        assert (404, "not_found") == (await api.ask("DELETE", path)).problem
    assert "waiting" == (await api.got(f"{BACKFILL}/{job}"))["state"]


@pytest.mark.parametrize("source", ["nowhere", "dialer"])
async def test_a_source_that_is_not_there_reads_nothing(api: Api, woken: list[str], source: str) -> None:
    """
    The dialer is in the configuration and was never started.
    """
    for kind in ("backfill", "reconcile"):
        answer = await api.ask("POST", f"/v1/sources/{source}/{kind}", STRETCH)

        assert (404, "not_found") == answer.problem
    assert [] == woken


@pytest.mark.parametrize(
    ("start", "end", "faulty"),
    [
        (NOW - DAY, NOW - DAY, {"from": "must be before `to`"}),
        (NOW - DAY, NOW - 2 * DAY, {"from": "must be before `to`"}),
        (NOW - 401 * DAY, NOW - 2 * DAY, {"from": "must be at most 400 days ago"}),
        (NOW - DAY, NOW + SECOND, {"to": "must not be in the future"}),
    ],
)
@pytest.mark.parametrize("path", [BACKFILL, RECONCILE])
async def test_only_a_past_that_is_kept_is_read(
    api: Api, path: str, start: datetime, end: datetime, faulty: dict[str, str]
) -> None:
    answer = await api.ask("POST", path, {"from": rfc3339(start), "to": rfc3339(end)})

    assert (422, faulty) == (answer.status, answer.faulty)
    assert [] == (await api.got(path))["items"]


@pytest.mark.parametrize(
    ("body", "faulty"),
    [
        ({"from": STRETCH["from"]}, {"to": "is required"}),
        ({**STRETCH, "from": 1}, {"from": "must be a time such as 2026-11-21T10:00:00Z"}),
        ({**STRETCH, "to": "2026-11-21"}, {"to": "must be a time such as 2026-11-21T10:00:00Z"}),
        ({**STRETCH, "day": "2026-03-01"}, {"day": "is unknown"}),
    ],
)
async def test_a_backfill_needs_two_times(api: Api, body: object, faulty: dict[str, str]) -> None:
    answer = await api.ask("POST", BACKFILL, body)

    assert (422, faulty) == (answer.status, answer.faulty)


@pytest.mark.parametrize(
    ("body", "start", "end"),
    [
        ({}, "2026-02-28T13:00:00.000Z", "2026-03-01T13:00:00.000Z"),
        ({"day": "2026-02-27"}, "2026-02-26T13:00:00.000Z", "2026-02-27T13:00:00.000Z"),
        # The clocks of Sydney went back that night: the day had 25 hours.
        ({"day": "2025-04-06"}, "2025-04-05T13:00:00.000Z", "2025-04-06T14:00:00.000Z"),
        (STRETCH, STRETCH["from"], STRETCH["to"]),
    ],
    ids=["yesterday", "a day", "a long day", "a stretch"],
)
async def test_a_closed_day_of_the_sources_zone_is_reconciled(
    api: Api, woken: list[str], body: object, start: str, end: str
) -> None:
    job = await started(api, RECONCILE, body)

    assert ("reconcile", start, end, 0) == tuple(job[name] for name in ("kind", "from", "to", "missing"))
    assert ["pbx"] == woken


@pytest.mark.parametrize(
    ("body", "faulty"),
    [
        ({"day": "2026-03-02"}, {"day": "is not over in the source's zone"}),
        ({"day": "2026-03-03"}, {"day": "is not over in the source's zone"}),
        ({"day": "9999-12-31"}, {"day": "must be at most 400 days ago and over"}),
        ({"day": "0001-01-01"}, {"day": "must be at most 400 days ago and over"}),
        ({"day": "2026-02-30"}, {"day": "is no day there is"}),
        ({"day": "20260228"}, {"day": "must be a day such as 2026-11-21"}),
        ({"day": None}, {"day": "must be a day such as 2026-11-21"}),
        ({"from": STRETCH["from"]}, {"to": "is required"}),
        ({"to": STRETCH["to"]}, {"from": "is required"}),
        ({**STRETCH, "day": "2026-02-27"}, {"day": "and a stretch exclude each other"}),
    ],
)
async def test_what_is_no_closed_day_is_not_reconciled(
    api: Api, body: object, faulty: dict[str, str]
) -> None:
    answer = await api.ask("POST", RECONCILE, body)

    assert (422, faulty) == (answer.status, answer.faulty)


async def test_too_many_jobs_are_a_conflict(api: Api, woken: list[str]) -> None:
    for _ in range(MAX_WAITING_JOBS):
        await started(api)
    woken.clear()

    assert (409, "conflict") == (await api.ask("POST", BACKFILL, STRETCH)).problem
    assert [] == woken
