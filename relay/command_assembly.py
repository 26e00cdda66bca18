"""
Put together what makes phone systems do things: the desk, and the loops of bulk jobs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from relay.api.command_shown import reply_of
from relay.api.operation import CommandReach
from relay.commands.bulk import bulk_function
from relay.commands.desk import CommandDesk
from relay.commands.lead_rules import LeadRules
from relay.journal.commands_port import CommandJournal
from relay.model.clock import Clock
from relay.model.errors import NotFound
from relay.pipeline.bulk import Bulk
from relay.sources.port import FunctionSource


@dataclass(frozen=True, slots=True)
class Commanded:
    """
    A source that takes commands, and its kind.
    """

    source: FunctionSource
    kind: str


@dataclass(frozen=True, slots=True)
class Commands:
    """
    What the API needs for commands, and the loops that work off bulk jobs.
    """

    reach: CommandReach
    loops: Sequence[Bulk]


async def open_commands(
    sources: Sequence[Commanded],
    journal: CommandJournal,
    clock: Clock,
    wake: Callable[[str], None],
    rooms: AsyncExitStack,
    leads: LeadRules | None = None,
) -> Commands:
    """
    Open the desk; commands of a process that is no more get their verdict before this returns.

    Args:
        sources: those of the configuration, entered and registered.
        journal: where commands are written down.
        clock: the time.
        wake: tells the owner of a source that there is something for it.
        rooms: close the desk, before the sources.
        leads: relay's own rules for leads; None: they are sent as given.
    """
    desk = CommandDesk(journal, clock, reply_of, wake, leads)
    rooms.push_async_callback(desk.close)
    loops: dict[str, Bulk] = {}
    for one in sources:
        desk.serve(one.source, one.kind)
        if _takes_bulk(one.kind):
            source_id = one.source.source_id
            loops[source_id] = Bulk(source_id, one.kind, desk, journal, clock)
    await desk.finish_interrupted()
    reach = CommandReach(desk, journal, lambda source_id: _wake(loops, source_id))
    return Commands(reach, list(loops.values()))


def _takes_bulk(kind: str) -> bool:
    try:
        bulk_function(kind, None)
    except NotFound:
        return False
    return True


def _wake(loops: Mapping[str, Bulk], source_id: str) -> None:
    if source_id in loops:
        loops[source_id].wake()
