"""
Put together what checks the numbers of leads: the provider, the policy, and whose leads are checked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from relay.commands.lead_rules import LeadRules
from relay.commands.number_checks import LookupPolicy, NumberChecks, NumberGate
from relay.config.schema import HlrConfig, RelayConfig
from relay.journal.commands_port import MappingJournal
from relay.model.clock import Clock
from relay.sources.hlr.lookup import HlrLookup, HlrSettings
from relay.telemetry.metrics import Metrics

ACCEPT: Final = "accept"


@asynccontextmanager
async def lead_rules(
    config: RelayConfig, mappings: MappingJournal, clock: Clock, metrics: Metrics
) -> AsyncIterator[LeadRules]:
    """
    Give what is done with leads before they are sent, while entered.
    """
    async with number_gate(config, clock, metrics) as gate:
        yield LeadRules(mappings, gate)


@asynccontextmanager
async def number_gate(config: RelayConfig, clock: Clock, metrics: Metrics) -> AsyncIterator[NumberGate]:
    """
    Give what lets commands pass, while entered.
    """
    async with AsyncExitStack() as rooms:
        lookup, policy = None, LookupPolicy()
        if config.hlr is not None:
            lookup = await rooms.enter_async_context(HlrLookup(_settings(config.hlr), clock, metrics))
            policy = LookupPolicy(
                accepts_unreachable=config.hlr.on_unreachable == ACCEPT,
                accepts_unknown=config.hlr.on_unknown == ACCEPT,
            )
        checks = {one.id: NumberChecks(one.country, lookup, policy) for one in config.sources}
        yield NumberGate(checks, {key.name: key.number_checks for key in config.server.api_keys})


def _settings(config: HlrConfig) -> HlrSettings:
    return HlrSettings(config.url, config.token.reveal(), config.method, config.timeout_s)
