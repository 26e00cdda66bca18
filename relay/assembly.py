"""
Put the rooms together: the only module that imports implementations.

Rooms are opened in the order in which an event passes them and closed in reverse.  A bug in one loop
ends all of them, loudly; the journal makes that safe.
"""

from __future__ import annotations

import asyncio
import logging
import random
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from ipaddress import ip_network
from socket import gethostname
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry

from relay.api.admission import ApiKey
from relay.api.operation import OperatingReach, Reach, SourceBudget, SourceSetup
from relay.api.ops import ops_listener
from relay.api.server import ApiSettings, api_listener
from relay.api.tail import EventTail
from relay.command_assembly import Commanded, Commands, open_commands
from relay.config import checked
from relay.config.dialled import Dialled, dialled_by
from relay.config.id_key import decode_id_key
from relay.config.schema import KafkaConfig, RelayConfig, SourceConfig
from relay.config.secrets_key import decode_secrets_key
from relay.dialer_assembly import dialer_poll, vicidial_source
from relay.interpreter import tune_interpreter
from relay.journal.port import Appended
from relay.journal.store import SqlJournal, open_sqlite
from relay.journal_assembly import ONLY_SQLITE, SQLITE, owner, path_of
from relay.model.clock import Clock
from relay.model.delivery_options import HANDSHAKE_REQUIRE
from relay.model.endpoint import EndpointSpec
from relay.model.errors import ConfigError, Fault, JournalUnusable
from relay.model.ids import IdMaker
from relay.model.vendor_answer import VendorAnswer
from relay.number_assembly import lead_rules
from relay.pipeline.deliver import Deliver
from relay.pipeline.dialer.dialer_settings import PAST
from relay.pipeline.hand_on import HandOn
from relay.pipeline.housekeeping import Housekeeping, LoopLag
from relay.pipeline.lane_context import WebhookEndpoint
from relay.pipeline.link_accounts import LinkAccounts
from relay.pipeline.nightly import Nightly
from relay.pipeline.publish import Publish
from relay.pipeline.replays_of_endpoints import ReplaysOfEndpoints
from relay.pipeline.turns import PlannedStream
from relay.sinks.kafka.publisher import KafkaPublisher
from relay.sinks.kafka.settings import KafkaSettings
from relay.sinks.webhook.checking import SignatureChecks
from relay.sinks.webhook.guard import Guard
from relay.sinks.webhook.handshake import Handshake
from relay.sinks.webhook.retry import next_delay_s
from relay.sinks.webhook.sink import WebhookSink
from relay.sinks.webhook.transport.client import Transport
from relay.source_assembly import Surroundings, nightly_reads, plan_of, poll_of, rooms_of, voipcloud_source
from relay.sources.port import FunctionSource
from relay.sources.vicidial import wire as vicidial
from relay.sources.vicidial.config import Dialer360Config, ElisionConfig, VicidialConfig
from relay.sources.voipcloud.config import VoipcloudConfig
from relay.system_clock import SystemClock
from relay.telemetry.health import Health
from relay.telemetry.logs import configure
from relay.telemetry.metrics import Metrics
from relay.version import __version__
from relay.webhook_assembly import webhook_transport

SOURCE_KINDS: Final[Mapping[str, type[SourceConfig]]] = {
    "voipcloud": VoipcloudConfig,
    "dialer360": Dialer360Config,
    "elision": ElisionConfig,
}
# Elision is VICIdial with functions of its own, which answer in JSON.
FUNCTION_READERS: Final = {"dialer360": vicidial.read_answer, "elision": vicidial.read_answer}
CONDITIONS: Final = ("config", "journal", "leases")

log = logging.getLogger(__name__)


class Loop(Protocol):
    """
    Something that runs until told to stop.
    """

    name: str

    async def run(self, stop: asyncio.Event) -> None:
        """
        Run until `stop` is set and what is under way is finished.
        """
        ...


