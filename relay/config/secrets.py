"""
Secrets: read once from the file, the environment or a file of their own, and never printed.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, LiteralString

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

MAX_SECRET_FILE_BYTES: Final = 64 * 1024
SHOWN: Final = "configured"
WRONG_SHAPE: Final = "secret_shape"
SHAPE: Final = 'must be a text, { env = "NAME" } or { file = "PATH" }'


class Secret:
    """
    A text that only `reveal` gives away: printed, logged or dumped it reads `configured`.

    Written in the configuration as a text, as `{ env = "NAME" }` or as `{ file = "PATH" }`; a relative
    path starts at the folder of the configuration file, and one trailing newline is not part of the secret.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """
        Return the secret itself.
        """
        return self._text

    def __repr__(self) -> str:
        return SHOWN

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError("a secret is never written out")

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            _secret, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": ["string", "object"], "description": SHAPE}


def _secret(given: object, info: ValidationInfo) -> Secret:
    if isinstance(given, Secret):
        return given
    context: Mapping[str, Any] = info.context or {}
    text = _text_of(given, context.get("environ", {}), context.get("folder", Path()))
    if not text:
        raise _fault("is empty")
    return Secret(text)


def _text_of(given: object, environ: Mapping[str, str], folder: Path) -> str:
    match given:
        case str():
            return given
        case {"env": str(name), **rest} if not rest:
            if name not in environ:
                raise _fault("environment variable {name} is not set", name=name)
            return environ[name]
        case {"file": str(path), **rest} if not rest:
            return _read(folder / path)
    raise PydanticCustomError(WRONG_SHAPE, SHAPE)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SECRET_FILE_BYTES + 1)
        text = content.decode()
    except OSError as error:
        raise _fault("file {path} cannot be read: {why}", path=str(path), why=str(error.strerror)) from error
    except ValueError as error:  # not UTF-8, or a path no system could have
        raise _fault("file {path} is not readable as UTF-8 text", path=str(path)) from error
    if len(content) > MAX_SECRET_FILE_BYTES:
        raise _fault("file {path} is over {limit} bytes", path=str(path), limit=MAX_SECRET_FILE_BYTES)
    return text.removesuffix("\n").removesuffix("\r")


def _fault(problem: LiteralString, **words: str | int) -> PydanticCustomError:
    return PydanticCustomError("secret", problem, words)
