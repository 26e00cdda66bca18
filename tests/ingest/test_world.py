"""
The world of the proof works: a day without faults is published as it was.
"""

from __future__ import annotations

from pathlib import Path

from tests.ingest.world import World, twin_settings


async def test_an_hour_without_faults(tmp_path: Path, template: Path) -> None:
    world = World(tmp_path, template, twin_settings())
    await world.open()
    try:
        await world.pass_time(3_600)
        world.twin.pbx.make_calls(False)
        await world.pass_time(3_600)
        verdict = await world.verdict()
    finally:
        await world.close()

    assert verdict.is_clean, verdict
    assert verdict.published > 20
