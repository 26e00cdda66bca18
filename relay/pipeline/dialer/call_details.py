"""
What a poll of all agents does not show of a call: its number, the in-group, the customer's code of the lead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from relay.model import vendor_answer as verdicts
from relay.model.dialer_call import DialerCall
from relay.model.errors import RecordRejected, SourceError, SourceGarbled
from relay.normalise.agent_rows import AgentSeen, read_agent_status
from relay.normalise.call_watch import Sighting
from relay.normalise.dialer_logs import with_detail
from relay.pipeline.dialer.asking import ask
from relay.pipeline.dialer.dialer_context import DialerContext
from relay.pipeline.dialer.dialer_settings import AGENTS, CALLS

AT_ONCE: Final = 10  # calls asked about within one poll; of the others it is told when they are over


@dataclass(frozen=True, slots=True)
class Details:
    """
    What was asked besides, by call id: the agent's status, and the call's own information.
    """

    context: DialerContext
    of_agents: Mapping[str, AgentSeen] = field(default_factory=dict)
    of_calls: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def completed(self, seen: AgentSeen) -> AgentSeen:
        """
        Return what a poll shows of an agent, with the number of the call.
        """
        asked = self.of_agents.get(seen.callerid or "")
        if asked is None:
            return seen
        return seen._replace(phone_number=asked.phone_number, vendor_lead_code=asked.vendor_lead_code)

    def told(self, vendor_id: str, call: DialerCall) -> DialerCall:
        """
        Return a call with what was asked about it.
        """
        asked = self.of_agents.get(vendor_id)
        if asked is not None:
            call = call.told(phone=asked.phone_number, vendor_lead_code=asked.vendor_lead_code)
        row = self.of_calls.get(vendor_id)
        return call if row is None else with_detail(call, row, self.context.rules.zone)


class CallDetails:
    """
    Asks a dialer about single agents and calls.
    """

    def __init__(self, context: DialerContext) -> None:
        self._context = context

    async def of_new(self, sightings: Sequence[Sighting], by_id: Mapping[str, AgentSeen]) -> Details:
        """
        Ask about calls seen for the first time.  What cannot be asked is left out: the call is told without.
        """
        of_agents: dict[str, AgentSeen] = {}
        of_calls: dict[str, Mapping[str, Any]] = {}
        try:
            for sighting in [one for one in sightings if one.is_new][:AT_ONCE]:
                agent = await self.agent(sighting.agent_id)
                if agent is not None and agent.callerid == sighting.call_id:
                    of_agents[sighting.call_id] = agent
                if sighting.call_id[0] in "YJ":
                    row = await self.call(sighting.call_id)
                    if row is not None:
                        of_calls[sighting.call_id] = row
        except SourceError:
            pass  # counted where it was asked
        return Details(self._context, of_agents, of_calls)

    async def agent(self, agent_id: str) -> AgentSeen | None:
        """
        Ask for the status of one agent; None: not logged in.

        Raises:
            SourceError: no good answer.
        """
        answered = await ask(self._context, AGENTS, "agent_status", {"agent_user": agent_id, "stage": "pipe"})
        answer = answered.answer
        if answer.verdict != verdicts.ROWS or len(answer.rows) != 1:
            if answer.verdict in (verdicts.LOGGED_OUT, verdicts.NOT_FOUND):
                return None
            raise self._garbled(f"agent_status answered {answer.verdict}", answer.raw)
        try:
            return read_agent_status(agent_id, answer.rows[0])
        except RecordRejected as error:
            raise self._garbled(error.why, answer.raw) from error

    async def call(self, vendor_id: str) -> Mapping[str, Any] | None:
        """
        Ask for what is known of one call; None: the dialer knows nothing of it (any more).

        Raises:
            SourceError: no good answer.
        """
        params = {"call_id": vendor_id, "detail": "YES", "stage": "pipe"}
        answered = await ask(self._context, CALLS, "callid_info", params)
        answer = answered.answer
        if answer.verdict == verdicts.NOT_FOUND:
            return None
        if answer.verdict != verdicts.ROWS or len(answer.rows) != 1:
            raise self._garbled(f"callid_info answered {answer.verdict}", answer.raw)
        return answer.rows[0]

    async def recordings(self, lead_id: str, day: str) -> Sequence[Mapping[str, Any]]:
        """
        Ask for the recordings of a lead on a day (YYYY-MM-DD by the server's clock).

        Raises:
            SourceError: no good answer.
        """
        params = {"lead_id": lead_id, "date": day, "stage": "pipe"}
        answered = await ask(self._context, CALLS, "recording_lookup", params)
        return answered.answer.rows

    def _garbled(self, why: str, sample: str) -> SourceGarbled:
        return SourceGarbled(self._context.source_id, "bad_payload", why, sample[:200])
