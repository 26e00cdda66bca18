"""
`/v1/deliveries`: what became of events on their way to endpoints.
"""

from __future__ import annotations

from typing import Final

import orjson

from relay.api import shown
from relay.api.endpoints import require_endpoint
from relay.api.operation import Answer, Asked, Reach
from relay.api.queries import DeliveriesOfEndpointQuery, DeliveryListQuery
from relay.model.errors import NotFound
from relay.model.listing import DeliveryItem, DeliveryKey

PATH: Final = "/v1/deliveries"


async def list_deliveries(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with deliveries, newest event first.
    """
    query = asked.query_as(DeliveryListQuery)
    return await _listed(reach, query, query.endpoint)


async def list_deliveries_of_endpoint(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with the deliveries of one endpoint, newest event first.
    """
    await require_endpoint(reach, asked)
    return await _listed(reach, asked.query_as(DeliveriesOfEndpointQuery), asked.path["endpoint_id"])


async def get_delivery(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with a delivery.
    """
    return Answer.of(shown.delivery(await _found(reach, asked)))


async def list_attempts(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with the attempts of a delivery, oldest first.
    """
    found = await _found(reach, asked)
    attempts = await reach.reading.attempts(found.key)
    return Answer.of(shown.listing([shown.attempt(one) for one in attempts], None))


async def resend_delivery(reach: Reach, asked: Asked) -> Answer:
    """
    Make a delivery of the same event to the same endpoint.
    """
    key = _key(asked)

    def reply(made: DeliveryItem) -> bytes:
        return Answer(
            orjson.dumps(shown.delivery(made)), 201, headers={"Location": f"{PATH}/{made.key}"}
        ).to_reply()

    stored = await reach.registry.resend(key, reply, reach.clock.now(), asked.once)
    reach.owner.resent(key.endpoint_id)
    return Answer.of_reply(stored)


async def _listed(reach: Reach, query: DeliveriesOfEndpointQuery, endpoint_id: str | None) -> Answer:
    page = await reach.reading.list_deliveries(query.wanted_of(endpoint_id), query.after, query.limit)
    return Answer.of(shown.listing([shown.delivery(item) for item in page.items], page.next))


async def _found(reach: Reach, asked: Asked) -> DeliveryItem:
    key = _key(asked)
    found = await reach.reading.delivery(key)
    if found is None:
        raise NotFound(f"there is no delivery `{key}`")
    return found


def _key(asked: Asked) -> DeliveryKey:
    text = asked.path["delivery_id"]
    key = DeliveryKey.of_text(text)
    if key is None:
        raise NotFound(f"there is no delivery `{text}`")
    return key
