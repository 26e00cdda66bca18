"""
Asking a dialer, against a real HTTP server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

import pytest

from relay.model.errors import SourceUnreachable
from relay.sources.vicidial.client import MAX_ANSWER_BYTES, DialerAccount, DialerClient, Verb
from relay.system_clock import SystemClock

AGENT: Final = b"1001|TESTCAMP|8600051|READY|0||3|Alice Adams|AGENTS|1||\n"
PASSWORD: Final = "s3cretpass"


@dataclass
class Dialer:
    """
    A server on loopback: what it was asked, and the bytes that it answers each request with,
    and whether it closes the connection then, or never answers.
    """

    url: str = ""
    requests: list[bytes] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    closes: bool = False
    is_silent: bool = False

    def says(self, body: bytes, status: str = "200 OK", length: int | None = None) -> None:
        """
        Answer the next request with this.
        """
        announced = len(body) if length is None else length
        self.answers.append(f"HTTP/1.1 {status}\r\nContent-Length: {announced}\r\n\r\n".encode() + body)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """
        Answer one connection until no answer is left, then close it.
        """
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            body = await reader.readexactly(int(lengths[0].split(b":")[1])) if lengths else b""
            self.requests.append(head + body)
            if self.is_silent:
                await reader.read()  # until the client has gone
            if not self.answers:
                break
            writer.write(self.answers.pop(0))
            await writer.drain()
            if self.closes:
                break
        writer.close()


@pytest.fixture
async def dialer() -> AsyncIterator[Dialer]:
    """
    A dialer that answers what it is told to.
    """
    dialer = Dialer()
    server = await asyncio.start_server(dialer.serve, "127.0.0.1", 0)
    dialer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/adminpanel/api.php"
    yield dialer
    server.close()


@pytest.fixture
async def client(dialer: Dialer) -> AsyncIterator[DialerClient]:
    """
    A client of it.
    """
    account = DialerAccount("dialer", dialer.url, "apiuser", PASSWORD)
    async with DialerClient(account, SystemClock()) as client:
        yield client


async def test_a_request_is_a_form_with_user_password_and_source(
    dialer: Dialer, client: DialerClient
) -> None:
    dialer.says(AGENT)

    asked = await client.ask("logged_in_agents", {"show_sub_status": "YES"})

    head, _, form = dialer.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /adminpanel/api.php HTTP/1.1\r\n")
    assert b"source=relay&user=apiuser&pass=s3cretpass&function=logged_in_agents&show_sub_status=YES" == form
    assert ("rows", "1001", 200) == (asked.answer.verdict, asked.answer.rows[0]["user"], asked.http_status)
    assert asked.requested_at <= asked.answered_at


async def test_a_get_is_sent_where_asked(dialer: Dialer, client: DialerClient) -> None:
    dialer.says(AGENT)

    await client.ask("logged_in_agents", {}, verb="GET")

    assert dialer.requests[0].startswith(b"GET /adminpanel/api.php?source=relay&user=apiuser&pass=")


@pytest.mark.parametrize("name", ["DB", "user", "pass", "function", "source"])
async def test_what_the_client_sets_cannot_be_given(client: DialerClient, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        await client.ask("version", {name: "1"})


@pytest.mark.parametrize("verb", ["POST", "GET"])
async def test_a_request_is_never_sent_again_on_a_lost_connection(
    dialer: Dialer, client: DialerClient, verb: Verb
) -> None:
    dialer.says(AGENT)
    await client.ask("logged_in_agents", {})

    with pytest.raises(SourceUnreachable):
        await client.ask("add_lead", {"phone_number": "7275551111"}, verb=verb)

    assert 2 == len(dialer.requests)


@pytest.mark.parametrize(
    ("body", "status", "verdict"),
    [
        (b"ERROR: Login incorrect, please try again: |apiuser|s3cretpass|BAD|\n", "200 OK", "auth"),
        (b"", "500 Internal Server Error", "server_fault"),
        (AGENT, "500 Internal Server Error", "rows"),
        (b"Coffee: coffee|Error 418 I'm a teapot", "418 I'm a teapot", "unknown"),
        (b"<html><body>no</body></html>", "502 Bad Gateway", "server_fault"),
        (b"moved", "302 Found", "unknown"),
    ],
)
async def test_whatever_is_answered_has_a_verdict(
    dialer: Dialer, client: DialerClient, body: bytes, status: str, verdict: str
) -> None:
    dialer.says(body, status)

    asked = await client.ask("logged_in_agents", {})

    assert verdict == asked.answer.verdict
    assert PASSWORD not in repr(asked)


async def test_a_body_that_is_cut_at_a_row_is_no_answer(dialer: Dialer, client: DialerClient) -> None:
    dialer.closes = True
    dialer.says(AGENT, length=2 * len(AGENT))

    with pytest.raises(SourceUnreachable) as raised:
        await client.ask("logged_in_agents", {})

    assert "bad_payload" == raised.value.reason


async def test_a_chunked_body_without_its_last_chunk_is_no_answer(
    dialer: Dialer, client: DialerClient
) -> None:
    dialer.closes = True
    chunk = f"{len(AGENT):x}\r\n".encode() + AGENT + b"\r\n"
    dialer.answers.append(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk)

    with pytest.raises(SourceUnreachable):
        await client.ask("logged_in_agents", {})


async def test_no_more_than_16_mib_are_read(dialer: Dialer, client: DialerClient) -> None:
    dialer.says(AGENT * (MAX_ANSWER_BYTES // len(AGENT) + 1))

    with pytest.raises(SourceUnreachable, match="larger than 16 MiB"):
        await client.ask("logged_in_agents", {})


async def test_no_connection_is_no_answer() -> None:
    account = DialerAccount("dialer", "http://127.0.0.1:1/api.php", "apiuser", PASSWORD)
    async with DialerClient(account, SystemClock()) as client:
        with pytest.raises(SourceUnreachable) as raised:
            await client.ask("version", {})

    assert ("connect", False) == (raised.value.reason, PASSWORD in str(raised.value))


async def test_no_answer_by_the_deadline_is_none(dialer: Dialer, client: DialerClient) -> None:
    dialer.is_silent = True

    with pytest.raises(SourceUnreachable) as raised:
        await client.ask("version", {}, deadline_s=0.2)

    assert ("timeout", 1) == (raised.value.reason, len(dialer.requests))


async def test_the_version_told_decides_the_columns(dialer: Dialer, client: DialerClient) -> None:
    dialer.says(b"SALES|1|0|1|1|0|0|0\n")
    client.version = "2.14-202"

    asked = await client.ask("in_group_status", {"in_groups": "SALES"})

    assert "unknown" == asked.answer.verdict


def test_the_password_is_not_in_what_an_account_prints() -> None:
    account = DialerAccount("dialer", "http://x", "apiuser", PASSWORD)

    assert PASSWORD not in repr(account)
