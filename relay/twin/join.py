"""
Find, for every call of the truth, the published call that tells of it: by numbers and time, never by an id.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from relay.twin.facts import differing
from relay.twin.published import PublishedCall
from relay.twin.truth import TruthCall

TOUCHING: Final = timedelta(seconds=2)  # calls that miss each other by no more may still be one
_OPEN_END: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Joined:
    """
    The join: `pairs` by key of the truth, what was published besides, and which of that doubles a pair.
    """

    pairs: dict[str, PublishedCall]
    doubles: list[tuple[TruthCall, PublishedCall]]
    unexpected: list[PublishedCall]


def join(truth: Sequence[TruthCall], published: Sequence[PublishedCall]) -> Joined:
    """
    Join one to one: same numbers first, then, for what is left over, one number in common.

    The second pass finds calls published with a wrong number; the audit calls those bent, not lost.
    """
    pairs = _match(truth, published, both_of_truth, both_of_published)
    for ends in ((_from_of_truth, _from_of_published), (_to_of_truth, _to_of_published)):
        taken = {call.subject for call in pairs.values()}
        rest = [call for call in published if call.subject not in taken]
        pairs |= _match([call for call in truth if call.key not in pairs], rest, *ends)
    taken = {call.subject for call in pairs.values()}
    doubles, unexpected = [], []
    by_numbers = _grouped(truth, both_of_truth)
    for call in published:
        if call.subject in taken:
            continue
        same = [one for one in by_numbers.get(both_of_published(call), ()) if overlap(one, call) is not None]
        if same:
            doubles.append((same[0], call))
        else:
            unexpected.append(call)
    return Joined(pairs, doubles, unexpected)


def overlap(truth: TruthCall, published: PublishedCall) -> timedelta | None:
    """
    Return for how long both were under way, or None where they were not (nearly) at the same time.
    """
    start = max(truth.started_at, published.started_at)
    end = min(_end(truth.started_at, truth.ended_at), _end(published.started_at, published.ended_at))
    return end - start if end - start >= -TOUCHING else None


def both_of_truth(call: TruthCall) -> Hashable:
    """
    Return both numbers of a call of the truth.
    """
    return call.from_number or None, call.to_number or None


def both_of_published(call: PublishedCall) -> Hashable:
    """
    Return both numbers of a published call.
    """
    return call.numbers


def _from_of_truth(call: TruthCall) -> Hashable:
    return call.from_number or None


def _from_of_published(call: PublishedCall) -> Hashable:
    return call.numbers[0]


def _to_of_truth(call: TruthCall) -> Hashable:
    return call.to_number or None


def _to_of_published(call: PublishedCall) -> Hashable:
    return call.numbers[1]


def _match(
    truth: Iterable[TruthCall],
    published: Iterable[PublishedCall],
    truth_key: Callable[[TruthCall], Hashable],
    published_key: Callable[[PublishedCall], Hashable],
) -> dict[str, PublishedCall]:
    by_numbers = _grouped(truth, truth_key)
    candidates = []
    for call in published:
        for one in by_numbers.get(published_key(call), ()):
            shared = overlap(one, call)
            if shared is not None:
                # Best overlap first, then nearest start, then most facts in common, which tells apart the
                # phones of a caller without a number; the keys make the order total.
                apart = abs(one.started_at - call.started_at)
                wrong = len(differing(one, call.record))
                candidates.append((-shared, apart, wrong, one.key, call.subject, call))
    candidates.sort(key=lambda candidate: candidate[:5])
    pairs: dict[str, PublishedCall] = {}
    taken: set[str] = set()
    for *_, key, subject, call in candidates:
        if key not in pairs and subject not in taken:
            pairs[key] = call
            taken.add(subject)
    return pairs


def _grouped(
    truth: Iterable[TruthCall], key: Callable[[TruthCall], Hashable]
) -> dict[Hashable, list[TruthCall]]:
    groups: dict[Hashable, list[TruthCall]] = defaultdict(list)
    for call in truth:
        groups[key(call)].append(call)
    return groups


def _end(started_at: datetime, ended_at: datetime | None) -> datetime:
    return started_at + _OPEN_END if ended_at is None else ended_at
