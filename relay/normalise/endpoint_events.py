"""
Write the events about a registered webhook.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from relay.model import catalogue
from relay.model.endpoint import DISABLED, HEALTHY, PAUSED, Endpoint
from relay.model.event import LIVE, Event
from relay.model.ids import IdMaker, facts_digest, subject
from relay.model.journal_stats import EndpointBacklog
from relay.model.times import from_ms, rfc3339


class EndpointEvents:
    """
    Collects events on the subject of one endpoint.

    Args:
        ids: maker of event ids.
        endpoint: the endpoint they are about.
        revision: of its last event (0: none).
        last_event_id: of that event.
        now: when it happened.
    """

    def __init__(
        self, ids: IdMaker, endpoint: Endpoint, revision: int, last_event_id: str | None, now: datetime
    ) -> None:
        self._ids = ids
        self._endpoint = endpoint
        self._revision = revision
        self._last_event_id = last_event_id
        self._now = now
        self.made: list[Event] = []

    def failing(self, state: str | None, reason: str, status: int | None, attempts_in_a_row: int) -> None:
        """
        Say that several attempts in a row failed, and which state that leads to (None: it stays as it is).
        """
        state = state or self._endpoint.state
        self._state(catalogue.ENDPOINT_FAILING, state, reason, status, attempts_in_a_row)

    def recovered(self) -> None:
        """
        Say that the endpoint takes events again after it failed.
        """
        self._state(catalogue.ENDPOINT_RECOVERED, HEALTHY, None, None, None)

    def paused(self) -> None:
        """
        Say that a person holds back what is meant for the endpoint.
        """
        self._state(catalogue.ENDPOINT_PAUSED, PAUSED, None, None, None)

    def resumed(self) -> None:
        """
        Say that a person lets the endpoint have its events again.
        """
        self._state(catalogue.ENDPOINT_RESUMED, HEALTHY, None, None, None)

    def disabled(self, reason: str, status: int | None) -> None:
        """
        Say that the endpoint gets no more events.
        """
        self._state(catalogue.ENDPOINT_DISABLED, DISABLED, reason, status, None)

    def backlog(self, percent: int, backlog: EndpointBacklog) -> None:
        """
        Say how much of what may wait for the endpoint does.
        """
        options, oldest_ms = self._endpoint.options, backlog.oldest_ms
        facts = {
            "endpoint_id": self._endpoint.id,
            "state": self._endpoint.state,
            "percent": percent,
            "pending": backlog.pending,
            "max_pending": options.max_pending or None,
            "oldest_pending_at": None if oldest_ms is None else rfc3339(from_ms(oldest_ms)),
            "max_pending_age_s": options.max_pending_age_s or None,
        }
        self._add(catalogue.ENDPOINT_BACKLOG, facts, ())

    def exhausted(
        self, delivery_event: dict[str, str], attempts: int, reason: str, status: int | None
    ) -> None:
        """
        Say that one delivery used up its schedule; `delivery_event` names the event that was not delivered.
        """
        facts = delivery_event | {
            "endpoint_id": self._endpoint.id,
            "attempts": attempts,
            "reason": reason,
            "status": status,
        }
        self._add(catalogue.DELIVERY_EXHAUSTED, facts, ())

    def _state(
        self,
        event_type: str,
        state: str,
        reason: str | None,
        status: int | None,
        attempts_in_a_row: int | None,
    ) -> None:
        facts = _facts(self._endpoint, state)
        facts |= {"reason": reason, "status": status, "attempts_in_a_row": attempts_in_a_row}
        self._add(event_type, facts, ("state",) if state != self._endpoint.state else ())

    def _add(self, event_type: str, facts: dict[str, Any], changed: tuple[str, ...]) -> None:
        text = subject("endpoint", self._endpoint.id)
        event_id = self._ids.following(text, self._last_event_id, facts_digest(event_type, facts))
        self._revision += 1
        self.made.append(
            Event(
                id=event_id,
                type=event_type,
                source_id=None,
                subject=text,
                revision=self._revision,
                occurred_at=self._now,
                observed_at=self._now,
                precision_s=0,
                data=facts,
                changed=changed,
                origin=LIVE,
            )
        )
        self._last_event_id = event_id


def ping(endpoint: Endpoint, event_id: str, now: datetime) -> Event:
    """
    Make the event that tries out an endpoint: never appended, and so outside the revisions of its subject.
    """
    return Event(
        id=event_id,
        type=catalogue.ENDPOINT_TEST,
        source_id=None,
        subject=subject("endpoint", endpoint.id),
        revision=1,
        occurred_at=now,
        observed_at=now,
        precision_s=0,
        data=_facts(endpoint, endpoint.state),
        origin=LIVE,
    )


def _facts(endpoint: Endpoint, state: str) -> dict[str, Any]:
    return {
        "endpoint_id": endpoint.id,
        "url": _public(endpoint.url),
        "state": state,
        "previous_state": endpoint.state,
        "reason": None,
        "status": None,
        "attempts_in_a_row": None,
    }


def _public(url: str) -> str:
    """
    Leave out what may be a secret: user, password and query.
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
