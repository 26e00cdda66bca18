"""
What is shipped: the wheel, the locks, the image.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from relay.config.schema import ServerConfig
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


def image() -> list[tuple[str, str]]:
    """
    Return the instructions of the image that is run.
    """
    found = instructions((PROJECT / "Dockerfile").read_text())
    return found[max(number for number, (word, _) in enumerate(found) if word == "FROM") :]


def last_stage() -> dict[str, str]:
    """
    Return the instructions of the image that is run; of several of one kind the last.
    """
    return dict(image())


def settings(word: str) -> dict[str, str]:
    """
    Return the names and values of an `ENV` or `LABEL` of the image that is run.
    """
    return dict(one.split("=", 1) for one in shlex.split(last_stage()[word]))


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
    last = last_stage()
    words = [word for word, _ in image()]

    assert ["10001:10001"] == [rest for word, rest in image() if word == "USER"]
    assert "RUN" not in words[words.index("USER") :]
    assert ["/data"] == json.loads(last["VOLUME"])
    assert ("/data", "SIGTERM") == (last["WORKDIR"], last["STOPSIGNAL"])
    assert "sqlite:////data/relay.db" == settings("ENV")["RELAY_JOURNAL__URL"]


def test_the_image_starts_and_checks_relay_without_a_shell() -> None:
    last = last_stage()
    _, _, check = last["HEALTHCHECK"].partition("CMD ")

    assert ["relay"] == json.loads(last["ENTRYPOINT"])
    assert ["serve", "--config", "/etc/relay/relay.toml"] == json.loads(last["CMD"])
    assert ["python", "-m", "relay.cli.healthcheck"] == json.loads(check)


def test_the_image_holds_no_secret_and_no_key() -> None:
    text = (PROJECT / "Dockerfile").read_text()
    names = {
        "PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHONSAFEPATH", "RELAY_JOURNAL__URL",
        "RELAY_SERVER__OPS_LISTEN",
    }  # fmt: skip

    assert names == set(settings("ENV"))
    assert {"PYTHON_IMAGE"} == set(re.findall(r"^ARG (\w+)", text, flags=re.MULTILINE))
    assert [] == re.findall(r"whsec_|--mount=type=secret|@.*://|://\S*@", text)


def test_both_stages_start_from_one_image_that_can_be_named_by_its_digest() -> None:
    found = instructions((PROJECT / "Dockerfile").read_text())
    requires = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["requires-python"]

    assert ("ARG", f"PYTHON_IMAGE=python:{requires.removeprefix('>=')}-slim") == found[0]
    assert ["${PYTHON_IMAGE} AS build", "${PYTHON_IMAGE}"] == [rest for word, rest in found if word == "FROM"]
    assert "ADD" not in {word for word, _ in found}


def test_the_image_names_what_it_listens_on_and_what_it_is() -> None:
    server = ServerConfig()
    ops_port = settings("ENV")["RELAY_SERVER__OPS_LISTEN"].rpartition(":")[2]
    labels = settings("LABEL")

    assert [str(server.listen.port), str(server.ops_listen.port)] == last_stage()["EXPOSE"].split()
    assert str(server.ops_listen.port) == ops_port
    assert __version__ == labels["org.opencontainers.image.version"]
    assert {"title", "description", "version", "licenses"} == {name.rpartition(".")[2] for name in labels}


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
