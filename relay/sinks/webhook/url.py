"""
Read a webhook URL, once and in one place: what the guard vets is what the transport dials.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

MAX_URL_LENGTH: Final = 2_048
DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_PRINTABLE: Final = re.compile(r"[!-\[\]-~]+")  # ASCII without controls, space and backslash
_PARTS: Final = re.compile(
    r"(?P<scheme>[a-z]+)://(?P<authority>[^/?#]*)(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?", re.I
)
_AUTHORITY: Final = re.compile(
    r"(\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9_.-]+))(:(?P<port>[0-9]{1,5}))?"
)
_NUMERIC_LABEL: Final = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")


@dataclass(frozen=True, slots=True)
class WebhookUrl:
    """
    A URL taken apart.

    `host` is lower-case; a literal address is written in its one canonical form (without brackets) and
    also given as `literal`.  `path` is what the request line asks for: path and query.
    """

    scheme: str
    host: str
    port: int
    path: str
    literal: IPv4Address | IPv6Address | None


def parse_url(url: str) -> WebhookUrl:
    """
    Take a URL apart, refusing whatever two readers might understand differently.

    Raises:
        ValueError: not a usable webhook URL; the message is for a person and never repeats the URL,
            which may hold a secret.
    """
    if len(url) > MAX_URL_LENGTH:
        raise ValueError(f"the URL is longer than {MAX_URL_LENGTH} characters")
    if not _PRINTABLE.fullmatch(url):
        raise ValueError("the URL holds a space, a backslash, a control character or one outside ASCII")
    parts = _PARTS.fullmatch(url)
    if parts is None:
        raise ValueError("the URL must look like https://host/path, without a #fragment")
    scheme = parts["scheme"].lower()
    if scheme not in DEFAULT_PORTS:
        raise ValueError("the URL must start with https:// or http://")
    authority = _authority(parts["authority"])
    port = int(authority["port"]) if authority["port"] else DEFAULT_PORTS[scheme]
    if not 1 <= port <= 65_535:
        raise ValueError("the port must be between 1 and 65535")
    literal = _literal_v6(authority["v6"]) if authority["v6"] else _literal_v4(authority["name"])
    host = str(literal) if literal is not None else _dns_name(authority["name"])
    path = (parts["path"] or "/") + (parts["query"] or "")
    return WebhookUrl(scheme=scheme, host=host, port=port, path=path, literal=literal)


def _authority(text: str) -> re.Match[str]:
    if "@" in text:
        raise ValueError("the URL must not hold a user name or password")
    match = _AUTHORITY.fullmatch(text)
    if match is None:
        raise ValueError("the URL has no usable host (write it in ASCII, an IPv6 address in brackets)")
    return match


def _literal_v6(text: str) -> IPv6Address:
    try:
        return IPv6Address(text)
    except ValueError:
        raise ValueError("the brackets of the URL do not hold an IPv6 address") from None


def _literal_v4(name: str) -> IPv4Address | None:
    # Resolvers take 2130706433, 0x7f000001, 0177.0.0.1 and 127.1 for 127.0.0.1, so all of them are read as
    # inet_aton does.  No top-level domain is a number: what ends in one is such a spelling, or a mistake.
    labels = name.removesuffix(".").split(".")
    if not _NUMERIC_LABEL.fullmatch(labels[-1]):
        return None
    try:
        return IPv4Address(socket.inet_aton(name.removesuffix(".")))
    except OSError:
        raise ValueError("the host ends in a number but is not an IPv4 address") from None


def _dns_name(name: str) -> str:
    labels = name.removesuffix(".").split(".")
    if len(name) > 253 or not all(1 <= len(label) <= 63 for label in labels):
        raise ValueError("the host is not a DNS name")
    return name.lower()
