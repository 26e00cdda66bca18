"""
The corpus of linking cases: rows as the vendor sends them, and which of them are one conversation.

`linking_cases/*.json` hold, per case, `rows` (key, stream and the row) and `calls` (keys of each call).  A
case with `hard`, which says why, counts for recall alone: what would solve it would join strangers elsewhere.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Final

from relay.model.call import CALL_STREAMS, Leg
from relay.model.ids import row_digest
from tests.normalise.office import Office, Row

FOLDER: Final = Path(__file__).with_name("linking_cases")
LATER_S: Final = 400 * 86_400  # after every row of the corpus

Call = tuple[str, ...]


@dataclass(frozen=True)
class Shown:
    """
    A row of a case: what it is called there, and where it stands.
    """

    key: str
    stream: str
    row: Row


@dataclass(frozen=True)
class LinkingCase:
    """
    Rows, and the conversations that they are of.
    """

    topic: str
    name: str
    rows: tuple[Shown, ...]
    calls: tuple[Call, ...]
    is_hard: bool

    def __str__(self) -> str:
        return f"{self.topic}: {self.name}"

    @property
    def expected(self) -> list[Call]:
        """
        Return the calls; rows that are equal in all have one name.
        """
        return self.renamed(self.calls)

    def renamed(self, calls: Iterable[Iterable[str]]) -> list[Call]:
        """
        Return calls by the names of their rows, where equal rows have one name.
        """
        first: dict[bytes, str] = {}
        for shown in self.rows:
            first.setdefault(row_digest(shown.row), shown.key)
        names = {shown.key: first[row_digest(shown.row)] for shown in self.rows}
        return sorted(tuple(sorted(names[key] for key in call)) for call in calls)


def corpus() -> list[LinkingCase]:
    """
    Return all cases, by topic.
    """
    return [
        LinkingCase(
            topic=path.stem,
            name=case["name"],
            rows=tuple(Shown(**shown) for shown in case["rows"]),
            calls=tuple(tuple(call) for call in case["calls"]),
            is_hard="hard" in case,
        )
        for path in sorted(FOLDER.glob("*.json"))
        for case in json.loads(path.read_text())
    ]


def linked(case: LinkingCase, polls: Iterable[Sequence[Shown]], office: Office) -> list[Call]:
    """
    Read the rows of a case, some more with every poll, and return the calls they became.
    """
    seen: dict[str, list[Row]] = {stream: [] for stream in CALL_STREAMS}
    for poll in polls:
        for shown in poll:
            seen[shown.stream].append(shown.row)
        streams = {shown.stream for shown in poll}
        office.reads_together(LATER_S, {stream: seen[stream] for stream in CALL_STREAMS if stream in streams})
    return case.renamed(calls_of(case, office.legs.values()))


def calls_of(case: LinkingCase, legs: Iterable[Leg]) -> list[list[str]]:
    """
    Return the keys of the rows of each call; of equal rows each is given out once.
    """
    keys: dict[bytes, list[str]] = defaultdict(list)
    for shown in case.rows:
        keys[row_digest(shown.row)].append(shown.key)
    calls: dict[str, list[str]] = defaultdict(list)
    for leg in legs:
        calls[leg.call_id].append(keys[leg.facts.digest].pop())
    return list(calls.values())


def pairs(calls: Iterable[Call]) -> Counter[tuple[str, ...]]:
    """
    Return the pairs of rows that are of one call.
    """
    return Counter(pair for call in calls for pair in combinations(call, 2))


def started(shown: Shown) -> Any:
    """
    Return when a row began, for sorting.
    """
    return shown.row["call_start_at"], shown.row["call_finished_at"]


def finished(shown: Shown) -> Any:
    """
    Return when a row ended, for sorting.
    """
    return shown.row["call_finished_at"], shown.row["call_start_at"]
