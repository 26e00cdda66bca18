"""
What is shipped: the wheel, the locks, the image.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from relay.version import __version__

PROJECT = Path(__file__).parents[1]
LOCKS = ("requirements.txt", "requirements-build.txt", "requirements-dev.txt")
PINNED = re.compile(r"^([a-z0-9._-]+)==(\S+)", re.MULTILINE)


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """
    Return the instructions of a Dockerfile with their arguments, comments and line breaks taken out.
    """
    lines = [line for line in dockerfile.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [
        (word, rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.split("\n") if line)
    ]


def last_stage() -> dict[str, str]:
    """
    Return the instructions of the image that is run; of several of one kind the last.
    """
    found = instructions((PROJECT / "Dockerfile").read_text())
    start = max(number for number, (word, _) in enumerate(found) if word == "FROM")
    return dict(found[start:])


def pins(lock: str) -> dict[str, str]:
    """
    Return the versions that a lock names.
    """
    return dict(PINNED.findall((PROJECT / lock).read_text()))


def test_the_wheel_holds_the_whole_package_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)  # noqa: S603 - our own fixed command

    (wheel,) = tmp_path.iterdir()
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        entry_points = archive.read(f"relay_events-{__version__}.dist-info/entry_points.txt").decode()
    package = {
        path.relative_to(PROJECT).as_posix()
        for path in (PROJECT / "relay").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"relay/py.typed", "relay/journal/migrations/script.py.mako"} <= package
    assert package == {name for name in names if ".dist-info/" not in name}
    assert f"relay_events-{__version__}.dist-info/licenses/LICENSE" in names
    assert "relay = relay.cli.app:main" in entry_points


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_everything_by_hash_and_names_no_place(lock: str) -> None:
    text = (PROJECT / lock).read_text()

    assert pins(lock)
    for requirement in re.split(r"\n(?=\S)", text.replace("\\\n", "")):
        assert "==" in requirement
        assert "--hash=sha256:" in requirement
    assert [] == re.findall(r"://|^-.*|\s@\s|file:|^\s*# .*/.*", text, flags=re.MULTILINE)


def test_the_locks_agree_with_each_other() -> None:
    everything = pins("requirements-dev.txt")

    assert pins("requirements.txt").items() <= everything.items()
    assert pins("requirements-build.txt").items() <= everything.items()


def test_every_declared_dependency_is_locked() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    extras = [name for extra in project["optional-dependencies"].values() for name in extra]

    assert set() == names_of(project["dependencies"]) - pins("requirements.txt").keys()
    assert set() == names_of(extras) - pins("requirements-dev.txt").keys()
    assert (
        set() == names_of(project["optional-dependencies"]["build"]) - pins("requirements-build.txt").keys()
    )


def names_of(requirements: list[str]) -> set[str]:
    """
    Return the names of requirements without extras and versions.
    """
    return {re.split(r"[\[<>=]", requirement)[0] for requirement in requirements}


def test_the_image_runs_as_nobody_in_particular_and_writes_under_data_only() -> None:
    image = last_stage()

    assert "10001:10001" == image["USER"]
    assert ["/data"] == json.loads(image["VOLUME"])
    assert "RELAY_JOURNAL__URL=sqlite:////data/relay.db" in image["ENV"]
    assert "SIGTERM" == image["STOPSIGNAL"]


def test_the_image_starts_and_checks_relay_without_a_shell() -> None:
    image = last_stage()
    _, _, check = image["HEALTHCHECK"].partition("CMD ")

    assert ["relay"] == json.loads(image["ENTRYPOINT"])
    assert "serve" == json.loads(image["CMD"])[0]
    assert ["python", "-m", "relay.cli.healthcheck"] == json.loads(check)


def test_the_image_installs_only_what_is_locked() -> None:
    found = instructions((PROJECT / "Dockerfile").read_text())
    installs = [
        one for word, rest in found if word == "RUN" for one in re.findall(r"pip install ([^&]*)", rest)
    ]

    assert 3 == len(installs)
    assert [] == [one for one in installs if "--require-hashes" not in one and "--no-index" not in one]


def test_what_the_image_copies_is_let_into_the_build() -> None:
    let_in = set(re.findall(r"^!(.*)$", (PROJECT / ".dockerignore").read_text(), flags=re.MULTILINE))
    found = instructions((PROJECT / "Dockerfile").read_text())
    copied = {
        name for word, rest in found if word == "COPY" and "--from" not in rest for name in rest.split()[:-1]
    }

    assert let_in == copied
    assert set() == {name for name in copied if not (PROJECT / name).exists()}
