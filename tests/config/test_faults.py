"""
Everything that is wrong is told at once, with its key, in words.
"""

from __future__ import annotations

import pytest

from relay.config.load import load
from relay.model.errors import ConfigError
from tests.config.conftest import ENDPOINT, SOURCE, ConfigFile


def test_all_faults_are_told_at_once(file: ConfigFile) -> None:
    faults = file.faults(
        """
        [server]
        lisen = "127.0.0.1:8080"
        shutdown_grace_s = "20"
        [webhoks]
        [[sources]]
        id = "pbx-sydney"
        kind = "voipcloud"
        timezone = "Australia/Sidney"
        country = "UK"
        token = { env = "PBX_TOKEN" }
        budget = { request = 5, per_s = nan }
        [[sources]]
        id = "pbx-sydney"
        kind = "asterisk"
        [[endpoints]]
        url = "ftp://crm.example.com"
        secret = "whsec_short"
        events = []
        sources = ["pbx-sidney"]
        """
    )

    assert [
        "server.shutdown_grace_s: must be a number",
        "server.lisen: unknown key; did you mean `listen`?",
        "sources[0].timezone: `Australia/Sidney` is no IANA time zone; did you mean `Australia/Sydney`?",
        "sources[0].country: `UK` is no ISO 3166 alpha-2 country code; did you mean `GB`?",
        "sources[0].base_url: is required",
        "sources[0].token: environment variable PBX_TOKEN is not set",
        "sources[0].budget.per_s: must be a finite number",
        "sources[0].budget.request: unknown key; did you mean `requests`?",
        "sources[1].kind: `asterisk` is unknown; known kinds: voipcloud",
        "endpoints[0].id: is required",
        "endpoints[0].url: must be a URL that starts with http:// or https:// and names a host",
        "endpoints[0].secret: must be whsec_ and base64 of 24 to 64 bytes;"
        " `relay endpoints new-secret` prints one",
        "endpoints[0].events: must not be empty",
        "webhoks: unknown key; did you mean `webhooks`?",
        "sources[1].id: `pbx-sydney` is the id of sources[0] already",
        "endpoints[0].sources[0]: there is no source `pbx-sidney`; did you mean `pbx-sydney`?",
    ] == faults


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (
            'base_url = "pbx.example.com"',
            "base_url: must be a URL that starts with http:// or https:// and names a host",
        ),
        (
            'base_url = "https://me@pbx"',
            "base_url: must not carry a user or password: URLs are shown in logs and events",
        ),
        ('base_url = "https://pbx:x"', "base_url: is no URL: Port could not be cast to integer value as 'x'"),
        ('streams = ["user_calls", "user_calls"]', "streams: must name each stream once"),
        (
            'streams = ["agents"]',
            "streams[0]: must be one of 'user_calls', 'ringgroup_calls' or 'queue_calls'",
        ),
        ("budget = { requests = 5, reserve = 5 }", "budget.reserve: must be less than requests (5)"),
        ("budget = { requests = true }", "budget.requests: must be a whole number"),
        ("budget = 100", "budget: must be a table"),
        ("poll_every_s = 0.0", "poll_every_s: must be more than 0"),
        ("lookback_s = 5", "lookback_s: must be at least 60"),
        ("request_timeout_s = 301", "request_timeout_s: must be at most 300"),
        ("reconcile_days = [2, 2]", "reconcile_days: must name each once"),
        ("reconcile_days = [0]", "reconcile_days[0]: must be at least 1"),
        ("reconcile_days = [401]", "reconcile_days[0]: must be at most 400"),
        ("reconcile_days = 2", "reconcile_days: must be a list"),
        ("reconcile_hour = 24", "reconcile_hour: must be at most 23"),
        ('hook_token = "short"', "hook_token: must have 16 to 512 characters"),
        ('hook_token = "0123456789 abcdef"', "hook_token: must be printable ASCII without spaces"),
        ('hook_token = { env = "NO" }', "hook_token: environment variable NO is not set"),
        (
            "publish_from = 2026-11-21T10:00:00",
            'publish_from: must be "now", "lookback" or a time with an offset such as 2026-11-21T10:00:00Z',
        ),
        ("token = 5", 'token: must be a text, { env = "NAME" } or { file = "PATH" }'),
        ('token = { evn = "A" }', 'token: must be a text, { env = "NAME" } or { file = "PATH" }'),
        ('token = ""', "token: is empty"),
    ],
)
def test_a_bad_value_of_a_source_is_told_by_its_key(file: ConfigFile, line: str, fault: str) -> None:
    key = line.partition(" ")[0]
    source = "\n".join(kept for kept in SOURCE.splitlines() if not kept.startswith(key))

    assert [f"sources[pbx-sydney].{fault}"] == file.faults(f"{source}\n{line}\n")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[server]\nlisten = "8080"', "server.listen: must be HOST:PORT, an IPv6 host in brackets"),
        ('[server]\nlisten = "::1:8080"', "server.listen: must be HOST:PORT, an IPv6 host in brackets"),
        ('[server]\nlisten = "[::1]:65536"', "server.listen: `65536` is no port: 0 to 65535"),
        ("[server]\nlisten = 8080", "server.listen: must be text: HOST:PORT"),
        (
            '[server]\nhooks_listen = "8081"',
            "server.hooks_listen: must be HOST:PORT, an IPv6 host in brackets",
        ),
        (
            '[journal]\nurl = "mysql://x"',
            "journal.url: must be sqlite:///PATH or postgresql://USER@HOST/DATABASE",
        ),
        ('[journal]\nid_key = "short"', "journal.id_key: must be 16 to 64 bytes"),
        (
            '[journal]\nid_key = "hex:0123456789"',
            "journal.id_key: must have 16 to 64 pairs of hexadecimal digits after hex:",
        ),
        (
            '[kafka]\nbootstrap_servers = "kafka"',
            "kafka.bootstrap_servers: must be HOST:PORT, an IPv6 host in brackets",
        ),
        ("[kafka]", "kafka.bootstrap_servers: is required"),
        (
            '[webhooks]\nallow_private = ["10.1.0.0/8"]',
            "webhooks.allow_private[0]: 10.1.0.0/8 has host bits set",
        ),
        ('[log]\nlevel = "loud"', "log.level: must be one of 'debug', 'info', 'warning' or 'error'"),
        ('[sources]\nid = "a"', "sources: must be a list: write [[sources]]"),
        ("sources = [1]", "sources[0]: must be a table"),
        ('[[sources]]\nid = "a"', "sources[a].kind: is required; known kinds: voipcloud"),
        ("server = 1", "server: must be a table"),
    ],
)
def test_a_bad_value_is_told_by_its_key(file: ConfigFile, text: str, fault: str) -> None:
    assert [fault] == file.faults(text)


