"""
Asking a relay over REST: whom the key goes to, what is asked twice, and what no answer of relay may do.
"""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator

import pytest
import trustme
from aiohttp import web

from relay.cli.remote import Address, RemoteRelay, query, segment
from relay.model.errors import RelayError
from tests.cli.speaking import SpeakingServer

LIST = "GET /v1/endpoints"
KEY = "k3y-of-somebody"


@pytest.fixture
async def server() -> AsyncIterator[SpeakingServer]:
    """
    Give a server that answers as it is told to.
    """
    async with SpeakingServer() as speaking:
        yield speaking


@pytest.fixture
async def remote(server: SpeakingServer) -> AsyncIterator[RemoteRelay]:
    """
    Give what asks it, with a key.
    """
    async with RemoteRelay(Address(server.url, KEY), again_after_s=0) as asking:
        yield asking


async def listed(remote: RemoteRelay, limit: int = 0) -> list[str]:
    """
    Return the ids of the endpoints.
    """
    return [item["id"] async for page in remote.pages("/v1/endpoints", limit=limit) for item in page.items]


async def told(remote: RemoteRelay) -> str:
    """
    Return the words in which asking for the endpoints fails.
    """
    with pytest.raises(RelayError) as failure:
        await listed(remote)
    return str(failure.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://[::1]:1", "http://localhost", "https://relay.example.com"]
)
def test_the_key_goes_to_this_machine_or_out_encrypted(url: str) -> None:
    assert Address(url, KEY) == Address.of(url + "/", {"RELAY_API_KEY": KEY})


@pytest.mark.parametrize(
    "url", ["http://relay.example.com", "http://10.0.0.1:8080", "http://127.0.0.1.nip.io"]
)
def test_the_key_does_not_cross_a_network_in_the_clear(url: str) -> None:
    with pytest.raises(ValueError, match="is not sent over plain http") as refusal:
        Address.of(url, {"RELAY_API_KEY": KEY})

    assert KEY not in str(refusal.value)
    assert Address(url, KEY) == Address.of(url, {"RELAY_API_KEY": KEY}, is_insecure=True)
    assert Address(url, None) == Address.of(url, {"RELAY_API_KEY": ""})


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "clé", "\x1b[2J"])
def test_what_is_no_key_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(ValueError, match="RELAY_API_KEY holds") as refusal:
        Address.of("http://127.0.0.1", {"RELAY_API_KEY": key})

    assert key not in str(refusal.value)


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8080", "ftp://x", "http://u:p@x", "http://x?y=1", "http://x#y"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"must|is no URL"):
        Address.of(url, {})


def test_an_address_does_not_show_its_key() -> None:
    assert KEY not in repr(Address("http://127.0.0.1", KEY))


@pytest.mark.parametrize(
    ("name", "part"), [("crm", "crm"), ("a/../b", "a%2F..%2Fb"), ("é?#", "%C3%A9%3F%23")]
)
def test_a_name_is_one_part_of_the_path(name: str, part: str) -> None:
    assert part == segment(name)


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_that_would_be_another_path_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no id"):
        segment(name)


def test_parameters_that_were_not_given_are_left_out() -> None:
    expected = [("status", "pending"), ("status", "expired"), ("event", "e")]

    assert expected == query(endpoint=None, status=["pending", "expired"], event="e", type=[])


async def test_the_key_is_sent_as_bearer_and_nothing_where_there_is_none(
    server: SpeakingServer, remote: RemoteRelay
) -> None:
    server.say_list("/v1/endpoints", 0)
    await listed(remote)
    async with RemoteRelay(Address(server.url)) as keyless:
        await listed(keyless)

    assert [f"Bearer {KEY}", None] == [one.headers.get("authorization") for one in server.asked]


@pytest.mark.parametrize(
    ("limit", "asked", "came"),
    [(0, [500] * 3, 1_250), (1, [1], 1), (630, [500, 130], 630), (9_999, [500] * 3, 1_250)],
)
async def test_pages_are_followed_up_to_the_limit(
    server: SpeakingServer, remote: RemoteRelay, limit: int, asked: list[int], came: int
) -> None:
    server.say_list("/v1/endpoints", 1_250)

    ids = await listed(remote, limit)

    assert [f"number-{number}" for number in range(came)] == ids
    assert asked == [int(dict(one.query)["limit"]) for one in server.asked]


