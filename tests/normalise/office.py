"""
An office whose phone system is read by hand: vendor rows in, events out, state kept as the journal would.

Seconds are counted from `T0`, so that a test reads as a story.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson
from jsonschema import Draft202012Validator

from relay.model.call import CALL_STREAMS, QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS, Call, Leg, LegFacts
from relay.model.catalogue import CALL_ENDS, CALL_MERGED, EVENT_TYPES
from relay.model.change import CallChange, Neighbourhood
from relay.model.coverage import DEEP, Gap, Interval, Read
from relay.model.event import Event
from relay.model.ids import IdMaker, row_digest
from relay.model.linking import LinkRules
from relay.model.schemas import envelope_schema
from relay.normalise.calls import LINK_RULES, CallAssembler
from relay.normalise.fresh_rows import KnownRows
from relay.normalise.id_scheme import FACTS, native_since, scheme_after
from relay.normalise.rules import CallRules
from relay.normalise.voipcloud_rows import VoipcloudRows

T0: Final = datetime(2026, 11, 21, 0, 0, tzinfo=UTC)
ZONE: Final = ZoneInfo("Australia/Sydney")
CALLER: Final = "0491570156"
OTHER_CALLER: Final = "0491570157"
DID: Final = "0270101000"
TRUNK: Final = "0255500100"  # shown for every call of a company with many lines
LOOKBACK_S: Final = 14_400
Row = dict[str, Any]


def at(second: float) -> datetime:
    """
    Return an instant of the story.
    """
    return T0 + timedelta(seconds=second)


def stamp(second: float | None) -> str | None:
    """
    Write an instant as the tenant does: ISO 8601 with the offset of its zone.
    """
    return None if second is None else at(second).astimezone(ZONE).isoformat()


def user_row(
    start: int, now: int, *, answered: int | None = None, ended: int | None = None, **columns: Any
) -> Row:
    """
    Return the row of one phone as it stands at the second `now`.
    """
    until = now if ended is None else ended
    talk_s = 0 if answered is None else until - answered
    return {
        "from_number": CALLER,
        "to_number": DID,
        "user_name": "Alice Nguyen",
        "is_inbound": 1,
        "call_start_at": stamp(start),
        "call_duration": until - start,
        "call_finished_at": stamp(ended),
        "conversation_duration": talk_s,
        **columns,
    }


def outbound_row(start: int, now: int, **more: Any) -> Row:
    """
    Return the row of a call that a user makes.
    """
    return user_row(start, now, **{"from_number": DID, "to_number": CALLER, "is_inbound": 0, **more})


def queue_row(
    start: int, ended: int, *, answered: int | None = None, by: str | None = None, **columns: Any
) -> Row:
    """
    Return the row that a queue writes when its call has ended.
    """
    return {
        "queue_name": "Sales",
        "callerid": CALLER,
        "inbound_number": DID,
        "call_start_at": stamp(start),
        "call_answered_at": stamp(answered),
        "call_finished_at": stamp(ended),
        "answered_by_user_name": by,
        "status": "abandoned" if answered is None else "answered",
        **columns,
    }


def ring_group_row(start: int, ended: int, **more: Any) -> Row:
    """
    Return the row that a ring group writes when its call has ended.
    """
    row = queue_row(start, ended, **more)
    name = row.pop("queue_name")
    return {"ring_group_name": "Reception" if name == "Sales" else name, **row}


class Office:
    """
    Reads pages as the poll loop does and keeps what the journal would keep.

    Every event is checked against its schema and its data class, every change against I2: revisions are
    contiguous, ids are new.
    """

    def __init__(
        self,
        publish_from: float = -1e6,
        id_key: bytes = b"key of the office",
        zone: ZoneInfo = ZONE,
        aliases: Mapping[str, str] | None = None,
        link_rules: LinkRules = LINK_RULES,
    ) -> None:
        self.rules = CallRules("pbx-sydney", zone, "AU", at(publish_from))
        ids = IdMaker(id_key)
        self.reader = VoipcloudRows(self.rules, ids)
        self.assembler = CallAssembler(self.rules, ids, aliases or {}, link_rules)
        self.aliases: dict[str, str] = {}
        self._event_ids: set[str] = set()
        self._ended: set[str] = set()
        self._absorbed: set[str] = set()
        self.calls: dict[str, Call] = {}
        self.legs: dict[str, Leg] = {}
        self.events: list[Event] = []
        self.read_at: dict[str, datetime | None] = dict.fromkeys(CALL_STREAMS)
        self.read_from = at(-1e6)
        self.skew = timedelta(0)
        self.schemes = dict.fromkeys(CALL_STREAMS, FACTS)
        self._known = {stream: KnownRows() for stream in CALL_STREAMS}

    def users(self, second: float, *rows: Row) -> list[Event]:
        """
        Read a page of user calls.
        """
        return self.reads(USER_CALLS, second, rows)

    def queues(self, second: float, *rows: Row) -> list[Event]:
        """
        Read a page of queue calls.
        """
        return self.reads(QUEUE_CALLS, second, rows)

    def ring_groups(self, second: float, *rows: Row) -> list[Event]:
        """
        Read a page of ring-group calls.
        """
        return self.reads(RINGGROUP_CALLS, second, rows)

    def reads(self, stream: str, second: float, rows: Sequence[Row]) -> list[Event]:
        """
        Take a page that was asked for at a second; return the events it makes.
        """
        return self.reads_together(second, {stream: rows})

    def reads_together(self, second: float, pages: Mapping[str, Sequence[Row]]) -> list[Event]:
        """
        Take pages of several streams as one.
        """
        fresh: list[LegFacts] = []
        page: Counter[bytes] = Counter()
        for stream, rows in pages.items():
            digests = [row_digest(row) for row in rows]
            known = self._known[stream]
            has_native_ids = any(map(self.reader.has_native_id, rows))
            scheme = scheme_after(self.schemes[stream], has_native_ids, known.is_empty, at(second))
            self.schemes[stream] = scheme
            new = [
                self.reader.read(stream, rows[place], digests[place], native_since(scheme))
                for place in known.fresh(digests)
            ]
            gone, missing = known.left_out(digests, new, Interval(at(-(10**8)), at(10**8)))
            known.learn(new, [*gone, *missing], ())
            fresh += new
            page.update(digests)
            self.read_at[stream] = at(second)
        return self._apply(self.assembler.assemble(fresh, page, self.whole(), at(second), self.skew))

    def is_told(self, stream: str, second: float, *rows: Row) -> list[Event]:
        """
        Take rows that the phone system pushed.
        """
        told = [self.reader.read(stream, row) for row in rows]
        return self._apply(self.assembler.assemble_pushed(told, self.whole(), at(second), origin="push"))

    def gives_up(self, second: float) -> list[Event]:
        """
        Read everything once more at a second, and give up what no row confirmed.
        """
        self.read_at = {stream: at(second) for stream in self.read_at}
        lookback = timedelta(seconds=LOOKBACK_S)
        return self._apply(self.assembler.unconfirmed(self.whole(), self.complete_reads(), lookback))

    def publishes_silent(self, second: float) -> list[Event]:
        """
        Publish what is silent, as a backfill does.
        """
        return self._apply(self.assembler.publish(self.whole(), at(second), "backfill"))

    def forgets_what_it_read(self) -> None:
        """
        Lose what is only in memory, as a restart does.
        """
        self._known = {
            stream: KnownRows(leg.facts for leg in self.legs.values() if leg.facts.stream == stream)
            for stream in CALL_STREAMS
        }

    def releases(self, second: float) -> list[Event]:
        """
        Let held ends go whose time has come.
        """
        held = {call_id: call for call_id, call in self.calls.items() if call.is_end_held}
        legs = [leg for leg in self.legs.values() if leg.call_id in held]
        return self._apply(
            self.assembler.release(Neighbourhood(held, legs), self.complete_reads(), at(second))
        )

    def complete_reads(self) -> dict[str, list[Read]]:
        """
        Return the last complete read of each stream.
        """
        return {
            name: [Read(name, DEEP, end, end, Interval(self.read_from, end), 0)] if end else []
            for name, end in self.read_at.items()
        }

    def settles(self, second: float, gaps: Sequence[Gap] = (), lookback_s: float = LOOKBACK_S) -> list[Event]:
        """
        Read everything once more at a second, and settle what is settled then.
        """
        self.read_at = {stream: at(second) for stream in self.read_at}
        lookback = timedelta(seconds=lookback_s)
        return self._apply(self.assembler.settle(self.whole(), self.complete_reads(), gaps, lookback))

    def nothing_more(self, second: float) -> list[Event]:
        """
        Read what is known of every stream once more at a second, then let held ends go.
        """
        self.read_at = dict.fromkeys(CALL_STREAMS, at(second))
        return self.releases(second)

    def only_call(self) -> Call:
        """
        Return the one call there is.
        """
        (call,) = self.standing()
        return call

    def standing(self) -> list[Call]:
        """
        Return the calls that no other absorbed.
        """
        return [call for call in self.calls.values() if call.absorbed_into is None]

    def final_records(self) -> list[dict[str, Any]]:
        """
        Return the last published record of every call, in order of start.
        """
        last = {event.subject: event.data for event in self.events}
        standing = {call.subject for call in self.standing()}
        records = [record for subject, record in last.items() if subject in standing]
        return sorted(records, key=lambda record: (record["started_at"], record["call_id"]))

    def whole(self) -> Neighbourhood:
        """
        Return all that is kept.
        """
        return Neighbourhood(dict(self.calls), list(self.legs.values()))

    def _apply(self, changes: Iterable[CallChange]) -> list[Event]:
        made: list[Event] = []
        for change in changes:
            for one in (change, *change.also):
                made += self._write(one)
            self.aliases.update({alias.natural_id: alias.call_id for alias in change.aliases})
        self.events += made
        self._check(made)
        return made

    def _write(self, change: CallChange) -> tuple[Event, ...]:
        call_id = change.call.call_id
        known = self.calls.get(call_id)
        revision = known.revision if known else 0
        assert revision == change.expected_revision
        assert known is None or known.absorbed_into is None
        for event in change.events:
            revision += 1
            assert (revision, change.call.subject) == (event.revision, event.subject)
            check(event)
        assert revision == change.call.revision
        assert {call_id} >= {leg.call_id for leg in change.legs}
        self.calls[call_id] = change.call
        self.legs.update({leg.leg_id: leg for leg in change.legs})
        return change.events

    def _check(self, made: Sequence[Event]) -> None:
        """
        Assert that no id comes twice, no call ends twice, and nothing follows on an absorbed one.
        """
        for event in made:
            assert event.id not in self._event_ids
            self._event_ids.add(event.id)
            if event.type in CALL_ENDS:
                assert event.subject not in self._ended, f"{event.subject} ended twice"
                self._ended.add(event.subject)
            assert event.subject not in self._absorbed
            if event.type == CALL_MERGED and event.final:
                self._absorbed.add(event.subject)
        if self._absorbed:
            assert {call.call_id for call in self.standing()} == {leg.call_id for leg in self.legs.values()}


def types(events: Iterable[Event]) -> list[str]:
    """
    Return the types of events without their family: started, answered, finished, ….
    """
    return [event.type.removeprefix("call.") for event in events]


def check(event: Event) -> dict[str, Any]:
    """
    Assert that an event is as its schema and its data class say; return it as a receiver reads it.
    """
    sent: dict[str, Any] = orjson.loads(event.to_json(event.observed_at + timedelta(milliseconds=40)))
    check_sent(sent)
    return sent


def check_sent(sent: Mapping[str, Any]) -> None:
    """
    Assert that an event, as a receiver reads it, is as its schema and its data class say.
    """
    event_type = sent["type"]
    assert [] == [error.message for error in _validator(event_type).iter_errors(sent)]
    assert sent["data"] == EVENT_TYPES[event_type].data.model_validate(sent["data"], strict=True).model_dump()


@cache
def _validator(event_type: str) -> Draft202012Validator:
    return Draft202012Validator(envelope_schema(event_type))


def without(row: Mapping[str, Any], column: str) -> Row:
    """
    Return a row that lacks a column.
    """
    return {name: value for name, value in row.items() if name != column}
