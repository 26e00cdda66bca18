"""
Show how a source stands: how far it was read, its gaps, and when its rows appear.
"""

from __future__ import annotations

from relay.normalise.visibility import APPEARANCES, Visibility
from relay.pipeline.poll_context import PollContext


async def show_source(context: PollContext) -> None:
    """
    Set the gauges of a source's call streams.
    """
    view, metrics, label, ledger = (
        await context.ledger.view(),
        context.metrics,
        context.label(),
        context.ledger,
    )
    for name in context.call_streams:
        stream = context.streams[name]
        covered = view.coverage.get(name, ())
        if covered:
            watermark = metrics.source_watermark_timestamp_seconds.labels(label, name)
            watermark.set(covered[-1].end.timestamp())
        unread = metrics.source_oldest_unread_timestamp_seconds.labels(label, name)
        unread.set(ledger.oldest_unread(view, name).timestamp())
        metrics.source_gaps_open.labels(label, name).set(len(view.gaps_of(name)))
        metrics.source_lookback_seconds.labels(label, name).set(ledger.lookback(stream).total_seconds())
        seen = Visibility.of_json(stream.stored.visibility).appears_at
        for at in APPEARANCES:
            metrics.source_rows_appear.labels(label, name, at).set(at == seen)
