"""
The file of agent mappings that `relay agent-mappings import` reads: CSV with a line of names at its head.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import Final

Row = dict[str, str]

MAX_ROWS: Final = 10_000  # as many as a source may have
REQUIRED: Final = ("agent_id", "external_id")
KNOWN: Final = ("source_id", *REQUIRED, "description")


def read_mappings(lines: Iterable[str], source_id: str | None) -> list[Row]:
    """
    Return all mappings of a file, each with its source, ids and description.

    Args:
        lines: of the file.
        source_id: the source of rows that name none.

    Raises:
        ValueError: with words for a person; nothing of such a file is to be used.
    """
    try:
        reader = csv.DictReader(lines, strict=True)
        names = _names(reader.fieldnames or ())
        reader.fieldnames = names
        rows: dict[tuple[str, str], Row] = {}
        for given in reader:
            row = _row(given, source_id, reader.line_num)
            key = row["source_id"], row["agent_id"]
            if key in rows:
                raise ValueError(f"line {reader.line_num}: agent {key[1]} of {key[0]} was there already")
            rows[key] = row
            if len(rows) > MAX_ROWS:
                raise ValueError(f"has more than {MAX_ROWS} mappings")
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"is no CSV: {error}") from error
    return list(rows.values())


def _names(given: Iterable[str]) -> list[str]:
    # Spreadsheets begin a UTF-8 file with a mark.
    names = [name.strip().removeprefix("\ufeff").lower() for name in given]
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise ValueError(f"its first line must name the columns; missing: {', '.join(missing)}")
    unknown = [name for name in names if name not in KNOWN]
    if unknown:
        raise ValueError(f"knows {', '.join(KNOWN)}, not {', '.join(unknown)}")
    if len(set(names)) < len(names):
        raise ValueError("names a column twice")
    return names


def _row(given: dict[str | None, object], source_id: str | None, line: int) -> Row:
    values = {name: value.strip() for name, value in given.items() if name and isinstance(value, str)}
    if None in given:
        raise ValueError(f"line {line}: has more values than the first line has names")
    row = {"source_id": values.get("source_id") or source_id or ""}
    row |= {name: values.get(name, "") for name in (*REQUIRED, "description")}
    for name in ("source_id", *REQUIRED):
        if not row[name]:
            hint = " (or give --source)" if name == "source_id" else ""
            raise ValueError(f"line {line}: {name} is missing{hint}")
    return row
