"""
The log of an inbound number, read again and again.
"""

from __future__ import annotations

from datetime import timedelta

from relay.model.event import Event
from relay.model.ids import IdMaker
from relay.model.subject_state import DID, SubjectChange, SubjectState
from relay.normalise.dialer_logs import LoggedCall
from relay.normalise.did_log import DidEvents, calls_of_day
from relay.normalise.subject_events import new_subject
from tests.normalise.dialer_floor import stored
from tests.normalise.office import at, check

NUMBER = "3125551212"
TODAY = "2026-11-20"


def logged(
    second: float, length_s: int | None, phone: str = "7275551212", wall: str | None = None
) -> LoggedCall:
    """
    Return a row of the log.
    """
    wall = wall or f"{at(second) - timedelta(hours=5):%Y-%m-%d %H:%M:%S}"
    return LoggedCall(phone, NUMBER, wall, at(second), length_s, None, None, None, None)


class Number:
    """
    A number whose log is read; its state is kept as the journal keeps it.
    """

    def __init__(self) -> None:
        self._events = DidEvents(IdMaker(b"key of the numbers' log"), "US")
        self.state: SubjectState = new_subject("dialer", DID, NUMBER, at(0))
        self._ids: set[str] = set()

    def read(
        self, second: float, *rows: LoggedCall, day: str = TODAY, call_id: str | None = None
    ) -> list[Event]:
        """
        Return the events of what is new.
        """
        fresh = calls_of_day(self.state, day, rows)
        if not fresh:
            return []
        call_ids = {} if call_id is None else {one.key: call_id for one in fresh}
        return self._take(self._events.told(self.state, day, fresh, call_ids, at(second)))

    def skip(self, second: float, *rows: LoggedCall, day: str = TODAY) -> list[Event]:
        """
        Take what is new silently.
        """
        return self._take(
            self._events.silent(self.state, day, calls_of_day(self.state, day, rows), at(second))
        )

    def _take(self, change: SubjectChange) -> list[Event]:
        assert self.state.revision == change.expected_revision
        for number, event in enumerate(change.events, self.state.revision + 1):
            assert (number, event.id not in self._ids) == (event.revision, True)
            self._ids.add(event.id)
            check(event)
        self.state = stored(change.state)
        return list(change.events)


def lengths(events: list[Event]) -> list[int | None]:
    """
    Return the lengths that are told.
    """
    return [event.data["duration_s"] for event in events]


def test_a_call_is_told_once_and_once_more_with_its_length() -> None:
    number = Number()

    (first,) = number.read(5, logged(0, None))
    assert ("did.call_logged", at(0), 1, ()) == (
        first.type, first.occurred_at, first.precision_s, first.changed,
    )  # fmt: skip
    assert {
        "did": NUMBER, "call_id": None, "from_raw": "7275551212", "from_e164": "+17275551212",
        "started_at": "2026-11-21T00:00:00.000Z", "duration_s": None,
    } == first.data  # fmt: skip
    assert [] == number.read(15, logged(0, None))
    (second,) = number.read(25, logged(0, 20), call_id="call_1")
    assert (("duration_s",), 20, "call_1") == (
        second.changed,
        second.data["duration_s"],
        second.data["call_id"],
    )
    assert [] == number.read(35, logged(0, 20))


def test_a_length_that_grows_once_it_is_told_is_no_news() -> None:
    number = Number()
    number.read(25, logged(0, 20))

    assert [] == number.read(35, logged(0, 25))


def test_two_calls_of_one_second_and_caller_are_two_calls() -> None:
    number = Number()

    assert [20, None] == lengths(number.read(25, logged(0, None), logged(0, 20)))
    assert [] == number.read(30, logged(0, 20), logged(0, None))
    assert [15] == lengths(number.read(40, logged(0, 15), logged(0, 20)))
    assert [] == number.read(50, logged(0, 20), logged(0, 15))


def test_a_third_call_of_that_second_is_found_later() -> None:
    number = Number()
    number.read(25, logged(0, 20), logged(0, 20))

    assert [20] == lengths(number.read(35, *[logged(0, 20)] * 3))


def test_callers_and_seconds_are_told_apart_and_told_in_order() -> None:
    events = Number().read(90, logged(60, 5), logged(0, 5, ""), logged(0, 5))

    assert [(at(0), None), (at(0), "7275551212"), (at(60), "7275551212")] == [
        (event.occurred_at, event.data["from_raw"]) for event in events
    ]


def test_what_was_over_before_publishing_is_never_told() -> None:
    number = Number()

    assert [] == number.skip(100, logged(0, 20), logged(30, 20))
    assert [at(60)] == [
        event.occurred_at for event in number.read(110, logged(0, 20), logged(30, 20), logged(60, 9))
    ]


def test_a_row_of_a_repeated_hour_is_the_same_row_whichever_pass_it_is_read_as() -> None:
    number, wall = Number(), "2026-11-01 01:30:00"
    number.read(10, logged(0, 20, wall=wall), day="2026-11-01")

    assert [] == number.read(50_000, logged(3600, 20, wall=wall), day="2026-11-01")


def test_three_days_are_remembered_and_older_ones_forgotten() -> None:
    number = Number()
    days = [f"2026-11-{day}" for day in (20, 21, 22, 23)]
    for day in days:
        number.read(10, logged(0, 20), day=day)

    assert days[1:] == sorted(number.state.notes)
    assert [] == [event for day in days[1:] for event in number.read(20, logged(0, 20), day=day)]


def test_of_calls_of_one_second_a_corrected_length_is_not_taken_for_another_call() -> None:
    number = Number()
    number.read(25, logged(0, None), logged(0, 20))

    assert [] == number.read(30, logged(0, 25), logged(0, None))
    assert [30] == lengths(number.read(40, logged(0, 25), logged(0, 30)))
    assert [7, None] == lengths(number.read(50, *(logged(0, length) for length in (7, 25, 30, None))))
