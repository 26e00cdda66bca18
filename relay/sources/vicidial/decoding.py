"""
The bytes of an answer as lines of text.
"""

from __future__ import annotations

from typing import NamedTuple


class Text(NamedTuple):
    """
    The lines of an answer; `is_cut` where the last one does not end with a newline.
    """

    lines: tuple[str, ...]
    is_cut: bool


def read_text(body: bytes) -> Text:
    """
    Split at newlines only, and decode each line for itself: UTF-8, else Latin-1.

    A server whose database connection is Latin-1 labels its bytes UTF-8; one damaged byte then spoils one
    line and not the names of all.
    """
    pieces = body.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    is_cut = bool(pieces[-1])
    if not is_cut:
        pieces.pop()
    return Text(tuple(map(_decoded, pieces)), is_cut)


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")
