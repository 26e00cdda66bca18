"""
Read the rows of a bulk job: NDJSON, a JSON object a line, or CSV with a header line.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

import orjson

from relay.api.problems import MALFORMED, FieldError, Refused, invalid
from relay.commands.bulk import UNREADABLE
from relay.journal.commands_port import MAX_BULK_ROWS

NDJSON: Final = "application/x-ndjson"
CSV: Final = "text/csv"
MAX_BYTES: Final = 32 * 1024 * 1024
MAX_COLUMNS: Final = 300
SHOWN: Final = 200
_BOM: Final = b"\xef\xbb\xbf"

Row = dict[str, Any]


def read_rows(body: bytes, media_type: str) -> list[Row]:
    """
    Return the rows; one that cannot be read is `{UNREADABLE: why}`, so that it gets its verdict like others.

    Raises:
        Refused: 400, no row, or not UTF-8; 422, too many rows, or a header that is none.
    """
    rows: list[Row] = []
    for row in _csv_rows(body) if media_type == CSV else _json_rows(body):
        if len(rows) >= MAX_BULK_ROWS:
            raise invalid([FieldError("body", f"has more than {MAX_BULK_ROWS} rows")])
        rows.append(row)
    if not rows:
        raise Refused(MALFORMED.about("There are no rows."))
    return rows


def _json_rows(body: bytes) -> Iterator[Row]:
    for line in body.removeprefix(_BOM).splitlines():
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            row = None
        if isinstance(row, dict) and len(row) <= MAX_COLUMNS:
            yield row
        else:
            yield {UNREADABLE: f"is no JSON object: {line[:SHOWN].decode('utf-8', 'replace')}"}


def _csv_rows(body: bytes) -> Iterator[Row]:
    try:
        text = body.removeprefix(_BOM).decode()
    except UnicodeDecodeError:
        raise Refused(MALFORMED.about("The body is not UTF-8.")) from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(header)
        for cells in reader:
            if cells:
                yield _csv_row(header, cells)
    except csv.Error as error:
        problem = f"is no CSV from line {reader.line_num} on: {error}"
        raise invalid([FieldError("body", problem)]) from None


def _check_header(header: list[str]) -> None:
    if not header:
        raise Refused(MALFORMED.about("There are no rows."))
    wrong = [FieldError("body", "the first line must name each column once, and none may be empty")]
    if "" in header or len(set(header)) < len(header) or len(header) > MAX_COLUMNS:
        raise invalid(wrong)


def _csv_row(header: list[str], cells: list[str]) -> Row:
    if len(cells) > len(header):
        return {UNREADABLE: f"has {len(cells)} columns, and the first line names {len(header)}"}
    # An empty cell is a parameter left out: CSV has no other word for it.
    return {name: cell for name, cell in zip(header, cells, strict=False) if cell}
