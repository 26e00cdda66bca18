"""
Takes secrets out of what is about to be written to a log.
"""

from __future__ import annotations

import re
from typing import Any, Final

REDACTED: Final = "***"
MAX_DEPTH: Final = 6

_NAMES: Final = r"(?:authorization|token|password|passwd|secret|api[_-]?key|id[_-]?key)"
_SECRET_KEY: Final = re.compile(rf"(?:^|[^a-z]){_NAMES}$", re.IGNORECASE)
_RULES: Final = (
    # The key of a webhook, wherever it stands.
    (re.compile(r"\bwhs(?:ec|k)_[A-Za-z0-9+/=_-]+"), REDACTED),
    # Authorization: Bearer …, and the same as a dictionary prints it.
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{6,}"), rf"\1 {REDACTED}"),
    # token=…, 'password': '…', "api_key": "…"
    (
        re.compile(rf"(?i)((?<![a-z]){_NAMES}[\"']?\s*[:=]\s*)(?!(?:bearer|basic)\s)(\"[^\"]*\"|'[^']*'|[^\s\"'&,;)}}]+)"),
        rf"\1{REDACTED}",
    ),
    # postgresql://user:password@host
    (re.compile(r"(://[^\s:/@]*:)[^\s/@]+@"), rf"\1{REDACTED}@"),
)  # fmt: skip


def redact(text: str) -> str:
    """
    Return the text with everything that looks like a secret replaced.
    """
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def redact_value(value: Any, key: str = "", depth: int = 0) -> Any:
    """
    Return a JSON value without its secrets; other objects become their text, what is too deep its kind.
    """
    if key and _SECRET_KEY.search(key):
        return REDACTED
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth >= MAX_DEPTH:
        return type(value).__name__
    if isinstance(value, dict):
        return {str(name): redact_value(inner, str(name), depth + 1) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(inner, "", depth + 1) for inner in value]
    return redact(str(value))
