"""
What relay published, call by call, read from its events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from relay.model.catalogue import CALL_ANSWERED, CALL_ENDS, CALL_STARTED
from relay.model.times import from_rfc3339

CALL_MERGED: Final = "call.merged"
CALL_SETTLED: Final = "call.settled"
_CALL_SUBJECT: Final = "call/"
MILESTONES: Final = {
    CALL_STARTED: "started",
    CALL_ANSWERED: "answered",
    **dict.fromkeys(CALL_ENDS, "end"),
    CALL_SETTLED: "settled",
}

CloudEvent = Mapping[str, Any]


@dataclass(slots=True)
class PublishedCall:
    """
    One call id as its events tell it; `record` is the data of the highest revision.
    """

    subject: str
    record: Mapping[str, Any]
    event_ids: list[str] = field(default_factory=list)
    milestones: dict[str, list[str]] = field(default_factory=dict)
    absorbed_into: str | None = None

    @property
    def has_end(self) -> bool:
        """
        Tell whether an end was published.
        """
        return "end" in self.milestones

    @property
    def numbers(self) -> tuple[str | None, str | None]:
        """
        Return both numbers as the source wrote them.
        """
        return self.record.get("from_raw"), self.record.get("to_raw")

    @property
    def started_at(self) -> datetime:
        """
        Return the start of the call.
        """
        return from_rfc3339(self.record["started_at"])

    @property
    def ended_at(self) -> datetime | None:
        """
        Return the end of the call, None while it is open.
        """
        ended_at = self.record.get("ended_at")
        return None if ended_at is None else from_rfc3339(ended_at)


def distinct(events: Iterable[CloudEvent]) -> list[CloudEvent]:
    """
    Drop events whose id was seen before: the same event read twice is one.
    """
    return list({event["id"]: event for event in reversed(list(events))}.values())[::-1]


def published_calls(events: Iterable[CloudEvent]) -> list[PublishedCall]:
    """
    Group distinct call events by subject; events of other things are left out.
    """
    calls: dict[str, PublishedCall] = {}
    for event in events:
        subject, data = event["subject"], event["data"]
        if not subject.startswith(_CALL_SUBJECT):
            continue
        call = calls.setdefault(subject, PublishedCall(subject, data))
        if data["revision"] > call.record["revision"]:
            call.record = data
        call.event_ids.append(event["id"])
        if event["type"] in MILESTONES:
            call.milestones.setdefault(MILESTONES[event["type"]], []).append(event["id"])
        into = data.get("absorbed_into")
        if event["type"] == CALL_MERGED and into is not None and into != data.get("call_id"):
            call.absorbed_into = into
    return list(calls.values())


def survivors(calls: Iterable[PublishedCall]) -> list[PublishedCall]:
    """
    Leave out the calls that a call.merged closed: they count as the call that absorbed them.
    """
    return [call for call in calls if call.absorbed_into is None]
