"""
The secret that ids follow from: a text, or its bytes in hexadecimal digits.
"""

from __future__ import annotations

import pytest

from relay.config.id_key import decode_id_key, encode_id_key
from tests.config.conftest import ConfigFile

BYTES = bytes(range(240, 256)) * 2


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("hex:" + BYTES.hex(), BYTES),
        ("hex:" + BYTES.hex().upper(), BYTES),
        ("hex:" + "00" * 16, bytes(16)),
        ("hex:" + "ff" * 64, b"\xff" * 64),
        ("0123456789abcdef", b"0123456789abcdef"),
        ("é" * 8, "é".encode() * 8),
        ("HEX:0123456789abcdef", b"HEX:0123456789abcdef"),
    ],
)
def test_a_text_is_the_bytes_that_it_stands_for(text: str, key: bytes) -> None:
    assert key == decode_id_key(text)


@pytest.mark.parametrize("length", [16, 32, 64])
def test_what_is_written_is_read_again(length: int) -> None:
    key = (BYTES * 2)[:length]

    assert key == decode_id_key(encode_id_key(key))


@pytest.mark.parametrize(
    "text",
    [
        "hex:",
        "hex:" + "0" * 30,
        "hex:" + "0" * 33,
        "hex:" + "0" * 130,
        "hex:" + "0g" * 16,
        "hex:" + "00 " * 16,
        "hex: " + "00" * 16,
        "hex:" + "\N{ARABIC-INDIC DIGIT ZERO}" * 32,
        "hex:" + "00" * 16 + "\n",
        "k" * 15,
        "k" * 65,
    ],
)
def test_anything_else_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"must (be|have) 16 to 64") as refused:
        decode_id_key(text)

    assert (text.removeprefix("hex:") or "-") not in str(refused.value)


def test_a_file_with_a_line_of_digits_is_a_key(file: ConfigFile) -> None:
    (file.path.parent / "key").write_text(encode_id_key(BYTES) + "\n")

    id_key = file.load('[journal]\nid_key = { file = "key" }').journal.id_key

    assert id_key is not None
    assert BYTES == decode_id_key(id_key.reveal())
