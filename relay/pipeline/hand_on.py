"""
What follows every append: it is counted, and whoever waits for it is woken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from relay.journal.port import Appended
from relay.pipeline.deliver import Deliver
from relay.pipeline.publish import Publish
from relay.telemetry.metrics import Metrics

OWN_EVENTS: Final = "_relay"  # label of events that are not about a phone system


class HandOn:
    """
    Hands on what was just committed; never blocks, and a crash before it loses nothing.

    Args:
        deliver: gets the deliveries.
        publish: is woken, where there is one.
        metrics: counts the events.
        tell_newest: told the seq of the newest event, for those who read the journal as it grows.
    """

    def __init__(
        self,
        deliver: Deliver,
        publish: Publish | None,
        metrics: Metrics,
        tell_newest: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._deliver = deliver
        self._publish = publish
        self._metrics = metrics
        self._tell_newest = tell_newest

    def __call__(self, appended: Appended) -> None:
        """
        Count the events, offer the deliveries, wake the publisher and who else reads along.
        """
        if not appended.events:
            return
        for (source_id, event_type), count in Counter(
            (event.source_id, event.type) for event in appended.events
        ).items():
            source = OWN_EVENTS if source_id is None else self._metrics.source_label(source_id)
            self._metrics.journal_events.labels(source, event_type).inc(count)
        self._deliver.offer(appended)
        if self._publish is not None:
            self._publish.wake()
        self._tell_newest(appended.events[-1].seq)
