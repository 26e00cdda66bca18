"""
Put together what works for one dialer, as `relay.source_assembly` does for a PBX.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from relay.model.ids import IdMaker
from relay.model.subject_state import IN_GROUP, USER_GROUP
from relay.normalise.agents import AgentDiff
from relay.normalise.dialer_calls import DialerCalls
from relay.normalise.did_log import DidEvents
from relay.normalise.groups import GroupDiff
from relay.normalise.lists import ListDiff
from relay.normalise.rules import CallRules
from relay.pipeline.command_inbox import CommandInbox
from relay.pipeline.dialer.agent_poll import AgentPoll
from relay.pipeline.dialer.call_book import CallBook
from relay.pipeline.dialer.call_details import CallDetails
from relay.pipeline.dialer.call_follow_ups import CallFollowUps
from relay.pipeline.dialer.clock_check import ClockCheck
from relay.pipeline.dialer.cross_links import CrossLinks
from relay.pipeline.dialer.dialer_context import DialerContext
from relay.pipeline.dialer.dialer_inbox import DialerInbox
from relay.pipeline.dialer.dialer_past import DialerPast
from relay.pipeline.dialer.dialer_poll import Chore, DialerPoll
from relay.pipeline.dialer.dialer_settings import (
    AGENT_STATS,
    AGENTS,
    CALLS,
    DID_CALLS,
    IN_GROUPS,
    LISTS,
    PAST,
    USER_GROUPS,
    VERSION,
    DialerSettings,
)
from relay.pipeline.dialer.did_logs import DidLogs
from relay.pipeline.dialer.group_poll import GroupPoll
from relay.pipeline.dialer.list_poll import ListPoll
from relay.pipeline.dialer.stats_windows import StatsWindows
from relay.pipeline.pace import PaceSettings
from relay.pipeline.poll_state import PollSettings
from relay.pipeline.source_ledger import SourceLedger
from relay.source_assembly import Surroundings
from relay.sources.port import FunctionSource
from relay.sources.vicidial.config import Dialer360Config, ElisionConfig, VicidialConfig
from relay.sources.vicidial.source import VicidialSettings, VicidialSource


@dataclass(frozen=True, slots=True)
class _Rooms:
    """
    What every dialer has.
    """

    context: DialerContext
    commands: CommandInbox


@dataclass(frozen=True, slots=True)
class AgentParts:
    """
    What polls agents, and follows the calls that they have.
    """

    book: CallBook
    follow_ups: CallFollowUps
    agents: AgentPoll


def vicidial_source(config: VicidialConfig, around: Surroundings) -> VicidialSource:
    """
    Make the source of an account; whoever asks for it enters it.
    """
    settings = VicidialSettings(
        source_id=config.id,
        url=config.base_url,
        user=config.user,
        password=config.password.reveal(),
        source_name=config.source_name,
        method=config.method,
        timeout_s=config.request_timeout_s,
    )
    return VicidialSource(settings, around.clock)


def streams_of(config: VicidialConfig) -> tuple[str, ...]:
    """
    Return what is read of an account.
    """
    if not isinstance(config, Dialer360Config):
        return (LISTS,)
    optional = {
        IN_GROUPS: config.in_groups,
        USER_GROUPS: config.user_groups,
        DID_CALLS: config.dids,
        AGENT_STATS: config.stats,
    }
    return (AGENTS, CALLS, *(name for name, wanted in optional.items() if wanted), VERSION, PAST)


async def dialer_poll(config: VicidialConfig, source: FunctionSource, around: Surroundings) -> DialerPoll:
    """
    Make the loop of a dialer.
    """
    context = await dialer_context(config, source, around)
    commands = CommandInbox(
        config.id, config.country, around.journal, around.ids, around.clock, around.appended
    )
    rooms = _Rooms(context, commands)
    if isinstance(config, Dialer360Config):
        return _dialer360(config, rooms, around)
    if isinstance(config, ElisionConfig):
        every = timedelta(seconds=config.lists_every_s)
        lists = ListPoll(rooms.context, every, ListDiff(config.id, around.ids))
        return DialerPoll(rooms.context, [lists], DialerInbox(rooms.context, rooms.commands))
    raise AssertionError(f"nothing polls a source of the kind {config.kind}")


async def dialer_context(
    config: VicidialConfig, source: FunctionSource, around: Surroundings
) -> DialerContext:
    """
    Register a dialer with the journal, and make what everything that works for it shares.
    """
    journal, clock, now = around.journal, around.clock, around.clock.now()
    head = await journal.register_source(config.id, config.kind, config.publish_from_at(now), now)
    rules = CallRules(
        source_id=config.id,
        zone=ZoneInfo(config.timezone),
        country=config.country,
        publish_from=head.publish_from,
        end_hold=timedelta(seconds=config.end_hold_s),
    )
    # A dialer has no streams of which a stretch of time could be owed: what the ledger plans by is not used.
    unused = PollSettings(PaceSettings(1, 1.0), 1.0, timedelta(0), 1.0, 1.0)
    ledger = SourceLedger(config.id, journal, around.ids, clock, unused, around.appended)
    label = around.metrics.start_source(config.id, streams_of(config))
    around.metrics.start_dialer(label, streams_of(config))
    return DialerContext(
        source=source,
        journal=journal,
        mapping_journal=journal.mappings,
        ledger=ledger,
        rules=rules,
        settings=_settings(config, rules),
        clock=clock,
        metrics=around.metrics,
        appended=around.appended,
        label=label,
    )


def _settings(config: VicidialConfig, rules: CallRules) -> DialerSettings:
    settings = DialerSettings(config.id, rules.zone, end_hold=rules.end_hold)
    if not isinstance(config, Dialer360Config):
        return settings
    return DialerSettings(
        source_id=config.id,
        zone=rules.zone,
        poll_every_s=config.poll_every_s,
        agents=config.agents,
        in_groups=config.in_groups,
        user_groups=config.user_groups,
        group_every_s=config.group_every_s,
        min_interval_s=config.min_interval_s,
        dids=config.dids,
        did_every_s=config.did_every_s,
        version_every_s=config.version_every_s,
        with_recordings=config.recordings,
        stats_every_s=config.stats.every_s if config.stats else None,
        stats_settle_s=config.stats.settle_s if config.stats else 0,
        end_hold=rules.end_hold,
    )


def _dialer360(config: Dialer360Config, rooms: _Rooms, around: Surroundings) -> DialerPoll:
    context, ids = rooms.context, around.ids
    parts = agent_parts(context, ids)
    book = parts.book
    group_diff = GroupDiff(config.id, ids, timedelta(seconds=config.min_interval_s))
    chores: list[Chore] = []
    if config.in_groups:
        chores.append(GroupPoll(context, IN_GROUPS, IN_GROUP, config.in_groups, group_diff))
    if config.user_groups:
        chores.append(GroupPoll(context, USER_GROUPS, USER_GROUP, config.user_groups, group_diff))
    did_logs = DidLogs(context, book, DidEvents(ids, config.country))
    if config.dids:
        chores.append(did_logs)
    if config.stats:
        chores.append(StatsWindows(context, timedelta(seconds=config.stats.every_s), ids))
    if config.link_with:
        chores.append(CrossLinks(context, book, config.link_with))
    chores += [ClockCheck(context), DialerPast(context, book, did_logs)]
    inbox = DialerInbox(context, rooms.commands, book, parts.follow_ups)
    return DialerPoll(context, chores, inbox, parts.agents, parts.follow_ups)


def agent_parts(context: DialerContext, ids: IdMaker) -> AgentParts:
    """
    Make what polls agents and follows their calls.
    """
    book = CallBook(context, DialerCalls(context.rules, ids))
    details = CallDetails(context)
    follow_ups = CallFollowUps(context, book, details)
    diff = AgentDiff(context.source_id, context.rules.zone, ids, book.calls.call_id)
    return AgentParts(book, follow_ups, AgentPoll(context, book, diff, details, follow_ups))
