"""
Addresses that are not part of the public internet, and the IPv4 addresses hidden inside IPv6 ones.

From the IANA special-purpose registries, written out rather than taken from `ipaddress.is_global`, whose
answers differ between patch releases of Python.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_CLOSED_V4: Final = tuple(
    (IPv4Network(network), words)
    for network, words in (
        ("169.254.169.254/32", "a cloud metadata service"),
        ("168.63.129.16/32", "a cloud platform service"),  # Azure; a public address reached only from inside
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by carriers (CGNAT)"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "for documentation"),
        ("192.31.196.0/24", "an AS112 server"),  # the nearest one, which may be inside
        ("192.52.193.0/24", "an AMT relay"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "an AS112 server"),
        ("198.18.0.0/15", "for benchmarks"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)
_CLOSED_V6: Final = tuple(
    (IPv6Network(network), words)
    for network, words in (
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("fd00:ec2::254/128", "a cloud metadata service"),
        ("64:ff9b:1::/48", "a local NAT64 prefix"),
        ("2001:2::/48", "for benchmarks"),
        ("2001:db8::/32", "for documentation"),
        ("2001::/23", "reserved for protocols"),
        ("2620:4f:8000::/48", "an AS112 server"),
        ("3fff::/20", "for documentation"),
        ("fc00::/7", "private (ULA)"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NAT64: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
# Judged by the address inside only: the wrapper says nothing about where a packet ends up.
_WRAPPERS: Final = tuple(
    IPv6Network(network) for network in ("::ffff:0:0/96", "64:ff9b::/96", "2002::/16", "2001::/32")
)


def embedded_v4(address: Address) -> tuple[IPv4Address, ...]:
    """
    Return the IPv4 addresses that traffic to an IPv6 address may end up at: mapped, NAT64, 6to4, Teredo.
    """
    if isinstance(address, IPv4Address):
        return ()
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    if any(address in network for network in _NAT64):
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    return ()


def why_closed(address: Address) -> str | None:
    """
    Return what kind of special address this is, or None for one on the public internet.

    An IPv6 address that only wraps IPv4 ones is open by itself: look at `embedded_v4` too.
    """
    if isinstance(address, IPv4Address):
        return next((words for network, words in _CLOSED_V4 if address in network), None)
    if any(address in network for network in _WRAPPERS):
        return None
    words = next((words for network, words in _CLOSED_V6 if address in network), None)
    if words is None and address not in _GLOBAL_UNICAST:
        return "reserved"
    return words
