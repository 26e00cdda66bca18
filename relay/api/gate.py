"""
How many requests there may be at a time: the API runs beside the deliveries, and may not hold them up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from relay.api.problems import BUSY, CONFLICT, Refused
from relay.journal.api_port import Once

AT_ONCE: Final = 2
WAITING: Final = 200
STREAMS: Final = 100


class Gate:
    """
    Works on a few requests at a time, lets some more wait, and refuses the rest; readers of the event stream
    are counted apart.

    Args:
        at_once: requests that are worked on at the same time.
        waiting: requests that may wait besides.
        streams: readers of the event stream.
    """

    def __init__(self, at_once: int = AT_ONCE, waiting: int = WAITING, streams: int = STREAMS) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._large = asyncio.Semaphore(1)
        self._room = at_once + waiting
        self._streams = streams
        self._under_way: set[tuple[str, str]] = set()

    @contextmanager
    def enter(self) -> Iterator[None]:
        """
        Hold a place from the first byte of the body to the answer.

        Raises:
            Refused: 503, there is none.
        """
        if not self._room:
            raise Refused(BUSY.about("Too many requests wait already; try again."))
        self._room -= 1
        try:
            yield
        finally:
            self._room += 1

    @property
    def turn(self) -> asyncio.Semaphore:
        """
        Return what to wait for before working, and to hold while working.
        """
        return self._turns

    @property
    def large(self) -> asyncio.Semaphore:
        """
        Return what to wait for before reading a large body, and to hold while working on it: they would fill
        the memory.
        """
        return self._large

    @contextmanager
    def stream(self) -> Iterator[None]:
        """
        Hold the place of a reader of the event stream.

        Raises:
            Refused: 503, there is none.
        """
        if not self._streams:
            raise Refused(BUSY.about("Too many readers of the event stream; try again."))
        self._streams -= 1
        try:
            yield
        finally:
            self._streams += 1

    @contextmanager
    def alone(self, once: Once) -> Iterator[None]:
        """
        Hold an Idempotency-Key while its request is worked on.

        Raises:
            Refused: 409, another request with it is.
        """
        mark = (once.owner, once.key)
        if mark in self._under_way:
            raise Refused(CONFLICT.about("A request with this Idempotency-Key is being worked on."))
        self._under_way.add(mark)
        try:
            yield
        finally:
            self._under_way.remove(mark)
