"""
The bodies of requests about signatures, and about what else a receiver asks of requests.  What is secret of
them is write-only: no answer shows it again.
"""

from __future__ import annotations

from base64 import b64decode
from typing import Annotated, Any, Final

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema, field_validator

from relay.api.operation import Given
from relay.config import auth_fields
from relay.config.auth_fields import MAX_BYTES, MAX_HEADERS, OWN_PREFIXES, OWN_WHOLE
from relay.config.signing_key import decode_signing_key

MAX_LOGIN: Final = 500
MAX_CHECKED_HEADERS: Final = 100
_GROUP: Final = "[A-Za-z0-9+/]"
_BASE64: Final = f"^({_GROUP}{{4}})*({_GROUP}{{2}}==|{_GROUP}{{3}}=)?$"


def _in_any_case(name: str) -> str:
    return "".join(f"[{letter.upper()}{letter}]" if letter.isalpha() else letter for letter in name)


_OWN: Final = "|".join(
    [_in_any_case(prefix) for prefix in OWN_PREFIXES] + [_in_any_case(name) + "$" for name in OWN_WHOLE]
)
_NAME: Final = f"^(?!{_OWN}){auth_fields.NAME_PATTERN.removeprefix('^')}"


def _is_signing_key(text: str) -> str:
    decode_signing_key(text)
    return text


SigningKey = Annotated[
    str,
    AfterValidator(_is_signing_key),
    Field(
        json_schema_extra={"pattern": f"^whsk_{_GROUP}{{43}}=$"},
        description="whsk_ and base64 of an ed25519 key; signs for v1a. Left out: made where v1a is to sign.",
    ),
]
Headers = Annotated[
    dict[str, str],
    WithJsonSchema(
        {
            "type": "object",
            "maxProperties": MAX_HEADERS,
            "propertyNames": {"pattern": _NAME},
            "additionalProperties": {
                "type": "string",
                "pattern": auth_fields.VALUE_PATTERN,
                "maxLength": MAX_BYTES,
            },
            "examples": [{"X-Token": "…"}],
        }
    ),
    Field(description="Headers of every request, none of relay's own; instead of all there were."),
]


class BasicGiven(Given):
    """
    A user and a password; neither: none.
    """

    user: Annotated[str, Field(max_length=MAX_LOGIN, pattern=auth_fields.USER_PATTERN)] = ""
    password: Annotated[str, Field(max_length=MAX_LOGIN, pattern=auth_fields.WITHOUT_CONTROLS)] = ""


class AuthGiven(Given):
    """
    What a receiver asks of requests besides signatures.
    """

    headers: Headers = Field(default_factory=dict)
    bearer: Annotated[str, Field(max_length=MAX_BYTES, pattern=auth_fields.WITHOUT_SPACES)] = Field(
        default="", description="Sent as `Authorization: Bearer …`; empty: none. Takes the place of basic."
    )
    basic: BasicGiven = Field(
        default=BasicGiven(), description="Sent as `Authorization: Basic …`. Takes the place of bearer."
    )

    @field_validator("headers")
    @classmethod
    def _can_be_sent(cls, headers: dict[str, str]) -> dict[str, str]:
        auth_fields.checked_headers(headers)
        return headers


def _one_body(schema: dict[str, Any]) -> None:
    schema["not"] = {"required": ["body", "body_base64"]}


class SignedRequest(Given):
    """
    A request as it arrived at a receiver.
    """

    model_config = ConfigDict(json_schema_extra=_one_body)

    headers: Annotated[dict[str, str], Field(max_length=MAX_CHECKED_HEADERS)] = Field(
        description="`webhook-id`, `webhook-timestamp` and `webhook-signature`; others are not looked at."
    )
    body: str = Field(default="", description="The body, where it is text …")
    body_base64: Annotated[str, Field(pattern=_BASE64)] = Field(
        default="", description="… or its bytes in base64, which is safer."
    )

    @field_validator("body_base64")
    @classmethod
    def _is_the_only_body(cls, given: str, info: Any) -> str:
        if info.data.get("body"):
            raise ValueError("body and body_base64 exclude each other")
        return given

    def body_bytes(self) -> bytes:
        """
        Return the bytes of the body.
        """
        return b64decode(self.body_base64) if self.body_base64 else self.body.encode()
