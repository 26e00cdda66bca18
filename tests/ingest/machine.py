"""
Any schedule of calls, faults, polls, crashes and restarts, and what must be true once faults stop.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from relay.model.catalogue import CALL_ENDS, CALL_MERGED, CALL_SETTLED
from relay.model.coverage import DEEP
from relay.model.times import EPOCH, from_rfc3339
from relay.testing.manual_clock import DEFAULT_START
from relay.twin.audit import Bent
from relay.twin.voipcloud.settings import AnswerShape, Rules
from tests.ingest.world import LOOKBACK, WINDOW_S, Doubles, World, runner, twin_settings

DST_ENDS = datetime(2027, 4, 3, 16, 0, tzinfo=UTC)  # 03:00 in Sydney is 02:00 once more
PASSES = 2
NAMES = ("agent_name", "queue", "ring_group")
MOST_STOPPED_S = 4 * 3_600
LONGEST_WAIT = timedelta(hours=12)
STREAMS = st.sampled_from(["user_calls", "queue_calls", "ringgroup_calls"])
ANY_STREAM = st.one_of(st.none(), STREAMS)
TIMES = st.one_of(st.none(), st.integers(1, 4))

FAULTS: dict[str, st.SearchStrategy[Mapping[str, Any]]] = {
    "late_rows": st.fixed_dictionaries(
        {"by_s": st.integers(0, 900), "stream": ANY_STREAM, "only_finished": st.booleans()}
    ),
    "unstable_ties": st.just({}),
    "insertion_drift": st.fixed_dictionaries({"calls": st.integers(1, 4)}),
    "empty_once": st.fixed_dictionaries({"stream": ANY_STREAM}),
    "stale_page": st.fixed_dictionaries({"stream": ANY_STREAM, "shows_age": st.booleans()}),
    "garbled_row": st.fixed_dictionaries({"stream": STREAMS}),
    "rename": st.just({}),
    "twins": st.fixed_dictionaries({"share": st.just(0.5), "is_same_row": st.booleans()}),
    "corrected_durations": st.fixed_dictionaries({"share": st.just(0.5), "after_s": st.integers(30, 600)}),
    "skew": st.fixed_dictionaries({"by_s": st.integers(-90, 90)}),
    "too_many_requests": st.fixed_dictionaries(
        {"retry_after_s": st.one_of(st.none(), st.integers(1, 300)), "times": TIMES}
    ),
    "shared_key": st.fixed_dictionaries({"requests": st.integers(1, 20)}),
    "wrong_token": st.fixed_dictionaries({"times": TIMES}),
    "blocked_address": st.fixed_dictionaries({"times": TIMES}),
    "not_found": st.fixed_dictionaries({"stream": ANY_STREAM, "times": TIMES}),
    "code_zero": st.fixed_dictionaries({"stream": ANY_STREAM, "times": TIMES}),
    "server_error": st.fixed_dictionaries({"stream": ANY_STREAM, "times": TIMES}),
    "html_page": st.fixed_dictionaries({"stream": ANY_STREAM, "times": TIMES}),
    "truncated": st.fixed_dictionaries({"stream": ANY_STREAM, "times": TIMES}),
    "dropped": st.fixed_dictionaries({"times": TIMES, "is_halfway": st.booleans()}),
}
A_FAULT = st.one_of([st.tuples(st.just(name), details) for name, details in FAULTS.items()])


class AnySchedule(RuleBasedStateMachine):
    """
    The proof.  `template` is a journal to begin with; `doubles` stand in for parts of relay.
    """

    template: ClassVar[Path]
    doubles: ClassVar[Doubles] = Doubles()

    def __init__(self) -> None:
        super().__init__()
        self._running = runner()
        self._run = self._running.__enter__().run
        self._folder = tempfile.TemporaryDirectory()
        self._faulty: list[tuple[datetime, datetime]] = []
        self._faulty_since: datetime | None = None
        self._renamed_at: datetime | None = None
        self._is_walked = False
        self._stopped_s = 0

    @initialize(
        seed=st.integers(0, 10_000),
        is_naive=st.booleans(),
        is_at_fold=st.booleans(),
        largest_page=st.sampled_from([10_000, 10_000, 30]),
    )
    def begin(self, seed: int, is_naive: bool, is_at_fold: bool, largest_page: int) -> None:
        """
        Start a phone system and relay.
        """
        self._is_walked = largest_page < 10_000
        requests = 24 if self._is_walked else 12
        settings = twin_settings(
            seed,
            shape=AnswerShape(has_naive_times=is_naive),
            rules=Rules(requests=requests, per_s=WINDOW_S, largest_page=largest_page),
        )
        start = DST_ENDS - timedelta(minutes=50) if is_at_fold else DEFAULT_START
        self.world = World(
            Path(self._folder.name), self.template, settings, self.doubles, largest_page, start, requests
        )
        self._run(self.world.open())

    @rule(seconds=st.integers(1, 1_500))
    def time_passes(self, seconds: int) -> None:
        """
        Let calls be made and polls read them.
        """
        self._run(self.world.pass_time(seconds))

    @rule(fault=A_FAULT)
    def a_fault_begins(self, fault: tuple[str, Mapping[str, Any]]) -> None:
        """
        Switch a fault on.
        """
        name, details = fault
        self._note_faulty()
        self._note_names(name == "rename")
        self.world.twin.faults.switch({name: dict(details)})

    @rule()
    def faults_end(self) -> None:
        """
        Switch all faults off.
        """
        self._note_names("rename" in self.world.twin.faults.as_json())
        self.world.twin.faults.off()
        if self.world.poll is not None:
            self._note_healthy()

    @precondition(lambda self: self.world.poll is not None)
    @rule(operation=st.integers(0, 12), is_committed=st.booleans())
    def a_crash_is_near(self, operation: int, is_committed: bool) -> None:
        """
        Let the process die at an operation of the journal that is to come.
        """
        self.world.crashing.crash_at(operation, is_committed=is_committed)

    @precondition(lambda self: self.world.poll is not None)
    @rule(seconds=st.integers(1, 7_200))
    def relay_is_stopped_for_a_while(self, seconds: int) -> None:
        """
        Stop relay, and start it again later.
        """
        if self._is_walked:  # what is missed must be no more than the budget has requests for
            seconds = min(seconds, MOST_STOPPED_S - self._stopped_s)
            self._stopped_s += seconds
        self._note_faulty()
        self._run(self.world.stop_relay())
        self._run(self.world.pass_time(seconds))
        self._run(self.world.start_relay())
        if not self.world.twin.faults.as_json():
            self._note_healthy()

    def teardown(self) -> None:
        """
        Let faults stop and relay read everything twice: then all must be told, once and right.
        """
        try:
            if hasattr(self, "world"):
                self._run(self._finish())
        finally:
            if hasattr(self, "world"):
                self._run(self.world.close())
            self._running.__exit__(None, None, None)
            self._folder.cleanup()

    def _note_faulty(self) -> None:
        self._faulty_since = self._faulty_since or self.world.now

    def _note_healthy(self) -> None:
        if self._faulty_since is not None:
            self._faulty.append((self._faulty_since, self.world.now))
            self._faulty_since = None

    async def _finish(self) -> None:
        world = self.world
        self._note_names("rename" in world.twin.faults.as_json())
        world.twin.faults.off()
        self._note_healthy()
        world.twin.pbx.make_calls(False)
        while not world.twin.pbx.is_done:
            await world.pass_time(60)
            world.twin.pbx.advance(int(world.now.timestamp()))
        await self._read_everything()
        events = await world.events()
        verdict = await world.verdict()
        bent = [one for one in verdict.bent if not self._was_renamed_too_late(one)]
        assert ((), (), [], ()) == (verdict.lost, verdict.duplicated, bent, verdict.unexpected)
        self._check_gaps(events)
        check_stream(events)
        await self._wait_for_settled()
        check_settled(await world.events())

    async def _wait_for_settled(self) -> None:
        """
        Wait as long as a call is not settled: a look-back, or what relay has measured instead.
        """
        world = self.world
        deadline = world.now + LONGEST_WAIT
        while world.now < deadline:
            unsettled = await world.journal.unsettled_calls("pbx", EPOCH, world.now + LONGEST_WAIT, 1)
            if not unsettled.calls:
                return
            await world.pass_time(WINDOW_S)

    def _note_names(self, is_changed: bool) -> None:
        if is_changed:
            self._renamed_at = self.world.now

    def _was_renamed_too_late(self, bent: Bent) -> bool:
        """
        Tell whether a row changed its name when it was older than any look-back reaches.
        """
        call = next(call for call in self.world.twin.pbx.truth() if call.key == bent.key)
        if bent.field not in NAMES or self._renamed_at is None or call.ended_at is None:
            return False
        return call.ended_at + LOOKBACK < self._renamed_at

    async def _read_everything(self) -> None:
        """
        Wait until every stream was read completely so many times, from the last call's end on.
        """
        world = self.world
        since, deadline = world.now, world.now + LONGEST_WAIT
        while world.now < deadline:
            reads = await world.journal.reads("pbx", since + timedelta(seconds=1), [DEEP])
            whole = {
                stream: [
                    read for read in reads.get(stream, ()) if read.covered.start <= read.as_of - LOOKBACK
                ]
                for stream in world.config().streams
            }
            if all(len(own) >= PASSES for own in whole.values()):
                return
            await world.pass_time(300)
        raise AssertionError(f"not everything was read twice within {LONGEST_WAIT} after the faults")

    def _check_gaps(self, events: list[dict[str, Any]]) -> None:
        open_gaps: dict[tuple[str, str], str] = {}
        for event in events:
            data = event["data"]
            if event["type"] == "source.gap_opened":
                open_gaps[data["stream"], data["gap_from"]] = data["reason"]
            elif event["type"] == "source.gap_closed":
                del open_gaps[data["stream"], data["gap_from"]]
                start, end = from_rfc3339(data["gap_from"]), from_rfc3339(data["gap_to"])
                assert end - start <= self._fault_time(start, end) + LOOKBACK, (data, self._faulty)
        assert {} == open_gaps

    def _fault_time(self, start: datetime, end: datetime) -> timedelta:
        shared = (min(end, until) - max(start, since) for since, until in self._faulty)
        return sum((span for span in shared if span > timedelta(0)), timedelta(0))


def check_stream(events: list[dict[str, Any]]) -> None:
    """
    Check what every reader relies on: unique ids, revisions without holes, one end of each call that stands.
    """
    ids = [event["id"] for event in events]
    assert len(set(ids)) == len(ids)
    by_subject: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        by_subject[event["subject"]].append(event)
    for subject, own in by_subject.items():
        assert list(range(1, len(own) + 1)) == [event["data"]["revision"] for event in own], subject
        if not subject.startswith("call/"):
            continue
        ends = [event["type"] for event in own if event["type"] in CALL_ENDS]
        is_absorbed = own[-1]["type"] == CALL_MERGED and own[-1]["data"]["absorbed_into"] is not None
        assert len(ends) <= 1 if is_absorbed else len(ends) == 1, (subject, ends)
        later = [event for event in own if event["type"] == CALL_MERGED and event["data"]["absorbed_into"]]
        assert later == [] or later == [own[-1]], subject


def check_settled(events: list[dict[str, Any]]) -> None:
    """
    Check that every call that stands was said to be settled, once, after its end.
    """
    by_subject: dict[str, list[str]] = defaultdict(list)
    absorbed = set()
    for event in events:
        if event["subject"].startswith("call/"):
            by_subject[event["subject"]].append(event["type"])
            if event["type"] == CALL_MERGED and event["data"]["absorbed_into"]:
                absorbed.add(event["subject"])
    for subject, types in by_subject.items():
        if subject not in absorbed:
            assert 1 == types.count(CALL_SETTLED), (subject, types)
            assert set(types[: types.index(CALL_SETTLED)]) & set(CALL_ENDS), (subject, types)
