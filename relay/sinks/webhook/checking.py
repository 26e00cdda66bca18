"""
Check a request as a receiver would, to tell somebody whose own check fails what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from hmac import compare_digest
from typing import Final

from relay.config.signing_key import public_key
from relay.model.delivery_options import V1, V1A
from relay.model.endpoint import EndpointSecret, EndpointSpec, RegisteredEndpoint
from relay.model.signed_request import OF_FILE, PublicKey, SignatureCheck
from relay.model.times import from_ms, to_ms
from relay.sinks.webhook.signature import Signer

TOLERANCE_S: Final = 300  # as the reference libraries of Standard Webhooks
ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
_SECONDS: Final = re.compile(r"[0-9]{1,11}", re.ASCII)


class SignatureChecks:
    """
    Knows what signs for every endpoint; implements `relay.sinks.port.Signatures`.

    Args:
        of_file: the endpoints of the configuration file, whose secrets the journal does not have.
    """

    def __init__(self, of_file: Sequence[EndpointSpec]) -> None:
        self._of_file = {spec.id: spec for spec in of_file}

    def public_keys(self, endpoint: RegisteredEndpoint) -> list[PublicKey]:
        return [
            PublicKey(public_key(secret.key), secret.scheme, secret.starts_at, secret.expires_at)
            for secret in self._secrets(endpoint)
            if secret.scheme == V1A
        ]

    def check(
        self, endpoint: RegisteredEndpoint, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> SignatureCheck:
        given = {name.lower(): value.strip() for name, value in headers.items()}
        missing = [name for name in (ID, TIMESTAMP, SIGNATURE) if not given.get(name)]
        if missing:
            return SignatureCheck(problem=f"there is no header {', '.join(missing)}")
        if not _SECONDS.fullmatch(given[TIMESTAMP]):
            return SignatureCheck(problem=f"{TIMESTAMP} is no number of seconds since 1970")
        timestamp_s = int(given[TIMESTAMP])
        age_s = to_ms(now) // 1000 - timestamp_s
        try:
            found = self._signer_of(endpoint, given, timestamp_s, body)
            if found is None:
                return SignatureCheck(age_s=age_s, problem=self._mismatch(endpoint, given, timestamp_s, body))
        except ValueError:
            return SignatureCheck(age_s=age_s, problem=f"{ID} is no id of relay's")
        problem = _problem_of_time(found, from_ms(timestamp_s * 1000), age_s)
        return SignatureCheck(True, found.scheme, found.secret_id, age_s, problem)

    def _signer_of(
        self, endpoint: RegisteredEndpoint, given: Mapping[str, str], timestamp_s: int, body: bytes
    ) -> EndpointSecret | None:
        """
        Return the secret that made one of the signatures.

        Ed25519 gives one signature for one text (RFC 8032), so that signing again and comparing is enough.
        """
        signatures = [one.encode("utf-8", "surrogatepass") for one in given[SIGNATURE].split(" ")]
        found = None
        # Every one is compared: the time tells nothing of any.
        for secret in self._secrets(endpoint):
            keys = ([secret.key], ()) if secret.scheme == V1 else ((), [secret.key])
            expected = Signer(*keys).sign(given[ID], timestamp_s, body)
            for signature in signatures:
                if compare_digest(expected, signature) and found is None:
                    found = secret
        return found

    def _mismatch(
        self, endpoint: RegisteredEndpoint, given: Mapping[str, str], timestamp_s: int, body: bytes
    ) -> str:
        if body.endswith(b"\n") and self._signer_of(endpoint, given, timestamp_s, body.rstrip(b"\r\n")):
            return "the body has a line end at its end that was not signed: take the bytes as they arrived"
        if not any(one.startswith((f"{V1},", f"{V1A},")) for one in given[SIGNATURE].split(" ")):
            return f"{SIGNATURE} has no signature of the form {V1},… or {V1A},…"
        return (
            "no secret of this endpoint made a signature of this id, this timestamp and these very bytes:"
            " another secret signed, or the body was changed, for instance by parsing and writing it again"
        )

    def _secrets(self, endpoint: RegisteredEndpoint) -> list[EndpointSecret]:
        spec = self._of_file.get(endpoint.spec.id) if endpoint.is_from_file else None
        if spec is None:
            return [secret for secret in endpoint.secrets if not secret.is_lost]
        made = endpoint.created_at
        return [
            *(EndpointSecret(OF_FILE, key, made, None) for key in spec.secrets),
            *(EndpointSecret(OF_FILE, key, made, None, V1A) for key in spec.signing_keys),
        ]


def _problem_of_time(secret: EndpointSecret, signed_at: datetime, age_s: int) -> str | None:
    if abs(age_s) > TOLERANCE_S:
        when = f"{age_s} s old" if age_s > 0 else f"{-age_s} s ahead"
        return f"the timestamp is {when}, and receivers refuse what is more than {TOLERANCE_S} s from now"
    if secret.starts_at is not None and signed_at < secret.starts_at:
        return "the secret that signed does not sign yet"
    return None
