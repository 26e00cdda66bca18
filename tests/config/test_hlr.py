"""
The provider of number look-ups in the configuration, and the keys whose leads are checked.
"""

from __future__ import annotations

import pytest

from tests.config.conftest import ConfigFile

HLR = '[hlr]\nurl = "https://hlr.example.com/lookup"\ntoken = "t0ken"\n'
KEYS = """\
[server]
api_keys = [{{ name = "crm", key = "0123456789abcdef", scopes = ["*"], number_checks = {} }}]
"""


def test_without_the_table_nobody_is_asked(file: ConfigFile) -> None:
    config = file.load(KEYS.format('"validity"'))

    assert (None, ["validity"]) == (config.hlr, [key.number_checks for key in config.server.api_keys])


def test_a_provider_needs_an_address_and_a_token(file: ConfigFile) -> None:
    config = file.load(HLR + KEYS.format('"hlr"'))

    assert config.hlr is not None
    assert ("https://hlr.example.com/lookup", "t0ken", "GET", 5.0, "reject", "accept") == (
        config.hlr.url,
        config.hlr.token.reveal(),
        config.hlr.method,
        config.hlr.timeout_s,
        config.hlr.on_unreachable,
        config.hlr.on_unknown,
    )
    assert "t0ken" not in config.model_dump_json() + repr(config)
    assert ["hlr.token: is required", "hlr.url: is required"] == sorted(file.faults("[hlr]"))


def test_the_token_may_stand_in_the_environment(file: ConfigFile) -> None:
    config = file.load(HLR.replace('"t0ken"', '{ env = "T" }'), {"T": "s3cret", "RELAY_HLR__TIMEOUT_S": "2"})

    assert config.hlr is not None
    assert ("s3cret", 2.0) == (config.hlr.token.reveal(), config.hlr.timeout_s)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('method = "PUT"', "hlr.method: must be one of 'GET' or 'POST'"),
        ("timeout_s = 0", "hlr.timeout_s: must be more than 0"),
        ("timeout_s = 31", "hlr.timeout_s: must be at most 30"),
        ('on_unknown = "drop"', "hlr.on_unknown: must be one of 'accept' or 'reject'"),
        ("retries = 3", "hlr.retries: unknown key"),
    ],
)
def test_a_fault_is_told_by_its_key(file: ConfigFile, line: str, fault: str) -> None:
    assert [fault] == file.faults(HLR + line)


@pytest.mark.parametrize("token", ["two words", "", "tökèn"])
def test_a_token_that_no_header_can_hold_is_told_and_not_repeated(file: ConfigFile, token: str) -> None:
    (told,) = file.faults(HLR.replace("t0ken", token))

    assert told.startswith("hlr.token: ")
    assert not token or token not in told


def test_a_key_that_wants_look_ups_needs_a_provider(file: ConfigFile) -> None:
    (fault,) = file.faults(KEYS.format('"hlr"'))

    assert fault.startswith("server.api_keys[0].number_checks: needs the table [hlr]")


@pytest.mark.parametrize("given", ['"all"', "true"])
def test_there_are_three_kinds_of_checks(file: ConfigFile, given: str) -> None:
    (fault,) = file.faults(KEYS.format(given))

    assert fault.startswith("server.api_keys[0].number_checks: must be one of 'off', 'validity' or 'hlr'")
