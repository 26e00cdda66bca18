"""
A journal is begun anew as docs/ingest.md says, and tells of the same calls under the same ids.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import orjson
import pytest

from relay import journal_assembly
from relay.twin.voipcloud.settings import Traffic
from tests.cli.conftest import Finished
from tests.cli.speaking import ran
from tests.whole.conftest import SetUp
from tests.whole.scene import Scene

pytestmark = pytest.mark.whole

CALLS = 40
ENDS = ("call.finished", "call.abandoned", "call.timed_out", "call.missed")
MILESTONES = ("call.started", "call.answered", *ENDS)
PUBLISHED = "c_0000000_0123456789abcdef0123456789abcd"


async def run(scene: Scene, *words: str, said: str = "") -> Finished:
    """
    Run a command beside the relay of the scene.
    """
    listen = tomllib.loads(scene.relay.config.read_text())["server"]["listen"]
    return await ran(f"http://{listen}", *words, said=said)


async def milestones(journal: Path) -> dict[str, set[str]]:
    """
    Return the ids of the milestones of each call that a journal holds, by subject.
    """
    ids: dict[str, set[str]] = {}
    for event in await journal_assembly.journal_events(f"sqlite:///{journal}"):
        if event.type in MILESTONES:
            ids.setdefault(event.subject, set()).add(event.id)
    return ids


async def tell_all(scene: Scene) -> None:
    """
    Run relay until every call has ended in its journal and at the receiver.
    """

    async def has_ended() -> bool:
        ends = [await scene.relay.total("relay_journal_events_total", type=name) for name in ENDS]
        return sum(ends) == CALLS

    await scene.relay.start()
    await scene.relay.wait_for(has_ended, "ended")
    await scene.relay.wait_for(scene.is_told, "told")


def begin_anew(scene: Scene, text: str, journal: Path, key: str) -> str:
    """
    Write the configuration of another journal, without sources for now; return the one with them.
    """
    whole = text.replace(f'"sqlite:///{scene.journal}"', f'"sqlite:///{journal}"\n{key}')
    scene.relay.config.write_text(whole.partition("[[sources]]")[0])
    return whole


async def test_a_journal_begun_anew_gives_the_same_ids(set_up: SetUp, tmp_path: Path) -> None:
    scene = await set_up(Traffic(speed=20, past_calls=CALLS, stop_after=0))
    aliases, key, config = str(tmp_path / "aliases.json"), tmp_path / "key", scene.relay.config
    text, anew = config.read_text(), tmp_path / "anew.db"
    await tell_all(scene)
    call = next(one["subject"] for one in scene.receiver.events.values() if one["type"] in MILESTONES)
    alias = {"source_id": "pbx", "natural_id": call.removeprefix("call/pbx/"), "call_id": PUBLISHED}
    imported = await run(scene, "aliases", "import", "-", said=orjson.dumps({"items": [alias]}).decode())

    exported = await run(scene, "aliases", "export", aliases)
    written = await run(scene, "db", "id-key", str(key), "--config", str(config))
    await scene.relay.stop()
    whole = begin_anew(scene, text, anew, written.out.splitlines()[-1])
    await scene.relay.start()
    carried = await run(scene, "aliases", "import", aliases, "--json")
    await scene.relay.stop()
    config.write_text(whole)
    await tell_all(scene)
    await scene.relay.stop()

    old, new = await milestones(scene.journal), await milestones(anew)
    assert [0] * 4 == [done.code for done in (imported, exported, written, carried)]
    assert {"given": 1, "added": 1} == orjson.loads(carried.out)
    assert CALLS == len(old)
    assert old.pop(call)
    assert new.pop(f"call/pbx/{PUBLISHED}")
    assert old == new


async def test_aliases_of_another_key_are_refused(set_up: SetUp, tmp_path: Path) -> None:
    scene = await set_up(Traffic(stop_after=0))
    aliases = tmp_path / "aliases.json"
    alias = {"source_id": "pbx", "natural_id": "c_would_be", "call_id": "c_is"}
    document = {"items": [alias], "id_key_fingerprint": "0123456789abcdef"}
    aliases.write_bytes(orjson.dumps(document))
    begin_anew(scene, scene.relay.config.read_text(), tmp_path / "anew.db", "")
    await scene.relay.start()

    refused = await run(scene, "aliases", "import", str(aliases))
    aliases.write_bytes(orjson.dumps(document | {"items": []}))
    refused_for_nothing = await run(scene, "aliases", "import", str(aliases))
    kept = orjson.loads((await run(scene, "aliases", "export", "-")).out)

    for done in (refused, refused_for_nothing):
        assert (1, "", 1) == (done.code, done.out, len(done.err.splitlines()))
        assert "(409): these ids were made with another id_key; " in done.err
    assert [] == kept["items"]
