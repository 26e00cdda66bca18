"""
What follows every append, whoever made it.
"""

from __future__ import annotations

from pathlib import Path

from relay.model.outcome import TryLater
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