class SourceLoop(Loop, Protocol):
    """
    The loop of one source, its only owner.
    """

    @property
    def source_id(self) -> str:
        """
        Return which source it is.
        """
        ...

    def wake(self) -> None:
        """
        Look at once at what was put down for the source.
        """
        ...


@dataclass(frozen=True, slots=True)
class House:
    """
    What every room may be given.
    """

    journal: SqlJournal
    ids: IdMaker
    clock: Clock
    metrics: Metrics


def check(config: RelayConfig) -> list[Fault]:
    """
    Return what is wrong with a configuration beyond its own words: addresses that may not be dialled.
    """
    faults = vet(dialled_by(config))
    faults += _unknown_links(config)
    if not config.journal.url.startswith(SQLITE):
        faults.append(ONLY_SQLITE)
    return faults


def _unknown_links(config: RelayConfig) -> Iterator[Fault]:
    known = {source.id for source in config.sources}
    for source in config.sources:
        if isinstance(source, Dialer360Config):
            for name in source.link_with:
                if name == source.id or name not in known:
                    yield Fault(
                        f"sources[{source.id}].link_with", f"`{name}` is no other source of this file"
                    )


def vet(dialled: Dialled) -> list[Fault]:
    """
    Return the addresses of endpoints that may not be dialled, and why.
    """
    guard = _guard(dialled)
    refusals = ((key, guard.refusal_of_url(url)) for key, url in dialled.urls.items())
    return [Fault(key, why) for key, why in refusals if why is not None]


def read_answer(
    kind: str, function: str, body: bytes, http_status: int, version: str | None, stage: str
) -> VendorAnswer:
    """
    Return how relay reads a raw answer of a phone system of this kind that is asked by function name.
    """
    return FUNCTION_READERS[kind](function, body, http_status=http_status, version=version, stage=stage)


async def serve(config: RelayConfig, stop: asyncio.Event) -> None:
    """
    Poll, deliver and publish until `stop` is set.

    Raises:
        ConfigError: an endpoint may not be dialled.
        JournalUnusable: the journal cannot be opened, or can no longer be written.
    """
    faults = check(config)
    if faults:
        raise ConfigError(faults)
    metrics, health = Metrics(CollectorRegistry()), Health(CONDITIONS)
    configure(config.log.level, sys.stderr, metrics)
    _show_config(config, metrics, health)
    async with AsyncExitStack() as rooms:
        listen = config.server.ops_listen
        await rooms.enter_async_context(ops_listener(listen, metrics, health))
        house = await rooms.enter_async_context(_open_house(config, metrics))
        metrics.lease_held.labels("journal").set(1)
        loops = await _open_loops(config, house, health, rooms)
        tune_interpreter()
        for condition in CONDITIONS:
            health.set(condition, ok=True)
        log.info("relay serves", extra={"version": __version__, "listen": str(config.server.listen)})
        await _run(loops, stop)
        log.info("relay has stopped")


def budget_plan(
    config: RelayConfig, rates: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, PlannedStream]]:
    """
    Return how fresh the request budget of each source keeps its streams, by source and stream.

    Args:
        config: names the sources, their streams and budgets.
        rates: how many calls each stream of a source shows, in relation to the others; left out: 1.
    """
    sources = [source for source in config.sources if isinstance(source, VoipcloudConfig)]
    return {source.id: plan_of(source, rates.get(source.id, {})) for source in sources}


