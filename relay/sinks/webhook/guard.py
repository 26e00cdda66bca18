"""
Which addresses a webhook may reach (SSRF): one rule for create, test and delivery.

Whoever registers a webhook makes relay send requests from inside the operator's network.  So everything
but the public internet is refused unless the operator lists the network, and relay's own listeners always.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from typing import Final

from relay.sinks.webhook.closed_ranges import Address, embedded_v4, why_closed
from relay.sinks.webhook.url import WebhookUrl, parse_url

_LOOPBACKS: Final = ("127.0.0.1", "::1")
_LOCAL_NAMES: Final = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})


class Guard:
    """
    Tells whether an address may be dialled.

    A name that resolves to a closed address is refused when it is dialled, not when it is registered.
    An address by which the outside reaches this machine through a translating router cannot be recognised
    as relay's own.

    Args:
        allow_private: networks an endpoint may be in besides the public ones.
        deny: networks no endpoint may be in, whatever else is allowed; public ones too.
        own_listeners: host and port of everything relay listens on; a wildcard, or a name, means that
            port on every address of this machine.
    """

    def __init__(
        self,
        allow_private: Sequence[IPv4Network | IPv6Network],
        own_listeners: Sequence[tuple[str, int]],
        deny: Sequence[IPv4Network | IPv6Network] = (),
    ) -> None:
        self._allow_private = tuple(allow_private)
        self._deny = tuple(deny)
        self._own: set[tuple[Address, int]] = set()
        self._own_everywhere: set[int] = set()
        for host, port in own_listeners:
            addresses = _listening_at(host)
            self._own.update((address, port) for address in addresses)
            if not addresses:
                self._own_everywhere.add(port)

    def refusal(self, address: str, port: int) -> str | None:
        """
        Return why `address` may not be dialled at `port`, or None where it may.
        """
        try:
            parsed = ip_address(address)
        except ValueError:
            return "not an IP address"
        if parsed.version == 6 and parsed.scope_id is not None:
            return f"{address} names a network interface"
        for meant in (parsed, *embedded_v4(parsed)):
            reason = self._reason(meant, port)
            if reason is not None:
                return (
                    f"{address} is {reason}" if meant == parsed else f"{address} stands for {meant}, {reason}"
                )
        return None

    def refusal_of_url(self, url: str) -> str | None:
        """
        Return why a URL may not be registered, or None where nothing speaks against it yet.

        Literal addresses, in every spelling a resolver takes, and names of this machine are judged here.
        """
        try:
            parsed = parse_url(url)
        except ValueError as error:
            return str(error)
        reasons = [self.refusal(address, parsed.port) for address in _addresses_known(parsed)]
        return None if None in reasons or not reasons else reasons[0]

    def _reason(self, address: Address, port: int) -> str | None:
        # Connecting to the unspecified address reaches this machine, so no allow-list may open it.
        if address.is_unspecified:
            return "unspecified"
        if (address, port) in self._own or (port in self._own_everywhere and _is_of_this_machine(address)):
            return "a listener of relay itself"
        if any(address in network for network in self._deny):
            return "in a network that webhooks.deny names"
        if any(address in network for network in self._allow_private):
            return None
        return why_closed(address)


def _listening_at(host: str) -> tuple[Address, ...]:
    """
    Return the addresses of a listener; none where it may be any address of this machine.
    """
    if host.lower() == "localhost":
        return tuple(ip_address(address) for address in _LOOPBACKS)
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:  # empty, or a name: what it resolves to may change
        return ()
    if address.is_unspecified:
        return ()
    return (address, *embedded_v4(address))


def _addresses_known(url: WebhookUrl) -> Sequence[str]:
    if url.literal is not None:
        return (url.host,)
    name = url.host.removesuffix(".")
    return _LOOPBACKS if name in _LOCAL_NAMES or name.endswith(".localhost") else ()


def _is_of_this_machine(address: Address) -> bool:
    if address.is_loopback:
        return True
    # A datagram socket can be bound to exactly the addresses of local interfaces, on every system and
    # without a list of them that could be out of date.  Nothing is sent.
    family = socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError as error:
        return error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
    return True
