"""
What could not be read is said, and that it was made up for; hours that are complete are said too.
"""

from __future__ import annotations

from pathlib import Path

from relay.model.call import QUEUE_CALLS
from relay.model.errors import SourceUnreachable
from relay.model.times import from_rfc3339
from relay.testing.manual_clock import ManualClock
from tests.pipeline.polling import Polling, polling

DOWN = [SourceUnreachable("pbx", "http_5xx", "answered 503") for _ in range(99)]


async def gaps_of(running: Polling) -> list[tuple[str, str, str]]:
    """
    Return what was told of gaps: the word, the stream and the reason.
    """
    return [
        (event["type"], event["data"]["stream"], event["data"]["reason"])
        for event in await running.events()
        if "gap" in event["type"]
    ]


async def test_a_stream_that_does_not_answer_opens_one_gap_and_its_answer_closes_it(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        await running.polls(3)
        last_read = (await running.journal.coverage("pbx"))[QUEUE_CALLS][-1].end
        running.source.then(QUEUE_CALLS, *DOWN[:5])
        await running.pass_time(1_500)
        told = await gaps_of(running)
        (opened,) = await running.data_of("source.gap_opened")
        (gap,) = await running.journal.open_gaps("pbx")

        assert [("source.gap_opened", QUEUE_CALLS, "http_5xx")] == told
        assert (last_read, None) == (from_rfc3339(opened["gap_from"]), opened["gap_to"])
        assert (last_read, None) == (gap.start, gap.end)