async def _open_loops(config: RelayConfig, house: House, health: Health, rooms: AsyncExitStack) -> list[Loop]:
    guard = _guard(dialled_by(config))
    transport = webhook_transport(config.webhooks, guard)
    rooms.push_async_callback(transport.close)
    deliver = _deliver(config, house)
    publish = _publish(config.kafka, house) if config.kafka else None
    tail = EventTail(await house.journal.reading.last_seq())
    appended = HandOn(deliver, publish, house.metrics, tail.move_to)
    open_endpoint = partial(_endpoint, transport, house, config.webhooks.origin or _own_name())
    of_file = [one.spec() for one in config.endpoints]
    await deliver.start(of_file, open_endpoint, appended)
    built = [await _poll(source, house, appended, rooms) for source in config.sources]
    polls = [poll for poll, _ in built]
    publication = publish.cursor_name if publish else None
    housekeeping = Housekeeping(house.journal, house.clock, house.metrics, health, publication)
    lag = LoopLag(house.clock, house.metrics)
    wake = partial(_wake, {poll.source_id: poll for poll in polls})
    commands = await _commands(config, house, [source for _, source in built], wake, rooms)
    accounts = LinkAccounts(house.journal, house.journal.reading)
    replays = ReplaysOfEndpoints(house.journal.operating, deliver.resent, house.clock, house.metrics)
    reach = Reach(
        registry=house.journal.registry,
        reading=house.journal.reading,
        work=house.journal.work,
        owner=deliver,
        clock=house.clock,
        tail=tail,
        refusal_of_url=guard.refusal_of_url,
        sources={source.id: _source_setup(source) for source in config.sources},
        id_key_fingerprint=house.journal.identity.fingerprint,
        mappings=house.journal.mappings,
        wake=wake,
        client_certificates=[one.name for one in config.webhooks.client_certificates],
        commands=commands.reach,
        operating=OperatingReach(house.journal.operating, replays.wake),
        explain_links=accounts.explain,
        dry_run_links=accounts.dry_run,
        signatures=SignatureChecks(of_file),
    )
    listener = api_listener(config.server.listen, reach, house.metrics, _api_settings(config))
    api = await rooms.enter_async_context(listener)
    of_kafka = [publish] if publish else []
    nightly = _nightly(config, house, wake)
    return [api, deliver, *of_kafka, *polls, *commands.loops, replays, nightly, housekeeping, lag]


def _deliver(config: RelayConfig, house: House) -> Deliver:
    grace_s = config.server.shutdown_grace_s
    return Deliver(house.journal, house.journal.registry, house.clock, house.metrics, house.ids, grace_s)


async def _commands(
    config: RelayConfig,
    house: House,
    sources: Sequence[FunctionSource],
    wake: Callable[[str], None],
    rooms: AsyncExitStack,
) -> Commands:
    of_kind = {source.id: source.kind for source in config.sources}
    taking = [Commanded(source, of_kind[source.source_id]) for source in sources]
    rules = lead_rules(config, house.journal.mappings, house.clock, house.metrics)
    leads = await rooms.enter_async_context(rules)
    return await open_commands(taking, house.journal.commands, house.clock, wake, rooms, leads)


def _nightly(config: RelayConfig, house: House, wake: Callable[[str], None]) -> Nightly:
    journal = house.journal
    days = [nightly_reads(source) for source in config.sources if not isinstance(source, ElisionConfig)]
    return Nightly(days, journal, journal.reading, journal.work, house.clock, wake)


def _api_settings(config: RelayConfig) -> ApiSettings:
    keys = [ApiKey(key.name, key.key.reveal(), key.scopes) for key in config.server.api_keys]
    tokens = {source.id: source.hook_token.reveal() for source in config.sources if source.hook_token}
    return ApiSettings(keys=keys, hook_tokens=tokens, hooks_listen=config.server.hooks_listen)


def _wake(polls: Mapping[str, SourceLoop], source_id: str) -> None:
    if source_id in polls:
        polls[source_id].wake()


def _source_setup(config: SourceConfig) -> SourceSetup:
    zone = ZoneInfo(config.timezone)
    if isinstance(config, VoipcloudConfig):
        budget = SourceBudget(config.budget.requests, config.budget.per_s)
        return SourceSetup(budget, zone, config.streams)
    if isinstance(config, VicidialConfig):
        past = () if isinstance(config, ElisionConfig) else (PAST,)
        return SourceSetup(None, zone, past, config.kind, pushes_by_get=bool(past))
    return SourceSetup(None, zone, ())


