"""
Secrets come from three places and leave by none.
"""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from relay.config.secrets import MAX_SECRET_FILE_BYTES, Secret
from relay.sources.voipcloud.config import VoipcloudConfig
from tests.config.conftest import SOURCE, ConfigFile


def with_token(token: str) -> str:
    """
    Return a source with another token.
    """
    return SOURCE.replace('"t0ken"', token)


def test_a_secret_is_never_shown(file: ConfigFile) -> None:
    config = file.load(SOURCE)
    (source,) = config.sources
    assert isinstance(source, VoipcloudConfig)

    shown = [repr(config), str(config), f"{source.token}", f"{source.token!r}", config.model_dump_json()]
    shown += [json.dumps(config.model_dump(mode="json")), str(source.model_dump())]
    assert [] == [text for text in shown if "t0ken" in text]
    assert {"configured"} == {repr(source.token), str(source.token), source.model_dump()["token"]}


def test_a_secret_is_never_written_out() -> None:
    with pytest.raises(TypeError, match="never written out"):
        pickle.dumps(Secret("t0ken"))


def test_a_fault_does_not_show_the_secret(file: ConfigFile) -> None:
    faults = file.faults('[journal]\nid_key = "hunter2"\n' + with_token('["hunter2"]'))

    assert 2 == len(faults)
    assert [] == [fault for fault in faults if "hunter2" in fault]


@pytest.mark.parametrize(
    ("content", "expected"), [("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), (" a", " a")]
)
def test_a_file_gives_its_text_without_the_last_newline(
    file: ConfigFile, content: str, expected: str
) -> None:
    (file.path.parent / "token").write_bytes(content.encode())

    (source,) = file.load(with_token('{ file = "token" }')).sources

    assert isinstance(source, VoipcloudConfig)
    assert expected == source.token.reveal()


def test_the_environment_gives_a_secret(file: ConfigFile) -> None:
    (source,) = file.load(with_token('{ env = "PBX_TOKEN" }'), {"PBX_TOKEN": "abc"}).sources

    assert isinstance(source, VoipcloudConfig)
    assert Secret("abc") == source.token


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "file {path} cannot be read: No such file or directory"),
        (b"\n", "is empty"),
        (b"\xff", "file {path} is not readable as UTF-8 text"),
        (b"x" * (MAX_SECRET_FILE_BYTES + 1), "file {path} is over 65536 bytes"),
    ],
)
def test_a_file_without_a_secret_is_a_fault(file: ConfigFile, content: bytes | None, fault: str) -> None:
    path: Path = file.path.parent / "token"
    if content is not None:
        path.write_bytes(content)

    faults = file.faults(with_token(f'{{ file = "{path}" }}'))

    assert [f"sources[pbx-sydney].token: {fault.format(path=path)}"] == faults
