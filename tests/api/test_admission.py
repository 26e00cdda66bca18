"""
Who is let in: keys with scopes, and without any key only this machine.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from relay.api.admission import Admission, ApiKey
from relay.api.operation import KEY_IGNORED
from relay.api.operations import OPERATIONS
from relay.api.problems import Refused
from tests.api.conftest import NEW, OPS, Api, running_api

READER = ApiKey("reader", "the key of the reader", ("events:read", "calls:*"))


def bearer(key: str) -> dict[str, str]:
    """
    Return the headers of a request with a key.
    """
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
async def keyed(journal_path: Path) -> AsyncIterator[Api]:
    """
    Run the API with two keys.
    """
    async with running_api(journal_path, keys=[OPS, READER]) as running:
        yield running


@pytest.mark.parametrize("key", [OPS.key, READER.key])
async def test_a_key_lets_in(keyed: Api, key: str) -> None:
    assert 200 == (await keyed.ask("GET", "/v1/events", headers=bearer(key))).status


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer(OPS.key + "x"),
        bearer(OPS.key[:-1]),
        bearer(""),
        bearer("ä" * 20),
        {"Authorization": OPS.key},
        {"Authorization": f"Basic {OPS.key}"},
        {"Authorization": "Bearer"},
        {"X-Api-Key": OPS.key},
    ],
    ids=str,
)
async def test_no_key_and_a_wrong_key_are_answered_alike(keyed: Api, headers: dict[str, str]) -> None:
    bare = await keyed.ask("GET", "/v1/events")
    answer = await keyed.ask("GET", "/v1/events", headers=headers)

    assert (401, "unauthorised") == answer.problem
    assert 'Bearer realm="relay"' == answer.headers["WWW-Authenticate"]
    assert bare.body == answer.body


async def test_the_word_bearer_may_be_written_in_any_case(keyed: Api) -> None:
    headers = {"Authorization": f"bEARER  {OPS.key}"}

    assert 200 == (await keyed.ask("GET", "/v1/events", headers=headers)).status


def test_two_keys_at_once_are_none() -> None:
    headers = CIMultiDict([*bearer(OPS.key).items(), *bearer(OPS.key).items()])

    with pytest.raises(Refused):
        Admission([OPS]).admit("GET", CIMultiDictProxy(headers), "events:read")


@pytest.mark.parametrize(
    ("method", "path", "missing"),
    [
        ("GET", "/v1/endpoints", "endpoints:read"),
        ("POST", "/v1/endpoints", "endpoints:write"),
        ("GET", "/v1/endpoints/crm/deliveries", "deliveries:read"),
        ("POST", "/v1/deliveries/a.b.0/resend", "deliveries:write"),
        ("GET", "/v1/sources", "sources:read"),
    ],
)
async def test_a_missing_scope_is_named(keyed: Api, method: str, path: str, missing: str) -> None:
    answer = await keyed.ask(method, path, headers=bearer(READER.key))

    assert (403, "forbidden") == answer.problem
    assert f"The key `reader` has no scope `{missing}`." == answer.document["detail"]


async def test_a_request_without_a_key_is_not_read(keyed: Api) -> None:
    """
    Neither what is wrong with it, nor what is there, is told to strangers.
    """
    answers = [
        await keyed.ask("POST", "/v1/endpoints", b"{"),
        await keyed.ask("GET", "/v1/endpoints/nobody"),
        await keyed.ask("GET", "/v1/events?limit=x"),
    ]

    assert [401, 401, 401] == [answer.status for answer in answers]


async def test_what_describes_the_api_needs_no_key(keyed: Api) -> None:
    for path in ("/openapi.json", "/schemas/call.finished"):
        assert 200 == (await keyed.ask("GET", path)).status


def test_every_operation_on_data_needs_a_scope_that_fits_its_method() -> None:
    open_to_all = [one.path for one in OPERATIONS if one.scope is None]
    wrong = [
        one.name
        for one in OPERATIONS
        if one.scope is not None
        and one.scope.endswith(":read") != (one.method == "GET" or one.key == KEY_IGNORED)
    ]

    assert ["/public-keys/{endpoint_id}", "/openapi.json", "/schemas/{type}"] == open_to_all
    assert [] == wrong


async def test_with_keys_any_host_may_be_named(keyed: Api) -> None:
    headers = {**bearer(OPS.key), "Host": "relay.example.com", "X-Forwarded-For": "192.0.2.1"}

    assert 200 == (await keyed.ask("GET", "/v1/events", headers=headers)).status


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:8080", "[::1]:8080", "[::1]"])
async def test_without_keys_this_machine_may_ask(api: Api, host: str) -> None:
    assert 200 == (await api.ask("GET", "/v1/events", headers={"Host": host})).status


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "relay.example.com"},
        {"Host": "localhost.example.com"},
        {"Host": "127.0.0.1.example.com:8080"},
        {"Host": "127.0.0.2"},
        {"Host": ""},
        {"Host": "localhost:8080@evil.example"},
        {"X-Forwarded-For": "192.0.2.1"},
        {"x-forwarded-proto": "https"},
        {"Forwarded": "for=192.0.2.1"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/v1/events", "/openapi.json", "/nothing"])
async def test_without_keys_nobody_else_may(api: Api, headers: dict[str, str], path: str) -> None:
    assert (403, "forbidden") == (await api.ask("GET", path, headers=headers)).problem


FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:1"},
    {"Origin": "https://localhost:8080.evil.example"},
    {"Origin": "http://evil.example@localhost:8080"},
    {"Origin": "http://[::1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none-of-these"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_a_page_of_another_origin_changes_nothing(api: Api, headers: dict[str, str]) -> None:
    sent = {"Host": "localhost:8080", **headers}

    answer = await api.ask("POST", "/v1/endpoints", NEW, sent)

    assert (403, "forbidden") == answer.problem
    assert [] == (await api.got("/v1/endpoints"))["items"]


async def test_a_page_of_another_origin_changes_nothing_with_a_key_either(keyed: Api) -> None:
    for foreign in FOREIGN:
        answer = await keyed.ask("POST", "/v1/endpoints", NEW, {**bearer(OPS.key), **foreign})

        assert 403 == answer.status


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost:8080"},
        {"Origin": "HTTP://LOCALHOST:8080"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:8080"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
async def test_the_own_page_and_no_page_may_change_things(api: Api, headers: dict[str, str]) -> None:
    sent = {"Host": "localhost:8080", **headers}

    assert 201 == (await api.ask("POST", "/v1/endpoints", NEW, sent)).status


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("relay.example.com", "https://relay.example.com"),
        ("relay.example.com:443", "https://relay.example.com"),
    ],
)
def test_a_port_that_goes_without_saying_may_be_left_out(host: str, origin: str) -> None:
    headers = CIMultiDictProxy(CIMultiDict({**bearer(OPS.key), "Host": host, "Origin": origin}))

    assert "ops" == Admission([OPS]).admit("POST", headers, "endpoints:write")


async def test_reading_is_not_a_matter_of_origin(api: Api) -> None:
    headers: Mapping[str, str] = {"Host": "localhost:8080", "Origin": "https://evil.example"}

    assert 200 == (await api.ask("GET", "/v1/events", headers=headers)).status


@pytest.mark.parametrize("path", ["/v1/events", "/v1/nothing"])
async def test_answers_are_neither_kept_nor_guessed_at(api: Api, path: str) -> None:
    answer = await api.ask("GET", path)

    assert ("no-store", "nosniff", "relay") == (
        answer.headers["Cache-Control"],
        answer.headers["X-Content-Type-Options"],
        answer.headers["Server"],
    )
