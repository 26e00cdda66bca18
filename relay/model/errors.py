"""
Every error relay raises on purpose, grouped by what the caller does about it.

    RelayError
      ConfigError(faults)             stop at start, exit 2, name each key
      SourceError(source, reason)
        SourceUnreachable             back off with jitter, poll again
        SourceThrottled(until)        wait until the vendor's time
        SourceRefused                 credentials or IP list: pause this source, show it in health
        SourceAbsent                  the tenant has no such stream, or its data is gone (404)
        SourceGarbled(sample)         answer not as documented: count it, go on
      RecordRejected(record, why)     from normalise: one row in rejects; the loop never stops for it
        RecordNotYet                  it has not begun: left alone, and read again by the next poll
      RevisionConflict                a subject moved on: normalise again from fresh state
      JournalBusy                     retry
      JournalUnusable                 newer schema, disk full, second owner: stop the process loudly
      TransportError(reason)          no answer to a delivery; becomes TryLater
      PublisherLost(reason)           the Kafka producer is thrown away and built anew
  NotFound, Conflict              asked for what is not there, or does not fit: say so, change nothing
  ParametersInvalid(faults)       a command that may not be sent: name each parameter

A failing delivery is no error but an answer: see `relay.model.outcome`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


class RelayError(Exception):
    """
    The root: catch this to catch everything relay raises on purpose.
    """


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One thing wrong with the configuration: where, what, and what to do.
    """

    key: str
    problem: str

    def __str__(self) -> str:
        return f"{self.key}: {self.problem}"


class ConfigError(RelayError):
    """
    The configuration has faults; all of them, not just the first.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


class SourceError(RelayError):
    """
    A phone system did not give a usable answer.

    `reason` is one word of the closed set that labels `relay_poll_requests_total`.
    """

    def __init__(self, source_id: str, reason: str, message: str) -> None:
        super().__init__(message)
        self.source_id = source_id
        self.reason = reason


class SourceUnreachable(SourceError):
    """
    No answer, or a 5xx: poll again after a back-off.

    `was_sent` False tells that there was no connection, so that the phone system cannot have seen it.
    """

    def __init__(self, source_id: str, reason: str, message: str, *, was_sent: bool = True) -> None:
        super().__init__(source_id, reason, message)
        self.was_sent = was_sent


class SourceThrottled(SourceError):
    """
    The request budget is spent: ours, or the vendor says so.  Nothing may be sent before `until`.

    `own_in_window` is how many places of our own log were taken when the vendor said so, that of the refused
    request among them: what is missing to the vendor's limit, others have used.  None where our own budget
    refused.
    """

    def __init__(self, source_id: str, reason: str, message: str, until: datetime) -> None:
        super().__init__(source_id, reason, message)
        self.until = until
        self.own_in_window: int | None = None


class SourceRefused(SourceError):
    """
    Credentials or the address are not accepted: pause, probe once per window.

    `until` set tells that relay itself sent nothing, and sends nothing before then.
    """

    def __init__(self, source_id: str, reason: str, message: str, until: datetime | None = None) -> None:
        super().__init__(source_id, reason, message)
        self.until = until


class SourceAbsent(SourceError):
    """
    404: the tenant does not have the stream, or lost it.
    """


class SourceGarbled(SourceError):
    """
    An answer that is not as documented; `sample` holds its first characters, secrets removed.
    """

    def __init__(self, source_id: str, reason: str, message: str, sample: str) -> None:
        super().__init__(source_id, reason, message)
        self.sample = sample


class RecordRejected(RelayError):
    """
    One row lacks a documented column, or holds something else in it.
    """

    def __init__(self, record: Any, why: str) -> None:
        super().__init__(why)
        self.record = record
        self.why = why


class RecordNotYet(RecordRejected):
    """
    One row begins in the future: a clock is wrong, and by and by it will be right.
    """


class RevisionConflict(RelayError):
    """
    A subject moved on between reading it and appending to it; nothing was appended.
    """


class JournalBusy(RelayError):
    """
    Somebody else holds the database for a moment: retry.
    """


class JournalUnusable(RelayError):
    """
    The journal cannot be used: newer schema, read-only, disk full, owned by another process.
    """


class TransportError(RelayError):
    """
    A delivery got no answer; `reason` is one word of `relay.model.outcome.REASONS`.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class PublisherLost(RelayError):
    """
    The Kafka producer may no longer be used; `reason` labels `relay_kafka_producer_rebuilds_total`.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class NoSuchPlace(ValueError):
    """
    A place in a list that no page of it gave.
    """


class NotFound(RelayError):
    """
    There is no such thing; the message says what was looked for.
    """


class Conflict(RelayError):
    """
    What was asked for does not fit what is there; nothing was changed, and the message says why.
    """


class ParametersInvalid(RelayError):
    """
    The parameters of a command have faults; all of them, and nothing was sent.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)
