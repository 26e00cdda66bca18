"""
What an endpoint of the file asks of requests besides signatures, and its keys: faults repeat no secret.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from relay.config.load import load
from relay.config.secrets_key import decode_secrets_key
from relay.config.signing_key import encode_signing_key
from relay.model.errors import ConfigError

ENDPOINT = """\
[[endpoints]]
id = "crm"
url = "https://crm.example.com/"
secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
events = ["*"]
"""
KEY = encode_signing_key(b"e" * 32)


@pytest.mark.parametrize(
    ("lines", "key", "words"),
    [
        ('headers = { "webhook-id" = "sss" }', "headers", "relay's own"),
        ('headers = { "X" = "sss\\n" }', "headers", "printable ASCII"),
        ('headers = { "X" = { env = "NONE" } }', "headers.X", "not set"),
        ('bearer = "sss sss"', "bearer", "without spaces"),
        ('basic = { user = "a:b", password = "sss" }', "basic", "no colon"),
        ('basic = { user = "a" }', "basic.password", "is required"),
        ('bearer = "sss"\nbasic = { user = "a", password = "sss" }', "", "exclude each other"),
        ('bearer = "sss"\nheaders = { "authorization" = "sss" }', "", "exclude a header Authorization"),
        ('signatures = ["v1a"]', "", "signing_key is required"),
        ('signing_key = "whsk_sss"', "signing_key", "not base64"),
    ],
)
def test_a_fault_names_its_key_and_no_secret(tmp_path: Path, lines: str, key: str, words: str) -> None:
    path = tmp_path / "relay.toml"
    path.write_text(ENDPOINT + lines)

    with pytest.raises(ConfigError) as error:
        load(path, {}, {})

    (fault,) = error.value.faults
    assert f"endpoints[crm]{'.' if key else ''}{key}" == fault.key
    assert words in fault.problem
    assert "sss" not in fault.problem


def test_an_endpoint_with_all_of_it_prints_nothing_secret(tmp_path: Path) -> None:
    path = tmp_path / "relay.toml"
    path.write_text(
        f'{ENDPOINT}signatures = ["v1", "v1a"]\nsigning_key = "{KEY}"\nheaders = {{ "X-Token" = "sss" }}\n'
        'basic = { user = "relay", password = "sss" }\n'
    )

    (endpoint,) = load(path, {}, {}).endpoints

    spec = endpoint.spec()
    assert ((b"e" * 32,), ("relay", "sss")) == (spec.signing_keys, spec.auth.basic)
    for printed in (repr(endpoint), repr(spec), endpoint.model_dump_json()):
        assert "sss" not in printed
        assert KEY not in printed


@pytest.mark.parametrize(("text", "key"), [("k" * 32, b"k" * 32), ("hex:" + "0a" * 32, b"\n" * 32)])
def test_a_secrets_key_is_a_text_or_digits(text: str, key: bytes) -> None:
    assert key == decode_secrets_key(text)


@pytest.mark.parametrize("text", ["k" * 31, "é" * 32, "hex:" + "0a" * 31, "hex:" + "0a" * 31 + " 0"])
def test_a_secrets_key_of_another_length_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match="must") as refusal:
        decode_secrets_key(text)

    assert text not in str(refusal.value)
