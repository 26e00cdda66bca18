"""
`/v1/sources/{id}/bulk`: many leads added, one after the other, as a job.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Final

from relay.api import command_shown, shown
from relay.api.bulk_body import read_rows
from relay.api.commands import commands_of
from relay.api.operation import Answer, Asked, Reach
from relay.api.problems import FieldError, invalid
from relay.api.queries import BulkQuery, BulkRowListQuery, ListQuery
from relay.commands.bulk import bulk_function
from relay.model.command import BULK_WAITING, BulkJob
from relay.model.errors import NotFound

BODY_S: Final = 60.0


async def start_bulk(reach: Reach, asked: Asked) -> Answer:
    """
    Have the leads of the body added; bad rows do not stop the others.
    """
    query, commands = asked.query_as(BulkQuery), commands_of(reach)
    source_id, now = asked.path["source_id"], reach.clock.now()
    function = bulk_function(commands.desk.kind_of(source_id), query.function)
    defaults = dict(pair.split("=", 1) for pair in query.default)
    known = {parameter.name for parameter in function.of_row.parameters}
    errors = [
        FieldError("default", f"`{name}` is no parameter of {function.name}")
        for name in defaults
        if name not in known
    ]
    if errors:
        raise invalid(errors)
    rows = await asyncio.to_thread(read_rows, asked.raw, asked.media_type)
    job = BulkJob(
        bulk_id=f"bulk_{secrets.token_hex(16)}",
        source_id=source_id,
        function=function.name,
        requested_by=asked.owner or None,
        requested_at=now,
        state=BULK_WAITING,
        total=len(rows),
        defaults=defaults,
    )
    stored = await commands.journal.make_bulk(job, rows, _reply, asked.once, now)
    commands.wake_bulk(source_id)
    return Answer.of_reply(stored)


async def list_bulks(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with the bulk jobs of a source, newest first.
    """
    query, commands = asked.query_as(ListQuery), commands_of(reach)
    source_id = asked.path["source_id"]
    commands.desk.kind_of(source_id)
    page = await commands.journal.list_bulks(source_id, query.after, query.limit)
    return Answer.of(shown.listing([command_shown.bulk(one) for one in page.items], page.next))


async def get_bulk(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with a bulk job.
    """
    return Answer.of(command_shown.bulk(await _found(reach, asked)))


async def list_bulk_rows(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with the rows of a bulk job, in their order, with their verdicts.
    """
    query, job = asked.query_as(BulkRowListQuery), await _found(reach, asked)
    journal = commands_of(reach).journal
    page = await journal.list_rows(job.bulk_id, query.state, query.after, query.limit)
    return Answer.of(shown.listing([command_shown.bulk_row(one) for one in page.items], page.next))


async def cancel_bulk(reach: Reach, asked: Asked) -> Answer:
    """
    End a bulk job that has not ended; what was added stays.
    """
    job = await _found(reach, asked)
    ended = await commands_of(reach).journal.cancel_bulk(job.bulk_id, reach.clock.now())
    return Answer.of(command_shown.bulk(ended))


def _reply(job: BulkJob) -> bytes:
    place = f"/v1/sources/{job.source_id}/bulk/{job.bulk_id}"
    body = Answer.of(command_shown.bulk(job)).body
    return Answer(body, 202, headers={"Location": place}).to_reply()


async def _found(reach: Reach, asked: Asked) -> BulkJob:
    source_id, bulk_id = asked.path["source_id"], asked.path["bulk_id"]
    found = await commands_of(reach).journal.bulk(bulk_id)
    if found is None or found.source_id != source_id:
        raise NotFound(f"source `{source_id}` has no bulk job {bulk_id}")
    return found
