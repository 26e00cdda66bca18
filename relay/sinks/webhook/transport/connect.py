"""
Reach one of several addresses, with a fair share of the time for each.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from typing import TypeVar

from relay.model.errors import TransportError
from relay.sinks.webhook.transport.connection import Place

Reached = TypeVar("Reached")


async def first_of(
    places: Sequence[Place], deadline: float, reach: Callable[[Place, float], Awaitable[Reached]]
) -> Reached:
    """
    Return what `reach(place, deadline)` gives for the first place with which it succeeds.

    Each place gets its share of the time left, so that one that swallows packets leaves time for the next.

    Raises:
        TransportError: it failed for every place; says why for the last one.
    """
    loop = asyncio.get_running_loop()
    last_error = TransportError("refused", "no address to dial")
    for left, place in zip(range(len(places), 0, -1), places, strict=True):
        now = loop.time()
        try:
            return await reach(place, now + (deadline - now) / left)
        except TransportError as error:
            last_error = error
    raise last_error


async def connect(place: Place, deadline: float) -> socket.socket:
    """
    Connect to exactly the address of a place; a cancelled call leaves nothing open.

    Raises:
        TransportError: `refused`, or `timeout`.
    """
    family = socket.AF_INET6 if ":" in place.address else socket.AF_INET
    with ExitStack() as opened:
        sock = opened.enter_context(socket.socket(family, socket.SOCK_STREAM))
        sock.setblocking(False)
        try:
            async with asyncio.timeout_at(deadline):
                await asyncio.get_running_loop().sock_connect(sock, (place.address, place.port))
        except TimeoutError as error:
            raise TransportError("timeout", f"{place.name} took no connection in time") from error
        except OSError as error:
            raise TransportError("refused", f"{place.name}: {error.strerror or error}") from error
        opened.pop_all()
    return sock
