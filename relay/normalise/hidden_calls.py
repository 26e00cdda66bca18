"""
Count the calls of an agent that no poll showed, as far as the dialer's own counter proves them.

`calls_today` counts the calls of an agent, a campaign and a day of the server.  Every call id that is seen
explains one rise of it, once; the rise may come after the id (while a call is handed over the counter still
stands) or one poll before it.  A rise that nothing explains is a call that came and went between two polls.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from relay.normalise.agent_rows import BEING_HANDED_OVER, DISPO, AgentSeen

MAX_TOLD: Final = 8  # ids that are remembered: an agent has one call at a time, and none comes back later


class CallBooks(NamedTuple):
    """
    What has been accounted for: the ids of calls `told`, the one of them that is still `uncounted` by the
    dialer, and whether a rise is `unshown`: it may belong to a call whose id comes with the next poll.
    """

    told: tuple[str, ...] = ()
    uncounted: str | None = None
    unshown: bool = False


def open_books(books: CallBooks, seen: AgentSeen) -> CallBooks:
    """
    Begin anew with a counter that cannot be compared: first sight, another campaign, another day.

    A call in hand counts as counted, unless it is still being handed over.
    """
    new_id = _new_id(books, seen)
    is_counted = seen.status not in BEING_HANDED_OVER
    return CallBooks(_told(books, new_id), None if is_counted else new_id)


def account(books: CallBooks, seen: AgentSeen, rise: int) -> tuple[int, CallBooks]:
    """
    Account for a poll whose counter rose by `rise` since the one before; return the calls proven hidden.
    """
    new_id = _new_id(books, seen)
    owed = [call_id for call_id in (books.uncounted, new_id) if call_id is not None]
    unpaid = owed[rise:]  # the older call was counted first
    excess = max(0, rise - len(owed))
    hidden = 0
    if books.unshown:
        if new_id in unpaid:
            unpaid.remove(new_id)
        else:
            hidden = 1
    # An agent who neither has a call nor chooses the disposition of one may be about to get the call counted.
    is_unshown = excess > 0 and seen.callerid is None and seen.sub_status != DISPO
    hidden += excess - is_unshown
    # Of a call that is gone the count came by now, or never will.
    uncounted = seen.callerid if seen.callerid in unpaid else None
    return hidden, CallBooks(_told(books, new_id), uncounted, is_unshown)


def _new_id(books: CallBooks, seen: AgentSeen) -> str | None:
    return None if seen.callerid in books.told else seen.callerid


def _told(books: CallBooks, new_id: str | None) -> tuple[str, ...]:
    return books.told if new_id is None else (*books.told, new_id)[-MAX_TOLD:]
