"""
One operation of the API, as the table lists it: what it takes, what it gives, what it needs.

Routing, checks and the OpenAPI document are made from the same entries.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import orjson
from pydantic import BaseModel, ConfigDict

from relay.api.owner import EndpointOwner
from relay.api.stream import Pace
from relay.api.tail import EventTail
from relay.commands.desk import CommandDesk
from relay.journal.api_port import Once, ReadingJournal, RegistryJournal, SourceWorkJournal
from relay.journal.commands_port import CommandJournal, MappingJournal
from relay.journal.port import OperatingJournal
from relay.model.clock import Clock
from relay.model.linking import LinkRules
from relay.sinks.port import Signatures

JSON: Final = "application/json"
MAX_BODY: Final = 1024 * 1024

# What an Idempotency-Key means to an operation that is a POST.
KEY_OPTIONAL: Final = "optional"
KEY_REQUIRED: Final = "required"
KEY_IGNORED: Final = "ignored"  # nothing is changed by it, however often it is asked for
EVENT_STREAM: Final = "text/event-stream"

Model = TypeVar("Model", bound=BaseModel)
ExplainLinks = Callable[[str], Awaitable[dict[str, Any] | None]]
DryRunLinks = Callable[[str, datetime, datetime, LinkRules], Awaitable[dict[str, Any]]]


class Given(BaseModel):
    """
    Part of a request: nothing unknown, nothing of another type.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, allow_inf_nan=False
    )


class NoQuery(Given):
    """
    An operation without query parameters.
    """


@dataclass(frozen=True, slots=True)
class SourceBudget:
    """
    How many requests a source may make in a window.
    """

    requests: int
    per_s: float


@dataclass(frozen=True, slots=True)
class SourceSetup:
    """
    What the configuration says of a source: its budget (None: no limit), its zone, the streams that a job of
    its past reads (none: it shows no calls), its kind.  `pushes_by_get`: all it can do is to get a URL.
    """

    budget: SourceBudget | None
    zone: ZoneInfo
    streams: tuple[str, ...]
    kind: str = "voipcloud"
    pushes_by_get: bool = False


async def _explain_nothing(_call_id: str) -> None:
    return None


async def _dry_run_nothing(
    _source_id: str, _start: datetime, _end: datetime, _rules: LinkRules
) -> dict[str, Any]:
    return {}


