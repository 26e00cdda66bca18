"""
One request of a dialer's loop: timed, counted, and what its verdict asks of the loop.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from relay.model import vendor_answer as verdicts
from relay.model.errors import (
    JournalBusy,
    JournalUnusable,
    SourceAbsent,
    SourceError,
    SourceGarbled,
    SourceRefused,
    SourceUnreachable,
)
from relay.model.vendor_answer import VendorAnswer
from relay.pipeline.dialer.dialer_context import DialerContext
from relay.sources.port import Answered

GOOD: Final = frozenset(
    {
        verdicts.ROWS,
        verdicts.EMPTY,
        verdicts.SUCCESS,
        verdicts.NOTICE,
        verdicts.LOGGED_OUT,
        verdicts.NOT_FOUND,
    }
)
SAMPLE_CHARACTERS: Final = 200

log = logging.getLogger(__name__)


async def ask(
    context: DialerContext,
    stream: str,
    function: str,
    params: Mapping[str, str] | None = None,
    *,
    takes_parts: bool = False,
) -> Answered:
    """
    Call a function for a stream; return its answer where it says something of what was asked.

    With `takes_parts` an answer of which some lines cannot be read is one, too.

    Raises:
        SourceError: it could not be asked, or the answer is none; see `error_of`.
    """
    clock, metrics, label = context.clock, context.metrics, context.label
    started = clock.monotonic()
    try:
        answered = await _call(context, function, params or {})
        metrics.dialer_answers.labels(label, stream, answered.answer.verdict).inc()
        error = error_of(context.source_id, function, answered.answer, takes_parts=takes_parts)
        if error is not None:
            raise error
    except SourceError as error:
        metrics.poll_requests.labels(label, stream, error.reason).inc()
        raise
    finally:
        metrics.poll_request_duration_seconds.labels(label).observe(clock.monotonic() - started)
    metrics.poll_requests.labels(label, stream, "success").inc()
    metrics.poll_last_success_timestamp_seconds.labels(label, stream).set(clock.now().timestamp())
    return answered


async def _call(context: DialerContext, function: str, params: Mapping[str, str]) -> Answered:
    try:
        return await context.source.call(function, params)
    except (SourceError, JournalBusy, JournalUnusable):
        raise
    except Exception as error:  # a bug of a source becomes a back-off with red health, not a crash loop
        log.exception("a source failed", extra={"source": context.source_id, "function": function})
        raise SourceUnreachable(context.source_id, "bug", repr(error)) from error


def error_of(
    source_id: str, function: str, answer: VendorAnswer, *, takes_parts: bool = False
) -> SourceError | None:
    """
    Return what an answer that says nothing of what was asked means for the loop; None for all others.

    A login that is refused is SourceRefused: it is tried again only after REFUSED_FOR, since ten of them lock
    the user.  `denied` is SourceAbsent: this user lacks the function.  What cannot be read, wholly or in
    part, is SourceGarbled.
    """
    verdict, text = answer.verdict, _text(answer)
    if verdict in GOOD and (takes_parts or not answer.rejected):
        return None
    message = f"{function}: {text or verdict}"
    if verdict in verdicts.LOGIN_REFUSED:
        return SourceRefused(source_id, verdicts.LOGIN_REFUSED[verdict], message)
    if verdict == verdicts.DENIED:
        return SourceAbsent(source_id, "vendor_error", message)
    if verdict == verdicts.SERVER_FAULT:
        return SourceUnreachable(source_id, "http_5xx", message)
    if answer.rejected:
        return SourceGarbled(
            source_id, "bad_payload", f"{function}: {answer.rejected[0].why}", _sample(answer)
        )
    return SourceGarbled(source_id, "vendor_error", message, _sample(answer))


def _text(answer: VendorAnswer) -> str:
    return answer.messages[-1].text if answer.messages else ""


def _sample(answer: VendorAnswer) -> str:
    return answer.raw[:SAMPLE_CHARACTERS]
