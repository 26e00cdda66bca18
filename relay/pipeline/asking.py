"""
Ask a phone system, and count what came of it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from relay.model.errors import JournalBusy, JournalUnusable, SourceError, SourceUnreachable
from relay.pipeline.poll_context import PollContext
from relay.sources.port import Pull, Window

SOON: Final = timedelta(minutes=15)  # what was empty then proves nothing of much later
AGAIN: Final = timedelta(seconds=60)  # the pause before what came no further is asked for again

log = logging.getLogger(__name__)


async def ask(
    context: PollContext,
    stream: str,
    window: Window,
    names: Sequence[str] = (),
    *,
    only_look_since: datetime | None = None,
) -> Pull:
    """
    Read a stream of a source; what comes of it is counted.

    Args:
        context: the source.
        stream: what to read.
        window: how far.
        names: as the source needs them.
        only_look_since: where nobody looks again at a time that begins then: an answer without rows is asked
            for twice, since one that is empty for once would prove that nothing happened for ever.  Where
            the second is not answered, the next one counts as it, if it comes soon.

    Raises:
        SourceError: no usable answer.
    """
    pull = await _counted(context, stream, window, names)
    if only_look_since is None or pull.covered_from >= pull.covered_to:
        return pull
    place, now = (stream, only_look_since, window.end), context.clock.now()
    before = context.empty_once.pop(place, None)
    if pull.rows or (before is not None and now - before <= SOON):
        return pull
    context.empty_once[place] = now
    again = await _counted(context, stream, window, names)
    del context.empty_once[place]
    return replace(again, requests=pull.requests + again.requests)


async def _counted(context: PollContext, stream: str, window: Window, names: Sequence[str]) -> Pull:
    metrics, label, clock = context.metrics, context.label(), context.clock
    started = clock.monotonic()
    try:
        pull = await _pull(context, stream, window, names)
    except SourceError as error:
        metrics.poll_requests.labels(label, stream, error.reason).inc()
        raise
    metrics.poll_request_duration_seconds.labels(label).observe(clock.monotonic() - started)
    metrics.poll_requests.labels(label, stream, "success").inc(pull.requests)
    metrics.poll_last_success_timestamp_seconds.labels(label, stream).set(clock.now().timestamp())
    metrics.source_clock_skew_seconds.labels(label).set(pull.skew.total_seconds())
    if pull.restarts:
        metrics.poll_gaps.labels(label, stream, "page_shift").inc(pull.restarts)
    return pull


async def _pull(context: PollContext, stream: str, window: Window, names: Sequence[str]) -> Pull:
    try:
        return await context.source.pull(stream, window, names)
    except (SourceError, JournalBusy, JournalUnusable):
        raise  # budgets are reserved in the journal: what fails there is no bug of the source
    except Exception as error:  # a bug of a source becomes a back-off with red health, not a crash loop
        log.exception("a source failed", extra={"source": context.source_id, "stream": stream})
        raise SourceUnreachable(context.source_id, "bug", repr(error)) from error
