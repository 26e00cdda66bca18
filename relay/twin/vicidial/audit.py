"""
Audit relay against the truth of a simulated dialer: lost, duplicated, bent (DESIGN section 10).

What polls cannot show relay cannot tell: a call counts that stood in two answers about all agents, or that no
agent took and that is in the log of an inbound number that is read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from relay.model.catalogue import CALL_ANSWERED, CALL_ENDS
from relay.model.times import from_rfc3339
from relay.twin.published import CloudEvent, PublishedCall, distinct, published_calls

ANSWERS_TO_COUNT: Final = 2  # what one answer showed is lost with it where relay is killed in that moment
SECOND: Final = timedelta(seconds=1)
STEADY: Final = timedelta(seconds=5)  # so long a state has lasted that polls must have shown

Truth = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DialerAudit:
    """
    The verdict: `calls` had to be told, `published` of them have an end; `agents` and `groups` were told of.
    """

    calls: int
    published: int
    agents: int
    groups: int
    events: int
    lost: tuple[str, ...]
    duplicated: tuple[str, ...]
    bent: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        """
        Tell whether nothing was lost, duplicated or bent.
        """
        return not (self.lost or self.duplicated or self.bent)


def audit_dialer(
    truth: Truth,
    events: Sequence[CloudEvent],
    delivered_ids: AbstractSet[str] | None,
    source_id: str,
    dids: Collection[str] = (),
) -> DialerAudit:
    """
    Compare what happened on a dialer with what was published and delivered.

    Args:
        truth: what `/truth` of the twin says.
        events: the CloudEvents that relay published.
        delivered_ids: the event ids that a receiver got; None leaves delivery out.
        source_id: the dialer; events of other sources are left out.
        dids: the inbound numbers whose logs relay reads.
    """
    ours = [event for event in distinct(events) if event["data"]["source_id"] == source_id]
    calls = published_calls(ours)
    by_id: dict[str, list[PublishedCall]] = defaultdict(list)
    for call in calls:
        by_id[_name_of(call)].append(call)
    expected = [call for call in truth["calls"] if _counts(call, dids)]
    pairs = {call["key"]: by_id.get(_name_in_truth(call), []) for call in expected}
    times = _times(ours)
    missing = [event for event in ours if delivered_ids is not None and event["id"] not in delivered_ids]
    lost = [f"{_title(call)} was not published" for call in expected if not pairs[call["key"]]]
    lost += [
        f"{_title(call)} was published without an end"
        for call in expected
        if pairs[call["key"]] and not pairs[call["key"]][0].has_end
    ]
    lost += [f"{event['type']} {event['id']} was not delivered" for event in missing]
    told = [(call, pairs[call["key"]][0]) for call in expected if pairs[call["key"]]]
    return DialerAudit(
        calls=len(expected),
        published=sum(pair.has_end for _, pair in told),
        agents=len({event["subject"] for event in ours if event["subject"].startswith("agent/")}),
        groups=len({event["subject"] for event in ours if "_group/" in event["subject"]}),
        events=len(ours),
        lost=tuple(lost),
        duplicated=tuple(_duplicated(calls, by_id)),
        bent=tuple([*_bent_calls(told, times), *_bent_agents(truth, ours)]),
    )


def _counts(call: Truth, dids: Collection[str]) -> bool:
    if call["ended_at"] is None:
        return False
    if call["agent"] is not None and call["times_shown"]:
        return bool(call["times_shown"] >= ANSWERS_TO_COUNT)
    return call["agent"] is None and call["direction"] == "inbound" and call["did"] in dids


def _name_in_truth(call: Truth) -> str:
    return str(call["call_id"]) if call["agent"] is not None else f"{call['phone']} {_second(call)}"


def _second(call: Truth) -> str:
    return from_rfc3339(call["started_at"]).replace(microsecond=0).isoformat()


def _name_of(call: PublishedCall) -> str:
    native_id = call.record["native_id"]
    return str(native_id or f"{call.record['from_raw']} {call.started_at.isoformat()}")


def _duplicated(
    calls: Sequence[PublishedCall], by_id: Mapping[str, Sequence[PublishedCall]]
) -> Iterator[str]:
    yield from (f"{name} was published {len(same)} times" for name, same in by_id.items() if len(same) > 1)
    for call in calls:
        for milestone, ids in call.milestones.items():
            if len(ids) > 1:
                yield f"{call.subject} has {len(ids)} events of the milestone {milestone}"


def _times(events: Sequence[CloudEvent]) -> dict[tuple[str, str], tuple[datetime, timedelta]]:
    """
    Return when each call was answered and ended as its events say, and how exactly they know.
    """
    found = {}
    for event in events:
        milestone = "answered" if event["type"] == CALL_ANSWERED else "end"
        if event["type"] == CALL_ANSWERED or event["type"] in CALL_ENDS:
            within = timedelta(seconds=event["data"]["precision_s"]) + SECOND
            found[event["subject"], milestone] = from_rfc3339(event["data"]["occurred_at"]), within
    return found


def _bent_calls(
    told: Sequence[tuple[Truth, PublishedCall]], times: Mapping[tuple[str, str], tuple[datetime, timedelta]]
) -> Iterator[str]:
    for call, pair in told:
        record = pair.record
        phone = record["from_raw"] if call["direction"] == "inbound" else record["to_raw"]
        facts = {
            "direction": (call["direction"], record["direction"]),
            "phone": (call["phone"], phone),
            "agent_id": (call["agent"], record["agent_id"]),
            "started_at": (_second(call), pair.started_at.replace(microsecond=0).isoformat()),
            "answered": (bool(call["answered"]), record["outcome"] == "answered"),
        }
        if call["agent"] is not None and call["disposition"] is not None:
            facts["disposition"] = (call["disposition"], record["disposition"])
            facts["queue"] = (call["in_group"], record["queue"])
        for name, (true, published) in facts.items():
            if true != published:
                yield f"{name} of {_title(call)} is {true}, {pair.subject} says {published}"
        for milestone, at in (("answered", call["answered_at"]), ("end", call["ended_at"])):
            seen = times.get((pair.subject, milestone))
            if at is not None and seen is not None and abs(seen[0] - from_rfc3339(at)) > seen[1]:
                yield f"{milestone} of {_title(call)} was {at}, {pair.subject} says {seen[0]} +- {seen[1]}"


def _bent_agents(truth: Truth, events: Sequence[CloudEvent]) -> Iterator[str]:
    """
    Find agents whose last status is not what it has truly been for a while.
    """
    now = from_rfc3339(truth["now"])
    states: dict[str, Truth] = {state["agent"]: state for state in truth["states"]}
    last: dict[str, Mapping[str, Any]] = {}
    for event in events:
        data = event["data"]
        is_status = event["subject"].startswith("agent/") and event["type"] != "agent.stats"
        if is_status and data["revision"] > last.get(data["agent_id"], {"revision": 0})["revision"]:
            last[data["agent_id"]] = data
    for agent_id, state in states.items():
        if from_rfc3339(state["at"]) > now - STEADY:
            continue
        true = (state["status"] or "LOGGED_OUT", state["sub_status"] or None)
        data = last.get(agent_id, {"status": "LOGGED_OUT", "sub_status": None})
        told = (data["status"], data["sub_status"])
        if true != told:
            yield f"agent {agent_id} is {true} since {state['at']}, told {told}"


def _title(call: Truth) -> str:
    return f"{call['call_id']} ({call['kind']}, {call['phone']}, agent {call['agent']}, {call['started_at']})"
