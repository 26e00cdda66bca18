"""
`/v1/replays`: events that are sent to an endpoint again.
"""

from __future__ import annotations

from typing import Final

import orjson

from relay.api import operating_shown, shown
from relay.api.operating_bodies import ReplayNew, ReplayToEndpoint
from relay.api.operating_queries import ReplayListQuery
from relay.api.operation import Answer, Asked, OperatingReach, Reach
from relay.api.problems import FieldError, invalid
from relay.model.errors import NotFound
from relay.model.replay import Replay, ReplayFilter

PATH: Final = "/v1/replays"


async def start_replay(reach: Reach, asked: Asked) -> Answer:
    """
    Have events sent to the endpoint that the body names.
    """
    body = asked.body_as(ReplayNew)
    return await _started(reach, asked, body.endpoint, body)


async def start_replay_to_endpoint(reach: Reach, asked: Asked) -> Answer:
    """
    Have events sent to the endpoint that the path names.
    """
    return await _started(reach, asked, asked.path["endpoint_id"], asked.body_as(ReplayToEndpoint))


async def list_replays(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with replays, newest first.
    """
    query = asked.query_as(ReplayListQuery)
    page = await operating(reach).journal.list_replays(query.endpoint, query.after, query.limit)
    return Answer.of(shown.listing([operating_shown.replay(one) for one in page.items], page.next))


async def get_replay(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with a replay and what became of its deliveries.
    """
    job_id = int(asked.path["job_id"])
    found = await operating(reach).journal.replay(job_id)
    if found is None:
        raise NotFound(f"there is no replay `{job_id}`")
    replay, by_status = found
    return Answer.of({**operating_shown.replay(replay), "by_status": by_status})


async def cancel_replay(reach: Reach, asked: Asked) -> Answer:
    """
    End a replay; what waits of it is not sent any more.
    """
    job_id = int(asked.path["job_id"])
    ended = await operating(reach).journal.cancel_replay(job_id, reach.clock.now())
    reach.owner.taken_back(ended.endpoint_id)
    return Answer.of(operating_shown.replay(ended))


def operating(reach: Reach) -> OperatingReach:
    """
    Return what replays, reconciliations and explanations are made of.

    Raises:
        NotFound: this relay has none.
    """
    if reach.operating is None:
        raise NotFound("this relay serves no replays")
    return reach.operating


async def _started(reach: Reach, asked: Asked, endpoint_id: str, body: ReplayToEndpoint) -> Answer:
    wanted, behind, now = _checked(body), operating(reach), reach.clock.now()
    if body.dry_run:
        trial = await behind.journal.try_replay(endpoint_id, wanted)
        told = Answer(orjson.dumps(operating_shown.trial(trial)), 202)
        if asked.once is None:
            return told
        return Answer.of_reply(await reach.registry.remember(asked.once, told.to_reply(), now))
    stored = await behind.journal.make_replay(endpoint_id, wanted, body.rate_per_s, _reply, now, asked.once)
    behind.wake_replays()
    return Answer.of_reply(stored)


def _reply(made: Replay) -> bytes:
    place = f"{PATH}/{made.job_id}"
    return Answer(orjson.dumps(operating_shown.replay(made)), 202, headers={"Location": place}).to_reply()


def _checked(body: ReplayToEndpoint) -> ReplayFilter:
    wanted = body.wanted()
    start, end = wanted.recorded_from, wanted.recorded_before
    if start is not None and end is not None and start >= end:
        raise invalid([FieldError("from", "must be before `to`")])
    return wanted
