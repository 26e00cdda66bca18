"""
Who acts over time: a generator for each, which yields the seconds until it goes on.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias

from relay.twin.vicidial.agenda import Agenda
from relay.twin.vicidial.calls import Call

# Yields seconds; gets the call that it was handed while it waited, or None where the time just passed.
Act: TypeAlias = Generator[float, Call | None, None]


class Acting:
    """
    Goes on with each act when its time has come; seconds are divided by `speed`.

    An act must not wake itself: what it does while it acts takes effect before its next yield.
    """

    def __init__(self, agenda: Agenda, speed: float) -> None:
        self._agenda = agenda
        self._speed = speed
        self._acts: dict[str, Act] = {}
        self._turns: dict[str, int] = {}

    def begin(self, name: str, act: Act) -> None:
        """
        Begin an act now; one of the same name is dropped.
        """
        self._acts[name] = act
        self._go_on(name, None)

    def wake(self, name: str, call: Call) -> None:
        """
        Hand a call to an act that waits.
        """
        self._go_on(name, call)

    def drop(self, name: str) -> None:
        """
        Let an act never go on.
        """
        self._acts.pop(name, None)
        self._turns[name] = self._turns.get(name, 0) + 1

    def _go_on(self, name: str, call: Call | None) -> None:
        turn = self._turns[name] = self._turns.get(name, 0) + 1
        act = self._acts[name]
        try:
            seconds = next(act) if call is None else act.send(call)
        except StopIteration:
            self.drop(name)
            return
        self._agenda.after(seconds / self._speed, lambda: self._due(name, turn))

    def _due(self, name: str, turn: int) -> None:
        if self._turns[name] == turn:
            self._go_on(name, None)
