"""
Texts of the configuration that must hold more than their type says: addresses, URLs, zones, keys.

Each check returns the value to keep, or raises ValueError with words for a person.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Final, NamedTuple, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from phonenumbers import SUPPORTED_REGIONS

from relay.config.webhook_secret import decode_secret
from relay.model.catalogue import EVENT_TYPES, is_known_pattern
from relay.model.scopes import SCOPES

JOURNAL_SCHEMES: Final = ("sqlite:///", "postgresql://")
LOOPBACKS: Final = ("localhost", "127.0.0.1", "::1")
MIN_API_KEY: Final = 16
MAX_API_KEY: Final = 512
MAX_PATTERN: Final = 100
_HOST: Final = re.compile(r"[A-Za-z0-9_.:-]+")
MAX_DNS_NAME: Final = 253
DNS_NAME: Final = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")

Item = TypeVar("Item")


class ListenAddress(NamedTuple):
    """
    Where a server listens; port 0 takes any free one.
    """

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """
        Tell whether only this machine can reach it.
        """
        return self.host.lower() in LOOPBACKS


def near_miss(word: str, known: Iterable[str]) -> str:
    """
    Return `; did you mean …?` where a known word is close, else nothing.
    """
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean `{close[0]}`?" if close else ""


def listen_address(text: object) -> ListenAddress:
    """
    Read `HOST:PORT`; an IPv6 host stands in brackets.
    """
    if isinstance(text, ListenAddress):
        return text
    if not isinstance(text, str):
        raise ValueError("must be text: HOST:PORT")
    host, colon, port = text.rpartition(":")
    bare_host = host.removeprefix("[").removesuffix("]")
    is_bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not bare_host or (":" in bare_host) != is_bracketed:
        raise ValueError("must be HOST:PORT, an IPv6 host in brackets")
    if not (port.isascii() and port.isdigit() and int(port) <= 65_535):
        raise ValueError(f"`{port}` is no port: 0 to 65535")
    return ListenAddress(bare_host, int(port))


def proxy_address(given: object) -> ListenAddress:
    """
    Read `http://HOST:PORT`, the address of a proxy.
    """
    if isinstance(given, ListenAddress):
        return given
    if not isinstance(given, str) or not given.startswith("http://"):
        raise ValueError("must be text: http://HOST:PORT")
    if "@" in given:
        raise ValueError("must not carry a user or password: they have keys of their own")
    address = listen_address(given.removeprefix("http://").removesuffix("/"))
    if not _HOST.fullmatch(address.host) or address.port == 0:
        raise ValueError("must be http://HOST:PORT")
    return address


def bootstrap_servers(text: str) -> str:
    """
    Check a comma-separated list of `HOST:PORT`.
    """
    for server in text.split(","):
        if listen_address(server.strip()).port == 0:
            raise ValueError("port 0 can not be connected to")
    return text


def http_url(text: str) -> str:
    """
    Check an absolute http or https URL without user, password and fragment.
    """
    try:
        parts = urlsplit(text)
        has_port = parts.port is None or parts.port > 0
    except ValueError as error:
        raise ValueError(f"is no URL: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or not has_port or text != text.strip():
        raise ValueError("must be a URL that starts with http:// or https:// and names a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not carry a user or password: URLs are shown in logs and events")
    if parts.fragment:
        raise ValueError("must not have a #fragment")
    return text


def journal_url(text: str) -> str:
    """
    Check that the journal is a kind of database relay knows.
    """
    if not text.startswith(JOURNAL_SCHEMES) or text in JOURNAL_SCHEMES:
        raise ValueError("must be sqlite:///PATH or postgresql://USER@HOST/DATABASE")
    return text


def without_password(url: str) -> str:
    """
    Return a URL as it may be shown.
    """
    address, question, query = url.partition("?")
    settings = [one.partition("=") for one in query.split("&")]
    shown = [f"{name}=***" if "pass" in name.lower() else name + is_ + value for name, is_, value in settings]
    url = address + question + "&".join(shown)
    before, at, after = url.rpartition("@")
    scheme, slashes, user = before.partition("://")
    return f"{scheme}{slashes}{user.partition(':')[0]}:***@{after}" if at and ":" in user else url


def time_zone(name: str) -> str:
    """
    Check that a time zone is in the IANA database.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"`{name}` is no IANA time zone" + near_miss(name, available_timezones())) from error
    return name


def country(code: str) -> str:
    """
    Check an ISO 3166 alpha-2 code of a country that has telephone numbers.
    """
    if code not in SUPPORTED_REGIONS:
        hint = "; did you mean `GB`?" if code == "UK" else near_miss(code.upper(), SUPPORTED_REGIONS)
        raise ValueError(f"`{code}` is no ISO 3166 alpha-2 country code" + hint)
    return code


def api_key(text: str) -> str:
    """
    Check that a key or token is long enough, and can be sent in a header as it is.
    """
    if not MIN_API_KEY <= len(text) <= MAX_API_KEY:
        raise ValueError(f"must have {MIN_API_KEY} to {MAX_API_KEY} characters")
    return header_text(text)


def header_text(text: str) -> str:
    """
    Check that a secret can be sent in a header as it is.
    """
    if not text or not all("!" <= character <= "~" for character in text):
        raise ValueError("must be printable ASCII without spaces")
    return text


def scope(text: str) -> str:
    """
    Check that a scope is one there is.
    """
    if text not in SCOPES:
        raise ValueError(f"`{text}` is no scope" + near_miss(text, SCOPES))
    return text


def network(text: str) -> str:
    """
    Check a network such as `10.1.0.0/16`.
    """
    try:
        ip_network(text)
    except ValueError as error:
        raise ValueError(str(error)) from error
    return text


def is_dns_name(text: str) -> bool:
    """
    Tell whether a text is a DNS name (RFC 1123: letters, digits and hyphens between dots).
    """
    return len(text) <= MAX_DNS_NAME and DNS_NAME.fullmatch(text) is not None


def dns_name(text: str) -> str:
    """
    Check a name such as `relay.example.com`.
    """
    if not is_dns_name(text):
        raise ValueError("must be a DNS name such as relay.example.com")
    return text


def event_pattern(pattern: str) -> str:
    """
    Check that a pattern covers at least one type of event.
    """
    if not is_known_pattern(pattern):
        families = {f"{name.split('.')[0]}.*" for name in EVENT_TYPES}
        raise ValueError(
            f"`{pattern}` matches no type of event" + near_miss(pattern, [*EVENT_TYPES, *families])
        )
    return pattern


def not_empty(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """
    Check that a list has an item.
    """
    if not items:
        raise ValueError("must not be empty")
    return items


def each_once(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """
    Check that no item of a list stands in it twice.
    """
    if len(set(items)) < len(items):
        raise ValueError("must name each once")
    return items


def publish_from(given: object) -> object:
    """
    Read `now`, `lookback` or a time with an offset; the time is returned in UTC.
    """
    if given in ("now", "lookback"):
        return given
    try:
        at = datetime.fromisoformat(given) if isinstance(given, str) else given
    except ValueError:
        at = None
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise ValueError('must be "now", "lookback" or a time with an offset such as 2026-11-21T10:00:00Z')
    return at.astimezone(UTC)


def webhook_secret_bytes(text: str) -> bytes:
    """
    Return the key inside a `whsec_…` secret: base64 of 24 to 64 bytes.
    """
    problem = "must be whsec_ and base64 of 24 to 64 bytes; `relay endpoints new-secret` prints one"
    try:
        return decode_secret(text)
    except ValueError:
        raise ValueError(problem) from None
