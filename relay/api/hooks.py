"""
`/hooks/{source_id}`: what phone systems push, by POST, or by GET where a phone system can do no more than get
a URL.  A push is a hint for the owner of the source, no record.

It is admitted by the source's `hook_token` and by nothing else, so that it can stand on a listener of its
own.  Strangers learn nothing: without the right token every answer is the same, after the same comparison.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from hashlib import blake2b
from hmac import compare_digest
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from relay.api.front_door import HEADERS
from relay.api.gate import Gate
from relay.api.operation import Reach
from relay.api.problems import BUSY, MALFORMED, UNAUTHORISED, WRONG_METHOD, Refused
from relay.api.request import document_of, received
from relay.model.errors import Conflict, JournalBusy, NotFound
from relay.model.source_work import PUSH
from relay.telemetry.metrics import OTHER, Metrics

ROUTE: Final = "/hooks/{source_id}"
TOKEN_HEADER: Final = "X-Pbx-Token"  # noqa: S105 - the name of a header
TOKEN_PARAMETER: Final = "token"  # noqa: S105 - and of a parameter
LEVELS_AROUND: Final = 16  # what is kept lies inside events and lists
FORM: Final = "application/x-www-form-urlencoded"
MAX_PUSH: Final = 64 * 1024
MAX_FORM_FIELDS: Final = 200
ACCEPTED: Final = "accepted"
_OUTCOMES: Final = {UNAUTHORISED.status: "refused", BUSY.status: "full"}
_NO_PUSH: Final = WRONG_METHOD.about("It takes POST.", {"Allow": "POST"})
_REFUSAL: Final = UNAUTHORISED.about(f"Send the source's hook_token in {TOKEN_HEADER}, or as ?token=.")


class HookDoor:
    """
    Puts pushes into the inboxes of their sources.

    Args:
        reach: the journal, the clock, and who is to be woken.
        tokens: the `hook_token` of each source that has one.
        metrics: counts pushes.
        patience_s: how long a client may take to send a body.
    """

    def __init__(self, reach: Reach, tokens: Mapping[str, str], metrics: Metrics, patience_s: float) -> None:
        self._reach = reach
        self._metrics = metrics
        self._patience_s = patience_s
        self._gate = Gate()
        self._pepper = secrets.token_bytes(32)
        self._digests = {source_id: self._digest(token) for source_id, token in tokens.items()}
        self._nobody = secrets.token_bytes(32)
        self._labels = {source_id: metrics.source_label(source_id) for source_id in reach.sources}

    async def answer(self, request: web.Request) -> web.Response:
        """
        Take a push: 202 once the journal holds it.

        Raises:
            Refused: 401 without the right token, 400, 408, 413 or 422 for what cannot be read, 503 where
                there is no room; nothing was stored.
        """
        if request.method not in ("GET", "POST"):
            raise Refused(_NO_PUSH)
        source_id = request.match_info["source_id"]
        try:
            await self._take(source_id, request)
        except Refused as refusal:
            self._count(source_id, _OUTCOMES.get(refusal.problem.status, "malformed"))
            raise
        self._count(source_id, ACCEPTED)
        self._reach.wake(source_id)
        return web.Response(status=202, headers=HEADERS)

    async def _take(self, source_id: str, request: web.Request) -> None:
        self._admit(source_id, request)
        # Asked behind the token: which of the sources is of what kind is nobody's business.
        if request.method == "GET" and not self._reach.sources[source_id].pushes_by_get:
            raise Refused(_NO_PUSH)
        with self._gate.enter():
            body = await received(request, MAX_PUSH, self._patience_s)
            async with self._gate.turn:
                await self._put_down(source_id, await _pushed(request, body))

    def _admit(self, source_id: str, request: web.Request) -> None:
        given = [*request.headers.getall(TOKEN_HEADER, []), *request.query.getall(TOKEN_PARAMETER, [])]
        digest = self._digest(given[0] if len(given) == 1 else "")
        # The comparison is the same for a source that there is not: the time tells nothing.
        if not compare_digest(self._digests.get(source_id, self._nobody), digest):
            raise Refused(_REFUSAL)

    async def _put_down(self, source_id: str, push: dict[str, Any]) -> None:
        try:
            await self._reach.work.put_down(source_id, PUSH, push, lambda _: b"", self._reach.clock.now())
        except NotFound:
            raise Refused(_REFUSAL) from None
        except Conflict as error:
            raise Refused(BUSY.about(str(error))) from None
        except JournalBusy:
            raise Refused(BUSY) from None

    def _digest(self, token: str) -> bytes:
        return blake2b(token.encode("utf-8", "surrogateescape"), key=self._pepper, digest_size=32).digest()

    def _count(self, source_id: str, outcome: str) -> None:
        self._metrics.hooks.labels(self._labels.get(source_id, OTHER), outcome).inc()


async def _pushed(request: web.Request, body: bytes) -> dict[str, Any]:
    if request.method == "GET":
        pairs = [(name, value) for name, value in request.query.items() if name != TOKEN_PARAMETER]
        return _once_each(pairs[: MAX_FORM_FIELDS + 1])
    push = _form(body) if request.content_type == FORM else await document_of(body)
    if not isinstance(push, dict):
        raise Refused(MALFORMED.about("A push is one JSON object, or a form."))
    # The journal must write it out again, which numbers and depths of no use do not allow.
    kept: Any = push
    for _ in range(LEVELS_AROUND):
        kept = [kept]
    try:
        orjson.dumps(kept)
    except orjson.JSONEncodeError:
        raise Refused(MALFORMED.about("The body cannot be kept.")) from None
    return push


def _form(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FORM_FIELDS
        )
    except ValueError:
        raise Refused(MALFORMED.about("The body is no form.")) from None
    return _once_each(pairs)


def _once_each(pairs: list[tuple[str, str]]) -> dict[str, str]:
    fields = dict(pairs)
    if len(fields) < len(pairs) or len(pairs) > MAX_FORM_FIELDS:
        raise Refused(MALFORMED.about("It has a field twice, or too many of them."))
    return fields
