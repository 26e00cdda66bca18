"""
What is dialled is what was vetted: names, answers that change, refused addresses.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence

import pytest

from relay.model.errors import TransportError
from relay.sinks.webhook.guard import Guard
from relay.sinks.webhook.transport.client import Limits, Transport
from relay.sinks.webhook.transport.target import Target
from tests.sinks.webhook.addresses import EVERYWHERE_V4, LOOPBACK
from tests.sinks.webhook.raw_server import DEADLINE_S, NO_CONTENT, says, serving


class ScriptedNames:
    """
    A resolver whose n-th answer is the n-th list, and the last one from then on.
    """

    def __init__(self, *answers: Sequence[str]) -> None:
        self.asked: list[tuple[str, int]] = []
        self._answers = list(answers)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """
        Return the next answer.
        """
        self.asked.append((host, port))
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


async def test_a_name_that_later_points_inside_is_blocked(guard: Guard) -> None:
    """
    DNS rebinding: the connection to the first, allowed address is open and idle, and is not used either.
    """
    names = ScriptedNames(["127.0.0.1"], ["10.0.0.1"])
    transport = Transport(guard, resolver=names, limits=Limits(dns_ttl_s=0))
    async with serving(says(NO_CONTENT)) as server:
        target = server.target("hooks.example")
        first = await transport.post(target, (), b"{}", timeout_s=DEADLINE_S)
        with pytest.raises(TransportError) as failure:
            await transport.post(target, (), b"{}", timeout_s=DEADLINE_S)
        await transport.close()

        assert (204, "blocked", 1) == (first.status, failure.value.reason, len(server.requests))


async def test_of_many_answers_only_the_allowed_ones_are_dialled(guard: Guard) -> None:
    names = ScriptedNames(["10.0.0.1", "fd00::1", "::ffff:169.254.169.254", "127.0.0.1"])
    transport = Transport(guard, resolver=names)
    async with serving(says(NO_CONTENT)) as server:
        reply = await transport.post(server.target("hooks.example"), (), b"{}", timeout_s=DEADLINE_S)
        await transport.close()

        assert (204, 1) == (reply.status, server.connections)


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "hooks.example"])
async def test_a_closed_address_is_never_dialled_however_it_is_written(host: str) -> None:
    transport = Transport(Guard([], []), resolver=ScriptedNames(["127.0.0.1", "::1"]))
    async with serving(says(NO_CONTENT)) as server:
        with pytest.raises(TransportError) as failure:
            await transport.post(server.target(host), (), b"{}", timeout_s=DEADLINE_S)
        await transport.close()

        assert ("blocked", 0) == (failure.value.reason, server.connections)


@pytest.mark.parametrize("listener_host", ["127.0.0.1", EVERYWHERE_V4, "::", "localhost"])
async def test_a_listener_of_relay_is_never_dialled_even_where_its_network_is_allowed(
    listener_host: str,
) -> None:
    async with serving(says(NO_CONTENT)) as server:
        transport = Transport(Guard([LOOPBACK], [(listener_host, server.port)]))
        with pytest.raises(TransportError) as failure:
            await transport.post(server.target(), (), b"{}", timeout_s=DEADLINE_S)
        await transport.close()

        assert ("blocked", 0) == (failure.value.reason, server.connections)


async def test_answers_are_used_for_their_time_and_asked_for_again_after_it(guard: Guard) -> None:
    kept, forgotten = ScriptedNames(["127.0.0.1"]), ScriptedNames(["127.0.0.1"])
    async with serving(says(NO_CONTENT)) as server:
        for names, ttl_s in ((kept, 60.0), (forgotten, 0.0)):
            transport = Transport(guard, resolver=names, limits=Limits(dns_ttl_s=ttl_s))
            for _ in range(3):
                await transport.post(server.target("hooks.example"), (), b"{}", timeout_s=DEADLINE_S)
            await transport.close()

        assert [("hooks.example", server.port)] == kept.asked
        assert 3 == len(forgotten.asked)
        assert 2 == server.connections


async def test_a_name_without_an_address_is_a_dns_failure(guard: Guard) -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    for resolver in (unknown, ScriptedNames([])):
        transport = Transport(guard, resolver=resolver)
        with pytest.raises(TransportError) as failure:
            await transport.post(Target.of_url("http://nowhere.example/"), (), b"{}", timeout_s=DEADLINE_S)
        await transport.close()

        assert "dns" == failure.value.reason


async def test_the_systems_resolver_finds_this_machine(transport: Transport) -> None:
    async with serving(says(NO_CONTENT)) as server:
        reply = await transport.post(server.target("localhost"), (), b"{}", timeout_s=DEADLINE_S)

        assert 204 == reply.status
        assert f"localhost:{server.port}" == dict(server.requests[0].headers)["host"]


async def test_a_port_where_nobody_listens_is_refused_and_the_next_address_is_tried(guard: Guard) -> None:
    async with serving(says(NO_CONTENT)) as server:
        transport = Transport(
            guard,
            resolver=ScriptedNames(["127.0.0.9"], ["127.0.0.9", "127.0.0.1"]),
            limits=Limits(dns_ttl_s=0),
        )
        with pytest.raises(TransportError) as failure:
            await transport.post(server.target("hooks.example"), (), b"{}", timeout_s=DEADLINE_S)
        reply = await transport.post(server.target("hooks.example"), (), b"{}", timeout_s=DEADLINE_S)
        await transport.close()

        assert ("refused", 204) == (failure.value.reason, reply.status)
