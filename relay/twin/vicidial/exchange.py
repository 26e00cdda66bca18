"""
The lines of the server: which calls there are, which of them are alive, which wait for an agent.
"""

from __future__ import annotations

from itertools import count
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from relay.twin.vicidial.agenda import Agenda
from relay.twin.vicidial.calls import LETTERS, Call, call_id, local
from relay.twin.vicidial.hooks import Tell
from relay.twin.vicidial.leads import Lead
from relay.twin.vicidial.office import SERVER_IP

NOBODY_OUTBOUND: Final = "VDAD"  # the user of an outbound call that no agent took
NOBODY_INBOUND: Final = "VDCL"
MOVE_S: Final = (3.0, 15.0)  # until the file of a recording is where its location says


class Exchange:
    """
    Keeps every call ever made in `calls`; `live` are those the server holds in memory, `waiting` their queue.

    Both are lost when its database restarts, as their tables are in memory only.
    """

    def __init__(self, agenda: Agenda, zone: ZoneInfo, rng: Random, tell: Tell) -> None:
        self._agenda = agenda
        self._zone = zone
        self._rng = rng
        self._tell = tell
        self._numbers = count(1)
        self._recordings = count(1)
        self.calls: list[Call] = []
        self.by_id: dict[str, Call] = {}
        self.live: dict[str, Call] = {}
        self._open: dict[str, Call] = {}  # what still goes on, whatever the database remembers
        self.waiting: list[Call] = []
        self.is_losing_recordings = False

    def new(self, kind: str, lead: Lead, group: str, did: str | None = None) -> Call:
        """
        Begin a call now; its customer's number is that of the lead.
        """
        now_ms = self._agenda.now_ms
        number = next(self._numbers)
        call = Call(
            key=str(number),
            kind=kind,
            call_id=call_id(LETTERS[kind], now_ms, lead.lead_id, self._zone),
            uniqueid=f"{now_ms // 1000}.{number}",
            lead=lead,
            group=group,
            started_ms=now_ms,
            did=did,
            phone=lead.phone,
            list_id=lead.list_id,
        )
        self.calls.append(call)
        self.by_id[call.call_id] = call
        self.live[call.call_id] = call
        self._open[call.call_id] = call
        return call

    def is_called(self, lead: Lead) -> bool:
        """
        Tell whether a call with this lead goes on.
        """
        return any(call.lead is lead for call in self._open.values())

    def connect(self, call: Call) -> None:
        """
        Let the customer of an outbound call pick up.
        """
        call.connected_ms = self._agenda.now_ms

    def queue(self, call: Call) -> None:
        """
        Let a call wait for an agent.
        """
        self.waiting.append(call)

    def take(self, call: Call) -> None:
        """
        Take a call out of the queue.
        """
        self.waiting.remove(call)

    def end(self, call: Call, reason: str) -> None:
        """
        End a call for good; nothing happens where it ended before.
        """
        self.live.pop(call.call_id, None)
        self._open.pop(call.call_id, None)
        if call.ended_ms is not None:
            return
        call.ended_ms = self._agenda.now_ms
        call.hangup_reason = reason
        if call.recording_id is not None:
            ready_s = self._rng.uniform(*MOVE_S)
            self._agenda.after(ready_s, lambda: self._move_recording(call))

    def give_up(self, call: Call, status: str, reason: str) -> None:
        """
        End a call that no agent took: NA or B where nobody picked up, DROP where the customer waited.
        """
        if call in self.waiting:
            self.waiting.remove(call)
        self.end(call, reason)
        call.status = status
        call.user = NOBODY_INBOUND if call.is_inbound else NOBODY_OUTBOUND
        call.lead.status = status
        if status == "DROP":
            self._tell("no_agent", None, call)

    def record(self, call: Call) -> None:
        """
        Begin the recording of a call.
        """
        call.recording_id = next(self._recordings)

    def restart_database(self) -> None:
        """
        Forget what is only in memory: who talks reads DEAD, and nobody waits any more.
        """
        for call in list(self.waiting):
            self.give_up(call, "DROP", "ABANDON")
        self.live.clear()

    def _move_recording(self, call: Call) -> None:
        if self.is_losing_recordings:
            return
        stamp = f"{local(call.started_ms, self._zone):%Y%m%d-%H%M%S}"
        name = f"{stamp}_{call.phone}_{call.user}-all.mp3"
        call.recording_url = f"http://{SERVER_IP}/RECORDINGS/MP3/{name}"
        call.recording_ready_ms = self._agenda.now_ms
