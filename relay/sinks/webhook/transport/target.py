"""
Where a request goes, prepared once for all requests to one endpoint.
"""

from __future__ import annotations

from dataclasses import dataclass

from relay.sinks.webhook.url import DEFAULT_PORTS, parse_url

Origin = tuple[str, str, int, str]
"""Scheme, host, port and client certificate: what connections may be shared by."""


@dataclass(frozen=True, slots=True)
class Target:
    """
    A parsed URL and everything of a request that follows from it.

    `request_start` is the request line and the host header.  `server_name` is what the certificate must be
    for, and the name sent in the TLS handshake; None without TLS.
    """

    origin: Origin
    request_start: bytes
    server_name: str | None
    is_literal: bool

    @classmethod
    def of_url(cls, url: str, certificate: str = "", method: str = "POST") -> Target:
        """
        Prepare a URL for requests of a method; `certificate` is the name of the client certificate to show
        there, "" for none.

        Raises:
            ValueError: see `parse_url`; control characters never get this far.
        """
        parsed = parse_url(url)
        host = f"[{parsed.host}]" if ":" in parsed.host else parsed.host
        if parsed.port != DEFAULT_PORTS[parsed.scheme]:
            host = f"{host}:{parsed.port}"
        return cls(
            origin=(parsed.scheme, parsed.host, parsed.port, certificate),
            request_start=f"{method} {parsed.path} HTTP/1.1\r\nhost: {host}\r\n".encode("ascii"),
            server_name=parsed.host.removesuffix(".") if parsed.scheme == "https" else None,
            is_literal=parsed.literal is not None,
        )
