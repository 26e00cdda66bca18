"""
The active lists of a dialer, from answer to answer.
"""

from __future__ import annotations

import pytest

from relay.model.errors import RecordRejected
from relay.model.event import Event
from relay.model.ids import IdMaker
from relay.model.subject_state import SubjectState
from relay.normalise.lists import ListDiff
from relay.normalise.poll_times import PollTimes
from tests.normalise.dialer_floor import stored
from tests.normalise.office import at, check

Row = dict[str, str]


def row(list_id: str, name: str = "First list", campaign: str = "TESTCAMP") -> Row:
    """
    Return an active list.
    """
    return {"list_id": list_id, "list_name": name, "campaign_id": campaign}


class Lists:
    """
    Asks for lists every minute.
    """

    def __init__(self) -> None:
        self._diff = ListDiff("dialer", IdMaker(b"key of the dialer's lists"))
        self.states: dict[str, SubjectState] = {}
        self._minute = 0

    def ask(self, *rows: Row) -> list[Event]:
        """
        Return the events of an answer.
        """
        previous = at(self._minute * 60 - 60) if self._minute else None
        changes = self._diff.diff(self.states, rows, PollTimes(at(self._minute * 60), previous))
        self._minute += 1
        for change in changes:
            known = self.states.get(change.state.name)
            assert change.expected_revision == (known.revision if known else 0)
            self.states[change.state.name] = stored(change.state)
        events = [event for change in changes for event in change.events]
        assert [] != [check(event) for event in events] or not events
        return events


def told(events: list[Event]) -> list[tuple[str, bool, tuple[str, ...]]]:
    """
    Return which lists are told, whether they are active, and what changed.
    """
    return [(event.data["list_id"], event.data["active"], event.changed) for event in events]


def test_lists_that_appear_change_and_go() -> None:
    lists = Lists()

    assert [("101", True, ()), ("102", True, ())] == told(lists.ask(row("101"), row("102")))
    assert [] == lists.ask(row("102"), row("101"))
    assert [("101", True, ("list_name",))] == told(lists.ask(row("101", "Best"), row("102")))
    assert [] == lists.ask(row("101", "Best"))
    (gone,) = lists.ask(row("101", "Best"))
    assert ("102", False, ("active",), "First list") == (*told([gone])[0], gone.data["list_name"])
    assert [] == lists.ask(row("101", "Best"))
    assert [("102", True, ("active",))] == told(lists.ask(row("101", "Best"), row("102")))


def test_a_list_missing_once_was_there_all_the_time() -> None:
    lists = Lists()
    lists.ask(row("101"))

    assert [[], [], []] == [lists.ask(), lists.ask(row("101")), lists.ask()]
    assert {"101": {"missing_once": True}} == {name: state.notes for name, state in lists.states.items()}


def test_when_it_changed_lies_between_two_answers() -> None:
    lists = Lists()
    (first,) = lists.ask(row("101"))
    (second,) = lists.ask(row("101", "Best"))

    assert (None, at(30), 30) == (first.precision_s, second.occurred_at, second.precision_s)


def test_empty_names_are_not_known() -> None:
    (event,) = Lists().ask(row("101", "", " "))

    assert (None, None) == (event.data["list_name"], event.data["campaign"])


@pytest.mark.parametrize("odd", [{}, {"list_id": "101"}, row(""), row("101") | {"list_name": None}])
def test_odd_rows_are_rejected(odd: Row) -> None:
    with pytest.raises(RecordRejected):
        Lists().ask(row("102"), odd)
