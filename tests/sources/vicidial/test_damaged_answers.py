"""
Damaged answers: nothing crashes, no password gets out, and no agent is logged out by them.
"""

from __future__ import annotations

import json
import random
import re
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.model.vendor_answer import EMPTY, ROWS, VERDICTS
from relay.sources.vicidial.wire import MAX_RAW, read_answer
from tests.sources.vicidial.mutations import SECRETS, damaged
from tests.sources.vicidial.recorded import recorded_answers

ANSWERS: Final = recorded_answers()
POLLS: Final = [one for one in ANSWERS if one.function == "logged_in_agents" and one.verdict == ROWS]
FAILED_LOGINS: Final = [one for one in ANSWERS if one.verdict == "auth" and one.query.get("pass")]
SEEDS: Final = st.integers(0, 2**63)
# A row by another rule than the reader's: no state of a second agent inside a name.
STATES: Final = "READY|CLOSER|QUEUE|MQUEUE|INCALL|PAUSED"
PLAIN_ROW: Final = re.compile(
    rf"[-_0-9A-Za-z]+\|[-_0-9A-Za-z]*\|\d+\|(?:{STATES})\|\d*\|(?:[A-Z]\d{{19}})?\|\d*\|"
    rf"(?:(?!\|(?:{STATES})\|).)*\|[-_0-9A-Za-z ]+\|\d(?:\|[-_0-9A-Za-z ]*\|[-3A-Z]*)?"
)


def many(count: int) -> settings:
    """
    Return so many examples, always the same.
    """
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


@pytest.mark.parametrize("part", range(4))
def test_any_answer_may_be_damaged(part: int) -> None:
    @many(3_000)
    @given(SEEDS)
    def holds(seed: int) -> None:
        chance = random.Random(f"{part}-{seed}")
        answer = chance.choice(ANSWERS)
        function = chance.choice([answer.function, answer.function, chance.choice(ANSWERS).function])
        body = damaged(answer.body, chance)
        status = chance.choice((200, 200, 200, 500, 418, 502))
        version = chance.choice((None, "2.14-96", "2.14-202", "2.14-300", "odd"))
        secrets = {*SECRETS, *(answer.query[name] for name in ("pass", "user") if name in answer.query)}

        read_as = read_answer(
            function,
            body,
            http_status=status,
            version=version,
            stage=chance.choice(("pipe", "csv", "tab")),
            secrets=sorted(secrets),
        )

        shown = json.dumps([read_as.messages, read_as.rows, read_as.rejected, read_as.raw])
        assert read_as.verdict in VERDICTS
        assert [] == [one for one in ("apipass9", "wrong9", "abc123") if one in shown]
        assert (read_as.verdict == ROWS) <= bool(read_as.rows)
        assert len(read_as.raw) <= MAX_RAW

    holds()


@pytest.mark.parametrize("part", range(3))
def test_no_agent_is_missed_without_a_word(part: int) -> None:
    @many(3_000)
    @given(SEEDS)
    def holds(seed: int) -> None:
        chance = random.Random(f"{part}-{seed}")
        poll = chance.choice(POLLS)
        body = damaged(poll.body, chance, most=2)
        status = chance.choice((200, 200, 500))
        there = {row["user"] for row in read_answer("logged_in_agents", poll.body).rows}

        read_as = read_answer("logged_in_agents", body, http_status=status, stage=poll.stage)

        seen = {row["user"] for row in read_as.rows}
        is_believed = read_as.verdict == ROWS and not read_as.rejected
        assert not is_believed or there <= seen or is_plain(body)
        assert (read_as.verdict == EMPTY) <= (b"NO LOGGED IN AGENTS" in body and not holds_an_agent(body))

    holds()


def is_plain(body: bytes) -> bool:
    """
    Return whether what is left is rows, each on a line of its own, and whole: nobody could tell.
    """
    text = re.sub(r"<br />\n<b>Warning</b>.*<br />\n", "", body.decode("latin-1")).replace("\r\n", "\n")
    rows = text.replace("Tab\tNewline\nName", "")
    for delimiter in ("|", ",", "\t"):
        lines = [line.replace(delimiter, "|") for line in rows.split("\n") if line.strip()]
        if text.endswith("\n") and lines and all(map(PLAIN_ROW.fullmatch, whole(lines))):
            return True
    return False


def whole(lines: list[str]) -> list[str]:
    """
    Return the lines, one that is no row put together with the next: a newline may be in a name.
    """
    rows: list[str] = []
    for line in lines:
        if rows and PLAIN_ROW.fullmatch(rows[-1]) is None and PLAIN_ROW.fullmatch(line) is None:
            rows[-1] = f"{rows[-1]} {line}"
        else:
            rows.append(line)
    return rows


def holds_an_agent(body: bytes) -> bool:
    """
    Return whether a whole row of an agent is in the body.
    """
    return re.search(rb"^\d{4}\|\w+\|86000\d\d\|[A-Z]+\|.*\|\d\|\w*\|[-\w]*$", body, re.MULTILINE) is not None


def test_a_damaged_failed_login_shows_no_password_that_we_do_not_know() -> None:
    @many(3_000)
    @given(SEEDS)
    def holds(seed: int) -> None:
        chance = random.Random(seed)
        answer = chance.choice(FAILED_LOGINS)
        body = damaged(answer.body, chance, most=1)

        read_as = read_answer(answer.function, body)

        shown = json.dumps([read_as.messages, read_as.rows, read_as.rejected, read_as.raw])
        echoed = re.sub(r"[^-_0-9A-Za-z]", "", answer.query["pass"])
        # Noise that brings a password of its own, bare, tells nobody that it is one.
        assert echoed not in shown or (echoed == "apipass9" and b"apipass9" in body.replace(answer.body, b""))

    holds()
