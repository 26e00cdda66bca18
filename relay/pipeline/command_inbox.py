"""
Commands that have a verdict: the owner of the source tells of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from relay.journal.port import Append, Appended, PollJournal
from relay.model.clock import Clock
from relay.model.command import Command
from relay.model.errors import RevisionConflict
from relay.model.ids import IdMaker
from relay.model.mapping import Mappings
from relay.model.source_work import InboxItem
from relay.model.times import from_rfc3339
from relay.normalise.command_events import CommandEvents, tidings_of
from relay.pipeline.waiting import handed_on

COMMANDS: Final = "commands"


class CommandInbox:
    """
    Makes the events of the commands of one source.

    Args:
        source_id: which source.
        country: of numbers without a country code.
        journal: where the events go.
        ids: makes their ids.
        clock: the time of recording.
        appended: told of the events once they are durable.
    """

    def __init__(
        self,
        source_id: str,
        country: str,
        journal: PollJournal,
        ids: IdMaker,
        clock: Clock,
        appended: Callable[[Appended], None],
    ) -> None:
        self._source_id = source_id
        self._country = country
        self._journal = journal
        self._events = CommandEvents(source_id, ids)
        self._clock = clock
        self._appended = appended

    async def take(self, item: InboxItem, mappings: Mappings) -> Command:
        """
        Append the events of a command, and take the item away; a read changed nothing and makes none.
        """
        command = command_of(item)
        types = tuple((command.result or {}).get("events", ()))
        told = tidings_of(command, types, mappings, self._country) if command.is_write else []
        subjects = {self._events.subject_of(one) for one in told}
        while True:
            states = await self._journal.subjects_named(subjects)
            changes = self._events.changes(told, states, command.finished_at or item.received_at)
            change = Append(
                self._source_id,
                COMMANDS,
                self._clock.now(),
                subjects=tuple(changes),
                taken_items=(item.item_id,),
            )
            try:
                await handed_on(self._journal.append(change), self._appended)
                return command
            except RevisionConflict:
                continue  # another command told of the same subject: once more from what is there now


def command_of(item: InboxItem) -> Command:
    """
    Read back the command that an item of the inbox holds.
    """
    body = dict(item.body)
    for name in ("requested_at", "finished_at"):
        if body.get(name) is not None:
            body[name] = from_rfc3339(body[name])
    return Command(**body)
