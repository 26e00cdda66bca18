"""
The event stream: blocks of Server-Sent Events, read from the journal page by page.

A reader always knows where it is: every block carries the seq as its id, also where the filter let nothing
through, so that one that was cut off goes on where it stopped.
"""

from __future__ import annotations

import time
from asyncio import sleep
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Final

from relay.api.tail import EventTail
from relay.journal.api_port import ReadingJournal
from relay.model.errors import JournalBusy
from relay.model.event import StoredEvent
from relay.model.listing import EventFilter, Page

PAGE_EVENTS: Final = 500
BLOCK_BYTES: Final = 64 * 1024
HEARTBEAT_S: Final = 15.0
LOOK_S: Final = 1.0
BUSY_PAUSE_S: Final = 0.1
SHARE_S: Final = 0.01
LEAST_PACE_S: Final = 0.02
RECONNECT_MS: Final = 1_000


class Pace:
    """
    How often readers may ask the journal: all of them together a hundred times a second.
    """

    def __init__(self, heartbeat_s: float = HEARTBEAT_S) -> None:
        self.heartbeat_s = heartbeat_s
        self.readers = 0

    @property
    def pause_s(self) -> float:
        """
        Return the time that one reader leaves between two looks.
        """
        return max(LEAST_PACE_S, SHARE_S * self.readers)


async def event_blocks(
    reading: ReadingJournal, tail: EventTail, wanted: EventFilter, after: int, pace: Pace
) -> AsyncGenerator[bytes, None]:
    """
    Yield blocks for ever, beginning with the place `after`; an empty one whenever there was nothing to send.
    """
    place = told = after
    yield b"retry: %d\nid: %d\n\n" % (RECONNECT_MS, place)
    told_at = time.monotonic()
    while True:
        newest = tail.newest
        if newest > place:
            page = await _page(reading, wanted, place)
            for block in _blocks(page.items):
                yield block
                told_at = time.monotonic()
            if page.items:
                told = page.items[-1].seq
            else:
                yield b""
            place = _place_after(page, place, newest)
            await sleep(pace.pause_s)
        else:
            yield b""
            await tail.wait_beyond(place, min(LOOK_S, pace.heartbeat_s))
        if time.monotonic() - told_at >= pace.heartbeat_s:
            yield b": still here\n\n" if told == place else b": still here\nid: %d\n\n" % place
            told, told_at = place, time.monotonic()


async def _page(reading: ReadingJournal, wanted: EventFilter, place: int) -> Page[StoredEvent]:
    try:
        return await reading.list_events(wanted, str(place), PAGE_EVENTS)
    except JournalBusy:
        await sleep(BUSY_PAUSE_S)
        return Page((), str(place))


def _place_after(page: Page[StoredEvent], place: int, newest: int) -> int:
    if page.next is not None:
        return int(page.next)
    # The last page: the journal was read at least as far as it was known to be before.
    return max(place, newest, page.items[-1].seq if page.items else 0)


def _blocks(events: Sequence[StoredEvent]) -> Iterator[bytes]:
    pieces: list[bytes] = []
    size = 0
    for event in events:
        # The id comes last: whoever is cut off in the middle has not seen it.
        piece = b"event: %s\ndata: %s\nid: %d\n\n" % (event.type.encode(), event.body, event.seq)
        pieces.append(piece)
        size += len(piece)
        if size >= BLOCK_BYTES:
            yield b"".join(pieces)
            pieces, size = [], 0
    if pieces:
        yield b"".join(pieces)
