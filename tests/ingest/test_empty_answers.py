"""
An answer without rows proves nothing the first time.
"""

from __future__ import annotations

from pathlib import Path

from tests.ingest.told import settle
from tests.ingest.world import World, twin_settings

AWAY_S = 2 * 3_600.0


async def test_calls_of_an_outage_longer_than_the_look_back_survive_one_empty_answer(
    tmp_path: Path, template: Path
) -> None:
    world = World(tmp_path, template, twin_settings())
    await world.open()
    try:
        await world.pass_time(60)
        await world.stop_relay()
        await world.pass_time(AWAY_S)
        world.twin.faults.switch({"empty_once": {"stream": None}})
        await world.start_relay()
        await settle(world)
        world.twin.pbx.make_calls(False)
        await settle(world)
        verdict = await world.verdict()
    finally:
        await world.close()

    assert verdict.is_clean, verdict
    assert verdict.published > 60