async def test_an_empty_page_that_names_a_next_one_is_not_the_last(
    server: SpeakingServer, remote: RemoteRelay
) -> None:
    async def answer(request: web.Request) -> web.Response:
        if "after" in request.query:
            return web.json_response({"items": [{"id": request.query["after"]}], "next": None})
        return web.json_response({"items": [], "next": "a+b c&d"})

    server.on(LIST, answer)

    assert ["a+b c&d"] == await listed(remote)


async def test_a_list_that_never_ends_is_told(server: SpeakingServer, remote: RemoteRelay) -> None:
    server.say(LIST, {"items": [], "next": "again"})

    assert "/v1/endpoints was answered with a list that never ends" == await told(remote)


async def test_a_problem_is_told(server: SpeakingServer, remote: RemoteRelay) -> None:
    server.say(LIST, {"title": "Conflict", "detail": "crm is taken"}, 409)

    assert "Conflict (409): crm is taken" == await told(remote)


async def test_an_answer_that_is_compressed_all_the_same_is_not_unpacked(
    server: SpeakingServer, remote: RemoteRelay
) -> None:
    server.say_raw(LIST, gzip.compress(b"{}"), 200, "application/json", **{"Content-Encoding": "gzip"})

    assert "was answered 200 with broken JSON" in await told(remote)


async def test_a_redirect_is_told_and_not_followed(server: SpeakingServer, remote: RemoteRelay) -> None:
    server.say_raw(LIST, b"", 307, Location="http://127.0.0.1:1/steal")

    expected = (
        f"GET {server.url}/v1/endpoints is redirected to http://127.0.0.1:1/steal (307); "
        "that is not followed: name the right --url"
    )
    assert expected == await told(remote)


async def test_an_answer_is_read_up_to_a_limit(server: SpeakingServer) -> None:
    server.say_raw(LIST, b" " * 70_000, 200, "application/json")

    async with RemoteRelay(Address(server.url), largest_answer=65_536) as remote:
        assert f"{server.url} answered over 65536 bytes" == await told(remote)


async def test_an_answer_that_does_not_come_is_told(server: SpeakingServer) -> None:
    async def hang(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError("waits for ever")

    server.on(LIST, hang)
    server.on("DELETE /v1/endpoints/crm", hang)

    async with RemoteRelay(Address(server.url), timeout_s=0.2) as remote:
        assert f"{server.url} did not answer within 0.2 s" == await told(remote)
        with pytest.raises(RelayError, match=r"within 0\.2 s; look whether it was done"):
            await remote.delete("/v1/endpoints/crm")


async def test_a_server_that_speaks_no_http_is_told() -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"220 mail.example.com ESMTP\x1b[2J\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as other:
        url = f"http://127.0.0.1:{other.sockets[0].getsockname()[1]}"
        async with RemoteRelay(Address(url)) as remote:
            words = await told(remote)

    assert words.startswith(f"{url} does not speak HTTP: ")
    assert "\x1b" not in words


async def test_a_certificate_that_nobody_vouches_for_is_told() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)

    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0, ssl=context) as other:
        url = f"https://127.0.0.1:{other.sockets[0].getsockname()[1]}"
        async with RemoteRelay(Address(url, KEY)) as remote:
            words = await told(remote)

    assert words.startswith(f"{url} cannot be reached: its certificate is not trusted: ")


async def test_nobody_there_is_told() -> None:
    async with RemoteRelay(Address("http://127.0.0.1:1")) as remote:
        assert "http://127.0.0.1:1 cannot be reached: Connection refused" == await told(remote)


async def test_a_post_whose_connection_was_lost_is_made_again_with_its_key(
    server: SpeakingServer, remote: RemoteRelay
) -> None:
    async def answer(request: web.Request) -> web.Response:
        if len(server.asked) == 1:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"id": "crm"}, status=201)

    server.on("POST /v1/endpoints", answer)

    made = await remote.post("/v1/endpoints", {"url": "https://x"})
    await remote.post("/v1/endpoints", {"url": "https://x"})

    keys = [one.headers["idempotency-key"] for one in server.asked]
    assert {"id": "crm"} == made
    assert [{"url": "https://x"}] * 3 == [one.body for one in server.asked]
    assert (keys[0], 2) == (keys[1], len(set(keys)))


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_what_is_lost_twice_is_told(server: SpeakingServer, remote: RemoteRelay, method: str) -> None:
    async def lose(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    server.on(f"{method} /v1/endpoints/crm", lose)
    asking = remote.post if method == "POST" else remote.delete

    with pytest.raises(RelayError, match=r"broke the connection off: .*; look whether it was done"):
        await asking("/v1/endpoints/crm")
    assert 2 == len(server.asked)
