"""
What an endpoint asks of requests besides signatures, as an operator says it, in the file and in REST.

Each check returns the value to keep, or raises ValueError with words for a person that repeat no secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pydantic import Field

from relay.config.secrets import Secret
from relay.config.section import Section
from relay.model.endpoint_auth import EndpointAuth

MAX_HEADERS: Final = 20
MAX_BYTES: Final = 4_096
# A token of RFC 9110; relay's own headers, and those that say where a request ends, are refused below.
NAME_PATTERN: Final = "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$"
VALUE_PATTERN: Final = "^[!-~]([ -~]*[!-~])?$"
WITHOUT_SPACES: Final = "^[!-~]*$"
USER_PATTERN: Final = "^[^:\\u0000-\\u001f\\u007f-\\u009f]*$"
WITHOUT_CONTROLS: Final = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"
AUTHORISATION: Final = "authorization"
OWN_PREFIXES: Final = ("webhook-", "ce-", "relay-", "proxy-", "content-")
OWN_WHOLE: Final = (
    "host",
    "connection",
    "keep-alive",
    "transfer-encoding",
    "te",
    "trailer",
    "expect",
    "upgrade",
    "user-agent",
    "traceparent",
    "tracestate",
)


class BasicFields(Section):
    """
    A user and a password.
    """

    user: str = Field(description="Without a colon.")
    password: Secret = Field(description="Sent with the user in `Authorization: Basic …`.")


def header_name(name: str) -> str:
    """
    Check that a header may be set by an operator.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise ValueError("a header's name has 1 to 100 letters, digits and -")
    small = name.lower()
    if small in OWN_WHOLE or small.startswith(OWN_PREFIXES):
        raise ValueError(f"the header {name} is relay's own")
    return name


def header_value(name: str, value: str) -> str:
    """
    Check that a text can be the value of a header.
    """
    if len(value) > MAX_BYTES or not re.fullmatch(VALUE_PATTERN, value):
        raise ValueError(
            f"the value of {name} must be 1 to {MAX_BYTES} printable ASCII characters, no space at either end"
        )
    return value


def checked_headers(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """
    Check the headers of an endpoint, which are kept in the order given.
    """
    if len(headers) > MAX_HEADERS:
        raise ValueError(f"there may be {MAX_HEADERS} headers at the most")
    if len({name.lower() for name in headers}) < len(headers):
        raise ValueError("a header is named twice")
    return tuple((header_name(name), header_value(name, value)) for name, value in headers.items())


def checked_bearer(token: str) -> str:
    """
    Check a bearer token.
    """
    if len(token) > MAX_BYTES or not re.fullmatch(WITHOUT_SPACES, token):
        raise ValueError(f"must be at most {MAX_BYTES} printable ASCII characters without spaces")
    return token


def checked_basic(user: str, password: str) -> tuple[str, str]:
    """
    Check a user and a password, which a receiver takes apart at the first colon (RFC 7617).
    """
    if not re.fullmatch(USER_PATTERN, user):
        raise ValueError("the user must have no colon and no control characters")
    if not re.fullmatch(WITHOUT_CONTROLS, password):
        raise ValueError("the password must have no control characters")
    if len(f"{user}:{password}".encode()) > MAX_BYTES:
        raise ValueError(f"user and password may have {MAX_BYTES} bytes together")
    return user, password


def checked_auth(auth: EndpointAuth) -> EndpointAuth:
    """
    Check that only one thing fills the header `Authorization`.
    """
    if auth.bearer and auth.basic is not None:
        raise ValueError("bearer and basic exclude each other")
    has_own = any(name.lower() == AUTHORISATION for name in auth.header_names)
    if has_own and (auth.bearer or auth.basic is not None):
        raise ValueError("bearer and basic exclude a header Authorization")
    return auth
