"""
A journal that cannot be used stops relay with exit 1 and words; put right, nothing is missing.
"""

from __future__ import annotations

import resource
import sqlite3

import pytest

from relay.twin.voipcloud.settings import Traffic
from tests.whole.conftest import SetUp
from tests.whole.processes import RelayProcess
from tests.whole.scene import Scene

pytestmark = pytest.mark.whole

TRAFFIC = Traffic(speed=20, past_calls=60, stop_after=0)
ROOM_BYTES = 256 * 1024


async def end_of(scene: Scene) -> tuple[int, str]:
    """
    Start relay, and return its exit code and what it said.
    """
    await scene.relay.spawn()
    return await scene.relay.ended(), scene.relay.said()


async def assert_nothing_is_missing(scene: Scene) -> None:
    await scene.relay.start()
    await scene.relay.wait_for(scene.is_told, "told")
    code = await scene.relay.stop()

    result = await scene.audited()
    assert (0, 60, True) == (code, result.delivered, result.is_clean), scene.relay.said()


async def test_a_second_relay_on_one_journal_is_refused(set_up: SetUp) -> None:
    scene = await set_up(TRAFFIC)
    await scene.relay.start()
    first = scene.relay
    text = first.config.read_text().replace(first.ops_url.removeprefix("http://"), "127.0.0.1:0")
    second_config = first.config.with_name("second.toml")
    second_config.write_text(text)
    second = RelayProcess(second_config, first.log.with_name("second.log"), 0, scene.session)

    await second.spawn()
    try:
        code = await second.ended()
    finally:
        await second.kill()

    assert (1, f"relay: another relay is using the journal {scene.journal}; stop it first") == (
        code,
        second.said().strip(),
    )
    assert await first.is_ready()
    await first.wait_for(scene.is_told, "told")
    await first.stop()
    assert (await scene.audited()).is_clean


async def test_a_journal_of_a_newer_relay_is_refused_and_left_alone(set_up: SetUp) -> None:
    scene = await set_up(TRAFFIC)
    await scene.relay.start()
    await scene.relay.stop()
    version = _exchange_version(scene, "9999_newer")
    before = scene.journal.read_bytes()

    code, said = await end_of(scene)

    assert 1 == code
    assert "the journal was written by a newer relay (schema 9999_newer;" in said
    assert before == scene.journal.read_bytes()
    _exchange_version(scene, version)
    await assert_nothing_is_missing(scene)


async def test_a_journal_that_is_a_folder_is_refused(set_up: SetUp) -> None:
    scene = await set_up(TRAFFIC)
    scene.journal.mkdir()

    code, said = await end_of(scene)

    assert 1 == code
    assert f"the journal {scene.journal}" in said
    assert "Traceback" not in said
    scene.journal.rmdir()
    await assert_nothing_is_missing(scene)


async def test_a_journal_that_is_no_database_is_refused_and_left_alone(set_up: SetUp) -> None:
    scene = await set_up(TRAFFIC)
    letter = b"Dear reader, this is not a database. " * 100
    scene.journal.write_bytes(letter)

    code, said = await end_of(scene)

    assert (1, letter) == (code, scene.journal.read_bytes())
    assert f"the journal {scene.journal}" in said
    assert "Traceback" not in said
    scene.journal.unlink()
    await assert_nothing_is_missing(scene)


async def test_a_folder_that_does_not_take_files_is_refused(set_up: SetUp) -> None:
    scene = await set_up(TRAFFIC)
    text = scene.relay.config.read_text()
    # Nobody, root included, can make a file there.
    scene.relay.config.write_text(text.replace(str(scene.journal), "/proc/relay.db"))

    code, said = await end_of(scene)

    assert 1 == code
    assert "the journal /proc/relay.db" in said
    assert "Traceback" not in said
    scene.relay.config.write_text(text)
    await assert_nothing_is_missing(scene)


async def test_a_disk_that_fills_up_stops_relay_and_loses_nothing(set_up: SetUp) -> None:
    scene = await set_up(Traffic(calls_per_minute=9, speed=20))
    await scene.relay.start()
    await scene.receiver.wait_for(1)
    await scene.relay.stop()
    room_bytes = scene.journal.stat().st_size + ROOM_BYTES
    before = scene.receiver.received

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, room_bytes))

    await scene.relay.spawn(before=small_files)
    code = await scene.relay.ended()
    said = scene.relay.said()

    assert 1 == code, said
    assert f"relay: the journal {scene.journal} cannot be written" in said
    assert "Traceback" not in said
    assert scene.receiver.received > before
    await scene.control(making_calls=False)
    await scene.relay.start()
    await scene.relay.wait_for(scene.is_over, "over", 60)
    await scene.polled(2)
    await scene.relay.wait_for(scene.is_told, "told")
    assert 0 == await scene.relay.stop()
    assert (await scene.audited()).is_clean


def _exchange_version(scene: Scene, version: str) -> str:
    with sqlite3.connect(scene.journal) as journal:
        (old,) = journal.execute("SELECT version_num FROM alembic_version").fetchone()
        journal.execute("UPDATE alembic_version SET version_num = ?", (version,))
    journal.close()
    return str(old)
