"""
The addresses that a configuration would have relay dial, read also where other parts of it have faults.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from relay.config import checked
from relay.config.checked import ListenAddress
from relay.config.faults import key_at
from relay.config.schema import RelayConfig, ServerConfig, WebhooksConfig


@dataclass(frozen=True, slots=True)
class Dialled:
    """
    Where endpoints are, by the key of their URL, and what decides whether they may be dialled.
    """

    urls: Mapping[str, str]
    allow_private: tuple[str, ...]
    own_listeners: tuple[ListenAddress, ...]


def dialled_by(config: RelayConfig) -> Dialled:
    """
    Return the addresses of a configuration without fault.
    """
    urls = {f"endpoints[{endpoint.id}].url": endpoint.url for endpoint in config.endpoints}
    server = config.server
    hooks = [server.hooks_listen] if server.hooks_listen is not None else []
    return Dialled(urls, config.webhooks.allow_private, (server.listen, server.ops_listen, *hooks))


def dialled_in(data: Mapping[str, Any]) -> Dialled:
    """
    Return the addresses of a file as far as they can be read; what has faults counts as left out.
    """
    urls = {}
    endpoints = data.get("endpoints")
    for place, endpoint in enumerate(endpoints if isinstance(endpoints, list) else ()):
        if isinstance(endpoint, dict) and isinstance(endpoint.get("url"), str):
            urls[key_at(("endpoints", place, "url"), data)] = endpoint["url"]
    return Dialled(urls, _webhooks(data.get("webhooks")).allow_private, _listeners(data.get("server")))


def _webhooks(given: object) -> WebhooksConfig:
    try:
        return WebhooksConfig.model_validate(given or {})
    except ValidationError:
        return WebhooksConfig()


def _listeners(server: object) -> tuple[ListenAddress, ...]:
    given = server if isinstance(server, dict) else {}
    default = ServerConfig()
    return (
        _listen(given.get("listen"), default.listen),
        _listen(given.get("ops_listen"), default.ops_listen),
        *_readable(given.get("hooks_listen")),
    )


def _listen(given: object, default: ListenAddress) -> ListenAddress:
    return next(_readable(given), default)


def _readable(given: object) -> Iterator[ListenAddress]:
    try:
        yield checked.listen_address(given)
    except ValueError:
        return
