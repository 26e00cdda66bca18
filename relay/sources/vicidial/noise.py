"""
What surrounds an answer and is none: PHP's warnings, debug lines, the page of a proxy.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

# `display_errors=On`: about 260 such blocks before and after one row (vicidial.md section 5).
_WARNING: Final = re.compile(r"(?:<br />)?\s*<b>(?:Warning|Notice|Deprecated|Strict Standards)</b>: ")
_PLAIN_WARNING: Final = re.compile(r"(?:PHP )?(?:Warning|Notice|Deprecated|Strict Standards): {1,2}\S")
_PLAIN_END: Final = re.compile(r" on line \d+\s*")
_BREAK: Final = "<br />"
HTML_PAGE: Final = "an HTML page"
_PAGE: Final = re.compile(r"<(?:!doctype|html|head|body|title)\b", re.IGNORECASE)
_DEBUG: Final = re.compile(r"\|?\s*(?:DEBUG:|(?:SELECT|UPDATE|INSERT|DELETE|REPLACE)\s)")


def without_warnings(lines: Sequence[str]) -> list[str]:
    """
    Return the lines without PHP's warnings.  A fatal error stays: what follows it is missing.
    """
    kept: list[str] = []
    for position, line in enumerate(lines):
        bare = line.strip()
        if bare == _BREAK or _is_warning(bare):
            continue
        following = lines[position + 1] if position + 1 < len(lines) else ""
        if line.endswith(_BREAK) and _WARNING.match(following):
            line = line.removesuffix(_BREAK)  # the warning's first line break, behind text without a newline
        kept.append(line)
    return kept


def _is_warning(line: str) -> bool:
    if _WARNING.match(line):
        return line.endswith(_BREAK) and " on line <b>" in line[-60:]
    end = line[max(0, line.rfind(" on line ")) :]
    return _PLAIN_WARNING.match(line) is not None and _PLAIN_END.fullmatch(end) is not None


def is_page(line: str) -> bool:
    """
    Return whether a line belongs to an HTML page.
    """
    return "<" in line and _PAGE.search(line) is not None


def why_unreadable(line: str) -> str:
    """
    Say what an unreadable line looks like.
    """
    if is_page(line):
        return HTML_PAGE
    if _DEBUG.match(line):
        return "a debug line"
    if "<b>Fatal error</b>" in line or "Fatal error: " in line:
        return "PHP ended early"
    return "not as documented"
