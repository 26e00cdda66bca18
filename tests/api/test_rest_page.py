"""
`docs/rest.md` and the code say the same.
"""

from __future__ import annotations

import re
from pathlib import Path

from relay.api.hooks import MAX_PUSH, ROUTE
from relay.api.operations import OPERATIONS
from relay.api.problems import KINDS
from relay.api.queries import DEFAULT_LIMIT, MAX_LIMIT
from relay.config.schema import MAX_BACK_DAYS
from relay.journal.api_port import MAX_INBOX
from relay.model.scopes import NOUNS

PAGE = (Path(__file__).parents[2] / "docs" / "rest.md").read_text()


def test_the_table_lists_every_operation_and_no_other() -> None:
    rows = [
        f"| `{one.method} {one.path}` | {f'{one.scope} ' if one.scope else ''}| {one.summary} |"
        for one in OPERATIONS
    ]

    assert rows == [line for line in PAGE.splitlines() if re.match(r"\| `[A-Z]+ /", line)]


def test_the_table_lists_every_kind_of_problem_and_no_other() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", PAGE, flags=re.MULTILINE)

    assert [(kind.word, str(kind.status)) for kind in KINDS] == rows


def test_the_examples_ask_for_what_there_is() -> None:
    paths = [one.path for one in OPERATIONS] + [ROUTE]
    patterns = {re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)) for path in paths}
    asked = re.findall(r"\$RELAY(/[^\s?\"]*)", PAGE)

    assert len(asked) > 8
    assert [] == [path for path in asked if not any(re.fullmatch(one, path) for one in patterns)]


def test_each_noun_has_an_example() -> None:
    assert [] == [noun for noun in NOUNS if not re.search(rf"curl .*/v1/{noun}\b", PAGE)]


def test_the_limits_of_lists_are_those_of_the_code() -> None:
    assert f"`limit` (1 to {MAX_LIMIT}, default {DEFAULT_LIMIT})" in PAGE


def test_the_limits_of_pushes_and_jobs_are_those_of_the_code() -> None:
    assert f"at most {MAX_PUSH // 1024} KiB" in PAGE
    assert f"where {MAX_INBOX} items of the source wait already" in PAGE
    assert f"more than {MAX_BACK_DAYS} days" in PAGE
