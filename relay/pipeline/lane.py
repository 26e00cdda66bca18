"""
The in-memory queue of one endpoint: what may be sent next, in order within each subject.

A lane holds a bounded part of what the journal holds.  It is *behind* while it does not know everything
that is unsettled for its endpoint; then it is filled by pages from the journal, and what is appended while
a page is read waits beside it until then.  A subject is *led by the journal* while earlier deliveries of it
may be there and not here (one waits for a retry, say): what is appended for it is not taken, or it would
overtake them.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from typing import Final

from relay.journal.port import LanePage
from relay.model.endpoint import Delivery

MAX_DELIVERIES: Final = 5_000
MAX_BYTES: Final = 16 * 1024 * 1024
PAGE: Final = 1_000
NOW: Final = 0


class Lane:
    """
    Pure state; the loops in `relay.pipeline.deliver` send, settle and page.

    `max_in_flight`, `max_deliveries` and `max_bytes` may be changed at any time.
    """

    def __init__(
        self, max_in_flight: int, max_deliveries: int = MAX_DELIVERIES, max_bytes: int = MAX_BYTES
    ) -> None:
        self.max_in_flight = max_in_flight
        self.max_deliveries = max_deliveries
        self.max_bytes = max_bytes
        self._queues: dict[int, deque[Delivery]] = {}
        self._ready: deque[int] = deque()
        self._busy: set[int] = set()
        self._uncommitted: Counter[int] = Counter()
        self._led_by_journal: dict[int, int] = {}  # subject key -> due time of a waiting retry, or NOW
        self._held = 0
        self._held_bytes = 0
        self._has_missed = False
        self._offered_since: list[Delivery] = []
        self._next_left_out: frozenset[int] = frozenset()
        self._left_out: frozenset[int] = frozenset()  # of the last page; what it could not show
        self._read_to = -1  # the newest seq that the last page could show
        self._wants_page = True
        self._next_due_ms: int | None = None
        self.is_behind = True

    @property
    def in_flight(self) -> int:
        """
        Return how many attempts are under way.
        """
        return len(self._busy)

    @property
    def active(self) -> frozenset[int]:
        """
        Return the subjects of which something is here, under way or not committed.
        """
        return frozenset(self._active())

    @property
    def has_ready(self) -> bool:
        """
        Tell whether `take` would return something.
        """
        return bool(self._ready) and self.has_room

    @property
    def has_room(self) -> bool:
        """
        Tell whether one more attempt may be under way.
        """
        return len(self._busy) < self.max_in_flight

    @property
    def next_due_ms(self) -> int | None:
        """
        Return when the first retry that this lane knows of is due.
        """
        return self._next_due_ms

    def offer(self, delivery: Delivery) -> None:
        """
        Take a delivery that was just appended, unless it is better left to the journal.
        """
        key = delivery.subject_key
        if delivery.seq <= self._read_to and key not in self._left_out:
            self._expect_known(key)
            return
        led_until = self._led_by_journal.get(key)
        if led_until:
            self._has_missed = True  # it is not due before the retry that its subject waits for
        elif self.is_behind:
            self._wants_page = True
            self._keep_for_later(delivery)
        elif led_until == NOW:
            self._has_missed = self._wants_page = True
        elif self._held >= self.max_deliveries or self._held_bytes >= self.max_bytes:
            self.fall_behind()
        else:
            self._enqueue(delivery)

    def take(self) -> Delivery | None:
        """
        Return the next delivery to attempt, or None: nothing is ready, or the window is full.
        """
        if not self._ready or len(self._busy) >= self.max_in_flight:
            return None
        key = self._ready.popleft()
        queue = self._queues[key]
        delivery = queue.popleft()
        if not queue:
            del self._queues[key]
        self._held -= 1
        self._held_bytes -= len(delivery.body)
        self._busy.add(key)
        return delivery

    def behind(self, delivery: Delivery) -> Iterable[Delivery]:
        """
        Return what is here of the subject of a delivery that was taken, in order.
        """
        return self._queues.get(delivery.subject_key, ())

    def drop(self) -> None:
        """
        Forget what is not under way: it is left to the journal.
        """
        self._queues.clear()
        self._ready.clear()
        self._held = self._held_bytes = 0
        self.fall_behind()

    def restock(self, deliveries: Iterable[Delivery]) -> None:
        """
        Take what was read from the journal of a subject that is not active here, its head first.
        """
        for delivery in deliveries:
            self._enqueue(delivery)

    def settled(self, delivery: Delivery) -> None:
        """
        Note a final outcome: the next of the subject may go, before the outcome is committed.
        """
        key = delivery.subject_key
        self._uncommitted[key] += 1
        if key in self._busy:  # else another of the same request has freed it
            self._busy.remove(key)
            if key in self._queues:
                self._ready.append(key)

    def left_out(self, delivery: Delivery) -> None:
        """
        Note a final outcome of one that was taken with others of its subject, which are still under way.
        """
        self._uncommitted[delivery.subject_key] += 1

    def postponed(self, delivery: Delivery, due_at_ms: int) -> None:
        """
        Note that a delivery waits: its subject is left to the journal until then.
        """
        key = delivery.subject_key
        self._busy.discard(key)
        self._uncommitted[key] += 1
        for dropped in self._queues.pop(key, ()):
            self._held -= 1
            self._held_bytes -= len(dropped.body)
        self._led_by_journal[key] = max(due_at_ms, 1)
        self._next_due_ms = min(self._next_due_ms or due_at_ms, due_at_ms)
        if len(self._led_by_journal) > self.max_deliveries:
            self.is_behind = True

    def committed(self, key: int) -> None:
        """
        Note that an outcome is durable: what the journal has made due behind it can be paged in.
        """
        self._uncommitted[key] -= 1
        if self._uncommitted[key] <= 0:
            del self._uncommitted[key]
        due_ms = self._led_by_journal.get(key)
        if due_ms == NOW:
            self._wants_page = True
        elif due_ms is not None:  # a page read before this commit could not show it
            self._next_due_ms = min(self._next_due_ms or due_ms, due_ms)

    def is_due(self, now_ms: int) -> bool:
        """
        Tell whether the journal should be asked for a page now, and there is room for one.
        """
        is_retry_due = self._next_due_ms is not None and self._next_due_ms <= now_ms
        return (self._wants_page or is_retry_due) and self._held <= self.max_deliveries // 2

    @property
    def wants_page(self) -> bool:
        """
        Tell whether the journal may hold something that is due and not here.
        """
        return self._wants_page

    @property
    def is_idle(self) -> bool:
        """
        Tell whether nothing is here, under way, uncommitted or waiting, and the journal has nothing due.
        """
        return not (self.is_behind or self._wants_page or self._led_by_journal or self._active())

    def fall_behind(self) -> None:
        """
        Take nothing more from appends until a page shows that all the journal holds is known here.
        """
        self.is_behind = self._has_missed = self._wants_page = True

    def want_page(self) -> None:
        """
        Ask for a page again: one could not be read.
        """
        self._has_missed = self._wants_page = True

    def page_limits(self) -> tuple[int, int]:
        """
        Return how many due subjects and how many waiting deliveries to ask for.
        """
        return PAGE, self.max_deliveries + 1 if self.is_behind else 0

    def start_paging(self) -> frozenset[int]:
        """
        Note that the journal is being read: what is appended from now on may be missing from the page.

        Returns:
            The subjects that the page is to leave out: what is active here may still stand as due there.
        """
        self._has_missed = self._wants_page = False
        self._offered_since.clear()
        self._next_left_out = self.active
        return self._next_left_out

    def page_in(self, page: LanePage, limits: tuple[int, int], now_ms: int) -> None:
        """
        Take a page that was read at `now_ms`; stop being behind once nothing is left in the journal alone.
        """
        active = self._active()
        self._left_out, self._read_to = self._next_left_out, page.last_seq
        for delivery in page.due:
            key = delivery.subject_key
            if key in active:
                continue
            if key in page.unfinished or self._has_missed:
                self._led_by_journal[key] = NOW
            else:  # all of it is here now, and the next of it will be offered
                self._led_by_journal.pop(key, None)
            self._enqueue(delivery)
        if page.is_full:
            self._wants_page = True
        elif not self._has_missed:
            self._trust_memory_again(page, limits, now_ms, active | self._left_out)
        self._read_again_what_was_left_out(now_ms)
        later = [due for due in self._led_by_journal.values() if due > now_ms]
        self._next_due_ms = min((*later, *(due for _, due in page.waiting)), default=None)

    def _trust_memory_again(
        self, page: LanePage, limits: tuple[int, int], now_ms: int, unknown: set[int]
    ) -> None:
        if self.is_behind and len(page.waiting) < limits[1]:
            self.is_behind = False
            waiting = {key: due for key, due in self._led_by_journal.items() if due > now_ms}
            led_now = dict.fromkeys(unknown | page.unfinished, NOW)
            self._led_by_journal = led_now | waiting | dict(page.waiting)
            offered, self._offered_since = self._offered_since, []
            for delivery in offered:
                if delivery.seq > page.last_seq:  # else it was there to be read
                    self.offer(delivery)
            return
        unknown |= self._active()
        done = [key for key, due in self._led_by_journal.items() if due <= now_ms and key not in unknown]
        for key in done:
            del self._led_by_journal[key]

    def _read_again_what_was_left_out(self, now_ms: int) -> None:
        """
        Ask again for a subject that was active when the page was asked for, and no longer is: its outcome was
        committed before anything could follow it here.
        """
        led, active = self._led_by_journal, self._active()
        if any(led.get(key, now_ms + 1) <= now_ms for key in self._left_out if key not in active):
            self._wants_page = True

    def _expect_known(self, key: int) -> None:
        """
        Note what is offered late: the page that was read last has shown it, or left it to the journal.

        Where neither is so the clock was set back, and what was due then is not due yet: ask for everything.
        """
        is_active = key in self._queues or key in self._busy or key in self._uncommitted
        if not is_active and key not in self._led_by_journal:
            self.fall_behind()

    def _keep_for_later(self, delivery: Delivery) -> None:
        """
        Keep what is appended while a page is read, and may be missing from it; not without a limit.
        """
        if self._has_missed or len(self._offered_since) >= self.max_deliveries:
            self._offered_since.clear()
            self._has_missed = True
        else:
            self._offered_since.append(delivery)

    def _enqueue(self, delivery: Delivery) -> None:
        key = delivery.subject_key
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = deque()
            if key not in self._busy:
                self._ready.append(key)
        queue.append(delivery)
        self._held += 1
        self._held_bytes += len(delivery.body)

    def _active(self) -> set[int]:
        return self._busy | self._queues.keys() | self._uncommitted.keys()
