"""
Damage to an answer: what networks, proxies and PHP do to it, and worse.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

SECRETS: Final = ("apiuser", "apipass9", "wrong9", "pass5", "abc123", "right")
NOISE: Final = (
    b"<br />\n<b>Warning</b>:  Undefined variable $DB in <b>/srv/api.php</b> on line <b>83</b><br />\n",
    b"<b>Notice</b>: ",
    b"NOTICE: ",
    b"ERROR: ",
    b"SUCCESS: add_lead LEAD HAS BEEN ADDED - 1|2|3\n",
    b"ERROR: logged_in_agents NO LOGGED IN AGENTS: apiuser|\n",
    b"ERROR: logged_in_agents NO LOGGED IN AGENTS: apiuser|",
    b"ERROR: Login incorrect, please try again: |apiuser|apipass9|BAD|\n",
    b"SELECT pass from vicidial_users where user='apiuser' and pass='apipass9';\n",
    b"<html><head><title>502 Bad Gateway</title></head><body>apipass9</body></html>\n",
    b"?user=apiuser&pass=apipass9&x=",
    b'{"success":false,"message":"x","data":{"user":"apiuser","password":"apipass9"}}\n',
    b"MySQL connect ERROR:  Connection refused\n",
    b"\r\n", b"\n", b"\n\n", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"zapipass9z",
)  # fmt: skip
Mutation = Callable[[bytes, random.Random], bytes]


def _cut_end(body: bytes, chance: random.Random) -> bytes:
    return body[: chance.randrange(len(body) + 1)]


def _cut_start(body: bytes, chance: random.Random) -> bytes:
    return body[chance.randrange(len(body) + 1) :]


def _cut_middle(body: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(body) + 1)
    return body[:start] + body[start + chance.randrange(1, 120) :]


def _flip(body: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(body)
    for _ in range(chance.randrange(1, 6)):
        if damaged:
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    return bytes(damaged)


def _insert(body: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(body) + 1)
    return body[:place] + chance.choice(NOISE) + body[place:]


def _glue(body: bytes, chance: random.Random) -> bytes:
    places = [place for place, byte in enumerate(body) if byte == 10]
    place = chance.choice(places) if places else 0
    return body[:place] + body[place + 1 :]


def _double(body: bytes, chance: random.Random) -> bytes:
    lines = body.splitlines(keepends=True)
    place = chance.randrange(len(lines)) if lines else 0
    return b"".join([*lines[:place], *lines[place : place + 1], *lines[place:]])


def _shuffle(body: bytes, chance: random.Random) -> bytes:
    lines = body.splitlines(keepends=True)
    chance.shuffle(lines)
    return b"".join(lines)


def _other_delimiter(body: bytes, chance: random.Random) -> bytes:
    return body.replace(b"|", chance.choice((b",", b"\t", b";", b"||", b"")))


def _storm(body: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(body) + 1)
    return body[:place] + chance.choice((b"|", b",", b"\t")) * chance.randrange(1, 40) + body[place:]


MUTATIONS: Final[Sequence[Mutation]] = (
    _cut_end, _cut_start, _cut_middle, _flip, _insert, _glue, _double, _shuffle, _other_delimiter, _storm,
)  # fmt: skip


def damaged(body: bytes, chance: random.Random, most: int = 3) -> bytes:
    """
    Return the body after one to `most` mutations.
    """
    for _ in range(chance.randrange(1, most + 1)):
        body = chance.choice(MUTATIONS)(body, chance)
    return body
