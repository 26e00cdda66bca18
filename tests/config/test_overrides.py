"""
Each value can be set by the environment.
"""

from __future__ import annotations

import pytest

from relay.config.checked import without_password
from relay.model.errors import ConfigError
from relay.sources.voipcloud.config import VoipcloudConfig
from tests.config.conftest import ENDPOINT, SOURCE, ConfigFile


def test_the_environment_wins_over_the_file(file: ConfigFile) -> None:
    config = file.load('[server]\nlisten = "127.0.0.1:1"', {"RELAY_SERVER__LISTEN": "[::1]:2"})

    assert ("::1", 2) == config.server.listen


def test_a_table_that_the_file_lacks_is_made(file: ConfigFile) -> None:
    config = file.load(
        "", {"RELAY_KAFKA__BOOTSTRAP_SERVERS": "kafka:9092", "RELAY_KAFKA__CREATE_TOPICS": "true"}
    )

    assert config.kafka is not None
    assert config.kafka.create_topics


def test_items_are_found_by_their_id(file: ConfigFile) -> None:
    config = file.load(
        SOURCE + ENDPOINT + SOURCE.replace("pbx-sydney", "pbx-sydney--b"),
        {
            "RELAY_SOURCES__PBX_SYDNEY__TOKEN": "first",
            "RELAY_SOURCES__PBX_SYDNEY__BUDGET__REQUESTS": "50",
            "RELAY_SOURCES__PBX_SYDNEY__B__TOKEN": "second",
            "RELAY_ENDPOINTS__CRM__EVENTS": '["*"]',
        },
    )

    sources = [source for source in config.sources if isinstance(source, VoipcloudConfig)]
    assert ["first", "second"] == [source.token.reveal() for source in sources]
    assert [50, 100] == [source.budget.requests for source in sources]
    assert ("*",) == config.endpoints[0].events


def test_pushes_and_nightly_reads_can_be_set(file: ConfigFile) -> None:
    config = file.load(
        SOURCE,
        {
            "RELAY_SERVER__HOOKS_LISTEN": "0.0.0.0:8081",
            "RELAY_SOURCES__PBX_SYDNEY__HOOK_TOKEN": "1234567890123456",
            "RELAY_SOURCES__PBX_SYDNEY__RECONCILE_DAYS": "[]",
            "RELAY_SOURCES__PBX_SYDNEY__RECONCILE_HOUR": "22",
        },
    )

    (source,) = config.sources
    assert "0.0.0.0:8081" == str(config.server.hooks_listen)
    assert ((), 22, "1234567890123456") == (
        source.reconcile_days,
        source.reconcile_hour,
        source.hook_token.reveal() if source.hook_token else None,
    )


@pytest.mark.parametrize("token", ["12345", "1e5", "1_000", "true", "[1]", '"quoted"', "007"])
def test_a_text_stays_the_text_it_is(file: ConfigFile, token: str) -> None:
    (source,) = file.load(SOURCE, {"RELAY_SOURCES__PBX_SYDNEY__TOKEN": token}).sources

    assert isinstance(source, VoipcloudConfig)
    assert token == source.token.reveal()


def test_a_secret_can_be_pointed_elsewhere(file: ConfigFile) -> None:
    environ = {"RELAY_SOURCES__PBX_SYDNEY__TOKEN": '{ env = "OTHER" }', "OTHER": "there"}
    (source,) = file.load(SOURCE, environ).sources

    assert isinstance(source, VoipcloudConfig)
    assert "there" == source.token.reveal()


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("RELAY_SERVR__LISTEN", "x", "RELAY_SERVR__LISTEN: names no setting; did you mean `RELAY_SERVER`?"),
        (
            "RELAY_SERVER__LISEN",
            "x",
            "server.lisen: unknown key; did you mean `listen`? (set by RELAY_SERVER__LISEN)",
        ),
        (
            "RELAY_SERVER__LISEN__X",
            "x",
            "server.lisen: unknown key; did you mean `listen`? (set by RELAY_SERVER__LISEN__X)",
        ),
        (
            "RELAY_SERVER__LISTEN",
            "x",
            "server.listen: must be HOST:PORT, an IPv6 host in brackets (set by RELAY_SERVER__LISTEN)",
        ),
        ("RELAY_SERVER____LISTEN", "x", "RELAY_SERVER____LISTEN: has an empty part"),
        ("RELAY_SERVER", "x", "server: must be a table (set by RELAY_SERVER)"),
        (
            "RELAY_SOURCES__PBX_SYDNEY__LOOKBACK_S",
            "600\nb = 2",
            "sources[pbx-sydney].lookback_s: must be a whole number"
            " (set by RELAY_SOURCES__PBX_SYDNEY__LOOKBACK_S)",
        ),
        (
            "RELAY_SOURCES__PBX_SIDNEY__TOKEN",
            "x",
            "RELAY_SOURCES__PBX_SIDNEY__TOKEN: no item of sources has an id spelt PBX_SIDNEY;"
            " did you mean `PBX_SYDNEY`?",
        ),
        (
            "RELAY_SOURCES__PBX_SYDNEY__TOKEN",
            '{ evn = "X" }',
            'sources[pbx-sydney].token: must be a text, { env = "NAME" } or { file = "PATH" }'
            " (set by RELAY_SOURCES__PBX_SYDNEY__TOKEN)",
        ),
    ],
)
def test_a_variable_that_fits_nowhere_is_a_fault(file: ConfigFile, name: str, value: str, fault: str) -> None:
    assert [fault] == file.faults(SOURCE, {name: value})


def test_what_is_no_configuration_is_left_alone(file: ConfigFile) -> None:
    environ = {
        "RELAY_URL": "http://127.0.0.1:8080",
        "RELAY_API_KEY": "k",
        "RELAY_KAFKA_LIBS": "/opt",
        "RELAY_PBX": "named by the file",
        "RELAY_SERVICE_HOST": "10.0.0.1",
        "RELAY_SERVICE_PORT_HTTP": "80",
        "RELAY_PORT": "tcp://10.0.0.1:80",
        "RELAY_OPS_PORT_80_TCP_ADDR": "10.0.0.1",
        "HOME": "/home/relay",
    }
    (source,) = file.load(SOURCE.replace('"t0ken"', '{ env = "RELAY_PBX" }'), environ).sources

    assert isinstance(source, VoipcloudConfig)
    assert "named by the file" == source.token.reveal()


@pytest.mark.parametrize("whole", ["[]", "oops", '[{ id = "other" }]'])
def test_a_list_and_one_of_its_items_are_not_set_both(file: ConfigFile, whole: str) -> None:
    environ = {"RELAY_SOURCES": whole, "RELAY_SOURCES__PBX_SYDNEY__TOKEN": "of another"}

    with pytest.raises(ConfigError) as raised:
        file.load(SOURCE, environ)

    said = str(raised.value)
    assert "RELAY_SOURCES__PBX_SYDNEY__TOKEN: sets an item of the list that RELAY_SOURCES sets" in said
    assert "of another" not in said


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:top@h/db", "postgresql://u:***@h/db"),
        (
            "postgresql://u@h/db?sslmode=require&password=top",
            "postgresql://u@h/db?sslmode=require&password=***",
        ),
        ("sqlite:///relay.db", "sqlite:///relay.db"),
    ],
)
def test_a_journal_is_shown_without_its_password(url: str, shown: str) -> None:
    assert shown == without_password(url)
