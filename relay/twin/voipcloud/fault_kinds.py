"""
Every fault that a VoIPcloud API can show and this twin can play: one class each, its fields the details.

Values are checked wherever a fault is made, by a test or by POST /control; a wrong one is a ValueError.
`None` as `stream` is every stream; `times` ends a fault by itself after so many answers.
"""

from __future__ import annotations

import re
from dataclasses import field
from inspect import cleandoc
from textwrap import fill
from typing import Annotated, ClassVar, Final, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

Stream = Literal["user_calls", "ringgroup_calls", "queue_calls"]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]

FALSE_CLOCK: Final = "a false clock"
REAL_TIME: Final = "real time"
LARGE_PAGE: Final = "more rows than the largest page"
TABLE_WIDTH: Final = 105

_CHECKED: Final = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, config=_CHECKED)
class Fault:
    """
    Something that goes wrong until it is switched off.  `needs` is what must be so for it to matter.
    """

    needs: ClassVar[str | None] = None


@dataclass(frozen=True, config=_CHECKED)
class StreamFault(Fault):
    """
    A fault of one stream, or of all.
    """

    stream: Stream | None = None


@dataclass(frozen=True, config=_CHECKED)
class AnswerFault(StreamFault):
    """
    A fault of whole answers, of the system status too where no stream is named.
    """

    times: Positive | None = None


@dataclass(frozen=True, config=_CHECKED)
class LateRows(StreamFault):
    """
    Show rows `by_s` seconds late, user rows only once finished where `only_finished`.

    Rows that showed before it was switched on stay.
    """

    by_s: Annotated[int, Field(ge=0)] = 30
    only_finished: bool = False


@dataclass(frozen=True, config=_CHECKED)
class UnstableTies(StreamFault):
    """
    Put the rows of one start second into another order at each request.
    """


@dataclass(frozen=True, config=_CHECKED)
class InsertionDrift(Fault):
    """
    Let `calls` calls appear above before each later page of a walk.
    """

    calls: Positive = 3


@dataclass(frozen=True, config=_CHECKED)
class LargestPage(Fault):
    """
    Refuse a limit above `rows`, and an offset above it too where `refuses_offsets`.
    """

    needs: ClassVar[str | None] = LARGE_PAGE
    rows: Positive = 100
    refuses_offsets: bool = False


@dataclass(frozen=True, config=_CHECKED)
class EmptyOnce(StreamFault):
    """
    Answer an empty list once for each stream meant.
    """


@dataclass(frozen=True, config=_CHECKED)
class ShortPage(StreamFault):
    """
    Give no more than the newest `rows` of the rows asked for, as if there were no others.
    """

    rows: Positive = 3


@dataclass(frozen=True, config=_CHECKED)
class Retention(StreamFault):
    """
    Show no row any more that began over `keep_s` seconds ago.
    """

    keep_s: Positive = 10


@dataclass(frozen=True, config=_CHECKED)
class StalePage(StreamFault):
    """
    Answer as of the instant at which it was switched on, as a cache does, which tells by Date and Age.

    A cache that hides it (`shows_age` false) says that the answer is fresh.
    """

    shows_age: bool = True


@dataclass(frozen=True, config=_CHECKED)
class GarbledRow(Fault):
    """
    Spoil the start of the row of `stream` that finished as number `row`; none: the next to finish.
    """

    stream: Stream = "user_calls"
    row: Annotated[int, Field(ge=0)] | None = None


@dataclass(frozen=True, config=_CHECKED)
class Rename(Fault):
    """
    Show other names in all rows, past and future: old name to new; none at all: the first of each kind.
    """

    users: dict[str, str] = field(default_factory=dict)
    queues: dict[str, str] = field(default_factory=dict)
    ring_groups: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, config=_CHECKED)
class Twins(Fault):
    """
    Double a `share` of the calls of single users: equal numbers in one second, or, `is_same_row`, equal rows.

    Nobody can tell equal rows of one call from those of two, so either way the truth holds two calls.
    """

    share: Share = 0.3
    is_same_row: bool = False


