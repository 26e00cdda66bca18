"""
What a dialer's loop counts: from 0 on, so that the first of its kind can be alerted on.
"""

from __future__ import annotations

from pathlib import Path

from tests.dialer.story import Story


async def test_answers_are_counted_by_verdict_from_nothing_on(tmp_path: Path) -> None:
    async with Story.of(tmp_path) as story:
        labels = {"source": "dialer", "stream": "agents", "verdict": "unknown"}
        before = story.registry.get_sample_value("relay_dialer_answers_total", labels)
        await story.run_for(2)
        story.spoil("html_page", 1.0, "logged_in_agents")
        await story.run_for(10)
        after = story.registry.get_sample_value("relay_dialer_answers_total", labels)

    assert 0 == before
    assert after is not None
    assert after > 1
