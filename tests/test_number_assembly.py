"""
The checks of leads' numbers as the configuration asks for them, against the simulated provider.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from relay.commands.catalogue import function
from relay.config.load import load
from relay.config.schema import RelayConfig
from relay.number_assembly import number_gate
from relay.sources.vicidial.config import Dialer360Config
from relay.system_clock import SystemClock
from relay.telemetry.metrics import Metrics
from relay.twin.hlr.server import HlrTwinSettings, start_hlr_twin

ADD_LEAD = function("dialer360", "add_lead")
CONFIG = """
[server]
api_keys = [
    { name = "plain", key = "0123456789abcde1", scopes = ["*"] },
    { name = "valid", key = "0123456789abcde2", scopes = ["*"], number_checks = "validity" },
    { name = "hlr", key = "0123456789abcde3", scopes = ["*"], number_checks = "HLR_OR_OFF" },
]
[[sources]]
id = "dialer"
kind = "dialer360"
base_url = "https://dialer.example.com/api.php"
user = "relay"
password = "secret"
timezone = "Europe/London"
country = "GB"
"""


def loaded(folder: Path, hlr: str) -> RelayConfig:
    """
    Load a configuration with a dialer, three keys, and perhaps a provider.
    """
    path = folder / "relay.toml"
    path.write_text(CONFIG.replace("HLR_OR_OFF", "hlr" if hlr else "off") + hlr)
    return load(path, {}, {"dialer360": Dialer360Config})


async def test_each_key_has_its_checks(tmp_path: Path) -> None:
    provider = await start_hlr_twin(HlrTwinSettings())
    config = loaded(tmp_path, f'[hlr]\nurl = "{provider.lookup_url}"\ntoken = "twin"\nmethod = "POST"')
    numbers = ("079111", "07911123490", "07911123491", "07911123492", "07911123400")
    passed: dict[str, list[bool]] = {}
    async with number_gate(config, SystemClock(), Metrics(CollectorRegistry())) as gate:
        for name in ("plain", "valid", "hlr"):
            given = [{"phone_number": number} for number in numbers]
            results = [await gate.refusal_of("dialer", ADD_LEAD, params, name) for params in given]
            passed[name] = [result is None for result in results]
    asked = list(provider.twin.asked)
    await provider.close()

    assert {
        "plain": [True] * 5,
        "valid": [False, True, True, True, True],
        "hlr": [False, False, False, True, True],
    } == passed
    assert [f"+44{number[1:]}" for number in numbers[1:]] == asked


@pytest.mark.parametrize(("what", "passes"), [("reject", False), ("accept", True)])
async def test_what_passes_is_as_configured(tmp_path: Path, what: str, passes: bool) -> None:
    provider = await start_hlr_twin(HlrTwinSettings())
    config = loaded(
        tmp_path,
        f'[hlr]\nurl = "{provider.lookup_url}"\ntoken = "twin"\n'
        f'on_unknown = "{what}"\non_unreachable = "{what}"',
    )
    async with number_gate(config, SystemClock(), Metrics(CollectorRegistry())) as gate:
        results = [
            await gate.refusal_of("dialer", ADD_LEAD, {"phone_number": f"079111234{ending}"}, "hlr")
            for ending in ("91", "92", "94")
        ]
    await provider.close()

    assert [passes] * 3 == [result is None for result in results]


async def test_without_a_provider_numbers_are_checked_by_the_plans(tmp_path: Path) -> None:
    config = loaded(tmp_path, "")
    async with number_gate(config, SystemClock(), Metrics(CollectorRegistry())) as gate:
        results = [
            await gate.refusal_of("dialer", ADD_LEAD, {"phone_number": "079111"}, name)
            for name in ("valid", "hlr")
        ]

    assert [False, True] == [result is None for result in results]
