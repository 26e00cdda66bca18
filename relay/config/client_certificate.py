"""
Client certificates that relay may show to endpoints (mutual TLS).
"""

from __future__ import annotations

import ssl
from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from relay.config.section import Id, Section


class ClientCertificateConfig(Section):
    """
    A certificate and its key, by a name that endpoints use.

    A relative path starts at the folder of the configuration file.
    """

    name: Id = Field(description="What endpoints call it in `client_certificate`, [a-z0-9-]{1,40}.")
    certificate: str = Field(description="PATH of a PEM file: the certificate, then those of its issuers.")
    key: str = Field(description="PATH of a PEM file: its private key, without a passphrase.")

    @field_validator("certificate", "key")
    @classmethod
    def _can_be_read(cls, path: str, info: ValidationInfo) -> str:
        full = (info.context or {}).get("folder", Path()) / path
        try:
            with full.open("rb"):
                return str(full)
        except OSError as error:
            raise ValueError(f"file {full} cannot be read: {error.strerror}") from error

    @field_validator("key")
    @classmethod
    def _belongs_to_the_certificate(cls, key: str, info: ValidationInfo) -> str:
        if "certificate" in info.data:
            try:
                _load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), info.data["certificate"], key)
            except (ssl.SSLError, OSError) as error:
                raise ValueError(
                    "is not the private key of the certificate, or one of the two is no PEM file"
                    " that opens without a passphrase"
                ) from error
        return key

    def context(self) -> ssl.SSLContext:
        """
        Return what verifies servers as the system does, and shows them the certificate when they ask.

        Raises:
            OSError: the files are no longer what they were.
        """
        context = ssl.create_default_context()
        _load(context, self.certificate, self.key)
        return context


def _load(context: ssl.SSLContext, certificate: str, key: str) -> None:
    # Without a password of ours OpenSSL would ask for one on the terminal, and wait.
    context.load_cert_chain(certificate, key, password=lambda: b"none")
