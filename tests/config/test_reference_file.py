"""
`config/relay.toml` shows every key, with its default.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import trustme
from pydantic import BaseModel

from relay.config.load import load
from relay.config.schema import RelayConfig, SourceConfig
from relay.config.section import Section
from relay.config.signing_key import encode_signing_key
from relay.model.endpoint_auth import EndpointAuth
from relay.sources.vicidial.config import Dialer360Config, ElisionConfig
from relay.sources.voipcloud.config import VoipcloudConfig

FILE = Path(__file__).parents[2] / "config" / "relay.toml"
ENVIRON = {
    "PBX_TOKEN": "t",
    "CRM_SECRET": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz",
    "HLR_TOKEN": "h",
    "DIALER_PASSWORD": "p",
    "ELISION_PASSWORD": "p",
    "ERP_SECRET": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz",
    "ERP_PASSWORD": "p",
}
KINDS: dict[str, type[SourceConfig]] = {
    "voipcloud": VoipcloudConfig,
    "dialer360": Dialer360Config,
    "elision": ElisionConfig,
}


def models(annotation: object) -> Iterator[type[BaseModel]]:
    """
    Yield the models inside an annotation.
    """
    if annotation is SourceConfig:
        yield from KINDS.values()
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models(part)


def fields(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """
    Yield every key below a model with its field.
    """
    for name, field in model.model_fields.items():
        yield (*path, name), field
        for inner in models(field.annotation):
            yield from fields(inner, (*path, name))


def keys(table: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """
    Yield every key of a parsed file.
    """
    if isinstance(table, list):
        for item in table:
            yield from keys(item, path)
    elif isinstance(table, dict):
        for name, inner in table.items():
            yield (*path, name)
            yield from keys(inner, (*path, name))


def uncommented() -> str:
    """
    Return the file with its commented-out keys switched on.
    """
    return re.sub(r"^# (\w+ = )", r"\1", FILE.read_text(), flags=re.MULTILINE)


def test_the_file_loads_as_it_is() -> None:
    config = load(FILE, ENVIRON, KINDS)

    assert ["pbx-sydney", "dialer", "elision"] == [source.id for source in config.sources]


def test_the_file_loads_with_every_key_switched_on(tmp_path: Path) -> None:
    path = tmp_path / "relay.toml"
    path.write_text(uncommented())

    identity = trustme.CA().issue_cert("relay.example")
    identity.cert_chain_pems[0].write_to_path(tmp_path / "crm.pem")
    identity.private_key_pem.write_to_path(tmp_path / "crm.key")
    own = {"RELAY_ID_KEY": "k" * 32, "RELAY_OPS_KEY": "o" * 32, "PBX_HOOK": "h" * 16, "PROXY_PASSWORD": "p"}
    environ = {**ENVIRON, **own, "RELAY_WEBHOOKS__PROXY_USER": "relay"}
    environ |= {"RELAY_SECRETS_KEY": "s" * 32, "CRM_SIGNING_KEY": encode_signing_key(b"e" * 32)}
    environ |= {"CRM_TOKEN": "t", "CRM_BEARER": "b"}
    config = load(path, environ, KINDS)

    assert config.journal.id_key is not None
    assert config.journal.secrets_key is not None
    crm, erp = (endpoint.spec() for endpoint in config.endpoints)
    assert EndpointAuth((("X-Token", "t"),), "b") == crm.auth
    assert (b"e" * 32,) == crm.signing_keys
    assert EndpointAuth(basic=("relay", "p")) == erp.auth
    assert ["ops"] == [key.name for key in config.server.api_keys]
    assert config.kafka is not None
    assert 3 == config.kafka.replication_factor
    assert "proxy.internal:3128" == str(config.webhooks.proxy)
    assert ["crm"] == [one.name for one in config.webhooks.client_certificates]
    assert "0.0.0.0:8081" == str(config.server.hooks_listen)
    assert ["h" * 16] == [source.hook_token.reveal() for source in config.sources if source.hook_token]


def test_every_key_is_in_the_file() -> None:
    shown = set(keys(tomllib.loads(uncommented())))

    assert set() == {path for path, _ in fields(RelayConfig)} - shown


def test_the_values_shown_are_the_defaults() -> None:
    config = load(FILE, ENVIRON, KINDS)

    for section in (
        config.server,
        config.journal,
        config.kafka,
        config.webhooks,
        config.hlr,
        config.log,
        *config.sources,
    ):
        assert isinstance(section, Section)
        required = {name for name, field in type(section).model_fields.items() if field.is_required()}
        bare = type(section).model_validate({name: getattr(section, name) for name in required})
        assert bare == section


@pytest.mark.parametrize("path", [path for path, _ in fields(RelayConfig) if len(path) > 1], ids=".".join)
def test_every_key_is_described(path: tuple[str, ...]) -> None:
    assert dict(fields(RelayConfig))[path].description
