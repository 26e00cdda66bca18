"""
Which calls agents have, from poll to poll: when each was first seen, answered, and seen no more.

Every such time lies between two polls; it is told as that interval.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

STORM: Final = 2  # so many calls at once without their caller: rather the dialer's database was restarted


class Holding(NamedTuple):
    """
    An agent that has a call: it is being handed over, or they speak, or the other side hung up (`is_dead`) or
    waits (`is_parked`).
    """

    agent_id: str
    call_id: str
    is_answered: bool
    is_dead: bool
    is_parked: bool = False

    @property
    def is_alive(self) -> bool:
        """
        Tell whether the dialer shows that the other side is there.  Of a parked call, or one that is being
        handed over, it does not look: they would be shown so without anybody.
        """
        return self.is_answered and not self.is_dead and not self.is_parked


class Watched(NamedTuple):
    """
    A call that some poll showed.  `missing_at` is when it was first not shown, where that is not yet believed
    because its agent was not shown either; `is_doubtful` while its caller seems to be gone for a reason that
    has nothing to do with it; `has_left` once it is over.
    """

    agent_ids: tuple[str, ...]
    is_answered: bool
    seen_at: datetime
    missing_at: datetime | None = None
    is_doubtful: bool = False
    has_left: bool = False


class Sighting(NamedTuple):
    """
    What a poll tells of one call that no earlier one did.

    `answered` and `left` are the intervals in which it happened (None: it did not, or that was told before;
    a lower bound of None: nobody knows since when).  `agent_id` is whose call it is (None: of a call that was
    read back, nobody knows).
    """

    call_id: str
    agent_id: str | None
    is_new: bool
    answered: tuple[datetime | None, datetime] | None
    left: tuple[datetime | None, datetime] | None


class CallWatch(NamedTuple):
    """
    The calls being watched, by the vendor's id.
    """

    calls: Mapping[str, Watched]

    def after(
        self,
        holdings: Sequence[Holding],
        agent_ids: Collection[str],
        asked_at: datetime,
        previous_at: datetime | None,
    ) -> tuple[CallWatch, list[Sighting]]:
        """
        Return the watch after a good poll, and what it tells.

        Args:
            holdings: the agents that have calls.
            agent_ids: all agents that the poll shows.
            asked_at: when it was asked for.
            previous_at: when the last good one was; None: there was none.
        """
        by_call: dict[str, list[Holding]] = defaultdict(list)
        for holding in holdings:
            by_call[holding.call_id].append(holding)
        is_storm = self._is_storm(by_call)
        calls: dict[str, Watched] = {}
        sightings: list[Sighting] = []
        for call_id, holders in by_call.items():
            watched, sighting = _held(
                self.calls.get(call_id), call_id, holders, is_storm, asked_at, previous_at
            )
            calls[call_id] = watched
            sightings += [sighting] if sighting else []
        for call_id, watched in self.calls.items():
            if call_id in by_call or watched.has_left:
                continue
            is_shown = all(agent_id in agent_ids for agent_id in watched.agent_ids)
            if not is_shown and watched.missing_at is None:  # as an agent's logout: believed the second time
                calls[call_id] = watched._replace(missing_at=asked_at)
                continue
            # Where its agent is back, the poll without the agent tells nothing of the call.
            until = asked_at if is_shown else watched.missing_at or asked_at
            agent_id = next(iter(watched.agent_ids), None)
            sightings.append(Sighting(call_id, agent_id, False, None, (watched.seen_at, until)))
        return CallWatch(calls), sightings

    def _is_storm(self, by_call: Mapping[str, Sequence[Holding]]) -> bool:
        """
        Tell whether all calls lost their other side at once, as far as that is shown.
        """
        newly_dead = hidden = 0
        for call_id, holders in by_call.items():
            known = self.calls.get(call_id)
            if all(one.is_dead for one in holders):
                newly_dead += known is None or not (known.has_left or known.is_doubtful)
            elif not any(one.is_alive for one in holders):
                hidden += known is not None and known.is_answered
            elif known is not None or not self.calls:
                # A call that came after the restart lives; one from before it proves that there was none.
                return False
        return newly_dead > 0 and newly_dead + hidden >= STORM


def _held(
    known: Watched | None,
    call_id: str,
    holders: Sequence[Holding],
    is_storm: bool,
    asked_at: datetime,
    previous_at: datetime | None,
) -> tuple[Watched, Sighting | None]:
    is_dead = all(one.is_dead for one in holders)
    is_answered = any(one.is_answered for one in holders)
    was_answered = known is not None and known.is_answered
    had_left = known is not None and known.has_left
    # What the dialer forgot stays forgotten until it shows the other side again.
    is_alive = any(one.is_alive for one in holders)
    is_doubtful = not is_alive and (is_storm or (known is not None and known.is_doubtful))
    has_left = had_left or (is_dead and not is_doubtful)
    speaking = [one for one in holders if one.is_answered] or list(holders)
    # Of several agents with one call, who had it first has it.
    before = known.agent_ids if known else ()
    speaking.sort(key=lambda one: (one.agent_id not in before, one.agent_id))
    watched = Watched(
        tuple(one.agent_id for one in speaking),
        is_answered or was_answered,
        asked_at,
        None,
        is_doubtful,
        has_left,
    )
    since = known.seen_at if known else previous_at
    sighting = Sighting(
        call_id,
        speaking[0].agent_id,
        is_new=known is None,
        answered=(since, asked_at) if is_answered and not was_answered else None,
        left=(since, asked_at) if has_left and not had_left else None,
    )
    is_news = sighting.is_new or sighting.answered is not None or sighting.left is not None
    return watched, sighting if is_news else None
