"""
What all endpoints have in common: the egress proxy, denied networks, client certificates.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from relay.config.dialled import dialled_by, dialled_in
from tests.config.conftest import ENDPOINT, ConfigFile

AUTHORITY = trustme.CA()
NOT_A_PAIR = (
    "is not the private key of the certificate,"
    " or one of the two is no PEM file that opens without a passphrase"
)


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    """
    Give a folder with the files of a client certificate, `crm.pem` and `crm.key`.
    """
    made = AUTHORITY.issue_cert("relay.example")
    made.cert_chain_pems[0].write_to_path(tmp_path / "crm.pem")
    made.private_key_pem.write_to_path(tmp_path / "crm.key")
    return tmp_path


def _certificate(name: str = "crm", certificate: str = "crm.pem", key: str = "crm.key") -> str:
    names = f'name = "{name}"\ncertificate = "{certificate}"\nkey = "{key}"\n'
    return f"[[webhooks.client_certificates]]\n{names}"


def test_a_proxy_is_read_with_its_user_and_a_secret_password(file: ConfigFile) -> None:
    text = '[webhooks]\nproxy = "http://[::1]:3128/"\nproxy_user = "relay"\nproxy_password = { env = "WORD" }'
    webhooks = file.load(text, {"WORD": "hunter2"}).webhooks

    assert webhooks.proxy is not None
    assert ("::1", 3128) == webhooks.proxy
    assert webhooks.proxy_password is not None
    assert ("relay", "hunter2") == (webhooks.proxy_user, webhooks.proxy_password.reveal())
    assert "hunter2" not in webhooks.model_dump_json()


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ("proxy = 3128", "proxy: must be text: http://HOST:PORT"),
        ('proxy = "https://proxy:3128"', "proxy: must be text: http://HOST:PORT"),
        ('proxy = "http://proxy"', "proxy: must be HOST:PORT, an IPv6 host in brackets"),
        ('proxy = "http://proxy:0"', "proxy: must be http://HOST:PORT"),
        ('proxy = "http://pro/xy:3128"', "proxy: must be http://HOST:PORT"),
        (
            'proxy = "http://relay:hunter2@proxy"',
            "proxy: must not carry a user or password: they have keys of their own",
        ),
        ('proxy_user = "relay"', "proxy_user: needs webhooks.proxy"),
        ('proxy = "http://proxy:3128"\nproxy_password = "p"', "proxy_password: needs webhooks.proxy_user"),
        (
            'proxy = "http://proxy:3128"\nproxy_user = "a:b"',
            r"proxy_user: must match ^[^:\x00-\x1f\x7f]{0,200}$",
        ),
        ('deny = ["8.8.8.8/8"]', "deny[0]: 8.8.8.8/8 has host bits set"),
    ],
)
def test_a_bad_value_is_told_by_its_key(file: ConfigFile, lines: str, fault: str) -> None:
    assert [f"webhooks.{fault}"] == file.faults(f"[webhooks]\n{lines}")


def test_a_client_certificate_is_read_from_the_folder_of_the_file(file: ConfigFile, identity: Path) -> None:
    (one,) = file.load(_certificate()).webhooks.client_certificates
    context = one.context()

    assert ("crm", str(identity / "crm.pem")) == (one.name, one.certificate)
    assert (ssl.CERT_REQUIRED, True) == (context.verify_mode, context.check_hostname)


def test_files_that_are_not_there_are_told_each(file: ConfigFile, tmp_path: Path) -> None:
    key = "webhooks.client_certificates[0]"

    assert [
        f"{key}.certificate: file {tmp_path / 'crm.pem'} cannot be read: No such file or directory",
        f"{key}.key: file {tmp_path / 'crm.key'} cannot be read: No such file or directory",
    ] == file.faults(_certificate())


def test_a_key_that_does_not_open_or_belongs_elsewhere_is_told(file: ConfigFile, identity: Path) -> None:
    """
    A key with a passphrase must not make relay ask for it on the terminal.
    """
    pem = (identity / "crm.key").read_bytes()
    locked = load_pem_private_key(pem, None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"geheim")
    )
    (identity / "locked.key").write_bytes(locked)
    AUTHORITY.issue_cert("other.example").private_key_pem.write_to_path(identity / "other.key")
    texts = [_certificate(key=name) for name in ("other.key", "locked.key", "crm.pem")]

    key = "webhooks.client_certificates[0].key"
    assert [[f"{key}: {NOT_A_PAIR}"]] * 3 == [file.faults(text) for text in texts]


def test_two_certificates_of_one_name_are_a_fault(file: ConfigFile, identity: Path) -> None:
    assert ["webhooks.client_certificates: two of them have the same name"] == file.faults(_certificate() * 2)


def test_an_endpoint_that_names_no_certificate_of_the_file_is_told_with_all_other_faults(
    file: ConfigFile, identity: Path
) -> None:
    text = f'{_certificate()}{ENDPOINT}client_certificate = "crn"\n[log]\nlevel = "loud"'

    assert [
        "log.level: must be one of 'debug', 'info', 'warning' or 'error'",
        "endpoints[crm].client_certificate: webhooks.client_certificates has no `crn`; did you mean `crm`?",
    ] == file.faults(text)


@pytest.mark.parametrize("certificates", ["5", "[5]", "[{ name = 5 }]"])
def test_names_are_looked_up_in_a_table_that_is_wrong_too(file: ConfigFile, certificates: str) -> None:
    text = f'[webhooks]\nclient_certificates = {certificates}{ENDPOINT}client_certificate = "crm"'

    fault = "endpoints[crm].client_certificate: webhooks.client_certificates has no `crm`"
    assert fault == file.faults(text)[-1]


def test_an_endpoint_may_name_a_certificate_of_the_file(file: ConfigFile, identity: Path) -> None:
    (endpoint,) = file.load(f'{_certificate()}{ENDPOINT}client_certificate = "crm"').endpoints

    assert "crm" == endpoint.spec().options.client_certificate


def test_networks_are_those_of_the_file_also_where_their_table_has_faults(file: ConfigFile) -> None:
    networks = {"allow_private": ["10.0.0.0/8"], "deny": ["10.1.0.0/16"]}
    with_faults = dialled_in({"webhooks": {**networks, "proxy": 5, "proxy_password": {"env": "NO"}}})
    without = dialled_by(file.load('[webhooks]\nallow_private = ["10.0.0.0/8"]\ndeny = ["10.1.0.0/16"]'))

    expected = (("10.0.0.0/8",), ("10.1.0.0/16",))
    assert expected == (with_faults.allow_private, with_faults.deny)
    assert expected == (without.allow_private, without.deny)
    assert ((), ("10.1.0.0/16",)) == (
        dialled_in({"webhooks": {**networks, "allow_private": ["x"]}}).allow_private,
        dialled_in({"webhooks": {**networks, "allow_private": ["x"]}}).deny,
    )
