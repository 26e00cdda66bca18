"""
Read the lines of an answer as rows of one function.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from relay.model.vendor_answer import RejectedLine
from relay.sources.vicidial.columns import ONE_ROW, TABLES, Columns, build_number, is_newer
from relay.sources.vicidial.fields import Split, split_row
from relay.sources.vicidial.noise import is_page, why_unreadable

DELIMITERS: Final = {"pipe": "|", "csv": ",", "tab": "\t"}
STAGES: Final = tuple(DELIMITERS)
MAX_LINES_OF_ROW: Final = 4  # a name with three newlines
MAX_UNREADABLE: Final = 100  # then the rest of the answer is not worth the time
AMBIGUOUS: Final = "can be read in two ways"
_HEADER_WORDS: Final = {
    # What the documents call a column that the server calls otherwise.
    function: {name for columns in TABLES[function] for name in columns.names}
    | {"call_id", "computer_ip", "total_wait_time"}
    for function in TABLES
}


class Row(NamedTuple):
    """
    One row by column name, the line that it began with, and how many delimiters and newlines
    its free text holds.
    """

    values: dict[str, Any]
    line: str
    joined: int


class Reading(NamedTuple):
    """
    The rows of an answer and the lines that are none.
    """

    rows: list[Row]
    rejected: list[RejectedLine]

    @property
    def joined(self) -> int:
        """
        Return how much was taken for free text.
        """
        return sum(row.joined for row in self.rows)


def read_table(function: str, version: str | None, stage: str, lines: Sequence[str]) -> Reading:
    """
    Read the rows of a function that has known columns.

    One stage and one set of columns hold for the whole answer: those that leave the fewest lines unread and
    take the fewest delimiters for text.  The stage asked for comes first, but a server answers in pipe when
    it does not know the stage.  A line that two sets of columns read differently is rejected.
    """
    build = build_number(version)
    best: Reading | None = None
    for delimiter in [DELIMITERS[stage], *(other for name, other in DELIMITERS.items() if name != stage)]:
        for columns in TABLES[function]:
            if not columns.is_sent_by(build):
                continue
            reading = _read(function, lines, delimiter, columns, is_newer(build))
            best = reading if best is None else _better(best, reading)
            if not best.rejected and not best.joined:
                return _checked(function, best)
    return _checked(function, best if best is not None else Reading([], []))


def _better(best: Reading, other: Reading) -> Reading:
    key, other_key = (len(best.rejected), best.joined), (len(other.rejected), other.joined)
    if key != other_key:
        return best if key < other_key else other
    same = {row.line: row.values for row in other.rows}
    both = Reading([], list(best.rejected))
    for row in best.rows:
        if row.joined and same.get(row.line, row.values) != row.values:
            both.rejected.append(RejectedLine(row.line, AMBIGUOUS))
        else:
            both.rows.append(row)
    return both


def _read(function: str, lines: Sequence[str], delimiter: str, columns: Columns, takes_more: bool) -> Reading:
    reading = Reading([], [])
    position = 0
    while position < len(lines):
        line = lines[position]
        position += 1
        if not line.strip() or (not reading.rows and _is_header(function, line, delimiter)):
            continue
        split, taken = _row_at(lines, position - 1, delimiter, columns, takes_more)
        if isinstance(split, Split):
            values: dict[str, Any] = dict(zip(columns.names, split.values, strict=True))
            if split.extra:
                values["extra"] = split.extra
            reading.rows.append(Row(values, line, split.joined + taken))
            position += taken
        else:
            why = split if split == AMBIGUOUS else why_unreadable(line)
            reading.rejected.append(RejectedLine(line, why))
        if len(reading.rejected) == MAX_UNREADABLE and position < len(lines):
            reading.rejected.append(RejectedLine("", f"{len(lines) - position} further lines were not read"))
            break
    return reading


def _row_at(
    lines: Sequence[str], position: int, delimiter: str, columns: Columns, takes_more: bool
) -> tuple[Split | str, int]:
    """
    Read the row that begins here; where its free text holds newlines it takes further lines.

    A further line is never a row by itself, and no shorter row may begin here.
    """
    line = lines[position]
    split = split_row(line.removesuffix("\r"), delimiter, columns, takes_more)
    if isinstance(split, Split) or split == AMBIGUOUS or not columns.free or is_page(line):
        return split, 0
    text = line
    for taken in range(1, MAX_LINES_OF_ROW):
        if position + taken >= len(lines) or text.count(delimiter) >= len(columns.names):
            break
        further = lines[position + taken]
        if isinstance(split_row(further, delimiter, columns, takes_more), Split):
            break
        text = f"{text}\n{further}"
        longer = split_row(text, delimiter, columns, takes_more)
        if isinstance(longer, Split) or longer == AMBIGUOUS:
            return longer, taken
    return split, 0


def _is_header(function: str, line: str, delimiter: str) -> bool:
    names = line.removesuffix("\r").split(delimiter)
    first = {columns.names[0] for columns in TABLES[function]}
    return len(names) > 1 and names[0] in first and _HEADER_WORDS[function].issuperset(names)


def _checked(function: str, reading: Reading) -> Reading:
    """
    Reject what cannot be: an agent logged in twice, or several rows where one thing was asked for.
    """
    if function in ONE_ROW and len(reading.rows) > 1:
        twice = [RejectedLine(row.line, "more than one row where one was asked for") for row in reading.rows]
        return Reading([], [*reading.rejected, *twice])
    if function != "logged_in_agents":
        return reading
    seen: set[str] = set()
    rows: list[Row] = []
    for row in reading.rows:
        if row.values["user"] in seen:
            reading.rejected.append(RejectedLine(row.line, "the agent has a row already"))
        else:
            seen.add(row.values["user"])
            rows.append(row)
    return Reading(rows, reading.rejected)
