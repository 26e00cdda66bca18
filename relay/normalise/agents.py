"""
The difference between two polls of a dialer's agents, as events.

Everything that decides is in the stored states and the polls: the same polls give the same events with the
same ids, also when relay restarts between any two of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from relay.model.ids import IdMaker
from relay.model.mapping import Mappings
from relay.model.subject_state import AGENT, SubjectChange, SubjectState
from relay.normalise.agent_changes import AgentChanges, CallIdOf
from relay.normalise.agent_rows import DEAD, INCALL, AgentSeen
from relay.normalise.agent_state import is_logged_in, is_settled_as, notes_of
from relay.normalise.poll_times import PollTimes
from relay.normalise.subject_events import new_subject

_STORM_SIZE: Final = 2


class AgentDiff:
    """
    Makes events of what changed between two polls of one dialer.

    Args:
        source_id: the dialer.
        zone: of its server; `calls_today` begins anew with a day there.
        ids: makes the ids of events.
        call_id_of: the id of a call in call events, from the vendor's id and a time near to it, both by the
            source's clock; None where the vendor's id has no meaning.
    """

    def __init__(self, source_id: str, zone: ZoneInfo, ids: IdMaker, call_id_of: CallIdOf) -> None:
        self._source_id = source_id
        self._zone = zone
        self._ids = ids
        self._call_id_of = call_id_of

    def diff(
        self,
        known: Mapping[str, SubjectState],
        seen: Sequence[AgentSeen] | None,
        poll: PollTimes,
        mappings: Mappings,
    ) -> list[SubjectChange]:
        """
        Return what changed since the last good poll: at most one change of an agent, with one event or none.

        `known` are the agents of the source by id.  `seen` is None where the poll could not be read: it
        changes nothing, and must not count as the previous one.  An agent is logged out when two good polls
        in a row lack it; the first of them is kept in the notes, without an event.
        """
        if seen is None:
            return []
        of_poll = self._changes(poll, mappings)
        made = []
        for agent in seen:
            state = known.get(agent.agent_id)
            if state is None:
                state = new_subject(self._source_id, AGENT, agent.agent_id, poll.asked_at)
            elif is_settled_as(state.notes, agent):
                continue
            change = of_poll.shown if is_logged_in(state) else of_poll.appeared
            made.append(change(state, agent))
        shown_ids = {agent.agent_id for agent in seen}
        made += [
            of_poll.missing(state)
            for agent_id, state in known.items()
            if agent_id not in shown_ids and is_logged_in(state)
        ]
        return made

    def with_phone(
        self, state: SubjectState, asked: AgentSeen, poll: PollTimes, mappings: Mappings
    ) -> SubjectChange | None:
        """
        Return an agent with the number of its call, as `agent_status` told it, and the event that says so.

        None where it told no other number than is known, or spoke of another call than the state's.  Later
        events carry the number until the call's lead leaves the agent.
        """
        row, number = notes_of(state).row, asked.phone_number
        if row is None or row.callerid is None or row.callerid != asked.callerid or not is_logged_in(state):
            return None
        if number is None or number == state.record["phone_number"]:
            return None
        return self._changes(poll, mappings).with_phone(state, number)

    def _changes(self, poll: PollTimes, mappings: Mappings) -> AgentChanges:
        return AgentChanges(self._ids, self._zone, self._call_id_of, poll, mappings)


def is_dead_storm(known: Mapping[str, SubjectState], seen: Sequence[AgentSeen]) -> bool:
    """
    Tell whether a poll shows a restart of the dialer's database rather than callers who hung up.

    Its tables of live calls are then empty and every agent in a call reads DEAD at once: at least two who
    did not before, and nobody whose call lives.
    """
    in_call = [agent for agent in seen if agent.status == INCALL]
    if any(agent.sub_status != DEAD for agent in in_call):
        return False
    fresh = sum(_was_alive(known.get(agent.agent_id)) for agent in in_call)
    return fresh >= _STORM_SIZE


def _was_alive(state: SubjectState | None) -> bool:
    return state is None or state.record.get("sub_status") != DEAD
