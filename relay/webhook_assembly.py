"""
Put together what all webhooks share: how endpoints are reached.
"""

from __future__ import annotations

from relay.config.schema import WebhooksConfig
from relay.sinks.webhook.guard import Guard
from relay.sinks.webhook.transport.client import Transport
from relay.sinks.webhook.transport.proxy import Proxy


def webhook_transport(config: WebhooksConfig, guard: Guard) -> Transport:
    """
    Return what sends all requests to endpoints; whoever asks closes it.

    Raises:
        OSError: a client certificate can no longer be read.
    """
    return Transport(
        guard,
        client_tls={one.name: one.context() for one in config.client_certificates},
        proxy=_proxy(config),
    )


def _proxy(config: WebhooksConfig) -> Proxy | None:
    if config.proxy is None:
        return None
    password = config.proxy_password.reveal() if config.proxy_password is not None else ""
    return Proxy(config.proxy.host, config.proxy.port, config.proxy_user, password)
