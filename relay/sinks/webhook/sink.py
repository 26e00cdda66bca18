"""
Hand events to one registered webhook.
"""

from __future__ import annotations

from typing import Final

from relay.model.clock import Clock
from relay.model.endpoint import Delivery, EndpointSpec
from relay.model.errors import TransportError
from relay.model.outcome import Outcome, TryLater
from relay.sinks.webhook.auth import Redaction, auth_of
from relay.sinks.webhook.handshake import REQUEST_ORIGIN, Handshake
from relay.sinks.webhook.payload import form_of
from relay.sinks.webhook.signature import Signer
from relay.sinks.webhook.transport.client import Transport
from relay.sinks.webhook.transport.headers import build_headers
from relay.sinks.webhook.transport.target import Target
from relay.sinks.webhook.verdict import delivered, judge
from relay.version import __version__

MAX_DETAIL_BYTES: Final = 1024


class WebhookSink:
    """
    Makes signed POSTs to one endpoint; implements `relay.sinks.port.DeliverySink`.

    Every attempt for one event carries the same `webhook-id` and body, in the form that the endpoint wants
    (`relay.sinks.webhook.payload`), and its own time and signature.
    The transport is shared and is closed by whoever opened it.

    Args:
        spec: the endpoint; a URL, secret or header that cannot be used raises ValueError here, at start.
        transport: sends the requests.
        clock: tells the time that is signed.
        handshake: asks the receiver for its consent first; None: nobody is asked.
    """

    def __init__(
        self, spec: EndpointSpec, transport: Transport, clock: Clock, handshake: Handshake | None = None
    ) -> None:
        self._timeout_s = spec.timeout_s
        self._target = Target.of_url(spec.url, spec.options.client_certificate)
        self._signer = Signer.of(spec)
        self._transport = transport
        self._clock = clock
        self._handshake = handshake
        auths = auth_of(spec.auth)
        self._redaction = Redaction(auths)
        content_type, self._form = form_of(spec.options)
        fixed = [
            (b"user-agent", f"relay/{__version__}".encode()),
            (b"content-type", content_type.encode()),
            *(header for auth in auths for header in auth.headers),
        ]
        if handshake is not None:
            fixed.append((REQUEST_ORIGIN, handshake.origin.encode()))
        self._fixed_headers = build_headers(fixed)

    async def deliver(self, delivery: Delivery) -> Outcome:
        """
        Make one attempt.
        """
        if self._handshake is not None:
            refusal = await self._handshake.refusal()
            if refusal is not None:
                return refusal
        try:
            lines, body = self._form(delivery.body)
        except ValueError as error:
            return TryLater("bug", answer=f"no request can be made: {error}".encode()[:MAX_DETAIL_BYTES])
        try:
            reply = await self._transport.post(
                self._target, self._headers(delivery, lines, body), body, timeout_s=self._timeout_s
            )
        except TransportError as error:
            return TryLater(error.reason, answer=str(error).encode()[:MAX_DETAIL_BYTES])
        # What a 2xx says besides is not read.
        return delivered(reply.status) or judge(
            reply.status, reply.headers, self._redaction.of(reply.body), self._clock.now()
        )

    def _headers(self, delivery: Delivery, lines: bytes, body: bytes) -> bytes:
        event_id = delivery.event_id
        timestamp_s = self._clock.now_ms() // 1000
        # The signer lets no id pass that could break out of a header; the rest is made of numbers.
        signature = self._signer.sign(event_id, timestamp_s, body)
        replay = b"relay-replay: %d\r\n" % delivery.job if delivery.job else b""
        return b"%bwebhook-id: %b\r\nwebhook-timestamp: %d\r\nwebhook-signature: %b\r\n%b%b" % (
            self._fixed_headers,
            event_id.encode(),
            timestamp_s,
            signature,
            replay,
            lines,
        )
