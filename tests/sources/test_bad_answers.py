"""
Every way in which a phone system may not answer as documented: an error of its class and reason.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.journal.store import SqlJournal
from relay.model.call import USER_CALLS
from relay.model.errors import (
    SourceAbsent,
    SourceError,
    SourceGarbled,
    SourceRefused,
    SourceThrottled,
    SourceUnreachable,
)
from relay.sources.budget import BudgetSettings
from relay.sources.port import Window
from relay.sources.voipcloud.answers import LONGEST_WAIT, VoipcloudAnswers
from relay.sources.voipcloud.source import SYSTEM_STATUS, VoipcloudSource
from relay.sources.wire import MAX_ANSWER_BYTES, Answer
from relay.telemetry.metrics import POLL_OUTCOMES
from relay.testing.manual_clock import ManualClock
from tests.sources.vendor import BUDGET, NOON, SOURCE_ID, TOKEN, Vendor, account

WINDOW = Window(NOON - timedelta(hours=4))
IP_TEXT = b'{"code":401,"message":"IP address 203.0.113.9 is not in the Whitelist"}'
KEY_TEXT = b'{"code":401,"message":"Authorization error: wrong API key"}'
ROW = b'{"call_start_at":"2026-11-21T11:00:00+11:00"}'
HTML = b"<!doctype html><html><title>Sign in</title></html>"


async def failure(source: VoipcloudSource, stream: str = USER_CALLS) -> SourceError:
    """
    Return how a pull fails.
    """
    with pytest.raises(SourceError) as caught:
        await source.pull(stream, WINDOW)

    assert SOURCE_ID == caught.value.source_id
    assert caught.value.reason in POLL_OUTCOMES
    return caught.value


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        (400, b'{"code":400}', SourceGarbled, "http_4xx"),
        (401, KEY_TEXT, SourceRefused, "auth"),
        (401, b"", SourceRefused, "auth"),
        (401, IP_TEXT, SourceRefused, "ip_blocked"),
        (403, b"", SourceGarbled, "http_4xx"),
        (404, b'{"code":404}', SourceAbsent, "http_4xx"),
        (429, b"", SourceThrottled, "rate_limited"),
        (500, b"", SourceUnreachable, "http_5xx"),
        (502, HTML, SourceUnreachable, "http_5xx"),
        (503, b"[]", SourceUnreachable, "http_5xx"),
        (301, b"[]", SourceGarbled, "bad_payload"),
        (204, b"", SourceGarbled, "bad_payload"),
        (200, b'{"code":0,"message":"Unknown error"}', SourceUnreachable, "vendor_error"),
        (200, b'{"code":0,"data":[]}', SourceUnreachable, "vendor_error"),
        (200, b'{"code":"0","data":[]}', SourceUnreachable, "vendor_error"),
        (200, b'{"code":404,"data":[]}', SourceAbsent, "http_4xx"),
        (200, b'{"code":"404","data":[]}', SourceAbsent, "http_4xx"),
        (200, KEY_TEXT, SourceRefused, "auth"),
        (200, b'{"code":429,"data":[]}', SourceThrottled, "rate_limited"),
        (200, b"", SourceGarbled, "bad_payload"),
        (200, b"[" + ROW, SourceGarbled, "bad_payload"),
        (200, b"[" + ROW + b"]]", SourceGarbled, "bad_payload"),
        (200, HTML, SourceGarbled, "bad_payload"),
        (200, b"\xff\xfe\x00", SourceGarbled, "bad_payload"),
        (200, b"null", SourceGarbled, "bad_payload"),
        (200, b"12", SourceGarbled, "bad_payload"),
        (200, b'"text"', SourceGarbled, "bad_payload"),
        (200, b"{}", SourceGarbled, "bad_payload"),
        (200, b'{"data":null}', SourceGarbled, "bad_payload"),
        (200, b"[" + ROW + b",1]", SourceGarbled, "bad_payload"),
        (200, b"[[]]", SourceGarbled, "bad_payload"),
        (200, b'{"data":[1]}', SourceGarbled, "bad_payload"),
        (200, b'{"a":[' + ROW + b'],"b":[' + ROW + b"]}", SourceGarbled, "bad_payload"),
        (200, b'{"a":[],"b":[]}', SourceGarbled, "bad_payload"),
        (200, b'{"data":[],"errors":["no such tenant"]}', SourceGarbled, "bad_payload"),
        (200, b'{"data":[],"errors":[{"message":"no such tenant"}]}', SourceGarbled, "bad_payload"),
        (200, b'{"data":[' + ROW + b'],"errors":[{"message":"partial"}]}', SourceGarbled, "bad_payload"),
    ],
)  # fmt: skip
async def test_what_is_not_a_list_of_calls_is_an_error_of_its_kind(
    vendor: Vendor, source: VoipcloudSource, status: int, body: bytes, kind: type[SourceError], reason: str
) -> None:
    vendor.answers(body, status)

    error = await failure(source)

    assert (kind, reason) == (type(error), error.reason)
    assert 1 == len(vendor.requests)


@pytest.mark.parametrize(("status", "body"), [(200, b'{"code":0}'), (500, b""), (200, HTML), (404, b"")])
async def test_the_system_status_fails_as_calls_do(
    vendor: Vendor, source: VoipcloudSource, status: int, body: bytes
) -> None:
    vendor.answers(body, status)

    assert type(await failure(source)) is type(await failure(source, SYSTEM_STATUS))


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry-After": "120"}, 120),
        ({"Retry-After": " 1 "}, 1),
        ({"Retry-After": " 0 "}, BUDGET.per_s),
        ({"Retry-After": format_datetime(NOON + timedelta(seconds=90), usegmt=True)}, 90),
        ({"Retry-After": format_datetime(NOON - timedelta(seconds=90), usegmt=True)}, BUDGET.per_s),
        ({"Retry-After": format_datetime(NOON, usegmt=True)}, BUDGET.per_s),
        ({"Retry-After": "Sat, 21 Nov 2026 12:01:00 +1100"}, 60),
        ({}, BUDGET.per_s),
        ({"Retry-After": ""}, BUDGET.per_s),
        ({"Retry-After": "soon"}, BUDGET.per_s),
        ({"Retry-After": "-5"}, BUDGET.per_s),
        ({"Retry-After": "99999999999999999999"}, LONGEST_WAIT.total_seconds()),
        ({"Retry-After": "Sat, 21 Nov 2099 12:01:00 GMT"}, LONGEST_WAIT.total_seconds()),
    ],
    ids=str,
)
async def test_too_many_requests_says_until_when(
    vendor: Vendor, source: VoipcloudSource, headers: Mapping[str, str], wait_s: float
) -> None:
    vendor.answers(b'{"code":429}', 429, headers)

    error = await failure(source)

    assert isinstance(error, SourceThrottled)
    assert NOON + timedelta(seconds=wait_s) == error.until


@settings(derandomize=True, database=None, deadline=None, max_examples=300)
@given(st.one_of(st.text(max_size=40), st.datetimes(timezones=st.just(UTC)).map(format_datetime)))
def test_whatever_retry_after_says_there_is_a_wait_and_it_is_bounded(text: str) -> None:
    answers = VoipcloudAnswers(SOURCE_ID, BUDGET.per_s, TOKEN)
    with pytest.raises(SourceThrottled) as caught:
        answers.rows(Answer(429, {"retry-after": text}, b""), NOON)

    assert NOON < caught.value.until <= NOON + LONGEST_WAIT


@settings(derandomize=True, database=None, deadline=None, max_examples=300)
@given(st.one_of(st.binary(max_size=60), st.sampled_from([b'{"code":', b'{"data":[{', b'[{"a":1}]'])))
def test_whatever_a_body_holds_it_is_rows_or_an_error(body: bytes) -> None:
    answers = VoipcloudAnswers(SOURCE_ID, BUDGET.per_s, TOKEN)
    try:
        rows = answers.rows(Answer(200, {}, body), NOON)
    except SourceError as error:
        rows = [{"reason": error.reason}]

    assert all(isinstance(row, dict) for row in rows)


@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 500])
@pytest.mark.parametrize("before", [0, 190, 795])
async def test_an_answer_that_echoes_the_key_is_not_quoted_with_it(
    vendor: Vendor, source: VoipcloudSource, status: int, before: int
) -> None:
    vendor.answers(b"x" * before + TOKEN.encode() + b" is not a valid API key", status)

    error = await failure(source)

    assert TOKEN[:8] not in f"{error} {getattr(error, 'sample', '')}"


async def test_what_is_quoted_of_an_answer_is_short_and_printable(
    vendor: Vendor, source: VoipcloudSource
) -> None:
    vendor.answers(b"\x1b[31m\r\nERROR \xf0\x9f\x98\x80" + b"x" * 100_000)

    error = await failure(source)

    assert isinstance(error, SourceGarbled)
    assert error.sample.isprintable()
    assert len(error.sample) <= 200


@pytest.mark.parametrize("is_compressed", [False, True])
async def test_an_answer_larger_than_any_page_is_cut_off(
    vendor: Vendor, source: VoipcloudSource, is_compressed: bool
) -> None:
    body = b" " * (MAX_ANSWER_BYTES + 1)
    vendor.answers(
        *((gzip.compress(body, 1), 200, {"Content-Encoding": "gzip"}) if is_compressed else (body,))
    )

    error = await failure(source)

    assert (SourceGarbled, "bad_payload") == (type(error), error.reason)


async def test_an_answer_that_is_not_compressed_as_it_says_is_an_error(
    vendor: Vendor, source: VoipcloudSource
) -> None:
    async def says_gzip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Encoding": "gzip"})
        await response.prepare(request)
        await response.write(b"[]")
        return response

    vendor.handles(says_gzip)

    assert isinstance(await failure(source), SourceUnreachable)


async def test_no_answer_in_time_is_a_timeout(
    vendor: Vendor, journal: SqlJournal, clock: ManualClock
) -> None:
    never = asyncio.Event()

    async def hangs(_: web.Request) -> web.StreamResponse:
        await never.wait()
        return web.Response()

    vendor.handles(hangs)
    async with account(vendor.url, journal, clock, budget=BudgetSettings(10, 900, 2, 0.1)) as source:
        error = await failure(source)
    never.set()

    assert (SourceUnreachable, "timeout") == (type(error), error.reason)


async def test_an_answer_that_stops_in_the_middle_is_a_timeout(
    vendor: Vendor, journal: SqlJournal, clock: ManualClock
) -> None:
    never = asyncio.Event()

    async def stops(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"[")
        await never.wait()
        return response

    vendor.handles(stops)
    async with account(vendor.url, journal, clock, budget=BudgetSettings(10, 900, 2, 0.2)) as source:
        error = await failure(source)
    never.set()

    assert (SourceUnreachable, "timeout") == (type(error), error.reason)


@asynccontextmanager
async def saying(answer: bytes) -> AsyncIterator[str]:
    """
    Listen on a free port, say some bytes to every request, and hang up.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "connect"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2", "connect"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n[", "bad_payload"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[", "bad_payload"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "connect"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", "connect"),
    ],
)
async def test_a_connection_cut_off_or_spoken_wrongly_is_unreachable(
    journal: SqlJournal, clock: ManualClock, answer: bytes, reason: str
) -> None:
    async with saying(answer) as url, account(url, journal, clock) as source:
        error = await failure(source)

    assert (SourceUnreachable, reason) == (type(error), error.reason)


async def test_a_port_where_nobody_listens_is_unreachable(journal: SqlJournal, clock: ManualClock) -> None:
    async with saying(b"") as url:
        pass
    async with account(url, journal, clock) as source:
        error = await failure(source)

    assert (SourceUnreachable, "connect") == (type(error), error.reason)


async def test_a_redirect_is_not_followed_with_the_key(vendor: Vendor, source: VoipcloudSource) -> None:
    vendor.answers(b"", 302, {"Location": f"{vendor.url}/elsewhere"})

    await failure(source)

    assert ["/api/integration/v1/get-user-calls"] == [request.path for request in vendor.requests]


async def test_after_a_failure_the_next_pull_works(vendor: Vendor, source: VoipcloudSource) -> None:
    vendor.answers(HTML, 502)
    await failure(source)
    vendor.answers(b"[" + ROW + b"]")

    pull = await source.pull(USER_CALLS, WINDOW)

    assert [{"call_start_at": "2026-11-21T11:00:00+11:00"}] == pull.rows
    assert datetime(2026, 11, 21, 1, tzinfo=UTC) == pull.requested_at
