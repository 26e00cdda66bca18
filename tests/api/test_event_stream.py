"""
The event stream: every seq once, whatever the connection does.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from relay.api.front_door import Patience
from relay.api.gate import Gate
from relay.api.operation import Reach
from relay.api.server import ApiSettings
from relay.api.stream import Pace, event_blocks
from relay.api.tail import EventTail
from relay.journal.api_port import ReadingJournal
from relay.model.errors import JournalBusy, JournalUnusable
from relay.model.event import StoredEvent
from relay.model.listing import EventFilter, Page
from tests.api.conftest import Api, running_api
from tests.api.reader import reading
from tests.journal.making import NOW, append_of, call_change

DEADLINE_S = 20.0


async def until(is_so: Callable[[], bool]) -> None:
    """
    Return once something is so.
    """
    async with asyncio.timeout(DEADLINE_S):
        while not is_so():  # noqa: ASYNC110 - other tasks make it so, and none of them tells
            await asyncio.sleep(0)


async def test_a_reader_gets_what_happens_from_now_on(api: Api) -> None:
    await api.append(append_of(call_change("a")))
    async with reading(api.client) as reader:
        first = await reader.block()
        appended = await api.append(append_of(call_change("b", events=2)))
        blocks = [await reader.block(), await reader.block()]

    assert ("3", None) == (first and first.id, first and first.data)
    assert "text/event-stream" == reader.answer.headers["Content-Type"]
    assert [("4", "call.updated"), ("5", "call.updated")] == [
        (one and one.id, one and one.event) for one in blocks
    ]
    assert [stored.id for stored in appended.events] == [one and one.data["id"] for one in blocks]


@pytest.mark.parametrize(
    ("parameters", "headers", "seqs"),
    [
        ("after=0", {}, [1, 2, 3, 4, 5, 6]),
        ("after=4", {}, [5, 6]),
        ("", {"Last-Event-ID": "2"}, [3, 4, 5, 6]),
        ("after=0", {"Last-Event-ID": "5"}, [6]),
        ("after=0&subject=call/pbx/b", {}, [4, 5, 6]),
        ("after=0&type=source.*&type=call.updated&source=pbx", {"Last-Event-ID": "000"}, [1, 2, 3, 4, 5, 6]),
    ],
)
async def test_a_reader_says_where_it_begins_and_what_it_wants(
    api: Api, parameters: str, headers: dict[str, str], seqs: list[int]
) -> None:
    for name in ("a", "b"):
        await api.append(append_of(call_change(name)))

    async with reading(api.client, parameters, headers) as reader:
        assert seqs == await reader.events(len(seqs))


async def test_a_reader_that_is_far_behind_gets_every_page(api: Api) -> None:
    for number in range(13):
        await api.append(append_of(call_change(f"call{number}", events=100)))

    async with reading(api.client, "after=0") as reader:
        assert list(range(1, 1301)) == await reader.events(1300)


@pytest.mark.parametrize("place", ["-1", "abc", "9" * 19, "1.5", "", "1 2", "\u0663"])
async def test_a_place_that_is_none_is_refused(api: Api, place: str) -> None:
    in_header = await api.ask("GET", "/v1/events/stream", headers={"Last-Event-ID": place})
    in_query = await api.ask("GET", f"/v1/events/stream?after={place}")

    assert (422, ["Last-Event-ID"]) == (in_header.status, list(in_header.faulty))
    assert (422, ["after"]) == (in_query.status, list(in_query.faulty))


async def test_a_list_has_no_place_by_header(api: Api) -> None:
    assert 200 == (await api.ask("GET", "/v1/events", headers={"Last-Event-ID": "abc"})).status


async def test_a_place_ahead_of_the_journal_is_refused(api: Api) -> None:
    """
    The journal was restored, or is another one: a reader that waited would hear nothing for a long time.
    """
    in_query = await api.ask("GET", "/v1/events/stream?after=999999999999999999")
    in_header = await api.ask("GET", "/v1/events/stream", headers={"Last-Event-ID": "1"})

    assert (422, ["after"]) == (in_query.status, list(in_query.faulty))
    assert (422, ["Last-Event-ID"]) == (in_header.status, list(in_header.faulty))


async def test_a_place_that_the_journal_has_and_the_loops_have_not_told_of_yet_is_taken(api: Api) -> None:
    await api.journal.append(append_of(call_change("a")))
    async with reading(api.client, "after=3") as reader:
        first = await reader.block()

    assert "3" == (first and first.id)


async def test_a_reader_at_the_end_hears_that_the_stream_lives(journal_path: Path) -> None:
    async with running_api(journal_path, change_reach=heartbeats) as api:
        async with reading(api.client, "after=0") as reader:
            first, second = await reader.block(), await reader.block()

    assert ("0", False) == (first and first.id, first and first.is_comment)
    assert (None, True) == (second and second.id, second and second.is_comment)


def heartbeats(reach: Reach) -> Reach:
    """
    Let the stream show a sign of life very often.
    """
    return replace(reach, pace=Pace(heartbeat_s=0.05))


async def test_a_silent_stream_shows_that_it_lives(journal_path: Path) -> None:
    async with running_api(journal_path, change_reach=heartbeats) as api, reading(api.client) as reader:
        blocks = [await reader.block() for _ in range(3)]

    assert [False, True, True] == [one and one.is_comment for one in blocks]


async def test_a_filter_that_lets_nothing_through_carries_the_place_forward(journal_path: Path) -> None:
    async with running_api(journal_path, change_reach=heartbeats) as api:
        async with reading(api.client, "type=source.*") as reader:
            await reader.block()
            await api.append(append_of(call_change("a")))
            async with asyncio.timeout(DEADLINE_S):
                while reader.last_event_id != "3":
                    block = await reader.block()

    assert (True, None) == (block and block.is_comment, block and block.data)


async def test_a_reader_that_drops_twenty_times_sees_every_seq_once(api: Api) -> None:
    drops, events = 20, 600

    async def write() -> None:
        for number in range(events // 3):
            await api.append(append_of(call_change(f"call{number}")))

    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        seen: list[int] = []
        place = "0"
        for drop in range(drops):
            async with reading(api.client, headers={"Last-Event-ID": place}) as reader:
                seen += await reader.events(1 + drop)
                place = reader.last_event_id
        async with reading(api.client, headers={"Last-Event-ID": place}) as reader:
            seen += await reader.events(events - len(seen))

    assert list(range(1, events + 1)) == seen


async def test_a_reader_that_went_away_gives_its_place_back(api: Api) -> None:
    async with reading(api.client) as reader:
        await reader.block()
        assert 1 == api.sample("relay_api_streams")

    await until(lambda: api.sample("relay_api_streams") == 0)


async def test_more_readers_than_there_are_places_are_refused(journal_path: Path) -> None:
    async with running_api(journal_path, settings=ApiSettings(gate=Gate(streams=1))) as api:
        async with reading(api.client) as reader:
            await reader.block()
            second = await api.ask("GET", "/v1/events/stream")

    assert ((503, "busy"), "1") == (second.problem, second.headers["Retry-After"])


async def test_a_reader_that_takes_nothing_is_cut_off_and_costs_the_others_nothing(
    journal_path: Path,
) -> None:
    padding = "x" * 100_000
    async with running_api(journal_path, settings=ApiSettings(patience=Patience(stall_s=0.2))) as api:
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(slow, api.listener.address)
            await loop.sock_sendall(
                slow, b"GET /v1/events/stream?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n"
            )
            async with reading(api.client, "after=0") as fast:
                seen = []
                for number in range(100):
                    change = call_change(f"call{number}", events=1)
                    (event,) = change.events
                    event.data["padding"] = padding
                    await api.append(append_of(change))
                    seen += await fast.events(1)
                await until(lambda: api.sample("relay_api_streams_cut_off_total") == 1)
                await api.append(append_of(call_change("last", events=1)))
                seen += await fast.events(1)
            rest = await asyncio.wait_for(rest_of(slow), DEADLINE_S)

    assert list(range(1, 102)) == seen
    assert not rest.endswith(b"0\r\n\r\n")  # broken off, not ended: nothing was kept for it


async def rest_of(connection: socket.socket) -> bytes:
    """
    Return what still comes until the other side has closed the connection.
    """
    rest = b""
    try:
        while piece := await asyncio.get_running_loop().sock_recv(connection, 65_536):
            rest = (rest + piece)[-100:]
    except ConnectionError:
        return rest
    return rest


async def test_streams_end_when_relay_stops(journal_path: Path) -> None:
    async with running_api(journal_path) as api:
        async with reading(api.client) as reader:
            await reader.block()
            api.stop.set()
            ended = asyncio.create_task(drained(reader.answer.content))
            await asyncio.wait_for(ended, DEADLINE_S)


async def drained(content: object) -> None:
    """
    Read to the end, whole or broken off.
    """
    assert isinstance(content, aiohttp.StreamReader)
    try:
        await content.read()
    except aiohttp.ClientPayloadError:
        return


class Unready:
    """
    A journal that fails at first; stands at `relay.journal.api_port.ReadingJournal`.
    """

    def __init__(self, failures: list[Exception], events: tuple[StoredEvent, ...]) -> None:
        self._failures = failures
        self._events = events

    async def list_events(self, wanted: EventFilter, after: str | None, limit: int) -> Page[StoredEvent]:
        """
        Fail, or return the events.
        """
        if self._failures:
            raise self._failures.pop(0)
        return Page(tuple(event for event in self._events if event.seq > int(after or 0)), None)


class Flowing(Unready):
    """
    A journal whose newest event is always another one, and never one that is wanted.
    """

    def __init__(self, tail: EventTail) -> None:
        super().__init__([], ())
        self._tail = tail

    async def list_events(self, wanted: EventFilter, after: str | None, limit: int) -> Page[StoredEvent]:
        """
        Find nothing, while something is appended.
        """
        self._tail.move_to(self._tail.newest + 1)
        return await super().list_events(wanted, after, limit)


def stored(seq: int) -> StoredEvent:
    """
    Make an event.
    """
    return StoredEvent(seq, f"evt_{seq}", "call.updated", "pbx", "call/pbx/a", seq, NOW, NOW, b"{}")


async def test_a_busy_journal_is_asked_again() -> None:
    journal = Unready([JournalBusy("busy"), JournalBusy("busy")], (stored(1),))
    blocks = event_blocks(as_reading(journal), EventTail(1), EventFilter(), 0, Pace())

    await anext(blocks)
    sent = [await anext(blocks) for _ in range(3)]
    await blocks.aclose()

    assert [b"", b"", b"event: call.updated\ndata: {}\nid: 1\n\n"] == sent


async def test_a_filter_that_lets_nothing_through_lets_the_reader_be_looked_after() -> None:
    """
    An empty block is when the front door notices that the reader has gone.
    """
    tail = EventTail(1)
    blocks = event_blocks(as_reading(Flowing(tail)), tail, EventFilter(), 0, Pace())

    async with asyncio.timeout(DEADLINE_S):
        sent = [await anext(blocks) for _ in range(3)]
    await blocks.aclose()

    assert [b"retry: 1000\nid: 0\n\n", b"", b""] == sent


async def test_a_journal_that_cannot_be_read_ends_the_stream() -> None:
    blocks = event_blocks(
        as_reading(Unready([JournalUnusable("gone")], ())), EventTail(1), EventFilter(), 0, Pace()
    )

    await anext(blocks)

    with pytest.raises(JournalUnusable):
        await anext(blocks)


def as_reading(journal: Unready) -> ReadingJournal:
    """
    Return the double as the port; the stream uses nothing else of it.
    """
    return journal  # type: ignore[return-value] # the stream lists events and nothing else


def test_many_readers_share_the_journal() -> None:
    pace = Pace()
    alone = pace.pause_s
    pace.readers = 100

    assert (0.02, 1.0) == (alone, pace.pause_s)


async def test_the_tail_wakes_all_who_wait_and_never_goes_back() -> None:
    tail = EventTail(3)
    waiting = [asyncio.create_task(tail.wait_beyond(seq, DEADLINE_S)) for seq in (3, 3, 4)]
    await asyncio.sleep(0)

    tail.move_to(4)
    tail.move_to(2)
    await asyncio.gather(*waiting[:2])
    assert (4, False) == (tail.newest, waiting[2].done())
    tail.move_to(5)
    await waiting[2]
