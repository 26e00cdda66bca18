"""
How sources were read, and what was asked of their owners, as JSON: what `relay.api.source_answers` describes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from relay.api.operation import SourceSetup
from relay.api.shown import ABSENT, Shown, source
from relay.model.coverage import Gap, Read
from relay.model.listing import MAX_GAPS_SHOWN, SourceItem, StreamCoverage
from relay.model.source_work import DONE, RECONCILE, Alias, SourceJob, StoredReject
from relay.model.times import rfc3339, rfc3339_or_null

_DIGITS: Final = 4


def source_detail(
    item: SourceItem, setup: SourceSetup | None, streams: Sequence[StreamCoverage], now: datetime
) -> Shown:
    """
    Show a source and what is missing of it.
    """
    return {
        **source(item, setup.budget if setup else None, now),
        "open_gaps": sum(len(_open_gaps(stream)) for stream in streams),
    }


def coverage(source_id: str, streams: Sequence[StreamCoverage]) -> Shown:
    """
    Show what is proven of each stream.
    """
    return {
        "source_id": source_id,
        "oldest_unread_at": rfc3339_or_null(_oldest_unread_of(streams)),
        "streams": [_stream(one) for one in streams],
    }


def read(one: Read) -> Shown:
    """
    Show a complete read.
    """
    return {
        "stream": one.stream,
        "tier": one.tier,
        "requested_at": rfc3339(one.requested_at),
        "as_of": rfc3339(one.as_of),
        "covered_from": rfc3339(one.covered.start),
        "covered_to": rfc3339(one.covered.end),
        "rows": one.rows,
        "requests": one.requests,
    }


def job(one: SourceJob, streams: Iterable[str]) -> Shown:
    """
    Show a job of a source that reads these streams.
    """
    return {
        "id": one.job_id,
        "source_id": one.source_id,
        "kind": one.kind,
        "from": rfc3339(one.start),
        "to": rfc3339(one.end),
        "state": one.state,
        "progress": _progress(one, streams),
        "made_at": rfc3339(one.made_at),
        "started_at": rfc3339_or_null(one.started_at),
        "finished_at": rfc3339_or_null(one.finished_at),
        "read_to": {stream: rfc3339(at) for stream, at in one.read_to.items()},
        "requests": one.requests,
        "rows": one.rows,
        "events": one.events,
        "missing": one.missing if one.kind == RECONCILE else None,
        "reason": one.reason,
    }


def reject(one: StoredReject) -> Shown:
    """
    Show a row that could not be read.
    """
    return {
        "source_id": one.source_id,
        "stream": one.stream,
        "digest": one.digest.hex(),
        "why": one.why,
        "first_seen_at": rfc3339(one.first_seen_at),
        "row": one.row,
    }


def alias(one: Alias) -> Shown:
    """
    Show an alias.
    """
    return {"source_id": one.source_id, "natural_id": one.natural_id, "call_id": one.call_id}


def _stream(one: StreamCoverage) -> Shown:
    return {
        "stream": one.stream,
        "state": one.state,
        "oldest_unread_at": rfc3339_or_null(_oldest_unread(one)),
        "intervals": [{"start": rfc3339(part.start), "end": rfc3339(part.end)} for part in one.intervals],
        "gaps": [_gap(gap) for gap in one.gaps],
        "last_read": None if one.last_read is None else read(one.last_read),
        "visibility": one.visibility,
    }


def _gap(one: Gap) -> Shown:
    return {
        "start": rfc3339(one.start),
        "end": rfc3339_or_null(one.end),
        "reason": one.reason,
        "opened_at": rfc3339(one.opened_at),
        "closed_at": rfc3339_or_null(one.closed_at),
        "rows_recovered": one.rows_recovered,
    }


def _oldest_unread_of(streams: Iterable[StreamCoverage]) -> datetime | None:
    unread = [_oldest_unread(one) for one in streams if one.state != ABSENT]
    known = [at for at in unread if at is not None]
    return min(known) if known and len(known) == len(unread) else None


def _oldest_unread(one: StreamCoverage) -> datetime | None:
    if not one.intervals:
        return None
    gaps = _open_gaps(one)
    if len(gaps) >= MAX_GAPS_SHOWN:
        return one.intervals[0].end  # older ones may be left out: no more can be said
    # Between two intervals may be a time that nobody ever wanted read: only a gap says that somebody did.
    return min([one.intervals[-1].end, *(gap.start for gap in gaps)])


def _open_gaps(one: StreamCoverage) -> list[Gap]:
    return [gap for gap in one.gaps if gap.closed_at is None]


def _progress(one: SourceJob, streams: Iterable[str]) -> float:
    if one.state == DONE:
        return 1.0
    names = {*streams, *one.read_to}
    whole = (one.end - one.start) * len(names)
    read = [min(one.read_to.get(name, one.start), one.end) - one.start for name in names]
    return round(sum(part / whole for part in read), _DIGITS) if whole else 0.0