async def _run(loops: list[Loop], stop: asyncio.Event) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            for loop in loops:
                group.create_task(loop.run(stop), name=loop.name)
    except* JournalUnusable as errors:
        raise _first(errors) from None


def _first(errors: BaseExceptionGroup[JournalUnusable]) -> JournalUnusable:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if not isinstance(error, JournalUnusable):
        raise AssertionError("a group of JournalUnusable holds nothing else") from error
    return error


@asynccontextmanager
async def _open_house(config: RelayConfig, metrics: Metrics) -> AsyncIterator[House]:
    clock, id_key, secrets_key = SystemClock(), config.journal.id_key, config.journal.secrets_key
    key = decode_id_key(id_key.reveal()) if id_key is not None else None
    seals = decode_secrets_key(secrets_key.reveal()) if secrets_key is not None else None
    async with open_sqlite(path_of(config.journal.url), owner(), clock.now(), key, seals) as journal:
        yield House(journal, IdMaker(journal.identity.id_key), clock, metrics)


async def _poll(
    config: SourceConfig, house: House, appended: Callable[[Appended], None], rooms: AsyncExitStack
) -> tuple[SourceLoop, FunctionSource]:
    around = Surroundings(house.journal, house.ids, house.clock, house.metrics, appended)
    if isinstance(config, VicidialConfig):
        dialer = await rooms.enter_async_context(vicidial_source(config, around))
        return await dialer_poll(config, dialer, around), dialer
    if not isinstance(config, VoipcloudConfig):
        raise AssertionError(f"SOURCE_KINDS has {config.kind} and nothing builds it")
    source = await rooms.enter_async_context(voipcloud_source(config, house.journal, house.clock))
    return poll_of(config, source, await rooms_of(config, around), around), source


def _endpoint(transport: Transport, house: House, origin: str, spec: EndpointSpec) -> WebhookEndpoint:
    clock, handshake = house.clock, None
    rng = random.Random()  # noqa: S311 - jitter, not a secret
    delay = partial(_delay_s, spec.retry_schedule_s, rng)
    if spec.options.handshake == HANDSHAKE_REQUIRE:
        handshake = Handshake(spec, origin, transport, house.journal.grants, clock)
    sink = WebhookSink(spec, transport, clock, handshake)
    if handshake is None:
        return WebhookEndpoint(spec, sink, delay)
    return WebhookEndpoint(spec, sink, delay, handshake.follow_rate)


def _own_name() -> str:
    """
    Return the DNS name by which this machine asks for consent, where the operator gave none.
    """
    name = gethostname()
    return name if checked.is_dns_name(name) else "relay"


def _delay_s(schedule_s: tuple[int, ...], rng: random.Random, attempts_made: int) -> float | None:
    return next_delay_s(schedule_s, attempts_made, rng)


def _publish(config: KafkaConfig, house: House) -> Publish:
    settings = KafkaSettings(
        bootstrap_servers=config.bootstrap_servers,
        topic_prefix=config.topic_prefix,
        deployment=config.deployment,
        create_topics=config.create_topics,
        replication_factor=config.replication_factor,
        compression=config.compression,
    )
    publisher = KafkaPublisher(settings, house.journal.identity.journal_id, house.journal.event_id_at)
    return Publish(publisher, house.journal, settings.transactional_id, house.clock, house.metrics)


def _guard(dialled: Dialled) -> Guard:
    allow, deny = (
        [ip_network(one) for one in networks] for networks in (dialled.allow_private, dialled.deny)
    )
    return Guard(allow, dialled.own_listeners, deny)


def _show_config(config: RelayConfig, metrics: Metrics, health: Health) -> None:
    digest = blake2b(config.model_dump_json().encode(), digest_size=6).digest()
    metrics.config_hash.set(int.from_bytes(digest, "big"))
    metrics.config_last_reload_successful.set(1)
    metrics.config_last_reload_success_timestamp_seconds.set(SystemClock().now().timestamp())
    health.set("config", ok=True)
