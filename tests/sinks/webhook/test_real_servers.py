"""
Against web servers that receivers really run: nginx with TLS, Node, and Node as an egress proxy before nginx.

aiohttp's is in test_sink.py.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import pairwise

import pytest

from relay.model.errors import TransportError
from relay.sinks.webhook.guard import Guard
from relay.sinks.webhook.transport.client import Transport
from relay.sinks.webhook.transport.proxy import Proxy
from relay.sinks.webhook.transport.target import Target
from tests.services.web_servers import Nginx, running_nginx, running_node
from tests.sinks.webhook.raw_server import DEADLINE_S

pytestmark = pytest.mark.web_servers
HEADERS = ((b"webhook-id", b"evt_one"),)
BODY = b'{"a":1}' * 100


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """
    Run one nginx for all tests here.
    """
    with running_nginx(tmp_path_factory.mktemp("nginx")) as server:
        yield server


@pytest.fixture(scope="module")
def node_port() -> Iterator[int]:
    """
    Run one Node for all tests here; give its port.
    """
    with running_node() as port:
        yield port


async def _here(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


def _tls(nginx: Nginx, *names: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    nginx.authority.configure_trust(context)
    for name in names:
        nginx.authority.issue_cert(name).configure_cert(context)
    return context


@pytest.fixture
async def mutual(nginx: Nginx, guard: Guard) -> AsyncIterator[Transport]:
    """
    Give a transport that trusts nginx and can show it a certificate.
    """
    client_tls = {"crm": _tls(nginx, "relay.example")}
    transport = Transport(guard, tls=_tls(nginx), client_tls=client_tls, resolver=_here)
    yield transport
    await transport.close()


async def _post(transport: Transport, target: Target, body: bytes = BODY) -> tuple[int, str]:
    reply = await transport.post(target, HEADERS, body, timeout_s=DEADLINE_S)
    return reply.status, reply.body.decode()


async def test_nginx_takes_requests_over_one_tls_connection(nginx: Nginx, mutual: Transport) -> None:
    target = Target.of_url(f"https://hooks.example:{nginx.port}/hook")
    replies = {await _post(mutual, target) for _ in range(20)}

    ((status, words),) = replies
    assert (200, ["TLSv1.3", "hooks.example", "evt_one", "NONE"]) == (status, words.split()[1:])
    assert 1 == mutual.open_connections


async def test_nginx_ends_connections_after_some_requests_and_none_is_lost(
    nginx: Nginx, mutual: Transport
) -> None:
    target = Target.of_url(f"https://hooks.example:{nginx.port}/three")
    replies = [await _post(mutual, target) for _ in range(12)]

    connections = [words for _, words in replies]
    assert [200] * 12 == [status for status, _ in replies]
    assert (4, 3) == (len(set(connections)), sum(one != other for one, other in pairwise(connections)))


async def test_nginx_sees_the_client_certificate_and_only_where_it_is_named(
    nginx: Nginx, mutual: Transport
) -> None:
    url = f"https://hooks.example:{nginx.port}/mutual"
    statuses = [(await _post(mutual, Target.of_url(url, name)))[0] for name in ("crm", "", "crm", "")]

    assert [204, 403, 204, 403] == statuses
    assert 2 == mutual.open_connections


async def test_nginx_refuses_a_large_body_before_it_has_read_it(nginx: Nginx, mutual: Transport) -> None:
    target = Target.of_url(f"https://hooks.example:{nginx.port}/hook")
    large, small = await _post(mutual, target, b"x" * 20_000_000), await _post(mutual, target)

    assert (413, 200) == (large[0], small[0])


async def test_node_takes_requests_and_its_chunks_are_read(node_port: int, transport: Transport) -> None:
    target = Target.of_url(f"http://127.0.0.1:{node_port}/hook")
    large = bytes(range(256)) * 8_000
    replies = [await _post(transport, target, body) for body in (BODY, large, b"")]

    port = replies[0][1].split()[0]
    assert [
        (200, f"{port} {hashlib.sha256(body).hexdigest()} evt_one") for body in (BODY, large, b"")
    ] == replies


async def test_interim_answers_of_node_are_skipped(node_port: int, transport: Transport) -> None:
    target = Target.of_url(f"http://127.0.0.1:{node_port}/early")
    replies = [await _post(transport, target) for _ in range(2)]

    assert [200, 200] == [status for status, _ in replies]
    assert replies[0] == replies[1]


async def test_nginx_is_reached_through_node_as_an_egress_proxy(nginx: Nginx, node_port: int) -> None:
    async def outside(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"] if host == "127.0.0.1" else ["9.9.9.9"]

    proxy = Proxy("127.0.0.1", node_port, "relay", "password")
    transport = Transport(Guard([], []), tls=_tls(nginx), proxy=proxy, resolver=outside)
    target = Target.of_url(f"https://hooks.example:{nginx.port}/hook")
    replies = {await _post(transport, target) for _ in range(5)}
    await transport.close()

    ((status, words),) = replies
    assert (200, "hooks.example") == (status, words.split()[2])


async def test_node_as_a_proxy_that_wants_a_password_is_a_reason_of_its_own(node_port: int) -> None:
    transport = Transport(Guard([], []), proxy=Proxy("127.0.0.1", node_port))
    with pytest.raises(TransportError, match="407 Proxy Authentication Required") as failure:
        await _post(transport, Target.of_url("https://9.9.9.9/"))
    await transport.close()

    assert "proxy" == failure.value.reason
