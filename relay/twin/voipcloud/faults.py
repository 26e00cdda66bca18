"""
Which faults are on: switched by name or as objects, in process or by POST /control.

What there is (`relay.twin.voipcloud.fault_kinds`), and what each of them needs to matter:

    late_rows            Show rows `by_s` seconds late, user rows only once finished where `only_finished`.
    unstable_ties        Put the rows of one start second into another order at each request.
    insertion_drift      Let `calls` calls appear above before each later page of a walk.
    largest_page         Refuse a limit above `rows`, and an offset above it too where `refuses_offsets`.
                         Needs more rows than the largest page.
    empty_once           Answer an empty list once for each stream meant.
    short_page           Give no more than the newest `rows` of the rows asked for, as if there were no
                         others.
    retention            Show no row any more that began over `keep_s` seconds ago.
    stale_page           Answer as of the instant at which it was switched on, as a cache does, which tells
                         by Date and Age.
    garbled_row          Spoil the start of the row of `stream` that finished as number `row`; none: the next
                         to finish.
    rename               Show other names in all rows, past and future: old name to new; none at all: the
                         first of each kind.
    twins                Double a `share` of the calls of single users: equal numbers in one second, or,
                         `is_same_row`, equal rows.
    corrected_durations  Move the end of a `share` of the answered calls by `by_s`, `after_s` seconds after
                         they ended.
    skew                 Set the clock of the phone system `by_s` seconds off; set back, it stands still
                         until time caught up.
    naive_times          Write times without an offset: two hours look the same when the clocks go back.
                         Needs a false clock.
    too_many_requests    Answer 429, naming `retry_after_s`, or without the header where that is null.
    shared_key           Let another client of the key use `requests` of each window; none: half of it.
    wrong_token          Answer 401, as to a token that is wrong.
    blocked_address      Answer 401, as to an address outside the whitelist.
    not_found            Answer 404, "Tenant or required data not found".
    code_zero            Answer HTTP 200 with code 0, "Unknown error".
    server_error         Answer a status from 500 on.
    html_page            Answer HTTP 200 with a page of HTML, as a proxy does.
    truncated            Cut the JSON in the middle of a complete answer.
    dropped              Drop the connection instead of answering, or, `is_halfway`, in the middle of the
                         answer.
    slow                 Answer `by_s` seconds late. Needs real time.

A row that is open and then finished needs no switch: user rows always change so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from relay.twin.voipcloud.fault_kinds import FAULTS, AnswerFault, Fault, StreamFault, name_of

F = TypeVar("F", bound=Fault)
S = TypeVar("S", bound=StreamFault)
A = TypeVar("A", bound=AnswerFault)
FaultDetails = Mapping[str, Any]


@dataclass(slots=True)
class _Switched:
    fault: Fault
    since: int
    times_left: int | None


class Faults:
    """
    The switches of one phone system.

    Args:
        bring_up: lets the phone system do all it does by now, and returns its second; asked before each
            change, so that a fault never reaches back.
    """

    def __init__(self, bring_up: Callable[[], int]) -> None:
        self._bring_up = bring_up
        self._on: dict[type[Fault], _Switched] = {}
        self._watchers: list[Callable[[type[Fault]], None]] = []

    def watch(self, watcher: Callable[[type[Fault]], None]) -> None:
        """
        Call `watcher` with its kind after a fault was switched on or off.
        """
        self._watchers.append(watcher)

    def on(self, fault: Fault) -> None:
        """
        Switch a fault on; one of its kind that is on gives way to it.
        """
        times = fault.times if isinstance(fault, AnswerFault) else None
        self._on[type(fault)] = _Switched(fault, self._bring_up(), times)
        self._tell(type(fault))

    def off(self, *names: str) -> None:
        """
        Switch faults off; without a name all of them.  One that is not on stays so.

        Raises:
            ValueError: no fault has this name.
        """
        kinds = [_kind(name) for name in names] if names else list(self._on)
        self._bring_up()
        for kind in kinds:
            if self._on.pop(kind, None) is not None:
                self._tell(kind)

    def switch(self, said: Mapping[str, FaultDetails | None]) -> None:
        """
        Switch several by name: details switch on, {} with what is usual, and None switches off.

        Raises:
            ValueError: no fault has this name, or it has no such details; then nothing was switched.
        """
        wanted = [
            (name, None if details is None else read_fault(name, details)) for name, details in said.items()
        ]
        for name, fault in wanted:
            if fault is None:
                self.off(name)
            else:
                self.on(fault)

    def get(self, kind: type[F]) -> F | None:
        """
        Return the fault of a kind where it is on.
        """
        switched = self._on.get(kind)
        return switched.fault if switched is not None and isinstance(switched.fault, kind) else None

    def of_stream(self, kind: type[S], stream: str | None) -> S | None:
        """
        Return the fault of a kind where it is on for a stream; None is a request for no stream.
        """
        fault = self.get(kind) if self._on else None
        return fault if fault is not None and fault.stream in (None, stream) else None

    def take(self, kind: type[A], stream: str | None) -> A | None:
        """
        Return the fault where it is on for a stream, and count that it was played once more.
        """
        fault = self.of_stream(kind, stream)
        if fault is not None:
            switched = self._on[kind]
            if switched.times_left is not None:
                switched.times_left -= 1
                if switched.times_left == 0:
                    self.off(name_of(kind))
        return fault

    def since(self, kind: type[Fault]) -> int:
        """
        Return at which second a fault that is on was switched on.
        """
        return self._on[kind].since

    def as_json(self) -> dict[str, dict[str, Any]]:
        """
        Return the faults that are on, with their details.
        """
        return {name_of(kind): asdict(switched.fault) for kind, switched in self._on.items()}

    def _tell(self, kind: type[Fault]) -> None:
        for watcher in self._watchers:
            watcher(kind)


def read_fault(name: str, details: FaultDetails) -> Fault:
    """
    Make a fault from its name and details; what is left out is as usual.

    Raises:
        ValueError: no fault has this name, or it has no such details.
    """
    kind = _kind(name)
    try:
        return kind(**details)
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise ValueError(f"{name}: {told}") from error
    except TypeError as error:
        raise ValueError(f"{name} needs an object with its details") from error


def _kind(name: str) -> type[Fault]:
    if name not in FAULTS:
        raise ValueError(f"there is no fault {name!r}, only {', '.join(FAULTS)}")
    return FAULTS[name]
