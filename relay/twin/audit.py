"""
Audit relay against the truth of a simulated phone system: lost, duplicated, bent (DESIGN section 10).

Pure functions over what the twin knows, what relay published and what a receiver got.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from relay.model.endpoint import matches_type
from relay.model.times import rfc3339
from relay.twin.facts import differing
from relay.twin.join import Joined, join
from relay.twin.published import CloudEvent, PublishedCall, distinct, published_calls, survivors
from relay.twin.truth import TruthCall


@dataclass(frozen=True, slots=True)
class Bent:
    """
    A published fact that is not what the source shows at the end.
    """

    key: str
    subject: str
    field: str
    truth: object
    published: object


@dataclass(frozen=True, slots=True)
class Audit:
    """
    The verdict.

    `calls` ended and are to be published; `open_calls` have not ended and `earlier_calls` ended before relay
    was asked to publish: neither can be lost.  `published` of the calls have an end, `delivered` of them
    reached the receiver with every event.  `lost`, `duplicated` and `unexpected` name calls and events.
    `resent` is no fault.
    """

    calls: int
    open_calls: int
    earlier_calls: int
    published: int
    delivered: int
    events: int
    lost: tuple[str, ...]
    duplicated: tuple[str, ...]
    bent: tuple[Bent, ...]
    unexpected: tuple[str, ...]
    resent: int

    @property
    def is_clean(self) -> bool:
        """
        Tell whether nothing was lost, duplicated, bent or made up.
        """
        return not (self.lost or self.duplicated or self.bent or self.unexpected)

    def as_rows(self) -> list[tuple[str, str]]:
        """
        Return what to print: a word and a figure each.
        """
        return [
            ("calls in truth", str(self.calls)),
            ("published", str(self.published)),
            ("delivered", str(self.delivered)),
            ("lost", str(len(self.lost))),
            ("duplicated", str(len(self.duplicated))),
            ("bent", str(len(self.bent))),
            ("unexpected", str(len(self.unexpected))),
            ("resent", str(self.resent)),
            ("events", str(self.events)),
            ("still open", str(self.open_calls)),
            ("ended earlier", str(self.earlier_calls)),
        ]

    def as_json(self) -> dict[str, Any]:
        """
        Return counts and lists for machines.
        """
        return {**asdict(self), "is_clean": self.is_clean}


def audit(
    truth: Sequence[TruthCall],
    events: Sequence[CloudEvent],
    delivered_ids: AbstractSet[str] | None,
    *,
    patterns: Sequence[str] = ("*",),
    source_id: str | None = None,
    publish_from: datetime | None = None,
    resent: int = 0,
) -> Audit:
    """
    Compare what happened with what was published and delivered.

    Args:
        truth: every call of one phone system.
        events: the CloudEvents that relay published; one read twice is one.
        delivered_ids: the event ids that a receiver got; None leaves delivery out.
        patterns: the event types that the receiver asked for.
        source_id: leaves out the events of other sources; None takes all.
        publish_from: calls that ended before it need not be published.
        resent: how often the receiver got an id again, to be shown.
    """
    ours = [event for event in distinct(events) if source_id in (None, event["data"]["source_id"])]
    owed = [event for event in ours if any(matches_type(pattern, event["type"]) for pattern in patterns)]
    missing = [event for event in owed if delivered_ids is not None and event["id"] not in delivered_ids]
    calls = published_calls(ours)
    joined = join(truth, survivors(calls))
    ended = [call for call in truth if call.ended_at is not None]
    expected = [call for call in ended if call.key in joined.pairs or _is_due(call, publish_from)]
    told = [call for call in expected if call.key in joined.pairs and joined.pairs[call.key].has_end]
    missing_ids = {event["id"] for event in missing}
    return Audit(
        calls=len(expected),
        open_calls=len(truth) - len(ended),
        earlier_calls=len(ended) - len(expected),
        published=len(told),
        delivered=sum(missing_ids.isdisjoint(joined.pairs[call.key].event_ids) for call in told),
        events=len(ours),
        lost=(*_lost_calls(expected, joined), *(f"{_name(event)} was not delivered" for event in missing)),
        duplicated=tuple(_duplicated(calls, joined)),
        bent=tuple(bent for call in told for bent in _bent(call, joined.pairs[call.key])),
        unexpected=tuple(f"{call.subject} {_span(call)}" for call in joined.unexpected),
        resent=resent,
    )


def _is_due(call: TruthCall, publish_from: datetime | None) -> bool:
    return publish_from is None or (call.ended_at is not None and call.ended_at >= publish_from)


def _lost_calls(expected: Sequence[TruthCall], joined: Joined) -> list[str]:
    lost = []
    for call in expected:
        pair = joined.pairs.get(call.key)
        if pair is None:
            lost.append(f"{_title(call)} was not published")
        elif not pair.has_end:
            lost.append(f"{_title(call)} was published as {pair.subject} without an end")
    return lost


def _duplicated(calls: Sequence[PublishedCall], joined: Joined) -> list[str]:
    twice = [
        f"{call.subject} has {len(ids)} events of the milestone {milestone}: {', '.join(ids)}"
        for call in calls
        for milestone, ids in call.milestones.items()
        if len(ids) > 1
    ]
    return twice + [
        f"{_title(call)} was published again as {double.subject}" for call, double in joined.doubles
    ]


def _bent(call: TruthCall, pair: PublishedCall) -> list[Bent]:
    return [Bent(call.key, pair.subject, *fact) for fact in differing(call, pair.record)]


def _title(call: TruthCall) -> str:
    return f"{call.key} ({call.kind}, {call.from_number} to {call.to_number}, {rfc3339(call.started_at)})"


def _name(event: CloudEvent) -> str:
    return f"{event['type']} {event['id']} of {event['subject']}"


def _span(call: PublishedCall) -> str:
    return f"({call.numbers[0]} to {call.numbers[1]}, {call.record['started_at']})"
