"""
Whatever is polled when, in whatever order the rows come: what is published in the end is the truth.

The phone system is the simulated one, asked without a network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import orjson
from hypothesis import given, settings, target
from hypothesis import strategies as st

from relay.model.call import CALL_STREAMS, QUEUE_CALLS, RINGGROUP_CALLS, USER_CALLS
from relay.model.times import rfc3339, to_ms
from relay.twin.audit import audit
from relay.twin.voipcloud.pbx import Pbx
from relay.twin.voipcloud.settings import AnswerShape, OfficeSize, Rules, Traffic, TwinSettings
from relay.twin.voipcloud.stream_rows import PageQuery
from tests.normalise.office import T0, Office, Row

EVERYTHING: Final = PageQuery(limit=10_000)
START: Final = to_ms(T0) // 1000
LONG_AFTER: Final = 100_000
PROFILE: Final = settings(derandomize=True, database=None, deadline=None, max_examples=60)

Schedule = Sequence[tuple[int, str]]
SCHEDULES: st.SearchStrategy[list[tuple[int, str]]] = st.lists(
    st.tuples(st.integers(1, 90), st.sampled_from(CALL_STREAMS)), max_size=40
)


@dataclass(frozen=True)
class Story:
    """
    A phone system and how it is asked: seconds between polls, and the stream of each.
    """

    twin: TwinSettings
    schedule: Schedule
    shuffle: int


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """
    Draw a small office with a dozen calls and a random schedule of polls.
    """
    twin = TwinSettings(
        token="irrelevant",
        seed=draw(st.integers(0, 10_000)),
        office=OfficeSize(draw(st.integers(1, 6)), draw(st.integers(0, 2)), draw(st.integers(0, 2))),
        traffic=Traffic(draw(st.sampled_from([1.0, 4.0, 12.0])), stop_after=draw(st.integers(1, 12))),
        rules=Rules(absent=draw(st.sampled_from([frozenset[str](), frozenset({RINGGROUP_CALLS})]))),
        shape=AnswerShape(has_naive_times=draw(st.booleans())),
    )
    return Story(twin, draw(SCHEDULES), draw(st.integers(0, 99)))


def told(story: Story) -> tuple[Office, Pbx]:
    """
    Poll by the schedule, then everything once more when all is over.
    """
    pbx, office, rng = Pbx(story.twin, START), Office(), Random(story.shuffle)
    streams = [stream for stream in CALL_STREAMS if stream not in story.twin.rules.absent]
    office.read_at = dict.fromkeys(streams)
    second = 0
    for wait_s, stream in story.schedule:
        second += wait_s
        if stream in streams:
            office.reads(stream, second, page(pbx, stream, second, rng))
            office.releases(second)
    for stream in rng.sample(streams, len(streams)):
        office.reads(stream, LONG_AFTER, page(pbx, stream, LONG_AFTER, rng))
    for stream in streams:
        assert [] == office.reads(stream, LONG_AFTER, page(pbx, stream, LONG_AFTER, rng))
    office.releases(LONG_AFTER)
    return office, pbx


def page(pbx: Pbx, stream: str, second: int, rng: Random) -> list[Row]:
    """
    Return all rows of a stream at a second, in any order.
    """
    pbx.advance(START + second)
    rows: list[Row] = orjson.loads(pbx.page(stream, EVERYTHING))
    return rng.sample(rows, len(rows))


@PROFILE
@given(stories())
def test_the_end_of_the_story_is_the_truth(story: Story) -> None:
    office, pbx = told(story)
    truth = pbx.truth()
    events: list[dict[str, Any]] = [orjson.loads(event.to_json(T0)) for event in office.events]

    verdict = audit(truth, events, None)

    assert ((), (), (), ()) == (verdict.lost, verdict.duplicated, verdict.bent, verdict.unexpected)
    assert len(truth) == verdict.published == len(office.standing())
    assert sorted(
        (rfc3339(call.started_at), call.outcome, call.wait_s, call.legs) for call in truth
    ) == sorted(
        (record["started_at"], record["outcome"], record["wait_s"], len(record["legs"]))
        for record in office.final_records()
    )


@PROFILE
@given(stories())
def test_milestones_have_the_same_ids_whenever_the_polls_came(story: Story) -> None:
    """
    With one stream every call is named by a leg of it; then only the truth decides.
    """
    rules = Rules(absent=frozenset({QUEUE_CALLS, RINGGROUP_CALLS}))
    twin = TwinSettings("irrelevant", story.twin.seed, story.twin.office, story.twin.traffic, rules)
    busy, _ = told(Story(twin, [(wait_s, USER_CALLS) for wait_s, _ in story.schedule], story.shuffle))
    lazy, _ = told(Story(twin, [], 0))

    assert {(event.id, event.type, event.subject, event.occurred_at) for event in lazy.events} == {
        (event.id, event.type, event.subject, event.occurred_at)
        for event in busy.events
        if event.type != "call.updated"
    }


@PROFILE
@given(stories())
def test_the_same_polls_give_the_same_events(story: Story) -> None:
    first, again = told(story)[0], told(story)[0]

    assert first.events == again.events


@PROFILE
@given(stories())
def test_a_rebuild_with_the_aliases_gives_the_same_ids(story: Story) -> None:
    office, pbx = told(story)
    office.settles(2 * LONG_AFTER)
    streams = [stream for stream in CALL_STREAMS if stream not in story.twin.rules.absent]
    pages = {stream: page(pbx, stream, LONG_AFTER, Random(story.shuffle)) for stream in streams}

    rebuilt = Office(aliases=office.aliases)
    rebuilt.read_at = dict.fromkeys(streams)
    rebuilt.reads_together(LONG_AFTER, pages)
    rebuilt.releases(LONG_AFTER)
    rebuilt.settles(2 * LONG_AFTER)

    assert milestones(office) <= milestones(rebuilt)
    # An answer that came after a held end had gone out was told by call.updated.
    assert {"call.answered"} >= {
        event.type for event in rebuilt.events if event.id in milestones(rebuilt) - milestones(office)
    }
    assert {call.call_id for call in office.standing()} == {call.call_id for call in rebuilt.standing()}
    assert all(call.is_settled for call in (*office.standing(), *rebuilt.standing()))
    target(len(office.aliases) / max(1, len(office.standing())), label="alias rate")


def test_few_calls_need_an_alias(tell_figures: Callable[[str], None]) -> None:
    """
    Phones are read every few seconds, queues tell of a call when it is over: nearly all are known by a phone.
    """
    twin = TwinSettings("irrelevant", 7, OfficeSize(12, 3, 2), Traffic(4.0, stop_after=120))
    office, _ = told(Story(twin, [(5, CALL_STREAMS[turn % 3]) for turn in range(600)], 7))
    office.settles(2 * LONG_AFTER)

    rate = len(office.aliases) / len(office.standing())
    tell_figures(f"aliases: {len(office.aliases)} of {len(office.standing())} calls, {rate:.2%}")

    assert 120 == len(office.standing())
    assert 0.01 >= rate


def milestones(office: Office) -> set[str]:
    """
    Return the ids of the events that a rebuild must give again, of calls that stand.
    """
    standing = {call.subject for call in office.standing()}
    return {
        event.id
        for event in office.events
        if event.subject in standing and event.type not in ("call.updated", "call.merged")
    }
