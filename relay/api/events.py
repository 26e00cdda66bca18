"""
`/v1/events`: what happened, in the order of the journal, and as it happens.
"""

from __future__ import annotations

from relay.api import shown
from relay.api.operation import Answer, Asked, Reach, Streaming
from relay.api.problems import FieldError, invalid
from relay.api.queries import EventListQuery, EventsQuery
from relay.api.request import LAST_EVENT_ID
from relay.api.stream import event_blocks
from relay.model.errors import NotFound


async def list_events(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with events in the order of the journal.
    """
    query = asked.query_as(EventListQuery)
    page = await reach.reading.list_events(query.wanted(), query.after, query.limit)
    return Answer.of(shown.listing([shown.event(stored) for stored in page.items], page.next))


async def get_event(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with an event.
    """
    event_id = asked.path["event_id"]
    stored = await reach.reading.event(event_id)
    if stored is None:
        raise NotFound(f"there is no event `{event_id}`")
    return Answer.of(shown.event(stored))


async def stream_events(reach: Reach, asked: Asked) -> Streaming:
    """
    Send events as they are appended, from where the reader says it was.
    """
    query = asked.query_as(EventsQuery)
    # A browser connects again with the URL it began with: where it is by now stands in the header.
    place = asked.last_event_id if asked.last_event_id is not None else query.after
    newest = reach.tail.newest
    after = newest if place is None else int(place)
    if after > newest:  # the journal may be a moment ahead of what the loops have told of it
        newest = await reach.reading.last_seq()
    if after > newest:
        field = "after" if asked.last_event_id is None else LAST_EVENT_ID
        problem = (
            f"is ahead of the journal, whose newest event is {newest}: it is not the one you read before"
        )
        raise invalid([FieldError(field, problem)])
    return Streaming(event_blocks(reach.reading, reach.tail, query.wanted(), after, reach.pace))
