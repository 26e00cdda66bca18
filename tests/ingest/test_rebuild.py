"""
A rebuild from an empty journal tells of the same calls under the same ids, once it knows the aliases.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from relay.journal.store import open_sqlite
from relay.model.source_work import Alias
from relay.model.times import rfc3339
from relay.twin.voipcloud.settings import Rules, Traffic, TwinSettings
from tests.ingest.told import Calls, answered_after_the_end, milestones, settle, surviving
from tests.ingest.world import ID_KEY, LOOKBACK, TOKEN, WINDOW_S, World

HOURS: Final = 3
REQUESTS: Final = 100
MOST_ALIASES: Final = 0.01
MILESTONES: Final = {"started", "end", "settled"}  # that every call has; answered is of some


@dataclass
class Lived:
    """
    A phone system that was polled for some hours, what was published, and its aliases.
    """

    world: World
    calls: Calls
    aliases: Sequence[Alias]


@pytest.fixture
async def lived(tmp_path: Path, template: Path) -> AsyncIterator[Lived]:
    (tmp_path / "first").mkdir()
    office = TwinSettings(TOKEN, traffic=Traffic(variety=True), rules=Rules(REQUESTS, WINDOW_S))
    world = World(tmp_path / "first", template, office, requests=REQUESTS)
    await world.open()
    try:
        await world.pass_time(HOURS * 3_600)
        world.twin.pbx.make_calls(False)
        await settle(world)
        assert world.twin.pbx.is_done
        calls = surviving(await world.events())
        aliases = (await world.journal.reading.list_aliases("pbx", None, 1_000)).items
        await world.stop_relay()
        yield Lived(world, calls, aliases)
    finally:
        await world.close()


async def rebuilt(lived: Lived, folder: Path, template: Path, aliases: Sequence[Alias]) -> Calls:
    """
    Read the phone system again into an empty journal with the same key, and some aliases.
    """
    folder.mkdir()
    first = lived.world
    world = World(
        folder, template, first.settings, requests=REQUESTS, publish_from=rfc3339(first.start - LOOKBACK)
    )
    async with open_sqlite(world.path, "tests", first.now, ID_KEY) as journal:
        assert len(aliases) == await journal.work.import_aliases(aliases)
    await world.open_beside(first)
    try:
        await settle(world)
        return surviving(await world.events())
    finally:
        await world.stop_relay()


async def test_a_rebuild_gives_the_same_ids(
    lived: Lived, tmp_path: Path, template: Path, tell_figures: Callable[[str], None]
) -> None:
    live, aliases = lived.calls, lived.aliases
    again = await rebuilt(lived, tmp_path / "with-aliases", template, aliases)
    alone = await rebuilt(lived, tmp_path / "without-aliases", template, ())

    late = answered_after_the_end(live)
    rate = len(aliases) / len(live)
    tell_figures(
        f"rebuild: {len(aliases)} aliases of {len(live)} settled calls ({rate:.2%}); {len(late)} late answers"
    )
    assert 0 < rate <= MOST_ALIASES
    assert all(MILESTONES <= call.milestones.keys() for call in live.values())
    assert live.keys() == again.keys()
    assert milestones(live, live, late) == milestones(again, live, late)
    assert {f"call/pbx/{alias.call_id}" for alias in aliases} == live.keys() - alone.keys()
    assert {f"call/pbx/{alias.natural_id}" for alias in aliases} == alone.keys() - live.keys()
    same = live.keys() & alone.keys()
    assert milestones(live, same, late) == milestones(alone, same, late)
