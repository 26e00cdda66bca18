"""
Who may ask, and what: API keys with scopes; without any key, only this machine.

Browsers send requests on behalf of whatever page is open.  So one that changes something is refused where it
says that it comes from elsewhere, and without keys every request must name this machine as its host: a page
whose name was made to point here (DNS rebinding) does not.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from hmac import compare_digest
from typing import Final
from urllib.parse import urlsplit

from multidict import CIMultiDictProxy

from relay.api.problems import FORBIDDEN, UNAUTHORISED, Refused
from relay.model.scopes import allows

SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")
NO_OWNER: Final = ""
_HERE: Final = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_FORWARDED: Final = ("forwarded", "x-forwarded-")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_OWN_SITE: Final = ("same-origin", "none")

Headers = CIMultiDictProxy[str]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """
    A key as the configuration has it.
    """

    name: str
    key: str
    scopes: tuple[str, ...]


class Admission:
    """
    Lets requests in, or raises Refused.

    Args:
        keys: all there are; none: whoever is on this machine may do everything.
    """

    def __init__(self, keys: Sequence[ApiKey]) -> None:
        self._pepper = secrets.token_bytes(32)
        self._keys = [(self._digest(key.key), key.name, frozenset(key.scopes)) for key in keys]

    @property
    def needs_key(self) -> bool:
        """
        Tell whether there are keys.
        """
        return bool(self._keys)

    def admit(self, method: str, headers: Headers, scope: str | None) -> str:
        """
        Return whose request it is: the name of the key, or `NO_OWNER`.

        Args:
            method: what is to be done.
            headers: those of the request.
            scope: what the key must cover; None where none is needed.

        Raises:
            Refused: 401 or 403.
        """
        if not self._keys:
            _check_host(headers)
        if method not in SAFE_METHODS:
            _check_origin(headers)
        if not self._keys or scope is None:
            return NO_OWNER
        name, scopes = self._owner(headers)
        if not allows(scopes, scope):
            raise Refused(FORBIDDEN.about(f"The key `{name}` has no scope `{scope}`."))
        return name

    def _owner(self, headers: Headers) -> tuple[str, Collection[str]]:
        given = headers.getall("Authorization", [])
        scheme, _, key = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        digest = self._digest(key.strip())
        owner: tuple[str, Collection[str]] | None = None
        # Every key is compared, and digests of one length: the time tells nothing of any key.
        for known, name, scopes in self._keys:
            if compare_digest(known, digest):
                owner = (name, scopes)
        if owner is None or scheme.lower() != "bearer":
            raise Refused(UNAUTHORISED)
        return owner

    def _digest(self, key: str) -> bytes:
        return blake2b(key.encode("utf-8", "surrogateescape"), key=self._pepper, digest_size=32).digest()


def _check_host(headers: Headers) -> None:
    hosts = headers.getall("Host", [])
    if len(hosts) != 1 or not _HERE.fullmatch(hosts[0]):
        raise Refused(
            FORBIDDEN.about("Without API keys relay answers only the hosts localhost, 127.0.0.1 and [::1].")
        )
    if any(name.lower().startswith(_FORWARDED) for name in headers):
        raise Refused(FORBIDDEN.about("Without API keys relay answers no request that a proxy forwards."))


def _check_origin(headers: Headers) -> None:
    site = headers.get("Sec-Fetch-Site")
    if (site is not None and site not in _OWN_SITE) or not all(
        _is_own(origin, headers.get("Host", "")) for origin in headers.getall("Origin", [])
    ):
        raise Refused(FORBIDDEN.about("A page of another origin may change nothing here."))


def _is_own(origin: str, host: str) -> bool:
    scheme = origin.partition("://")[0].lower()
    own, other = _authority(scheme, host), _authority(scheme, origin.partition("://")[2])
    return own is not None and own == other


def _authority(scheme: str, text: str) -> tuple[str, int] | None:
    try:
        parts = urlsplit(f"{scheme}://{text}")
        port = parts.port
    except ValueError:
        return None
    default = _DEFAULT_PORTS.get(scheme)
    if default is None or not parts.hostname or parts.netloc != text or "@" in text:
        return None
    return parts.hostname, port or default
