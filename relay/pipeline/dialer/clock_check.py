"""
What time it is on the dialer, and which build it runs.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Final

from relay.model import vendor_answer as verdicts
from relay.model.errors import SourceGarbled
from relay.pipeline.dialer.asking import ask
from relay.pipeline.dialer.dialer_context import DialerContext
from relay.pipeline.dialer.dialer_settings import VERSION

UNNOTICED: Final = timedelta(seconds=2)  # whole seconds, and the time of the answer: less says nothing
STEADY: Final = timedelta(seconds=1)
ZONE_ERROR: Final = timedelta(minutes=5)

log = logging.getLogger(__name__)


class ClockCheck:
    """
    Asks for `version`, which needs no login.
    """

    stream = VERSION

    def __init__(self, context: DialerContext) -> None:
        self._context = context
        self._was_zone_wrong = False

    async def step(self) -> timedelta:
        """
        Note the offset of the dialer's clock; return how long to wait for the next look.

        Raises:
            SourceError: no good answer.
        """
        context = self._context
        answered = await ask(context, VERSION, "version")
        if answered.answer.verdict != verdicts.ROWS or len(answered.answer.rows) != 1:
            raise SourceGarbled(context.source_id, "bad_payload", "version tells no time", "")
        row = answered.answer.rows[0]
        try:
            at = datetime.fromtimestamp(int(row["epoch"]), UTC)
            local = datetime.fromisoformat(row["date"])
        except (KeyError, ValueError, OverflowError) as error:
            raise SourceGarbled(context.source_id, "bad_payload", f"version: {error}", "") from error
        middle = answered.requested_at + (answered.answered_at - answered.requested_at) / 2
        # A second that began before the answer: on average half of it has gone by.
        skew = at + timedelta(milliseconds=500) - middle
        skew = timedelta(0) if abs(skew) < UNNOTICED else skew
        if abs(skew - context.ledger.skew) > STEADY:  # what wavers would stand in every duration
            context.ledger.skew = skew
        context.metrics.source_clock_skew_seconds.labels(context.label).set(
            context.ledger.skew.total_seconds()
        )
        self._check_zone(at, local)
        return timedelta(seconds=context.settings.version_every_s)

    def _check_zone(self, at: datetime, local: datetime) -> None:
        zone = self._context.rules.zone
        is_wrong = abs(at.astimezone(zone).replace(tzinfo=None) - local) > ZONE_ERROR
        if is_wrong and not self._was_zone_wrong:
            log.error(
                "the dialer's wall clock is not that of the configured timezone: times of its logs are wrong",
                extra={"source": self._context.source_id, "timezone": zone.key, "dialer_says": str(local)},
            )
        self._was_zone_wrong = is_wrong
        self._context.metrics.dialer_timezone_mismatch.labels(self._context.label).set(is_wrong)
