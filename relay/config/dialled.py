"""
The addresses that a configuration would have relay dial, read also where other parts of it have faults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from relay.config.checked import ListenAddress
from relay.config.faults import key_at
from relay.config.schema import RelayConfig, Section, ServerConfig, WebhooksConfig

AnySection = TypeVar("AnySection", bound=Section)


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
    return _dialled(urls, config.webhooks, config.server)


def dialled_in(data: Mapping[str, Any]) -> Dialled:
    """
    Return the addresses of a file as far as they can be read; a table with faults counts as left out.
    """
    urls = {}
    endpoints = data.get("endpoints")
    for place, endpoint in enumerate(endpoints if isinstance(endpoints, list) else ()):
        if isinstance(endpoint, dict) and isinstance(endpoint.get("url"), str):
            urls[key_at(("endpoints", place, "url"), data)] = endpoint["url"]
    return _dialled(
        urls, _section(WebhooksConfig, data.get("webhooks")), _section(ServerConfig, data.get("server"))
    )


def _dialled(urls: Mapping[str, str], webhooks: WebhooksConfig, server: ServerConfig) -> Dialled:
    return Dialled(urls, webhooks.allow_private, (server.listen, server.ops_listen))


def _section(kind: type[AnySection], given: object) -> AnySection:
    try:
        return kind.model_validate(given or {})
    except ValidationError:
        return kind()
