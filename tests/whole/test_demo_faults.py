"""
`relay demo --faults`: the phone system goes wrong in every way it can, and nothing is lost for it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest

from relay.cli.demonstration.schedule import PLAYABLE
from tests.whole.test_demo import FIGURES, demo

pytestmark = pytest.mark.whole

DEADLINE_S = 200.0
SECONDS = 30


async def test_no_fault_of_the_phone_system_costs_a_call(tmp_path: Path) -> None:
    arguments = ("--seconds", str(SECONDS), "--faults", "all", "--json")
    async with demo(tmp_path, *arguments) as process:
        async with asyncio.timeout(DEADLINE_S):
            out, err = await process.communicate()

    told, screen = orjson.loads(out), err.decode()
    assert (0, True) == (process.returncode, told["ok"]), screen
    assert [0, 0, 0, 1, 0, []] == [told[name] for name in FIGURES]
    assert len(PLAYABLE) == told["faults_played"]
    assert [] == [name for name in PLAYABLE if f"the phone system plays {name}: " not in screen]
    assert [] == [name for name in PLAYABLE if f"the phone system is done with {name}" not in screen]
    assert "no faults any more" in screen
    assert [] == list(tmp_path.iterdir())