def _wake_nobody(_source_id: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class CommandReach:
    """
    What handlers of commands may ask and change; `wake_bulk` tells that a source has a new bulk job.
    """

    desk: CommandDesk
    journal: CommandJournal
    wake_bulk: Callable[[str], None] = _wake_nobody


def _wake_no_replay() -> None:
    return None


@dataclass(frozen=True, slots=True)
class OperatingReach:
    """
    What handlers of replays, reconciliations and explanations may ask and change; `wake_replays` tells that
    the journal holds a new replay.
    """

    journal: OperatingJournal
    wake_replays: Callable[[], None] = _wake_no_replay


@dataclass(frozen=True, slots=True)
class Reach:
    """
    What handlers may ask and change.

    `refusal_of_url` says why a URL may not be dialled; `sources` are those of the configuration;
    `id_key_fingerprint` tells the journal's `id_key` from others; `signatures` checks requests; `wake`
    tells a source's owner that the journal holds work for it; `commands` makes phone systems do things,
    `operating` tells what receivers have and sends it again (None: not here); `explain_links` scores the legs
    round a call (None: it is unknown); `dry_run_links` links a stretch of a source anew and changes nothing
    (ValueError: it is too long); `client_certificates` are the names that endpoints may use;
    `document` describes this API; `changing` is held while an endpoint is read and written back.
    """

    registry: RegistryJournal
    reading: ReadingJournal
    work: SourceWorkJournal
    owner: EndpointOwner
    clock: Clock
    tail: EventTail
    refusal_of_url: Callable[[str], str | None]
    sources: Mapping[str, SourceSetup]
    id_key_fingerprint: str
    mappings: MappingJournal
    signatures: Signatures
    wake: Callable[[str], None] = _wake_nobody
    commands: CommandReach | None = None
    operating: OperatingReach | None = None
    explain_links: ExplainLinks = _explain_nothing
    dry_run_links: DryRunLinks = _dry_run_nothing
    document: bytes = b"{}"
    client_certificates: Collection[str] = ()
    pace: Pace = field(default_factory=Pace)
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class Asked:
    """
    A request that was found to be as the operation wants it.

    `raw` and `media_type` are those of a body that the handler reads itself, `owner` is the name of the key
    ("": there are no keys).
    """

    path: Mapping[str, str]
    query: BaseModel
    body: BaseModel | None
    once: Once | None
    last_event_id: str | None = None
    raw: bytes = b""
    media_type: str = ""
    owner: str = ""

    def query_as(self, kind: type[Model]) -> Model:
        """
        Return the query parameters, which are of the kind that the table says.
        """
        if not isinstance(self.query, kind):
            raise AssertionError(f"the table gives this operation no {kind.__name__}")
        return self.query

    def body_as(self, kind: type[Model]) -> Model:
        """
        Return the body, which is of the kind that the table says.
        """
        if not isinstance(self.body, kind):
            raise AssertionError(f"the table gives this operation no {kind.__name__}")
        return self.body


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What a handler gives.
    """

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, document: object) -> Answer:
        """
        Return an answer with a JSON document.
        """
        return cls(orjson.dumps(document))

    def to_reply(self) -> bytes:
        """
        Return all of it as the journal keeps it for an Idempotency-Key: a line of JSON, then the body.
        """
        kept: dict[str, Any] = {"status": self.status, "headers": dict(self.headers)}
        if self.content_type != JSON:
            kept["content_type"] = self.content_type
        head = orjson.dumps(kept)
        return head + b"\n" + self.body

    @classmethod
    def of_reply(cls, reply: bytes, more: Mapping[str, str] | None = None) -> Answer:
        """
        Read what `to_reply` gave, with `more` headers.
        """
        head, _, body = reply.partition(b"\n")
        kept = orjson.loads(head)
        content_type = kept.get("content_type", JSON)
        return cls(body, kept["status"], content_type, {**kept["headers"], **(more or {})})


@dataclass(frozen=True, slots=True)
class Streaming:
    """
    An answer without end: blocks as they come, empty ones where there is none for a while.
    """

    blocks: AsyncGenerator[bytes, None]


@dataclass(frozen=True, slots=True)
class Payload:
    """
    A body that the handler reads itself.

    `content` has a JSON Schema for each media type, `schemas` those that these refer to.  It may have
    `max_bytes` and must be there within `within_s` (None: as any other).
    """

    content: Mapping[str, Mapping[str, Any]]
    schemas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    is_required: bool = True
    max_bytes: int = MAX_BODY
    within_s: float | None = None


Handler = Callable[[Reach, Asked], Awaitable[Answer | Streaming]]


@dataclass(frozen=True, slots=True)
class Operation:
    """
    One method of one path.

    `scope` None needs no key.  `gives` is the model of the answer, None where it has no body or is no JSON
    of ours.  `problems` are the statuses of problems besides those that follow from the rest.
    `takes` stands in the place of `body` where the handler reads it itself, `gives_schemas` in the place of
    `gives` where the catalogue has the schema: the first, by name, which may refer to the others; `key` tells
    what an Idempotency-Key means.  `keeps_reply` marks a handler that stores its reply for it itself, with
    what it does; `waits_for_others` one that does little but wait for somebody outside, and may take
    long.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    scope: str | None
    gives: type[BaseModel] | None = None
    status: int = 200
    query: type[BaseModel] = NoQuery
    body: type[BaseModel] | None = None
    problems: tuple[int, ...] = ()
    content_type: str = JSON
    keeps_reply: bool = False
    waits_for_others: bool = False
    takes: Payload | None = None
    gives_schemas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    key: str = KEY_OPTIONAL
    operation_id: str = ""

    @property
    def name(self) -> str:
        """
        Return the operation's id in the OpenAPI document.
        """
        return self.operation_id or self.handler.__name__
