"""
What follows every append, whoever made it.
"""

from __future__ import annotations

from pathlib import Path

from relay.model.outcome import TryLater
from relay.pipeline.hand_on import HandOn
from relay.testing.recording_sink import RecordingSink
from tests.journal.making import append_of, call_change
from tests.pipeline.conftest import delivering


async def test_events_are_counted_by_source_and_type(journal_path: Path) -> None:
    """
    Also those that delivering makes itself: they are of no phone system.
    """
    dead, ops = RecordingSink(lambda _: TryLater("refused")), RecordingSink()
    async with delivering(journal_path, {"crm": dead, "ops": ops}, next_delay_s=lambda _: None) as running:
        await running.append(append_of(call_change("a", events=2)))
        await ops.wait_until(lambda sink: len(sink.delivered) == 4)
        value = running.metrics.registry.get_sample_value

        assert 2 == value("relay_journal_events_total", {"source": "pbx", "type": "call.updated"})
        assert 2 == value("relay_journal_events_total", {"source": "_relay", "type": "delivery.exhausted"})


async def test_whoever_reads_along_is_told_how_far_the_journal_is(journal_path: Path) -> None:
    told: list[int] = []
    async with delivering(journal_path, {}) as running:
        hand_on = HandOn(running.deliver, None, running.metrics, told.append)
        for change in (
            append_of(call_change("a", events=2)),
            append_of(),
            append_of(call_change("b", events=2)),
        ):
            hand_on(await running.journal.append(change))

    assert [2, 4] == told
