"""
A file to write, load and look at the faults of.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from relay.config.load import load
from relay.config.schema import RelayConfig
from relay.model.errors import ConfigError
from relay.sources.voipcloud.config import VoipcloudConfig

SOURCE: Final = """
[[sources]]
id = "pbx-sydney"
kind = "voipcloud"
timezone = "Australia/Sydney"
country = "AU"
base_url = "https://pbx.example.com"
token = "t0ken"
"""
ENDPOINT: Final = """
[[endpoints]]
id = "crm"
url = "https://crm.example.com/hooks"
secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
events = ["call.*"]
"""


class ConfigFile:
    """
    One configuration file in a folder of its own.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self, text: str, environ: Mapping[str, str] | None = None) -> RelayConfig:
        """
        Write `text` and load it.
        """
        self.path.write_text(text)
        return load(self.path, environ or {}, {"voipcloud": VoipcloudConfig})

    def faults(self, text: str, environ: Mapping[str, str] | None = None) -> list[str]:
        """
        Write `text`, load it and return what is wrong with it.
        """
        with pytest.raises(ConfigError) as raised:
            self.load(text, environ)
        return [str(fault) for fault in raised.value.faults]


@pytest.fixture
def file(tmp_path: Path) -> ConfigFile:
    """
    Give a configuration file to write.
    """
    return ConfigFile(tmp_path / "relay.toml")
