"""
`relay config check` prints every fault, or what the configuration says.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import CONFIG, ROOT, Relay


def test_a_good_configuration_is_summed_up(relay: Relay, config_file: Path) -> None:
    done = relay("config", "check", str(config_file))

    assert (0, "") == (done.code, done.err)
    for shown in (
        "127.0.0.1:8080",
        "pbx-sydney",
        "Australia/Sydney",
        "https://crm.example.com/hooks",
        "call.*",
    ):
        assert shown in done.out
    assert "t0ken" not in done.out
    assert "\x1b" not in done.out


def test_a_good_configuration_can_be_had_as_json(relay: Relay, config_file: Path) -> None:
    done = relay(
        "config",
        "check",
        "--json",
        str(config_file),
    )

    document = json.loads(done.out)
    assert (0, True) == (done.code, document["ok"])
    assert "configured" == document["config"]["sources"][0]["token"]


def test_what_looks_like_markup_is_shown_as_it_is(relay: Relay, config_file: Path) -> None:
    done = relay("config", "check", str(config_file), RELAY_ENDPOINTS__CRM__URL="https://crm/[red]")

    assert "https://crm/[red]" in done.out


def test_every_fault_is_a_line_on_the_error_stream(relay: Relay, config_file: Path) -> None:
    config_file.write_text(CONFIG.replace("country", "contry"))

    done = relay("config", "check", str(config_file), RELAY_LOG__LEVEL="loud")

    assert (2, "") == (done.code, done.out)
    assert [
        "relay: log.level: must be one of 'debug', 'info', 'warning' or 'error' (set by RELAY_LOG__LEVEL)",
        "relay: sources[pbx-sydney].country: is required",
        "relay: sources[pbx-sydney].contry: unknown key; did you mean `country`?",
    ] == done.err.splitlines()


def test_faults_can_be_had_as_json(relay: Relay, config_file: Path) -> None:
    done = relay("config", "check", "--json", str(config_file), RELAY_LOG__LEVEL="loud")

    assert 2 == done.code
    document = json.loads(done.out)
    assert (False, ["log.level"]) == (document["ok"], [fault["key"] for fault in document["faults"]])


def test_a_journal_this_version_cannot_run_on_is_a_fault(relay: Relay, config_file: Path) -> None:
    url = "postgresql://relay:hunter2@db/relay"

    done = relay("config", "check", str(config_file), RELAY_JOURNAL__URL=url)

    assert (2, True) == (done.code, done.err.startswith("relay: journal.url: "))
    assert "hunter2" not in done.err


def test_the_shipped_file_is_fine(relay: Relay) -> None:
    secret = relay("endpoints", "new-secret").out.strip()

    names = ("HLR_TOKEN", "DIALER_PASSWORD", "ELISION_PASSWORD", "ERP_PASSWORD")
    environ = {**dict.fromkeys(names, "s3cret"), "CRM_SECRET": secret, "ERP_SECRET": secret}
    done = relay("config", "check", str(ROOT / "config" / "relay.toml"), **environ)

    assert (0, "") == (done.code, done.err)


def test_faults_of_words_and_of_addresses_are_told_together(relay: Relay, config_file: Path) -> None:
    wrong = CONFIG.replace("https://crm.example.com", "http://169.254.169.254").replace(
        "call.*", "call.finish"
    )
    config_file.write_text(wrong)

    done = relay("config", "check", str(config_file), RELAY_LOG__LEVEL="loud")

    keys = [line.split(": ")[1] for line in done.err.splitlines()]
    assert (2, ["log.level", "endpoints[crm].events[0]", "endpoints[crm].url"]) == (done.code, keys)


def test_an_address_is_told_once_and_by_what_is_allowed(relay: Relay, config_file: Path) -> None:
    """
    The network is allowed in the same file; the second address is no URL at all, which is told once.
    """
    second = '[[endpoints]]\nid = "ops"\nurl = "ftp://x"\nsecret = "nothing"\nevents = []\n'
    allowed = '[webhooks]\nallow_private = ["10.0.0.0/8"]\n'
    config_file.write_text(allowed + CONFIG.replace("https://crm.example.com", "http://10.0.0.1") + second)

    done = relay("config", "check", str(config_file))

    keys = sorted(line.split(": ")[1] for line in done.err.splitlines())
    assert ["endpoints[ops].events", "endpoints[ops].secret", "endpoints[ops].url"] == keys


def test_a_denied_network_wins_over_an_allowed_one(relay: Relay, config_file: Path) -> None:
    networks = '[webhooks]\nallow_private = ["10.0.0.0/8"]\ndeny = ["10.0.0.0/24", "8.8.8.0/24"]\n'
    second = '[[endpoints]]\nid = "ops"\nurl = "https://8.8.8.8/"\nevents = ["*"]\n'
    secret = f'secret = "whsec_{"A" * 32}"\n'
    config_file.write_text(
        networks + CONFIG.replace("https://crm.example.com", "http://10.0.0.1") + second + secret
    )

    done = relay("config", "check", str(config_file))

    words = "is in a network that webhooks.deny names"
    assert {
        f"relay: endpoints[crm].url: 10.0.0.1 {words}",
        f"relay: endpoints[ops].url: 8.8.8.8 {words}",
    } == set(done.err.splitlines())


def test_an_endpoint_that_may_not_be_dialled_is_a_fault(relay: Relay, config_file: Path) -> None:
    config_file.write_text(CONFIG.replace("https://crm.example.com", "http://169.254.169.254"))

    done = relay("config", "check", str(config_file))

    assert (2, True) == (done.code, done.err.startswith("relay: endpoints[crm].url: "))
