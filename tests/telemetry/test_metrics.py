"""
Families: their names, their closed labels, their bounds, their page.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from relay.model.outcome import REASONS
from relay.telemetry.histogram import Histogram
from relay.telemetry.metrics import MAX_LABELLED, SOURCE_STATES, Metrics, families
from relay.telemetry.metrics_page import metrics_page, metrics_table

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


@pytest.fixture
def metrics() -> Metrics:
    """
    Give all families in a registry of their own.
    """
    return Metrics(CollectorRegistry())


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """
    Return a sample as a scrape would show it.
    """
    return metrics.registry.get_sample_value(name, labels)


def test_the_page_is_up_to_date() -> None:
    assert metrics_page() == PAGE.read_text()


def test_the_table_has_a_row_for_each_family() -> None:
    rows = metrics_table().splitlines()[2:]

    assert [f"`{family.name}`" for family in families().values()] == [row.split(" ")[1] for row in rows]
    assert (
        "| `relay_deliveries_total` | counter | endpoint, outcome (delivered, exhausted, expired, discarded)"
        " | Deliveries that ended. |"
    ) in rows


@pytest.mark.parametrize("name", families())
def test_a_family_is_named_after_its_attribute(metrics: Metrics, name: str) -> None:
    made = getattr(metrics, name)

    assert families()[name].kind is type(made)
    assert f"relay_{name}" + ("_total" if isinstance(made, Counter) else "") == families()[name].name
    assert families()[name].meaning.endswith(".")


def test_every_family_is_valid_openmetrics(metrics: Metrics) -> None:
    metrics.start_source("pbx", ["user_calls"])
    metrics.start_endpoint("crm")

    # The library has no types for these two.
    text = generate_latest(metrics.registry).decode()  # type: ignore[no-untyped-call]
    scraped = {family.name for family in text_string_to_metric_families(text)}  # type: ignore[no-untyped-call]

    assert {f"relay_{name}" for name in families()} <= scraped
    assert "process_resident_memory_bytes" in scraped


def test_closed_label_sets_start_at_zero(metrics: Metrics) -> None:
    assert 0 == value(metrics, "relay_kafka_transactions_total", outcome="fenced")
    assert 0 == value(metrics, "relay_endpoints", state="paused")
    assert 0 == value(metrics, "relay_sink_oldest_pending_timestamp_seconds", sink="kafka")


def test_the_counters_of_a_source_start_at_zero(metrics: Metrics) -> None:
    assert "pbx" == metrics.start_source("pbx", ["user_calls"])

    polls = {"source": "pbx", "stream": "user_calls"}
    assert 0 == value(metrics, "relay_poll_requests_total", outcome="http_5xx", **polls)
    assert 0 == value(metrics, "relay_poll_records_total", result="new", **polls)
    assert 0 == value(metrics, "relay_poll_quota_wait_seconds_total", source="pbx")
    assert (
        value(metrics, "relay_poll_requests_total", outcome="http_5xx", source="pbx", stream="queue_calls")
        is None
    )


def test_a_source_is_in_one_state(metrics: Metrics) -> None:
    metrics.set_source_state("pbx", "degraded")
    metrics.set_source_state("pbx", "up")

    states = {
        state: value(metrics, "relay_source_state", source="pbx", state=state) for state in SOURCE_STATES
    }
    assert {"up": 1, "degraded": 0, "rate_limited": 0, "auth_failed": 0, "ip_blocked": 0} == states


def test_attempts_take_every_reason_of_the_outcomes() -> None:
    assert REASONS == families()["delivery_attempts"].labels["outcome"]


@pytest.mark.parametrize("kind", MAX_LABELLED)
def test_names_beyond_the_limit_share_a_label(metrics: Metrics, kind: str) -> None:
    label = metrics.endpoint_label if kind == "endpoint" else metrics.source_label
    limit = MAX_LABELLED[kind]

    labels = [label(f"name-{number}") for number in range(limit + 3)]

    assert [f"name-{number}" for number in range(limit)] == labels[:limit]
    assert ["_other"] * 3 == labels[limit:]
    assert 3 == value(metrics, "relay_metrics_label_overflow_total", metric=kind)
    assert "name-0" == label("name-0")


def test_what_runs_is_shown(metrics: Metrics) -> None:
    (sample,) = next(iter(metrics.build_info.collect())).samples

    assert {"version", "revision", "python"} == set(sample.labels)
    assert 1 == value(metrics, "relay_metrics_schema_info", version="1")


def test_a_batch_is_observed_like_its_values_one_by_one() -> None:
    registry = CollectorRegistry()
    histogram = Histogram("latency_seconds", "x", ["how"], buckets=(1, 2), registry=registry)
    for seconds in (0.5, 1.0, 1.5, 9.0):
        histogram.labels("one").observe(seconds)

    histogram.labels("many").observe_many((0.5, 1.0, 1.5, 9.0))

    for how in ("one", "many"):
        buckets = [
            registry.get_sample_value("latency_seconds_bucket", {"how": how, "le": le})
            for le in ("1.0", "2.0", "+Inf")
        ]
        assert ([2, 3, 4], 12) == (buckets, registry.get_sample_value("latency_seconds_sum", {"how": how}))
