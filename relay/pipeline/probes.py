"""
Find what a probe is made with.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from relay.journal.port import DeliveryJournal, LanePage
from relay.model.endpoint import Batch, Delivery

FOLLOW: Final = 100  # of the same subject: something newer may stand for the head


class Head(NamedTuple):
    """
    The deliveries of a subject, its head first, and when that is due by its own schedule.

    `batch` is set instead where the head is that of a batch that failed: it goes as it was.
    """

    deliveries: tuple[Delivery, ...]
    due_ms: int
    batch: Batch | None = None

    @property
    def batch_members(self) -> tuple[Delivery, ...]:
        """
        Return the members of the batch, where it holds one.
        """
        return self.batch.members if self.batch is not None else ()

    @property
    def keys(self) -> set[int]:
        """
        Return the subjects of all that it holds.
        """
        return {delivery.subject_key for delivery in self.batch_members or self.deliveries}


async def next_head(
    journal: DeliveryJournal, endpoint_no: int, busy: frozenset[int], now_ms: int, *, resends: bool
) -> Head | None:
    """
    Return the head that has been due longest, else the one that is due soonest; None where nothing waits.

    Args:
        journal: where it waits.
        endpoint_no: of its endpoint.
        busy: subjects that are left out.
        now_ms: the present.
        resends: look among what was asked to be sent again, and not among the other deliveries.

    Raises:
        JournalBusy: not now.
    """

    async def page(until_ms: int, waiting: int) -> LanePage:
        return await journal.page_in(
            endpoint_no, until_ms, 1, waiting, resends=resends, busy=busy, follow=FOLLOW
        )

    first = await page(now_ms, len(busy) + 1)
    if first.due or first.batches:
        return _head(first, now_ms)
    due_ms = next((due_ms for key, due_ms in first.waiting if key not in busy), None)
    if due_ms is None:
        return None
    later = await page(due_ms, 0)
    return _head(later, due_ms) if later.due or later.batches else None


def _head(page: LanePage, due_ms: int) -> Head:
    return Head(page.due, due_ms, page.batches[0] if page.batches else None)
