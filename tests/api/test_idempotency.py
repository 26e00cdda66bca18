"""
An Idempotency-Key: done once, answered alike.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from relay.api.admission import ApiKey
from tests.api.conftest import NEW, OPS, Answered, Api, running_api
from tests.journal.making import append_of, call_change

KEY = {"Idempotency-Key": "a1-b2 c3"}


def essence(answer: Answered) -> tuple[int, bytes, str | None]:
    """
    Return what must be the same when a request is repeated.
    """
    return answer.status, answer.body, answer.headers.get("Location")


async def test_a_repeated_request_is_answered_as_before_secret_and_all(api: Api) -> None:
    body = {"url": NEW["url"], "events": ["*"]}

    first = await api.ask("POST", "/v1/endpoints", body, KEY)
    again = await api.ask("POST", "/v1/endpoints", body, KEY)

    assert essence(first) == essence(again)
    assert (None, "true") == (
        first.headers.get("Idempotent-Replayed"),
        again.headers.get("Idempotent-Replayed"),
    )
    assert 1 == len((await api.got("/v1/endpoints"))["items"])


async def test_the_same_key_with_another_body_is_a_conflict(api: Api) -> None:
    await api.ask("POST", "/v1/endpoints", NEW, KEY)

    other = await api.ask("POST", "/v1/endpoints", {**NEW, "id": "other"}, KEY)
    elsewhere = await api.ask("POST", "/v1/endpoints/crm/pause", headers=KEY)

    assert [(409, "conflict")] * 2 == [other.problem, elsewhere.problem]
    assert ["crm"] == [item["id"] for item in (await api.got("/v1/endpoints"))["items"]]
    assert "healthy" == (await api.got("/v1/endpoints/crm"))["state"]


async def test_the_same_key_at_another_path_is_a_conflict(api: Api) -> None:
    await api.made()
    await api.ask("POST", "/v1/endpoints/crm/pause", headers=KEY)

    answer = await api.ask("POST", "/v1/endpoints/crm/resume", headers=KEY)

    assert (409, "conflict") == answer.problem
    assert "paused" == (await api.got("/v1/endpoints/crm"))["state"]


async def test_a_request_that_failed_may_be_made_again_with_its_key(api: Api) -> None:
    failed = await api.ask("POST", "/v1/endpoints/crm/secrets", {}, KEY)
    await api.made()
    again = await api.ask("POST", "/v1/endpoints/crm/secrets", {}, KEY)

    assert [404, 201] == [failed.status, again.status]


async def test_a_secret_is_added_once(api: Api) -> None:
    await api.made()

    answers = [await api.ask("POST", "/v1/endpoints/crm/secrets", {}, KEY) for _ in range(3)]

    assert 1 == len({essence(answer) for answer in answers})
    assert 2 == len((await api.got("/v1/endpoints/crm/secrets"))["items"])


async def test_a_test_is_sent_once(api: Api) -> None:
    await api.made()

    answers = [await api.ask("POST", "/v1/endpoints/crm/test", headers=KEY) for _ in range(3)]

    assert 1 == len({essence(answer) for answer in answers})
    assert 1 == len(api.sink.attempted)


async def test_a_delivery_is_resent_once(api: Api) -> None:
    await api.made(events=["*"])
    await api.append(append_of(call_change("a", events=1)))
    await api.settled()
    (delivery,) = (await api.got("/v1/deliveries"))["items"]

    answers = [
        await api.ask("POST", f"/v1/deliveries/{delivery['id']}/resend", headers=KEY) for _ in range(3)
    ]
    await api.settled()

    assert 1 == len({essence(answer) for answer in answers})
    assert 2 == len(api.sink.delivered)


async def test_the_same_key_of_two_owners_is_two_keys(journal_path: Path) -> None:
    other = ApiKey("other", "the key of somebody else", ("*",))
    async with running_api(journal_path, keys=[OPS, other]) as api:
        answers = [
            await api.ask(
                "POST",
                "/v1/endpoints",
                {"url": NEW["url"], "events": ["*"]},
                {**KEY, "Authorization": f"Bearer {key.key}"},
            )
            for key in (OPS, other)
        ]

    assert [201, 201] == [answer.status for answer in answers]
    assert answers[0].body != answers[1].body


async def test_a_key_is_remembered_over_a_restart(journal_path: Path) -> None:
    answers = []
    for _ in range(2):
        async with running_api(journal_path) as api:
            answers.append(await api.ask("POST", "/v1/endpoints", NEW, KEY))

    assert essence(answers[0]) == essence(answers[1])


async def test_of_two_at_the_same_time_one_is_done(api: Api) -> None:
    await api.made()
    api.sink.gate.clear()
    first = asyncio.create_task(api.ask("POST", "/v1/endpoints/crm/test", headers=KEY))
    await api.sink.wait_until(lambda sink: sink.in_flight == 1)

    second = await api.ask("POST", "/v1/endpoints/crm/test", headers=KEY)
    api.sink.gate.set()

    assert (409, "conflict") == second.problem
    assert 200 == (await first).status


@pytest.mark.parametrize("key", ["", "x" * 201, "ä", "a\tb"])
async def test_a_key_is_one_to_two_hundred_printable_characters(api: Api, key: str) -> None:
    answer = await api.ask("POST", "/v1/endpoints", NEW, {"Idempotency-Key": key})

    assert (422, ["Idempotency-Key"]) == (answer.status, list(answer.faulty))
    assert [] == (await api.got("/v1/endpoints"))["items"]


async def test_a_key_of_two_hundred_characters_will_do(api: Api) -> None:
    assert 201 == (await api.ask("POST", "/v1/endpoints", NEW, {"Idempotency-Key": "x" * 200})).status
