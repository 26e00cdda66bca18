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
    deny: tuple[str, ...]
    own_listeners: tuple[ListenAddress, ...]


def dialled_by(config: RelayConfig) -> Dialled:
    """
    Return the addresses of a configuration without fault.
    """
    urls = {f"endpoints[{endpoint.id}].url": endpoint.url for endpoint in config.endpoints}
    server = config.server
    hooks = [server.hooks_listen] if server.hooks_listen is not None else []
    webhooks, listeners = config.webhooks, (server.listen, server.ops_listen, *hooks)
    return Dialled(urls, webhooks.allow_private, webhooks.deny, listeners)


def dialled_in(data: Mapping[str, Any]) -> Dialled:
    """
    Return the addresses of a file as far as they can be read; what has faults counts as left out.
    """
    urls = {}
    endpoints = data.get("endpoints")
    for place, endpoint in enumerate(endpoints if isinstance(endpoints, list) else ()):
        if isinstance(endpoint, dict) and isinstance(endpoint.get("url"), str):
            urls[key_at(("endpoints", place, "url"), data)] = endpoint["url"]
    allow, deny = (_networks(data.get("webhooks"), key) for key in ("allow_private", "deny"))
    return Dialled(urls, allow, deny, _listeners(data.get("server")))


def _networks(webhooks: object, key: str) -> tuple[str, ...]:
    given = webhooks.get(key, ()) if isinstance(webhooks, dict) else ()
    try:
        # By itself: a fault in another key of the table does not close or open a network.
        networks: tuple[str, ...] = getattr(WebhooksConfig.model_validate({key: given}), key)
    except ValidationError:
        return ()
    return networks


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
