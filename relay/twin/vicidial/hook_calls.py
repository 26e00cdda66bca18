"""
Calls the URLs that were set up for events: Start Call URL and its sisters, and the agent events push.

Their variables are written `--A--name--B--`; one that the server does not know stays as it is.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from random import Random
from typing import Final
from urllib.parse import quote

import aiohttp
from yarl import URL

from relay.twin.vicidial.agents import Agent
from relay.twin.vicidial.calls import Call
from relay.twin.vicidial.settings import HookUrls

TIMEOUT_S: Final = 2.0
MOST_WAITING: Final = 10_000
_CALL_EVENTS: Final = ("start", "dispo", "no_agent", "dead")


@dataclass(slots=True)
class HookCounts:
    """
    What became of the requests: `sent` were answered 2xx, `lost` never sent, `failed` all others.
    """

    sent: int = 0
    lost: int = 0
    failed: int = 0


class HookCalls:
    """
    Sends one GET after the other, without a second try.  What happened before `open` is told to nobody.
    """

    def __init__(self, urls: HookUrls, seed: int, now_ms: Callable[[], int]) -> None:
        self._urls = urls
        self._now_ms = now_ms
        self._rng = Random(f"{seed} hooks")  # noqa: S311 (losses that can be repeated)
        self._waiting: asyncio.Queue[str] = asyncio.Queue(MOST_WAITING)
        self._counts = HookCounts()
        self._counters: Counter[str] = Counter()
        self._is_calling = False
        self._is_open = False

    def open(self) -> None:
        """
        Tell what happens from now on.
        """
        self._is_open = True

    def tell(self, event: str, agent: Agent | None, call: Call | None) -> None:
        """
        Call the URL of an event soon, or lose it.
        """
        if not self._is_open:
            return
        if event in _CALL_EVENTS:
            template = getattr(self._urls, event)
            values = _call_values(agent, call)
        elif agent is not None:
            template = self._urls.agent_events
            values = self._event_values(event, agent, call)
        else:
            return
        if template is not None:
            self._send(_filled(template, values))

    def as_json(self) -> dict[str, int]:
        """
        Return the counts, and how many requests wait or are on their way.
        """
        return {**asdict(self._counts), "waiting": self._waiting.qsize() + self._is_calling}

    async def run(self) -> None:
        """
        Call URLs until cancelled.
        """
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:
            while True:
                url = await self._waiting.get()
                self._is_calling = True
                if await _is_taken(session, url):
                    self._counts.sent += 1
                else:
                    self._counts.failed += 1
                self._is_calling = False

    def _send(self, url: str) -> None:
        if self._rng.random() < self._urls.loss:
            self._counts.lost += 1
            return
        try:
            self._waiting.put_nowait(url)
        except asyncio.QueueFull:
            self._counts.failed += 1

    def _event_values(self, event: str, agent: Agent, call: Call | None) -> dict[str, object]:
        self._counters[agent.user] += 1
        return {
            "user": agent.user,
            "event": event,
            "message": "" if call is None else call.phone,
            "lead_id": "" if call is None else call.lead.lead_id,
            "counter": self._counters[agent.user],
            "epoch": self._now_ms() // 1000,
            "agent_log_id": "" if agent.record is None else agent.record.number,
        }


def _call_values(agent: Agent | None, call: Call | None) -> dict[str, object]:
    if call is None:
        return {}
    campaign = call.group if agent is None else agent.campaign
    return {
        "call_id": call.call_id,
        "lead_id": call.lead.lead_id,
        "list_id": call.list_id,
        "user": call.user if agent is None else agent.user,
        "fullname": "" if agent is None else agent.person.full_name,
        "user_group": "" if agent is None else agent.person.user_group,
        "phone_number": call.phone,
        "vendor_lead_code": call.lead.fields["vendor_lead_code"],
        "uniqueid": call.uniqueid,
        "campaign": campaign,
        "group": call.group,
        "did_pattern": call.did or "",
        "dispo": call.status,
        "talk_time": "" if call.talk_s is None else call.talk_s,
        "term_reason": call.hangup_reason,
        "recording_id": call.recording_id or "",
    }


def _filled(template: str, values: Mapping[str, object]) -> str:
    for name, value in values.items():
        template = template.replace(f"--A--{name}--B--", quote(str(value), safe=""))
    return template


async def _is_taken(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(URL(url, encoded=True), allow_redirects=False) as answer:
            return answer.status < HTTPStatus.MULTIPLE_CHOICES
    except (aiohttp.ClientError, TimeoutError):
        return False
