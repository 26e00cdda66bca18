"""
Pushes of phone systems: let in by a token, put into the inbox, and nothing of the token anywhere.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from relay.api.front_door import Patience
from relay.api.hooks import MAX_PUSH
from relay.api.operation import Reach
from relay.api.server import ApiSettings, api_listener
from relay.model.change import Reject
from relay.model.errors import ConfigError, Conflict, JournalBusy, JournalUnusable, NotFound
from relay.model.ids import row_digest
from relay.telemetry.metrics import Metrics
from relay.testing.manual_clock import ManualClock
from tests.api.conftest import ANY_PORT, OPS, Answered, Api, running_api
from tests.journal.making import NOW, append_of

TOKEN = "s3cret-&=+ token".replace(" ", "#")
HOOK = "/hooks/pbx"
GOOD = {"X-Pbx-Token": TOKEN}
PUSH = {"unique_call_id": "1732.77", "from": "0412345678", "nested": {"n": [1, 2.5, None]}}
SETTINGS = ApiSettings(
    hook_tokens={"pbx": TOKEN}, hooks_listen=ANY_PORT, patience=Patience(body_s=0.3, stall_s=1.0)
)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Pushed:
    """
    An API that takes pushes, and the sources whose owners it woke.
    """

    def __init__(self, api: Api, woken: list[str]) -> None:
        self.api = api
        self.woken = woken

    async def push(
        self, path: str = HOOK, body: object = PUSH, headers: Mapping[str, str] = GOOD
    ) -> Answered:
        """
        Push something.
        """
        return await self.api.ask("POST", path, body, headers)

    async def inbox(self) -> list[object]:
        """
        Return what waits for the owner of the source.
        """
        return [item.body for item in await self.api.journal.inbox("pbx", 100)]

    def counted(self, outcome: str, source: str = "pbx") -> float | None:
        """
        Return how many pushes had an outcome.
        """
        return self.api.sample("relay_hooks_total", source=source, outcome=outcome)


@pytest.fixture
async def hooks(journal_path: Path) -> AsyncIterator[Pushed]:
    """
    Run an API with keys that takes pushes of one source, on a listener of their own as well.
    """
    woken: list[str] = []
    async with running_api(
        journal_path,
        keys=[OPS],
        clock=ManualClock(NOW),
        settings=SETTINGS,
        change_reach=lambda reach: replace(reach, wake=woken.append),
    ) as api:
        yield Pushed(api, woken)


async def test_a_push_is_stored_and_its_owner_woken(hooks: Pushed) -> None:
    answer = await hooks.push()

    (item,) = await hooks.api.journal.inbox("pbx", 10)
    assert (202, b"") == (answer.status, answer.body)
    assert ("pbx", "push", PUSH, NOW) == (item.source_id, item.kind, item.body, item.received_at)
    assert (["pbx"], 1.0) == (hooks.woken, hooks.counted("accepted"))


async def test_the_token_may_stand_in_the_url(hooks: Pushed) -> None:
    answer = await hooks.push(f"{HOOK}?token={quote(TOKEN, safe='')}&event=ringing", headers={})

    assert 202 == answer.status
    assert [PUSH] == await hooks.inbox()


async def test_a_form_is_taken_too(hooks: Pushed) -> None:
    answer = await hooks.push(
        body="from=%2B61412345678&name=Ann+Lée&empty=".encode(), headers={**GOOD, **FORM}
    )

    assert 202 == answer.status
    assert [{"from": "+61412345678", "name": "Ann Lée", "empty": ""}] == await hooks.inbox()


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/json; charset=utf-8", "application/octet-stream"]
)
async def test_json_may_be_called_anything(hooks: Pushed, kind: str) -> None:
    assert 202 == (await hooks.push(headers={**GOOD, "Content-Type": kind})).status
    assert [PUSH] == await hooks.inbox()


@pytest.mark.parametrize(
    ("path", "headers", "source"),
    [
        (HOOK, {}, "pbx"),
        (HOOK, {"X-Pbx-Token": ""}, "pbx"),
        (HOOK, {"X-Pbx-Token": TOKEN[:-1]}, "pbx"),
        (HOOK, {"X-Pbx-Token": TOKEN + "x"}, "pbx"),
        (HOOK, {"X-Pbx-Token": "ä"}, "pbx"),
        (HOOK, {"Authorization": f"Bearer {TOKEN}"}, "pbx"),
        (HOOK, {"Authorization": f"Bearer {OPS.key}"}, "pbx"),
        (f"{HOOK}?token=", {}, "pbx"),
        (f"{HOOK}?token=x", {}, "pbx"),
        (f"{HOOK}?token=x", GOOD, "pbx"),
        (f"{HOOK}?Token={quote(TOKEN, safe='')}", {}, "pbx"),
        ("/hooks/dialer", GOOD, "dialer"),
        ("/hooks/dialer", {}, "dialer"),
        ("/hooks/nowhere", GOOD, "_other"),
        ("/hooks/%2e%2e%2fpbx", GOOD, "_other"),
        ("/hooks/pbx%00", GOOD, "_other"),
    ],
    ids=str,
)
async def test_whoever_has_no_right_token_learns_nothing_and_stores_nothing(
    hooks: Pushed, path: str, headers: dict[str, str], source: str
) -> None:
    bare = await hooks.push(headers={})
    answer = await hooks.push(path, b"{" * 70_000, headers)

    volatile = {"Date", "Connection"}
    assert (401, "unauthorised") == answer.problem
    assert bare.body == answer.body
    assert {name: value for name, value in bare.headers.items() if name not in volatile} == {
        name: value for name, value in answer.headers.items() if name not in volatile
    }
    assert ([], []) == (await hooks.inbox(), hooks.woken)
    assert (hooks.counted("refused", source) or 0) >= 1
    assert None is hooks.counted("accepted", source)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b"{", {}, 400),
        (b"[]", {}, 400),
        (b'"text"', {}, 400),
        (b'{"a": NaN}', {}, 400),
        (b'{"a": 99999999999999999999}', {}, 400),
        (b'{"a": "\xff"}', {}, 400),
        (b'{"a":' * 400 + b"1" + b"}" * 400, {}, 400),
        (b'{"a": 1, "a": 2}', {}, 422),
        (b"a=1&a=2", FORM, 400),
        (b"a=%ff", FORM, 400),
        (b"\xff=1", FORM, 400),
        (b"&".join(b"f%d=1" % number for number in range(300)), FORM, 400),
        (b'{"a": "%s"}' % (b"x" * MAX_PUSH), {}, 413),
        (b"a=" + b"x" * MAX_PUSH, FORM, 413),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_cannot_be_read_is_refused(
    hooks: Pushed, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = await hooks.push(body=body, headers={**GOOD, **headers})

    assert status == answer.problem[0]
    assert ([], [], 1.0) == (await hooks.inbox(), hooks.woken, hooks.counted("malformed"))


@pytest.mark.parametrize("opening", [b'{"a":', b"["], ids=["objects", "lists"])
async def test_how_deep_a_push_is_nested_leaves_room_for_what_is_written_around_it(
    hooks: Pushed, opening: bytes
) -> None:
    """
    Whatever is taken can be shown by the list of rejects; the rest is refused, and nothing of it stored.
    """
    closing = b"}" if opening.startswith(b"{") else b"]"
    taken = []
    for levels in range(220, 260):
        body = b'{"a":' + opening * levels + b"1" + closing * levels + b"}"
        answer = await hooks.push(body=body)
        taken.append(answer.status == 202)
        assert answer.status == 202 or answer.problem[0] == 400
    items = await hooks.api.journal.inbox("pbx", 100)
    for item in items:
        reject = Reject(row_digest(dict(item.body)), dict(item.body), "pushed: it began before the look-back")
        await hooks.api.journal.append(replace(append_of(), stream="pushes", rejects=(reject,)))
    headers = {"Authorization": f"Bearer {OPS.key}"}
    listed = await hooks.api.ask("GET", "/v1/rejects?limit=100", None, headers)

    assert (True, False) == (taken[0], taken[-1])
    assert sorted(taken, reverse=True) == taken
    assert sum(taken) == len(items) == len(listed.document["items"])
    assert len(taken) - sum(taken) == hooks.counted("malformed")


async def test_a_push_of_unknown_length_is_read_no_further_than_it_may_be(hooks: Pushed) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 4096

    async with hooks.api.client.post(HOOK, data=endless(), headers=GOOD) as answer:
        assert 413 == answer.status


async def test_a_push_that_does_not_arrive_is_given_up(hooks: Pushed) -> None:
    host, port = hooks.api.listener.address
    reader, writer = await asyncio.open_connection(host, port)
    head = f"POST {HOOK} HTTP/1.1\r\nHost: x\r\nX-Pbx-Token: {TOKEN}\r\nContent-Length: 10\r\n\r\n{{"
    writer.write(head.encode())
    async with asyncio.timeout(10):
        line = await reader.readline()
    writer.close()

    assert line.startswith(b"HTTP/1.1 408 ")
    assert [] == await hooks.inbox()


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", HOOK), *product(["HEAD", "PUT", "DELETE", "OPTIONS"], [HOOK, "/hooks/nowhere"])],
)
async def test_only_a_post_is_a_push(hooks: Pushed, method: str, path: str) -> None:
    answer = await hooks.api.ask(method, path, headers=GOOD)

    assert (405, "POST") == (answer.status, answer.headers["Allow"])


class Refusing:
    """
    A journal that takes nothing; stands at `relay.journal.api_port.SourceWorkJournal`.
    """

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def put_down(self, *_: object) -> bytes:
        """
        Fail.
        """
        raise self._error


def behind(error: Exception) -> Callable[[Reach], Reach]:
    """
    Return what puts such a journal behind the API.
    """
    return lambda reach: replace(reach, work=Refusing(error))  # type: ignore[arg-type] # one method of it


@pytest.mark.parametrize("error", [Conflict("10000 items wait"), JournalBusy("locked")], ids=str)
async def test_where_there_is_no_room_a_push_is_to_be_sent_again(
    journal_path: Path, error: Exception
) -> None:
    async with running_api(journal_path, settings=SETTINGS, change_reach=behind(error)) as api:
        answer = await api.ask("POST", HOOK, PUSH, GOOD)
        counted = api.sample("relay_hooks_total", source="pbx", outcome="full")

    assert ((503, "busy"), "1", 1.0) == (answer.problem, answer.headers["Retry-After"], counted)


async def test_a_source_that_the_journal_does_not_know_is_none(journal_path: Path) -> None:
    async with running_api(journal_path, settings=SETTINGS, change_reach=behind(NotFound("pbx"))) as api:
        answers = [await api.ask("POST", HOOK, PUSH, headers) for headers in (GOOD, {})]

    assert (401, answers[1].body) == (answers[0].status, answers[0].body)


async def test_a_journal_that_cannot_be_used_ends_the_process(journal_path: Path) -> None:
    answers = []

    async def run() -> None:
        unusable = behind(JournalUnusable("disk full"))
        async with running_api(journal_path, settings=SETTINGS, change_reach=unusable) as api:
            answers.append(await api.ask("POST", HOOK, PUSH, GOOD))
            async with asyncio.timeout(20):
                await asyncio.Event().wait()  # ended by what is raised

    with pytest.raises(ExceptionGroup) as raised:
        await run()

    assert raised.group_contains(JournalUnusable, match="disk full")
    assert [(503, "stopping")] == [answer.problem for answer in answers]


async def test_without_keys_a_push_may_come_through_a_proxy(journal_path: Path) -> None:
    forwarded = {**GOOD, "Host": "relay.example.com", "X-Forwarded-For": "192.0.2.1"}
    async with running_api(journal_path, settings=SETTINGS) as api:
        answers = [
            await api.ask("POST", HOOK, PUSH, forwarded),
            await api.ask("GET", "/v1/events", None, forwarded),
        ]

    assert [202, 403] == [answer.status for answer in answers]


async def test_the_listener_of_its_own_has_pushes_and_nothing_else(journal_path: Path) -> None:
    """
    Also without keys, and for whatever host it is asked.
    """
    headers = {**GOOD, "Host": "pushes.example.com:8081"}
    async with running_api(journal_path, settings=SETTINGS) as api:
        assert api.listener.hooks_address is not None
        assert api.listener.hooks_address != api.listener.address
        async with aiohttp.ClientSession("http://{}:{}".format(*api.listener.hooks_address)) as outside:
            async with outside.post(HOOK, json=PUSH, headers=headers) as answer:
                taken = answer.status
            others = []
            for path in (
                "/",
                "/v1/events",
                "/v1/sources",
                "/openapi.json",
                "/hooks",
                "/hooks/",
                "/hooks/pbx/x",
            ):
                for method in ("GET", "POST"):
                    async with outside.request(method, path, headers=headers) as answer:
                        others.append((answer.status, answer.content_type))
        stored = [item.body for item in await api.journal.inbox("pbx", 10)]

    assert (202, [PUSH]) == (taken, stored)
    assert {(404, "application/problem+json")} == set(others)


async def test_the_listener_of_its_own_is_closed_with_the_api(journal_path: Path) -> None:
    async with running_api(journal_path, settings=SETTINGS) as api:
        address = api.listener.hooks_address
        assert address is not None
        await api.listener.close()

        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*address)


async def test_an_address_in_use_is_told_by_its_key(journal_path: Path) -> None:
    async with running_api(journal_path) as api:
        with socket.create_server(ANY_PORT) as taken:
            settings = ApiSettings(hooks_listen=taken.getsockname())
            with pytest.raises(ConfigError, match=r"server\.hooks_listen: cannot listen on"):
                async with api_listener(ANY_PORT, api.reach, Metrics(CollectorRegistry()), settings):
                    pytest.fail("a second listener got the same port")


async def test_no_token_is_logged_counted_or_answered(
    hooks: Pushed, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    address = hooks.api.listener.hooks_address
    assert address is not None
    url = f"{HOOK}?token={quote(TOKEN, safe='')}"
    answers = [await hooks.push(url, body, headers={}) for body in (PUSH, b"{", b"[]")]
    answers += [
        await hooks.push(f"/hooks/{name}?token=wr0ng-{TOKEN[:8]}", headers={}) for name in ("pbx", "nowhere")
    ]
    for line in (
        f"POST {url}\x01 HTTP/1.1",
        f"P@ST {url} HTTP/1.1",
        f"POST {url}{'x' * 9_000} HTTP/1.1",
        url,
    ):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(f"{line}\r\nHost: x\r\nX-Pbx-Token: {TOKEN}\x00\r\n\r\n".encode())
        async with asyncio.timeout(10):
            await reader.read()
        writer.close()

    told = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    told += generate_latest(hooks.api.metrics.registry).decode()
    told += "".join(f"{answer.headers}{answer.body!r}" for answer in answers)
    assert [] == [part for part in (TOKEN[:8], quote(TOKEN, safe="")) if part in told]
    assert 'route="/hooks/{source_id}"' in told
