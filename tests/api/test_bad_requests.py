"""
Bad input: a problem document that names each field, and nothing stored.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson
import pytest

from relay.api.problems import KINDS
from tests.api.conftest import NEW, Answered, Api

MEBIBYTE = 1024 * 1024


def new(**fields: object) -> dict[str, object]:
    """
    Return the body of a good request with some fields changed.
    """
    return {**NEW, **fields}


def broken(text: str) -> bytes:
    """
    Return a good body with `text` put before its end, as it is.
    """
    return orjson.dumps(NEW)[:-1] + f", {text}}}".encode()


async def refused(api: Api, body: object, headers: Mapping[str, str] | None = None) -> Answered:
    """
    Try to register an endpoint, which must leave nothing behind.
    """
    answer = await api.ask("POST", "/v1/endpoints", body, headers)
    assert [] == (await api.got("/v1/endpoints"))["items"]
    return answer


@pytest.mark.parametrize(
    ("fields", "faulty"),
    [
        ({"url": 5}, {"url": "must be text"}),
        ({"url": None}, {"url": "must be text"}),
        ({"url": "ftp://crm.example.com"}, {"url": "must be a URL that starts with http:// or https://"}),
        ({"url": "https://u:p@crm.example.com"}, {"url": "must not carry a user or password"}),
        ({"url": "https://crm.example.com/\x00"}, {"url": "the URL holds a space, a backslash, a control"}),
        ({"url": "https://crm.example.com/" + "x" * 2048}, {"url": "must have at most 2048 characters"}),
        ({"events": []}, {"events": "must not be empty"}),
        ({"events": "call.*"}, {"events": "must be a list"}),
        ({"events": ["call.*", 5]}, {"events[1]": "must be text"}),
        ({"events": ["*"] * 101}, {"events": "must have at most 100 items"}),
        ({"events": ["call.finish"]}, {"events[0]": "`call.finish` matches no type of event; did you mean"}),
        ({"sources": ["nowhere"]}, {"sources[0]": "there is no source `nowhere`"}),
        (
            {"sources": ["pbx", "dailer"]},
            {"sources[1]": "there is no source `dailer`; did you mean `dialer`?"},
        ),
        ({"client_certificate": "crm"}, {"client_certificate": "webhooks.client_certificates has no `crm`"}),
        ({"id": "No Body"}, {"id": "must match"}),
        ({"id": ""}, {"id": "must match"}),
        ({"id": "x" * 41}, {"id": "must match"}),
        ({"secret": "whsec_c2hvcnQ="}, {"secret": "a webhook secret holds 24 to 64 bytes, this one 5"}),
        ({"secret": "geheim"}, {"secret": "a webhook secret starts with whsec_"}),
        ({"timeout_s": 0}, {"timeout_s": "must be more than 0"}),
        ({"timeout_s": "5"}, {"timeout_s": "must be a number"}),
        ({"timeout_s": True}, {"timeout_s": "must be a number"}),
        ({"max_in_flight": 1.5}, {"max_in_flight": "must be a whole number"}),
        ({"max_in_flight": 10_001}, {"max_in_flight": "must be at most 10000"}),
        ({"retry_schedule_s": [-1]}, {"retry_schedule_s[0]": "must be at least 0"}),
        ({"retry_schedule_s": [1] * 51}, {"retry_schedule_s": "must have at most 50 items"}),
        ({"description": "a\x00b"}, {"description": "must match"}),
        ({"description": "a\nb"}, {"description": "must match"}),
        ({"colour": "red", "size": 5}, {"colour": "is unknown", "size": "is unknown"}),
    ],
    ids=lambda given: str(given)[:40],
)
async def test_each_faulty_field_is_named(
    api: Api, fields: dict[str, object], faulty: dict[str, str]
) -> None:
    answer = await refused(api, new(**fields))

    assert (422, "invalid") == answer.problem
    assert faulty.keys() == answer.faulty.keys()
    for field, problem in faulty.items():
        assert answer.faulty[field].startswith(problem)


async def test_missing_fields_are_named_all_at_once(api: Api) -> None:
    answer = await refused(api, {"timeout_s": -1})

    assert {
        "url": "is required",
        "events": "is required",
        "timeout_s": "must be more than 0",
    } == answer.faulty


async def test_a_secret_is_not_repeated_in_a_problem(api: Api) -> None:
    answer = await refused(api, new(secret="whsec_bm90IGEgc2VjcmV0"))

    assert b"bm90IGEgc2VjcmV0" not in answer.body


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://10.0.0.1/hooks", "10.0.0.1 is private"),
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254 is"),
        ("http://2130706433/", "127.0.0.1 is"),
        ("http://localhost:8080/v1/endpoints", "127.0.0.1 is a listener of relay itself"),
        ("http://[::ffff:10.0.0.1]/", "::ffff:a00:1 stands for 10.0.0.1, private"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_an_address_that_may_not_be_dialled_is_refused_with_the_reason(
    api: Api, method: str, url: str, reason: str
) -> None:
    if method == "PATCH":
        await api.made()
        answer = await api.ask("PATCH", "/v1/endpoints/crm", {"url": url})
        assert NEW["url"] == (await api.got("/v1/endpoints/crm"))["url"]
    else:
        answer = await refused(api, new(url=url))

    assert (422, "invalid") == answer.problem
    assert answer.faulty["url"].startswith(reason)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"not json",
        broken('"timeout_s": NaN'),
        broken('"timeout_s": Infinity'),
        broken('"timeout_s": 1e999'),
        broken('"description": "\\ud800"'),
        broken('"description": "\xff"').replace("\xff".encode(), b"\xff"),
        b"[" * 100_000,
        b'{"url":' * 2_000,
        broken("").replace(b", }", b",}"),
        b"\xef\xbb\xbf{}",
        orjson.dumps(NEW) + b"{}",
    ],
    ids=lambda body: repr(body[-24:]),
)
async def test_what_is_no_json_is_malformed(api: Api, body: bytes) -> None:
    assert (400, "malformed") == (await refused(api, body)).problem


@pytest.mark.parametrize("document", [None, [], "text", 5, [NEW]], ids=str)
async def test_a_body_must_be_an_object(api: Api, document: object) -> None:
    answer = await refused(api, orjson.dumps(document))

    assert (422, "invalid") == answer.problem
    assert ["body"] == list(answer.faulty)


async def test_a_number_beyond_all_bounds_is_a_faulty_field(api: Api) -> None:
    great = await refused(api, broken('"max_in_flight": ' + "9" * 300))
    absurd = await refused(api, broken('"max_in_flight": ' + "9" * 4_000))

    assert {"max_in_flight": "must be at most 10000"} == great.faulty
    assert (400, "malformed") == absurd.problem


async def test_a_whole_number_may_be_written_with_a_point(api: Api) -> None:
    answer = await api.ask("POST", "/v1/endpoints", broken('"max_in_flight": 5.0, "retry_schedule_s": [1e1]'))

    assert (201, 5, [10]) == (
        answer.status,
        answer.document["max_in_flight"],
        answer.document["retry_schedule_s"],
    )


async def test_a_field_given_twice_is_refused_also_inside(api: Api) -> None:
    outer = await refused(api, broken('"url": "https://other.example.com/"'))
    inner = await refused(api, broken('"description": {"a": 1, "a": 2}'))

    assert [(422, {"url": "is given twice"}), (422, {"a": "is given twice"})] == [
        (answer.status, answer.faulty) for answer in (outer, inner)
    ]


async def test_very_many_unknown_fields_are_not_all_told(api: Api) -> None:
    answer = await refused(api, {f"field{number}": number for number in range(50_000)})

    assert (422, "invalid") == answer.problem
    assert len(answer.body) < 1_000


async def test_a_body_over_a_mebibyte_is_too_large_however_it_is_sent(api: Api) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * (64 * 1024)

    big = await refused(api, b" " * (MEBIBYTE + 1))
    async with api.client.post(
        "/v1/endpoints", data=chunks(), headers={"Content-Type": "application/json"}
    ) as chunked:
        status = chunked.status
        read = await chunked.json(content_type="application/problem+json")

    assert (413, "too_large") == big.problem
    assert (413, "urn:relay:problem:too_large") == (status, read["type"])


async def test_a_body_of_a_mebibyte_is_read(api: Api) -> None:
    padding = MEBIBYTE - len(orjson.dumps(NEW))

    answer = await api.ask("POST", "/v1/endpoints", orjson.dumps(NEW) + b" " * padding)

    assert 201 == answer.status


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/octet-stream"},
    ],
    ids=str,
)
async def test_a_body_must_say_that_it_is_json(api: Api, headers: dict[str, str]) -> None:
    assert (415, "not_json") == (await refused(api, orjson.dumps(NEW), headers)).problem


async def test_a_packed_body_is_not_unpacked(api: Api) -> None:
    packed = gzip.compress(orjson.dumps(NEW))

    assert (415, "not_json") == (await refused(api, packed, {"Content-Encoding": "gzip"})).problem


@pytest.mark.parametrize(
    ("path", "faulty"),
    [
        ("/v1/endpoints?colour=red", {"colour": "is unknown"}),
        ("/v1/endpoints/crm?verbose=1", {"verbose": "is unknown"}),
        ("/v1/endpoints?limit=0", {"limit": "must be at least 1"}),
        ("/v1/endpoints?limit=1001", {"limit": "must be at most 1000"}),
        ("/v1/endpoints?limit=many", {"limit": "must be a whole number"}),
        ("/v1/endpoints?limit=1e2", {"limit": "must be a whole number"}),
        ("/v1/endpoints?limit=%2B5", {"limit": "must be a whole number"}),
        ("/v1/endpoints?limit=%D9%A5", {"limit": "must be a whole number"}),
        ("/v1/endpoints?limit=", {"limit": "must be a whole number"}),
        ("/v1/endpoints?limit=5&limit=5", {"limit": "is given twice"}),
        ("/v1/endpoints?after=zz", {"after": "is the `next` of no page of this list"}),
        ("/v1/endpoints?after=%00", {"after": "must match"}),
        ("/v1/deliveries?after=zz", {"after": "is the `next` of no page of this list"}),
        ("/v1/calls?after=zz", {"after": "is the `next` of no page of this list"}),
        ("/v1/sources?after=Z%20", {"after": "must match"}),
        ("/v1/sources?after=Z", {"after": "is the `next` of no page of this list"}),
        ("/v1/events?after=-1", {"after": "must match"}),
        ("/v1/events?after=" + "9" * 30, {"after": "must match"}),
        ("/v1/events?type=call.finish", {"type[0]": "`call.finish` matches no type of event"}),
        ("/v1/events?subject=", {"subject": "must have at least 1 characters"}),
        ("/v1/events?subject=%ED%A0%80", {"subject": "must match"}),
        ("/v1/events?recorded_from=yesterday", {"recorded_from": "must be a time such as"}),
        ("/v1/events?recorded_from=2026-11-21", {"recorded_from": "must be a time such as"}),
        ("/v1/events?recorded_from=1700000000", {"recorded_from": "must be a time such as"}),
        ("/v1/events?recorded_from=2026-11-21T10:00:00", {"recorded_from": "must be a time such as"}),
        ("/v1/events?recorded_from=2026-02-30T10:00:00Z", {"recorded_from": "is no time there is"}),
        ("/v1/events?recorded_from=0001-01-01T00:00:00%2B14:00", {"recorded_from": "is no time there is"}),
        ("/v1/deliveries?status=lost", {"status[0]": "must be one of"}),
        ("/v1/deliveries?endpoint=No", {"endpoint": "must match"}),
        ("/v1/calls?state=over", {"state": "must be one of"}),
        ("/v1/calls?number=" + "1" * 201, {"number": "must have at most 200 characters"}),
        ("/v1/calls?colour=red&limit=x&limit=y", {"colour": "is unknown", "limit": "is given twice"}),
        ("/v1/event-types?limit=5", {"limit": "is unknown"}),
    ],
)
async def test_each_faulty_parameter_is_named(api: Api, path: str, faulty: dict[str, str]) -> None:
    answer = await api.ask("GET", path)

    assert (422, "invalid") == answer.problem
    assert faulty.keys() == answer.faulty.keys()
    for field, problem in faulty.items():
        assert problem in answer.faulty[field]


async def test_a_bug_is_not_blamed_on_the_place_in_a_list(api: Api) -> None:
    """
    Texts that no journal takes must be refused before: nothing here may be a ValueError of the database.
    """
    for text in ("%00", "%ED%A0%80", "%FF", "a%00b"):
        for path in ("/v1/calls?queue=", "/v1/calls?agent=", "/v1/endpoints/", "/v1/events/", "/schemas/"):
            answer = await api.ask("GET", path + text)
            assert answer.status in (200, 404, 422)
            assert answer.status != 422 or "after" not in answer.faulty


async def test_parameters_are_bounded(api: Api) -> None:
    for many in ("&".join(["type=call.*"] * 201), "&".join(f"a{number}" for number in range(201))):
        answer = await api.ask("GET", f"/v1/events?{many}")
        assert (422, "invalid") == answer.problem
        assert b"more than 200 parameters" in answer.body


async def test_a_pattern_is_bounded_and_not_repeated(api: Api) -> None:
    body = {"url": "https://crm.example/hook", "events": ["x" * 100_000]}
    answer = await api.ask("POST", "/v1/endpoints", body)

    assert (422, ["events[0]"]) == (answer.status, list(answer.faulty))
    assert len(answer.body) < 1_000


@pytest.mark.parametrize("time", ["2026-11-21t10:00:00z", "2026-11-21T20:00:00%2B10:00"])
async def test_a_time_may_be_written_as_the_rfc_allows(api: Api, time: str) -> None:
    assert 200 == (await api.ask("GET", f"/v1/events?recorded_from={time}")).status


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/v1/endpoints/",
        "/v2/endpoints",
        "/v1/calls/a/b",
        "/schemas/call",
        "/x" * 500,
    ],
)
async def test_a_path_that_is_not_there_is_not_found(api: Api, path: str) -> None:
    assert (404, "not_found") == (await api.ask("GET", path)).problem


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/endpoints", "GET, POST"),
        ("POST", "/v1/endpoints/crm", "DELETE, GET, PATCH"),
        ("GET", "/v1/endpoints/crm/pause", "POST"),
        ("HEAD", "/v1/events", "GET"),
        ("OPTIONS", "/v1/events", "GET"),
        ("TRACE", "/v1/events/stream", "GET"),
        ("DELETE", "/openapi.json", "GET"),
    ],
)
async def test_a_method_that_a_path_does_not_take_is_told_which_it_takes(
    api: Api, method: str, path: str, allowed: str
) -> None:
    answer = await api.ask(method, path)

    assert (405, allowed) == (answer.status, answer.headers["Allow"])
    assert method == "HEAD" or "wrong_method" == answer.problem[1]


async def test_a_body_where_none_is_taken_is_refused(api: Api) -> None:
    await api.made()

    answer = await api.ask("POST", "/v1/endpoints/crm/pause", {"for": "ever"})

    assert (400, "malformed") == answer.problem
    assert "healthy" == (await api.got("/v1/endpoints/crm"))["state"]


@pytest.mark.parametrize(
    ("head", "rest"),
    [
        (b"Transfer-Encoding: chunked", b"zz\r\n{}\r\n0\r\n\r\n"),
        (b"Content-Length: 9", b"{}"),
    ],
)
async def test_a_body_that_breaks_off_hurts_nobody(api: Api, head: bytes, rest: bytes) -> None:
    reader, writer = await asyncio.open_connection(*api.listener.address)
    request = b"POST /v1/endpoints HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    writer.write(request + head + b"\r\n\r\n" + rest)
    writer.write_eof()
    said = await reader.read()
    writer.close()

    assert said == b"" or said.startswith(b"HTTP/1.1 4")
    assert [] == (await api.got("/v1/endpoints"))["items"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
def test_a_problem_is_a_whole_document(kind: Any) -> None:
    document = orjson.loads(kind.about("a \ud800 b").to_json())

    assert [f"urn:relay:problem:{kind.word}", kind.status, "a ? b"] == [
        document[name] for name in ("type", "status", "detail")
    ]
