"""
A good file becomes frozen classes, defaults filled in.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from relay.model.endpoint import RETRY_SCHEDULE_S, EndpointSpec
from relay.sources.voipcloud.config import VoipcloudConfig
from tests.config.conftest import ENDPOINT, SOURCE, ConfigFile

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


def test_an_empty_file_is_all_defaults(file: ConfigFile) -> None:
    config = file.load("")

    assert ("127.0.0.1", 8080) == config.server.listen
    assert "127.0.0.1:9464" == str(config.server.ops_listen)
    assert "sqlite:///relay.db" == config.journal.url
    assert config.kafka is None
    assert () == config.sources


def test_a_source_is_of_the_class_of_its_kind(file: ConfigFile) -> None:
    config = file.load(SOURCE)

    (source,) = config.sources
    assert isinstance(source, VoipcloudConfig)
    assert "t0ken" == source.token.reveal()
    assert ("user_calls", "ringgroup_calls", "queue_calls") == source.streams
    assert "https://pbx.example.com" == config.model_dump()["sources"][0]["base_url"]


def test_the_reserve_is_a_fifth_of_the_requests(file: ConfigFile) -> None:
    (source,) = file.load(SOURCE + "budget = { requests = 50 }").sources

    assert isinstance(source, VoipcloudConfig)
    assert 10 == source.budget.reserve


def test_the_deployment_is_the_topic_prefix(file: ConfigFile) -> None:
    kafka = file.load('[kafka]\nbootstrap_servers = "a:9092,[::1]:9093"\ntopic_prefix = "phones"').kafka

    assert kafka is not None
    assert "phones" == kafka.deployment


def test_an_endpoint_is_told_in_the_shared_words(file: ConfigFile) -> None:
    (endpoint,) = file.load(SOURCE + ENDPOINT + 'sources = ["pbx-sydney"]\nretry_schedule_s = []').endpoints

    expected = EndpointSpec(
        id="crm",
        url="https://crm.example.com/hooks",
        secrets=(b"012345678901234567890123",),
        events=("call.*",),
        sources=("pbx-sydney",),
        retry_schedule_s=(),
    )
    assert expected == endpoint.spec()
    assert RETRY_SCHEDULE_S != endpoint.spec().retry_schedule_s


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('"now"', NOW),
        ('"lookback"', NOW - timedelta(hours=4)),
        ('"2026-11-01T00:00:00+11:00"', datetime(2026, 10, 31, 13, tzinfo=UTC)),
        ("2026-11-01T00:00:00Z", datetime(2026, 11, 1, tzinfo=UTC)),
    ],
)
def test_publish_from_becomes_an_instant(file: ConfigFile, given: str, expected: datetime) -> None:
    (source,) = file.load(f"{SOURCE}\npublish_from = {given}").sources

    assert expected == source.publish_from_at(NOW)


def test_a_configuration_never_changes(file: ConfigFile) -> None:
    config = file.load("")

    with pytest.raises(ValidationError, match="frozen"):
        config.server.shutdown_grace_s = 1.0


def test_the_password_of_a_database_is_not_shown(file: ConfigFile) -> None:
    config = file.load('[journal]\nurl = "postgresql://relay:hunter2@db/relay"')

    assert "hunter2" in config.journal.url
    assert "hunter2" not in repr(config) + config.model_dump_json()
    assert "postgresql://relay:***@db/relay" == config.model_dump()["journal"]["url"]