@dataclass(frozen=True, config=_CHECKED)
class CorrectedDurations(Fault):
    """
    Move the end of a `share` of the answered calls by `by_s`, `after_s` seconds after they ended.
    """

    share: Share = 0.3
    after_s: Positive = 3
    by_s: int = 2

    def __post_init__(self) -> None:
        if self.by_s == 0 or self.by_s > self.after_s:
            raise ValueError("by_s must not be 0, nor above after_s: no end is in the future")


@dataclass(frozen=True, config=_CHECKED)
class Skew(Fault):
    """
    Set the clock of the phone system `by_s` seconds off; set back, it stands still until time caught up.
    """

    by_s: int = 7


@dataclass(frozen=True, config=_CHECKED)
class NaiveTimes(Fault):
    """
    Write times without an offset: two hours look the same when the clocks go back.
    """

    needs: ClassVar[str | None] = FALSE_CLOCK


@dataclass(frozen=True, config=_CHECKED)
class TooManyRequests(AnswerFault):
    """
    Answer 429, naming `retry_after_s`, or without the header where that is null.
    """

    retry_after_s: Positive | None = 2


@dataclass(frozen=True, config=_CHECKED)
class SharedKey(Fault):
    """
    Let another client of the key use `requests` of each window; none: half of it.
    """

    requests: Positive | None = None


@dataclass(frozen=True, config=_CHECKED)
class WrongToken(AnswerFault):
    """
    Answer 401, as to a token that is wrong.
    """


@dataclass(frozen=True, config=_CHECKED)
class BlockedAddress(AnswerFault):
    """
    Answer 401, as to an address outside the whitelist.
    """


@dataclass(frozen=True, config=_CHECKED)
class NotFound(AnswerFault):
    """
    Answer 404, "Tenant or required data not found".
    """


@dataclass(frozen=True, config=_CHECKED)
class CodeZero(AnswerFault):
    """
    Answer HTTP 200 with code 0, "Unknown error".
    """


@dataclass(frozen=True, config=_CHECKED)
class ServerError(AnswerFault):
    """
    Answer a status from 500 on.
    """

    status: Annotated[int, Field(ge=500, le=599)] = 500


@dataclass(frozen=True, config=_CHECKED)
class HtmlPage(AnswerFault):
    """
    Answer HTTP 200 with a page of HTML, as a proxy does.
    """


@dataclass(frozen=True, config=_CHECKED)
class Truncated(AnswerFault):
    """
    Cut the JSON in the middle of a complete answer.
    """


@dataclass(frozen=True, config=_CHECKED)
class Dropped(AnswerFault):
    """
    Drop the connection instead of answering, or, `is_halfway`, in the middle of the answer.
    """

    is_halfway: bool = False


@dataclass(frozen=True, config=_CHECKED)
class Slow(AnswerFault):
    """
    Answer `by_s` seconds late.
    """

    needs: ClassVar[str | None] = REAL_TIME
    by_s: Annotated[float, Field(gt=0)] = 60.0


def name_of(kind: type[Fault]) -> str:
    """
    Return the name of a fault in /control and on the command line.
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()


def does(kind: type[Fault]) -> str:
    """
    Return what a fault does, in one sentence.
    """
    return " ".join(cleandoc(kind.__doc__ or "").partition("\n\n")[0].split())


FAULTS: Final[dict[str, type[Fault]]] = {
    name_of(kind): kind
    for kind in (
        LateRows, UnstableTies, InsertionDrift, LargestPage, EmptyOnce, ShortPage, Retention, StalePage,
        GarbledRow, Rename, Twins, CorrectedDurations, Skew, NaiveTimes, TooManyRequests, SharedKey,
        WrongToken, BlockedAddress, NotFound, CodeZero, ServerError, HtmlPage, Truncated, Dropped, Slow,
    )
}  # fmt: skip


def fault_table() -> str:
    """
    Return the faults as a table: name, what it does, and what it needs to matter.
    """
    column = max(map(len, FAULTS)) + 2
    return "\n".join(
        fill(
            f"{name:{column}}{does(kind)}" + (f" Needs {kind.needs}." if kind.needs else ""),
            width=TABLE_WIDTH,
            subsequent_indent=" " * column,
        )
        for name, kind in FAULTS.items()
    )
