"""
Why legs are one call, or are not: `/v1/calls/{id}/links` and `/v1/sources/{id}/links/dry-run`.
"""

from __future__ import annotations

from relay.api.bodies import LinksTrial
from relay.api.operation import Answer, Asked, Reach
from relay.api.problems import FieldError, invalid
from relay.api.source_jobs import checked_stretch
from relay.api.sources import covered_streams
from relay.model.errors import NotFound


async def explain_links(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with the scores that made a call of its legs.
    """
    call_id = asked.path["call_id"]
    explained = await reach.explain_links(call_id)
    if explained is None:
        raise NotFound(f"there is no call `{call_id}`")
    return Answer.of(explained)


async def dry_run_links(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with what linking would make of stored rows, with other rules; nothing is changed.
    """
    body, source_id = asked.body_as(LinksTrial), asked.path["source_id"]
    await covered_streams(reach, source_id)  # which there are of a known source
    stretch = checked_stretch(body.from_, body.to, reach.clock.now())
    try:
        found = await reach.dry_run_links(source_id, stretch.start, stretch.end, body.rules.wanted())
    except ValueError as error:
        raise invalid([FieldError("to", str(error))]) from error
    return Answer.of(found)
