"""
Answers that are neither messages nor tables: a version, one field of a lead, an agent's in-groups as text,
whether a number may be called now.
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
_CALLABLE: Final = re.compile(r"([A-Z]{4,10}): ?([01])\|(-?[0-9.]*)")
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
    row: dict[str, Any] = {}
    for line in filter(str.strip, lines):
        match = _LABEL.fullmatch(line.rstrip("\r"))
        if match is None:
            return None
        row[match.group(1).lower().replace(" ", "_")] = match.group(2)
    return row or None


def read_callable(line: str) -> list[Mapping[str, str]] | None:
    """
    Read `AREACODE: 1|-5#POSTAL: 0|-5#PHONE: …`, a row for each way to find the time zone; None where it is
    something else.
    """
    results, phone, _ = line.partition("#PHONE: ")
    matches = [_CALLABLE.fullmatch(part) for part in results.split("#")]
    if not phone or any(match is None for match in matches):
        return None
    names = ("method", "is_dialable", "gmt_offset")
    return [dict(zip(names, match.groups(), strict=True)) for match in matches if match is not None]
