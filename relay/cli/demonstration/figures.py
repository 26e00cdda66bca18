"""
What is shown while a demonstration runs: counted from what the phone system and the receiver hold now.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from relay.cli.demonstration.dialer import DialerLook
from relay.cli.demonstration.stage import Look
from relay.model.call import QUEUE_CALLS, USER_CALLS
from relay.testing.receiver import VerifyingReceiver
from relay.twin.published import PublishedCall, published_calls, survivors


@dataclass(frozen=True, slots=True)
class Figures:
    """
    One moment: `calls` have begun at the phone system and `ended` are over; the receiver has `told` ends.
    """

    elapsed_s: float
    calls: int
    ended: int
    told: int
    linked: int
    events: int
    resent: int
    refused: int
    kills: int
    requests: int
    dialer: DialerLook
    faults: tuple[str, ...] = ()


def figures(
    elapsed_s: float, look: Look, dialer: DialerLook, receiver: VerifyingReceiver, kills: int
) -> Figures:
    """
    Count.
    """
    calls = survivors(published_calls(receiver.events.values()))
    return Figures(
        elapsed_s=elapsed_s,
        calls=len(look.calls),
        ended=sum(call.ended_at is not None for call in look.calls),
        told=sum(call.has_end for call in calls),
        linked=linked_queue_calls(calls),
        events=receiver.received,
        resent=receiver.resent,
        refused=receiver.refused,
        kills=kills,
        requests=look.requests,
        dialer=dialer,
        faults=look.faults,
    )


def linked_queue_calls(calls: Iterable[PublishedCall]) -> int:
    """
    Count the calls in which the row of a queue and that of a user's phone were found to be one.
    """
    return sum({leg["stream"] for leg in call.record["legs"]} >= {USER_CALLS, QUEUE_CALLS} for call in calls)
