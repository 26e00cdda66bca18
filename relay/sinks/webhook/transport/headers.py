"""
Request headers as bytes, safe against injection.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_NAME: Final = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
# Written by the transport itself; a second one would let two readers see two different requests.
_FRAMING: Final = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"connection", b"expect", b"upgrade")
)


def build_headers(pairs: Sequence[tuple[bytes, bytes]]) -> bytes:
    """
    Return header lines, each with its line end, in the order given.

    Raises:
        ValueError: a name or value with CR, LF, NUL or another character that has no place there, or a
            header that the transport writes.
    """
    for name, value in pairs:
        if not _NAME.fullmatch(name):
            raise ValueError("a header name holds a character that is not allowed")
        if not _VALUE.fullmatch(value):
            raise ValueError(f"the value of header {name.decode()} holds a control character")
        if name.lower() in _FRAMING:
            raise ValueError(f"header {name.decode()} is written by the transport")
    return b"".join(b"%b: %b\r\n" % pair for pair in pairs)
