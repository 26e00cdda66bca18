"""
`relay db id-key`: the key goes into a private file, and nowhere else.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from relay.config.id_key import decode_id_key, encode_id_key
from relay.journal.id_key import read_id_key
from relay.journal.store import open_sqlite
from tests.cli.conftest import APP, DEADLINE_S, ROOT, Relay
from tests.journal.making import NOW


@pytest.fixture
async def journal(tmp_path: Path) -> Path:
    """
    Give a journal that made its key itself.
    """
    path = tmp_path / "relay.db"
    async with open_sqlite(path, "tests", NOW):
        pass
    return path


def test_the_key_is_written_for_its_owner_only_and_never_printed(
    relay: Relay, journal: Path, tmp_path: Path
) -> None:
    file = tmp_path / 'the "key"'

    done = relay("db", "id-key", str(file), "--url", f"sqlite:///{journal}")

    key, text = read_id_key(journal), file.read_text()
    assert (0, "") == (done.code, done.err)
    assert encode_id_key(key) + "\n" == text
    assert re.fullmatch("hex:[0-9a-f]{64}\n", text)
    assert 0o600 == file.stat().st_mode & 0o777
    assert key.hex() not in done.out
    line = done.out.splitlines()[-1]
    assert {"id_key": {"file": str(file)}} == tomllib.loads(line)


def test_the_configuration_names_the_journal(
    relay: Relay, config_file: Path, journal: Path, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    url = f"sqlite:///{journal}"

    done = relay("db", "id-key", str(file), "--config", str(config_file), RELAY_JOURNAL__URL=url)

    assert (0, read_id_key(journal)) == (done.code, decode_id_key(file.read_text().rstrip("\n")))


def test_a_file_that_is_there_is_left_alone(relay: Relay, journal: Path, tmp_path: Path) -> None:
    file, link = tmp_path / "key", tmp_path / "link"
    file.write_text("what was there")
    link.symlink_to(tmp_path / "elsewhere")

    on_a_file, on_a_link = (
        relay("db", "id-key", str(path), "--url", f"sqlite:///{journal}") for path in (file, link)
    )

    assert (1, "") == (on_a_file.code, on_a_file.out)
    assert f"relay: {file} is there already, and is not overwritten\n" == on_a_file.err
    assert ("what was there", 1) == (file.read_text(), on_a_link.code)
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_is_not_there_is_told(relay: Relay, journal: Path, tmp_path: Path) -> None:
    file = tmp_path / "missing" / "key"

    done = relay("db", "id-key", str(file), "--url", f"sqlite:///{journal}")

    assert (1, f"relay: {file} cannot be made: No such file or directory\n") == (done.code, done.err)


def test_part_of_a_key_is_not_left_on_a_full_disk(journal: Path, tmp_path: Path) -> None:
    file = tmp_path / "key"
    words = [sys.executable, "-m", APP, "db", "id-key", str(file), "--url", f"sqlite:///{journal}"]

    done = subprocess.run(  # noqa: S603 (our own command)
        ["/bin/sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *words],
        capture_output=True, text=True, cwd=ROOT, timeout=DEADLINE_S, check=False,
    )  # fmt: skip

    assert (1, "", f"relay: {file} cannot be written: File too large\n") == (
        done.returncode,
        done.stdout,
        done.stderr,
    )
    assert not file.exists()


def test_a_journal_that_is_not_there_is_told_and_nothing_made(relay: Relay, tmp_path: Path) -> None:
    journal = tmp_path / "relay.db"

    done = relay("db", "id-key", str(tmp_path / "key"), "--url", f"sqlite:///{journal}")

    assert (1, "", f"relay: there is no journal {journal}\n") == (done.code, done.out, done.err)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("url", [[], ["--url", "postgresql://relay@127.0.0.1/relay"]], ids=["none", "other"])
def test_only_a_journal_in_a_file_has_its_key_written(relay: Relay, tmp_path: Path, url: list[str]) -> None:
    done = relay("db", "id-key", str(tmp_path / "key"), *url)

    assert (2, "", []) == (done.code, done.out, list(tmp_path.iterdir()))
