"""
Every metric family of relay, and nothing else declares one.

An attribute is the family's name without `relay_` and `_total`.  Keep the children that `.labels()` returns:
looking one up costs more than counting.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, ProcessCollector

from relay.model.call import CALL_STREAMS
from relay.model.catalogue import EVENT_TYPES
from relay.model.endpoint import ENDPOINT_STATES
from relay.model.number_status import NUMBER_STATUSES
from relay.model.outcome import REASONS
from relay.model.vendor_answer import VERDICTS
from relay.telemetry.families import OPEN, Family, counter, gauge, histogram
from relay.version import __version__

SCHEMA_VERSION: Final = "1"  # raised when a family changes its name, its labels or its meaning
MAX_LABELLED: Final = {"endpoint": 100, "source": 200}
OTHER: Final = "_other"

DIALER_STREAMS: Final = (
    "agents", "in_groups", "user_groups", "calls", "did_calls", "agent_stats", "version", "lists",
    "past", "cross_links",
)  # fmt: skip
STREAMS: Final = (*CALL_STREAMS, "system_status", *DIALER_STREAMS)
POLL_OUTCOMES: Final = (
    "success", "timeout", "connect", "auth", "rate_limited", "http_4xx", "http_5xx", "bad_payload",
    "ip_blocked", "vendor_error", "quota", "bug",
)  # fmt: skip
RECORD_RESULTS: Final = ("new", "updated", "duplicate", "rejected", "not_yet")
GAP_KINDS: Final = ("page_shift", "id_hole", "window_overrun")
SOURCE_STATES: Final = ("up", "degraded", "rate_limited", "auth_failed", "ip_blocked")
APPEAR_AT: Final = ("start", "end", "unknown")
PUSHES: Final = ("came", "lost")
HOOK_OUTCOMES: Final = ("accepted", "refused", "full", "malformed")
SINKS: Final = ("webhook", "kafka")
DELIVERY_OUTCOMES: Final = ("delivered", "exhausted", "expired", "discarded")
TRANSACTION_OUTCOMES: Final = ("committed", "failed", "fenced", "unknown")
JOURNAL_ERRORS: Final = ("busy", "conflict", "unusable")
NUMBER_LOOKUPS: Final = (*NUMBER_STATUSES, "cached")
LEVELS: Final = ("debug", "info", "warning", "error", "critical")

COMMIT_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
REQUEST_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60)
DISPATCH_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300, 3600)
USER_S: Final = (0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 900, 3600)
RECORDS: Final = (1, 10, 50, 100, 250, 500, 1000, 2500, 5000)


class Metrics:
    """
    All families of one process, registered in `registry`.

    Args:
        revision: the source revision this build is made of, where it is known.
    """

    build_info = gauge("What runs; always 1.", version=OPEN, revision=OPEN, python=OPEN)
    metrics_schema_info = gauge("Version of these families; always 1.", version=OPEN)
    metrics_render_duration_seconds = gauge("Time the last scrape took to render.")
    metrics_label_overflow = counter("Names counted as `_other`.", metric=tuple(MAX_LABELLED))
    config_last_reload_successful = gauge("1 where the last read of the configuration had no fault.")
    config_last_reload_success_timestamp_seconds = gauge(
        "When the configuration was last read without fault."
    )
    config_hash = gauge("Digest of the configuration in use; differs between replicas that differ.")
    log_messages = counter("Log lines written.", level=LEVELS)
    event_loop_lag_seconds = histogram("How late the event loop woke up.", COMMIT_S)
    lease_held = gauge("1 where this process holds the lease.", name=OPEN)

    poll_requests = counter(
        "Requests to a phone system; quota: held back by relay itself.",
        source=OPEN,
        stream=STREAMS,
        outcome=POLL_OUTCOMES,
    )
    poll_request_duration_seconds = histogram(
        "From a poll's request to its whole answer.", REQUEST_S, source=OPEN
    )
    poll_records = counter(
        "Rows read; not_yet: they begin in the future.", source=OPEN, stream=STREAMS, result=RECORD_RESULTS
    )
    poll_last_success_timestamp_seconds = gauge("When it was last read.", source=OPEN, stream=STREAMS)
    poll_quota_remaining = gauge("Requests left in the window.", source=OPEN)
    poll_quota_limit = gauge("Requests allowed in a window.", source=OPEN)
    poll_quota_wait_seconds = counter("Time that polls waited for the budget.", source=OPEN)
    poll_gaps = counter(
        "Stretches of time that were not read completely.", source=OPEN, stream=STREAMS, kind=GAP_KINDS
    )
    source_watermark_timestamp_seconds = gauge(
        "Everything before it was read completely.", source=OPEN, stream=STREAMS
    )
    source_clock_skew_seconds = gauge(
        "The phone system's clock minus ours, by its Date header; 0 below 2 s.", source=OPEN
    )
    dialer_answers = counter(
        "Answers of a dialer's functions; unknown: a text that relay does not know.",
        source=OPEN,
        stream=DIALER_STREAMS,
        verdict=VERDICTS,
    )
    dialer_calls_given_up = counter(
        "Calls of which a dialer never said what became of them, or where their recording is.", source=OPEN
    )
    dialer_timezone_mismatch = gauge(
        "1 where a dialer's wall clock is not that of its configured timezone.", source=OPEN
    )
    hooks = counter(
        "Pushes from a phone system; refused: the token; full: to be sent again.",
        source=OPEN,
        outcome=HOOK_OUTCOMES,
    )
    source_state = gauge("1 for the state the phone system is in.", source=OPEN, state=SOURCE_STATES)

    source_gaps_open = gauge(
        "Stretches of time that should have been read and were not.", source=OPEN, stream=STREAMS
    )
    source_oldest_unread_timestamp_seconds = gauge(
        "The oldest second that should have been read and was not, by the phone system's clock.",
        source=OPEN,
        stream=STREAMS,
    )
    source_lookback_seconds = gauge(
        "How far back reads reach, as configured or as measured.", source=OPEN, stream=STREAMS
    )
    source_rows_appear = gauge(
        "1 for when rows of the stream were seen to appear.", source=OPEN, stream=STREAMS, at=APPEAR_AT
    )
    reconcile_missing_events = gauge("Events that the last reconciliation found missing.", source=OPEN)
    reconcile_last_run_timestamp_seconds = gauge("When a reconciliation last ended.", source=OPEN)
    push_rows = counter(
        "Polled rows of a source that pushes, by whether a push had told of them.", source=OPEN, push=PUSHES
    )
    push_rejects = counter(
        "Accepted pushes that are kept as rejects: unreadable, too old, or of what is not read.", source=OPEN
    )

    journal_events = counter("Events appended.", source=OPEN, type=tuple(EVENT_TYPES))
    journal_append_duration_seconds = histogram("Time of one durable append.", COMMIT_S)
    journal_last_seq = gauge("Position of the newest event.")
    journal_stored_events = gauge("Events kept.")
    journal_size_bytes = gauge("Size of the database.")
    journal_wal_bytes = gauge("Size of the database's write-ahead log.")
    journal_oldest_event_timestamp_seconds = gauge("When the oldest kept event was recorded; 0: none.")
    journal_errors = counter("Failed operations.", operation=OPEN, reason=JOURNAL_ERRORS)

    sink_pending_events = gauge("Events not yet handed over.", sink=SINKS)
    sink_oldest_pending_timestamp_seconds = gauge(
        "When the oldest pending event was recorded; 0: none.", sink=SINKS
    )
    event_ingest_latency_seconds = histogram(
        "From occurred_at to the journal.", USER_S, source=OPEN, stream=STREAMS
    )
    event_dispatch_latency_seconds = histogram("From the journal to acknowledged.", DISPATCH_S, sink=SINKS)
    event_delivery_latency_seconds = histogram("From occurred_at to acknowledged.", USER_S, sink=SINKS)

    deliveries = counter("Deliveries that ended.", endpoint=OPEN, outcome=DELIVERY_OUTCOMES)
    delivery_attempts = counter("Requests to endpoints.", endpoint=OPEN, outcome=REASONS)
    delivery_attempt_duration_seconds = histogram("Time of one attempt.", REQUEST_S)
    delivery_inflight = gauge("Attempts under way.")
    endpoints = gauge("Registered endpoints.", state=ENDPOINT_STATES)

    number_lookups = counter(
        "Look-ups of leads' numbers at the HLR provider; cached: its answer of the last day.",
        outcome=NUMBER_LOOKUPS,
    )
    api_requests = counter("Requests to the REST API.", route=OPEN, status=OPEN)
    api_request_duration_seconds = histogram(
        "Time of such a request, the event stream's apart.", REQUEST_S, route=OPEN
    )
    api_streams = gauge("Readers of the event stream.")
    api_streams_cut_off = counter("Readers of the event stream cut off because they took nothing.")

    kafka_transactions = counter("Kafka transactions.", outcome=TRANSACTION_OUTCOMES)
    kafka_transaction_duration_seconds = histogram("Time from begin to committed.", COMMIT_S)
    kafka_transaction_records = histogram("Events in one transaction.", RECORDS)
    kafka_producer_rebuilds = counter("Producers thrown away.", reason=OPEN)
    kafka_cursor_seq = gauge("Position of the newest event that Kafka has.")

    def __init__(self, registry: CollectorRegistry, revision: str = "unknown") -> None:
        self.registry: Final = registry
        self._labelled: dict[str, set[str]] = {label: set() for label in MAX_LABELLED}
        for family in families().values():
            family.make(self, registry)
        ProcessCollector(registry=registry)
        self.build_info.labels(__version__, revision, platform.python_version()).set(1)
        self.metrics_schema_info.labels(SCHEMA_VERSION).set(1)

    def start_source(self, source_id: str, streams: Iterable[str]) -> str:
        """
        Start the counters of a source at 0 and return its label.
        """
        source = self.source_label(source_id)
        for stream in streams:
            for name in ("poll_requests", "poll_records", "poll_gaps"):
                families()[name].start(self, {"source": source, "stream": stream})
        for name in ("poll_quota_wait_seconds", "source_state", "hooks", "push_rejects"):
            families()[name].start(self, {"source": source})
        return source

    def start_dialer(self, source: str, streams: Iterable[str]) -> None:
        """
        Start the counters that only a dialer has at 0; `source` is a label.
        """
        for stream in streams:
            families()["dialer_answers"].start(self, {"source": source, "stream": stream})
        families()["dialer_calls_given_up"].start(self, {"source": source})

    def set_source_state(self, source: str, state: str) -> None:
        """
        Show one of `SOURCE_STATES`; `source` is a label.
        """
        for known in SOURCE_STATES:
            self.source_state.labels(source, known).set(known == state)

    def start_endpoint(self, endpoint_id: str) -> str:
        """
        Start the counters of an endpoint at 0 and return its label.
        """
        endpoint = self.endpoint_label(endpoint_id)
        families()["deliveries"].start(self, {"endpoint": endpoint})
        return endpoint

    def source_label(self, source_id: str) -> str:
        """
        Return the label of a source: its id, or `_other` once there are `MAX_LABELLED`.
        """
        return self._label("source", source_id)

    def endpoint_label(self, endpoint_id: str) -> str:
        """
        Return the label of an endpoint: its id, or `_other` once there are `MAX_LABELLED`.
        """
        return self._label("endpoint", endpoint_id)

    def _label(self, kind: str, name: str) -> str:
        labelled = self._labelled[kind]
        if name not in labelled and len(labelled) >= MAX_LABELLED[kind]:
            self.metrics_label_overflow.labels(kind).inc()
            return OTHER
        labelled.add(name)
        return name


def families() -> Mapping[str, Family[Any]]:
    """
    Return all declarations by attribute, in the order of this file.
    """
    return {name: family for name, family in vars(Metrics).items() if isinstance(family, Family)}
