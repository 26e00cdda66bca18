"""
A request that arrived at a receiver, read from files.
"""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

MAX_BYTES: Final = 700_000  # of a body: base64 of more would be over what relay takes
MAX_HEADERS: Final = 100


def signed_request(headers: Path, body: BinaryIO) -> dict[str, Any]:
    """
    Return what `/verify` asks for.

    Args:
        headers: the file of the headers: lines `Name: value`, as curl -v shows them, or a JSON object.
        body: the bytes of the body, exactly.

    Raises:
        ValueError: they cannot be used; with words for a person.
    """
    content = body.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"the body has more than {MAX_BYTES} bytes")
    return {"headers": _headers(headers), "body_base64": b64encode(content).decode("ascii")}


def _headers(path: Path) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not text") from None
    found = _of_json(text) if text.lstrip().startswith("{") else _of_lines(text)
    wanted = {name: value for name, value in found.items() if name.lower().startswith("webhook-")}
    if len(wanted) > MAX_HEADERS:
        raise ValueError(f"{path} has more than {MAX_HEADERS} headers webhook-…")
    return wanted


def _of_json(text: str) -> dict[str, str]:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ValueError("the headers are neither lines nor JSON") from None
    return {str(name): str(value) for name, value in document.items()}


def _of_lines(text: str) -> dict[str, str]:
    """
    Read `Name: value`, also behind the `> ` or `< ` that curl puts before it.
    """
    parted = (line.lstrip("<> \t").partition(":") for line in text.splitlines())
    return {name.strip(): value.strip() for name, colon, value in parted if colon}