@pytest.mark.parametrize(
    ("events", "fault"),
    [
        (
            '["call.*", "call.finish"]',
            "[1]: `call.finish` matches no type of event; did you mean `call.finished`?",
        ),
        ('["cal.*"]', "[0]: `cal.*` matches no type of event; did you mean `call.*`?"),
        ('"call.*"', ": must be a list"),
    ],
)
def test_a_pattern_must_match_a_type_of_event(file: ConfigFile, events: str, fault: str) -> None:
    text = ENDPOINT.replace('["call.*"]', events)

    assert [f"endpoints[crm].events{fault}"] == file.faults(text)


def test_a_syntax_error_is_one_fault_with_its_line(file: ConfigFile) -> None:
    (fault,) = file.faults("[server]\nlisten = \n")

    assert f"{file.path}: is no TOML: Invalid value (at line 2, column 10)" == fault


def test_a_file_that_is_not_there_is_a_fault(file: ConfigFile) -> None:
    file.path = file.path.parent / "missing.toml"
    with pytest.raises(ConfigError) as raised:
        load(file.path, {}, {})

    assert f"{file.path}: cannot be read: No such file or directory" == str(raised.value)


def test_a_file_that_is_no_text_is_a_fault(file: ConfigFile) -> None:
    file.path.write_bytes(b"\xff")
    with pytest.raises(ConfigError) as raised:
        load(file.path, {}, {})

    assert f"{file.path}: is not UTF-8 text" == str(raised.value)
