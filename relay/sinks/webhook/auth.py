"""
What receivers ask of requests besides signatures: static headers, a bearer token, a user and a password.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Final

from relay.model.endpoint_auth import EndpointAuth
from relay.sinks.port import Auth

HIDDEN: Final = b"***"
MIN_HIDDEN_BYTES: Final = 4  # shorter ones stand in texts by chance

Header = tuple[bytes, bytes]


class StaticHeaders:
    """
    Headers as an operator gave them; implements `relay.sinks.port.Auth`.
    """

    def __init__(self, headers: Sequence[tuple[str, str]]) -> None:
        self.headers: tuple[Header, ...] = tuple(
            (name.encode("ascii"), value.encode("ascii")) for name, value in headers
        )
        self.secrets = tuple(value for _, value in self.headers)


class BearerToken:
    """
    A token that whoever has it may use (RFC 6750); implements `relay.sinks.port.Auth`.
    """

    def __init__(self, token: str) -> None:
        self.secrets = (token.encode("ascii"),)
        self.headers: tuple[Header, ...] = ((b"authorization", b"Bearer " + self.secrets[0]),)


class BasicPassword:
    """
    A user and a password, in UTF-8 (RFC 7617); implements `relay.sinks.port.Auth`.
    """

    def __init__(self, user: str, password: str) -> None:
        coded = b64encode(f"{user}:{password}".encode())
        self.secrets = (coded, password.encode())
        self.headers: tuple[Header, ...] = ((b"authorization", b"Basic " + coded),)


def auth_of(auth: EndpointAuth) -> list[Auth]:
    """
    Return what satisfies an endpoint; nothing where it asks for nothing.

    Raises:
        ValueError: it cannot be opened, so that nothing may be sent.
    """
    if auth.is_lost:
        raise ValueError("what the endpoint asks for cannot be opened")
    found: list[Auth] = [StaticHeaders(auth.headers)] if auth.headers else []
    if auth.bearer:
        found.append(BearerToken(auth.bearer))
    if auth.basic is not None:
        found.append(BasicPassword(*auth.basic))
    return found


class Redaction:
    """
    Takes secrets that a receiver says back out of what it says.
    """

    def __init__(self, auths: Sequence[Auth]) -> None:
        given = {secret for auth in auths for secret in auth.secrets if len(secret) >= MIN_HIDDEN_BYTES}
        # The longest first: one may be part of another.
        self._secrets = sorted(given, key=len, reverse=True)

    def of(self, answer: bytes) -> bytes:
        """
        Return an answer with `***` in the place of each secret.
        """
        for secret in self._secrets:
            answer = answer.replace(secret, HIDDEN)
        return answer
