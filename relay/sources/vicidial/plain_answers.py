"""
Answers that are neither messages nor tables: a version, one field of a lead, an agent's in-groups as text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from relay.model.vendor_answer import Message
from relay.sources.vicidial.noise import is_page

KIND_VERSION: Final = "VERSION"
_VERSION: Final = re.compile(r"VERSION: ([^|]+)\|((?:[A-Z]{2,6}: [^|]*\|)+)")
_NEEDED: Final = frozenset({"version", "build", "date", "epoch"})
_LABEL: Final = re.compile(r"([A-Z][A-Z ]{1,40}): ?(.*)")


def read_version(line: str) -> tuple[Message, Mapping[str, str]] | None:
    """
    Read `VERSION: …|BUILD: …|DATE: …|EPOCH: …|DST: …|TZ: …|TZNOW: …|`; None where it is not whole.
    """
    match = _VERSION.fullmatch(line.rstrip("\r"))
    if match is None:
        return None
    parts = match.group(2).removesuffix("|").split("|")
    pairs = {name.lower(): value for name, _, value in (part.partition(": ") for part in parts)}
    row = {"version": match.group(1), **pairs}
    return (Message(KIND_VERSION, match.group(1), tuple(parts)), row) if row.keys() >= _NEEDED else None


def read_value(lines: Sequence[str], is_cut: bool) -> Mapping[str, str] | None:
    """
    Read a lead's field: the whole answer, newlines too, as it ends without one; None where it is a page.
    """
    if any(map(is_page, lines)):
        return None
    return {"value": "\n".join(lines) + ("" if is_cut or not lines else "\n")}


def read_labels(lines: Sequence[str]) -> Mapping[str, Any] | None:
    """
    Read `SELECTED INGROUPS: …` and the lines under it as one row; None where a line has no label.
    """
    matches = [_LABEL.fullmatch(line.rstrip("\r")) for line in lines if line.strip()]
    if not matches or any(match is None for match in matches):
        return None
    return {
        match.group(1).lower().replace(" ", "_"): match.group(2) for match in matches if match is not None
    }
