"""
The difference between two polls of a dialer's agents, as events.

Everything that decides is in the stored states and the polls: the same polls give the same events with the
same ids, also when relay restarts between any two of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from relay.model.ids import IdMaker
from relay.model.mapping import Mappings
from relay.model.subject_state import AGENT, SubjectChange, SubjectState
from relay.normalise.agent_changes import AgentChanges, CallIdOf
from relay.normalise.agent_rows import AgentSeen
from relay.normalise.agent_state import is_logged_in, is_settled_as
from relay.normalise.poll_times import PollTimes
from relay.normalise.subject_events import new_subject


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

    def _changes(self, poll: PollTimes, mappings: Mappings) -> AgentChanges:
        return AgentChanges(self._ids, self._zone, self._call_id_of, poll, mappings)
