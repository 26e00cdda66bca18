"""
What came of a demonstration: the audit, what was claimed, and whether all of it holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson

from relay.cli.demonstration.acts import Evidence
from relay.cli.demonstration.dialer import AGENTS, DIALER, DIDS, IN_GROUPS
from relay.cli.demonstration.figures import linked_queue_calls
from relay.cli.demonstration.settings import CALLS_CLAIMED, LINKED_CLAIMED
from relay.cli.demonstration.stage import ENDPOINT, SOURCE
from relay.journal_assembly import TopicEvent
from relay.model.event import StoredEvent
from relay.testing.receiver import VerifyingReceiver
from relay.twin.audit import Audit, audit
from relay.twin.published import published_calls, survivors
from relay.twin.vicidial.audit import DialerAudit, audit_dialer

SHOWN_FAULTS: Final = 10
_OWN_SUBJECT: Final = f"endpoint/{ENDPOINT}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    Figures, and every fault in words; without one the demonstration holds.
    """

    audit: Audit
    dialer: DialerAudit
    rows: tuple[tuple[str, int], ...]
    faults: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """
        Tell whether everything promised was kept.
        """
        return not self.faults

    def as_json(self) -> dict[str, Any]:
        """
        Return it for machines.
        """
        figures = {name.replace(" ", "_"): value for name, value in self.rows}
        return {
            "ok": self.holds,
            **figures,
            "faults": list(self.faults),
            "audit": self.audit.as_json(),
            "dialer": asdict(self.dialer),
        }


def judge(evidence: Evidence, receiver: VerifyingReceiver) -> Verdict:
    """
    Compare what the phone system knows, what relay's journal holds and what the receiver (and Kafka) got.
    """
    published = [orjson.loads(event.body) for event in evidence.journal]
    result = audit(
        evidence.look.calls,
        published,
        receiver.events.keys(),
        source_id=SOURCE,
        resent=receiver.resent,
    )
    floor = audit_dialer(evidence.dialer.truth, published, receiver.events.keys(), DIALER, DIDS)
    linked = linked_queue_calls(survivors(published_calls(published)))
    rows: list[tuple[str, int]] = [
        ("calls in truth", result.calls),
        ("published", result.published),
        ("delivered", result.delivered),
        ("dialer calls in truth", floor.calls),
        ("dialer calls published", floor.published),
        ("agents", floor.agents),
        ("in-groups and user groups", floor.groups),
        ("lost", len(result.lost) + len(floor.lost)),
        ("duplicated", len(result.duplicated) + len(floor.duplicated)),
        ("bent", len(result.bent) + len(floor.bent)),
        ("resent", result.resent),
        ("linked queue calls", linked),
        ("events", len(published)),
        ("kills", evidence.kills),
        ("refused by the receiver", receiver.refused),
        ("requests over the limit", evidence.look.over_limit),
    ]
    if evidence.played:
        rows.append(("faults played", len(evidence.played)))
    if evidence.topics is not None:
        rows.append(("events in Kafka", len(evidence.topics)))
    faults = [
        *evidence.faults,
        *_audit_faults(result),
        *_dialer_faults(floor),
        *_claim_faults(result, linked, evidence, receiver),
        *_delivery_faults(evidence.journal, published, receiver),
        *(_topic_faults(evidence.journal, evidence.topics) if evidence.topics is not None else ()),
    ]
    return Verdict(result, floor, tuple(rows), tuple(faults))


def _audit_faults(result: Audit) -> Iterator[str]:
    yield from (f"lost: {what}" for what in result.lost)
    yield from (f"duplicated: {what}" for what in result.duplicated)
    yield from (f"unexpected: {what}" for what in result.unexpected)
    for bent in result.bent:
        yield f"bent: {bent.field} of {bent.key} is {bent.truth}, {bent.subject} says {bent.published}"
    if result.open_calls:
        yield f"{result.open_calls} calls had not ended"


def _dialer_faults(floor: DialerAudit) -> Iterator[str]:
    yield from (f"lost: {what}" for what in floor.lost)
    yield from (f"duplicated: {what}" for what in floor.duplicated)
    yield from (f"bent: {what}" for what in floor.bent)
    if not floor.calls:
        yield "no call of the dialer was to be told"
    if floor.agents < AGENTS:
        yield f"only {floor.agents} of {AGENTS} agents were told of"
    if floor.groups < len(IN_GROUPS):
        yield f"only {floor.groups} groups were told of"


def _claim_faults(
    result: Audit, linked: int, evidence: Evidence, receiver: VerifyingReceiver
) -> Iterator[str]:
    if result.calls < CALLS_CLAIMED:
        yield f"only {result.calls} calls, {CALLS_CLAIMED} are claimed"
    if linked < LINKED_CLAIMED:
        yield f"only {linked} linked queue calls, {LINKED_CLAIMED} are claimed"
    if not evidence.kills:
        yield "relay was never killed"
    if not receiver.refused and not evidence.played:
        yield "the receiver never refused anything"
    if evidence.look.over_limit:
        yield f"relay sent {evidence.look.over_limit} requests more than the phone system allows"
    if receiver.bad_signatures or receiver.bad_bodies:
        yield f"{receiver.bad_signatures} bad signatures and {receiver.bad_bodies} bad bodies were received"
    if receiver.order_faults:
        yield f"{receiver.order_faults} events came after a later one of their subject"


def _delivery_faults(
    journal: Sequence[StoredEvent], published: Sequence[dict[str, Any]], receiver: VerifyingReceiver
) -> Iterator[str]:
    for event, body in zip(journal, published, strict=True):
        received = receiver.events.get(event.id)
        if received is not None and received != body:
            yield f"event {event.id} was delivered as something else than the journal holds"
        if received is None and event.source_id is None and event.subject != _OWN_SUBJECT:
            yield f"lost: {event.type} {event.id} of {event.subject} was not delivered"
    unknown = receiver.events.keys() - {event.id for event in journal}
    yield from (f"event {event_id} was delivered and is not in the journal" for event_id in unknown)


def _topic_faults(journal: Sequence[StoredEvent], topics: Sequence[TopicEvent]) -> Iterator[str]:
    bodies = {event.seq: event.body for event in journal}
    copies = Counter(event.seq for event in topics)
    yield from (
        f"event {seq} of the journal is not in Kafka" for seq in sorted(bodies.keys() - copies.keys())
    )
    yield from (
        f"event {seq} in Kafka is not in the journal" for seq in sorted(copies.keys() - bodies.keys())
    )
    yield from (f"event {seq} is {count} times in Kafka" for seq, count in copies.items() if count > 1)
    if sorted(bodies) != list(range(1, len(journal) + 1)):
        yield "the seq of the journal is not contiguous"
    for event in topics:
        if event.seq in bodies and bodies[event.seq] != event.body:
            yield f"event {event.seq} is something else in Kafka than in the journal"
    if len({event.journal_id for event in topics}) > 1:
        yield "the topics hold events of several journals"
