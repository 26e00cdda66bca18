"""
From a host name to vetted addresses.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from relay.model.errors import TransportError
from relay.sinks.webhook.transport.connection import Place
from relay.sinks.webhook.transport.target import Origin, Target

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host, best first; raises OSError or UnicodeError where there are none."""

Refusal = Callable[[str, int], str | None]
"""Returns why an address may not be dialled at a port, or None where it may."""

MAX_ORIGINS: Final = 1_024
MAX_ADDRESSES: Final = 16


async def resolve(host: str, port: int) -> Sequence[str]:
    """
    Ask the system's resolver, in a thread of the loop.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for _, _, _, _, sockaddr in found]


class Directory:
    """
    Knows for a few seconds where each origin may be dialled.

    Every address was vetted; refused ones are never given out.  One origin is asked for
    once at a time, however many wait, so that a name whose servers hang holds one resolver thread only.

    Args:
        refusal: decides about each address.
        resolver: finds addresses.
        ttl_s: how long an answer is used; failures are never kept.
    """

    def __init__(self, refusal: Refusal, resolver: Resolver, ttl_s: float) -> None:
        self._refusal = refusal
        self._resolver = resolver
        self._ttl_s = ttl_s
        self._known: dict[Origin, tuple[float, tuple[Place, ...]]] = {}
        self._lookups: dict[Origin, asyncio.Task[Sequence[str]]] = {}

    def known(self, origin: Origin, now: float) -> tuple[Place, ...]:
        """
        Return the places of an origin as far as they were found lately; empty: ask with `find`.
        """
        entry = self._known.get(origin)
        return entry[1] if entry is not None and entry[0] > now else ()

    async def find(self, target: Target) -> tuple[Place, ...]:
        """
        Return where to dial, best first; a cancelled call leaves the look-up to others who wait for it.

        Raises:
            TransportError: `dns` where the name has no address, `blocked` where all are refused.
        """
        scheme, host, port, certificate = target.origin
        addresses = (host,) if target.is_literal else await self._look_up(target.origin)
        places, reasons = [], []
        for address in dict.fromkeys(addresses):
            reason = self._refusal(address, port)
            if reason is None:
                places.append(Place(address, port, scheme, host, certificate))
            else:
                reasons.append(reason)
        if not places:
            raise TransportError(
                "blocked", f"{host} may not be reached: {'; '.join(reasons[:MAX_ADDRESSES])}"
            )
        found = tuple(places[:MAX_ADDRESSES])
        self._keep(target.origin, found)
        return found

    async def close(self) -> None:
        """
        Give up running look-ups.  Safe twice.
        """
        lookups = list(self._lookups.values())
        for lookup in lookups:
            lookup.cancel()
        await asyncio.gather(*lookups, return_exceptions=True)

    async def _look_up(self, origin: Origin) -> Sequence[str]:
        lookup = self._lookups.get(origin)
        if lookup is None:
            lookup = asyncio.ensure_future(self._resolver(origin[1], origin[2]))
            self._lookups[origin] = lookup
            lookup.add_done_callback(lambda done: self._looked_up(origin, done))
        await asyncio.wait((lookup,))  # a cancelled wait leaves the look-up alone
        if lookup.cancelled():
            raise TransportError("disconnected", f"the look-up of {origin[1]} was given up")
        try:
            addresses = lookup.result()
        except (OSError, UnicodeError) as error:
            raise TransportError("dns", f"{origin[1]} has no address: {error}") from error
        if not addresses:
            raise TransportError("dns", f"{origin[1]} has no address")
        return addresses

    def _looked_up(self, origin: Origin, lookup: asyncio.Task[Sequence[str]]) -> None:
        self._lookups.pop(origin, None)
        if not lookup.cancelled():
            lookup.exception()  # seen, also where everyone who waited for it has gone

    def _keep(self, origin: Origin, places: tuple[Place, ...]) -> None:
        self._known.pop(origin, None)
        if len(self._known) >= MAX_ORIGINS:
            del self._known[next(iter(self._known))]
        self._known[origin] = (asyncio.get_running_loop().time() + self._ttl_s, places)
