"""
Put together what works for one source: the other half of `relay.assembly`, and a room of its own for tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from relay.config.schema import SourceConfig
from relay.journal.port import Appended
from relay.journal.store import SqlJournal
from relay.model.call import LegFacts
from relay.model.clock import Clock
from relay.model.ids import IdMaker
from relay.normalise.calls import CallAssembler
from relay.normalise.rules import CallRules
from relay.normalise.voipcloud_pushes import read_push
from relay.normalise.voipcloud_rows import VoipcloudRows
from relay.pipeline.command_inbox import CommandInbox
from relay.pipeline.command_links import CommandLinks
from relay.pipeline.inbox import Inbox
from relay.pipeline.ingest import Ingest
from relay.pipeline.nightly import NightlyReads
from relay.pipeline.pace import IDLE_WINDOWS, PaceSettings
from relay.pipeline.page_rows import RowReader
from relay.pipeline.poll import Poll
from relay.pipeline.poll_context import PollContext
from relay.pipeline.poll_state import PollSettings
from relay.pipeline.replays import Replays
from relay.pipeline.source_ledger import SourceLedger
from relay.pipeline.turns import PlannedStream, plan
from relay.sources.budget import BudgetSettings
from relay.sources.port import Source
from relay.sources.voipcloud.config import VoipcloudConfig
from relay.sources.voipcloud.source import MAX_ROWS, VoipcloudSettings, VoipcloudSource
from relay.telemetry.metrics import Metrics

ANSWER_S: Final = 5.0  # a place in the window is free that long after it, once answers are counted in
LATE_READS: Final = 3  # so many reads may be late before unread time is a gap
LEAST_GAP_S: Final = 10.0


def voipcloud_source(
    config: VoipcloudConfig, journal: SqlJournal, clock: Clock, largest_page: int = MAX_ROWS
) -> VoipcloudSource:
    """
    Make the source of an account; whoever asks for it enters it.
    """
    settings = VoipcloudSettings(
        config.id,
        config.base_url,
        config.token.reveal(),
        ZoneInfo(config.timezone),
        _budget(config),
        config.streams,
        largest_page=largest_page,
    )
    return VoipcloudSource(settings, journal, clock)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """
    What the loops of all sources share.
    """

    journal: SqlJournal
    ids: IdMaker
    clock: Clock
    metrics: Metrics
    appended: Callable[[Appended], None]


@dataclass(frozen=True, slots=True)
class Rooms:
    """
    What reads rows and links them, for one source.
    """

    rules: CallRules
    reader: RowReader
    assembler: CallAssembler


async def rooms_of(config: VoipcloudConfig, around: Surroundings) -> Rooms:
    """
    Register a source with the journal, and make what reads and links its rows.
    """
    now, journal = around.clock.now(), around.journal
    head = await journal.register_source(config.id, config.kind, config.publish_from_at(now), now)
    rules = CallRules(
        source_id=config.id,
        zone=ZoneInfo(config.timezone),
        country=config.country,
        publish_from=head.publish_from,
        link_window=timedelta(seconds=config.link_window_s),
        end_hold=timedelta(seconds=config.end_hold_s),
    )
    aliases = await journal.aliases(config.id)
    return Rooms(rules, VoipcloudRows(rules, around.ids), CallAssembler(rules, around.ids, aliases))


def poll_of(config: VoipcloudConfig, source: Source, rooms: Rooms, around: Surroundings) -> Poll:
    """
    Make the loop of a source.
    """
    journal, ids, clock, metrics = around.journal, around.ids, around.clock, around.metrics
    rules, reader, assembler = rooms.rules, rooms.reader, rooms.assembler
    metrics.poll_quota_limit.labels(config.id).set(config.budget.requests)
    settings = poll_settings(config)
    context = PollContext(
        source=source,
        journal=journal,
        ledger=SourceLedger(config.id, journal, ids, clock, settings, around.appended),
        ingest=Ingest(journal, reader, assembler, clock, metrics, around.appended),
        assembler=assembler,
        settings=settings,
        clock=clock,
        metrics=metrics,
    )

    def read(body: Mapping[str, Any], received_at: datetime) -> LegFacts:
        return read_push(body, rules, ids, received_at)

    verdicts = CommandInbox(config.id, config.country, journal, ids, clock, around.appended)
    commands = CommandLinks(context, verdicts, journal.commands, ids, config.country)
    return Poll(context, Inbox(context, read, Replays(context, reader), commands), commands)


def poll_settings(config: VoipcloudConfig) -> PollSettings:
    """
    Derive when and how far back an account is read from what its configuration says.
    """
    budget = _budget(config)
    pace = PaceSettings(budget.polls, budget.per_s, config.poll_every_s or 0.0, ANSWER_S)
    slowest_s = max(pace.full_pause_s * len(config.streams), budget.per_s * IDLE_WINDOWS)
    return PollSettings(
        pace=pace,
        status_every_s=max(config.status_every_s, (budget.per_s + ANSWER_S) / budget.statuses),
        lookback=timedelta(seconds=config.lookback_s),
        deep_every_s=max(budget.per_s, slowest_s),
        gap_after_s=max(LATE_READS * slowest_s, LEAST_GAP_S) + config.request_timeout_s,
    )


def plan_of(config: VoipcloudConfig, rates: Mapping[str, float]) -> dict[str, PlannedStream]:
    """
    Return how fresh an account's budget keeps each of its streams, at rates in relation to each other.
    """
    pace = poll_settings(config).pace
    wanted: dict[str, float] = {stream: rates.get(stream, 1.0) for stream in config.streams}
    per_s = max(pace.per_s + pace.answer_s, pace.least_pause_s * pace.polls)
    return plan(wanted, pace.polls, per_s)


def nightly_reads(config: SourceConfig) -> NightlyReads:
    """
    Return which days of an account are read again each night.
    """
    return NightlyReads(config.id, ZoneInfo(config.timezone), config.reconcile_days, config.reconcile_hour)


def _budget(config: VoipcloudConfig) -> BudgetSettings:
    budget = config.budget
    return BudgetSettings(budget.requests, budget.per_s, budget.reserve, config.request_timeout_s)
