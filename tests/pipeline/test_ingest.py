"""
How a page is cut into groups: calls whole, steps bounded.
"""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from relay.model.call import USER_CALLS, LegFacts
from relay.normalise.rules import CallRules
from relay.normalise.voipcloud_rows import VoipcloudRows
from relay.pipeline.grouping import (
    FRESH_AT_ONCE,
    LARGEST_GROUP,
    ROWS_IN_A_TRANSACTION,
    batches_of,
    groups_of,
    linking_keys,
)
from relay.testing.manual_clock import DEFAULT_START
from tests.journal.making import IDS
from tests.pipeline.polling import SECOND, user_row

READER = VoipcloudRows(CallRules("pbx", ZoneInfo("Australia/Sydney"), "AU", DEFAULT_START), IDS)


def facts(every_s: float, count: int, **columns: object) -> list[LegFacts]:
    """
    Return legs that start so far apart, newest first as the vendor gives them.
    """
    starts = [DEFAULT_START - timedelta(seconds=every_s * place) for place in range(count)]
    return [READER.read(USER_CALLS, user_row(start, **columns)) for start in starts]


@pytest.mark.parametrize("every_s", [1, 7, 600])
def test_a_number_that_is_always_busy_makes_no_large_group(every_s: float) -> None:
    rows = facts(every_s, 2_000)

    groups = list(groups_of(rows))

    assert max(map(len, groups)) <= LARGEST_GROUP + FRESH_AT_ONCE
    assert sorted(row.base_key for row in rows) == sorted(row.base_key for group in groups for row in group)


def test_rows_of_one_number_that_lie_close_together_stay_together() -> None:
    rows = [row for place in range(100) for row in facts(5, 3, from_number=f"04{place:08d}")]

    groups = list(groups_of(rows))

    of_number = [{row.from_raw for row in group} for group in groups]
    assert 100 == sum(map(len, of_number))
    assert len(groups) > 1


def test_groups_of_one_number_follow_its_starts() -> None:
    rows = facts(1, 1_000)

    starts = [row.started_at for group in groups_of(rows) for row in group]

    assert starts == sorted(starts)
    assert timedelta(seconds=999) == starts[-1] - starts[0]
    assert SECOND == starts[1] - starts[0]


def test_groups_that_may_be_of_one_call_never_share_a_transaction() -> None:
    rows = facts(1, 1_000) + [
        row for place in range(300) for row in facts(5, 2, from_number=f"04{place:08d}")
    ]

    batches = list(batches_of(groups_of(rows)))

    for batch in batches:
        for place, group in enumerate(batch):
            others = [row for other in batch[place + 1 :] for row in other]
            assert linking_keys(group).isdisjoint(linking_keys(others))
    assert sorted(row.base_key for row in rows) == sorted(
        row.base_key for batch in batches for group in batch for row in group
    )


def test_a_transaction_takes_several_groups_but_not_too_many_rows() -> None:
    rows = [row for place in range(500) for row in facts(5, 2, from_number=f"04{place:08d}")]

    sizes = [sum(map(len, batch)) for batch in batches_of(groups_of(rows))]

    assert max(sizes) <= ROWS_IN_A_TRANSACTION
    assert FRESH_AT_ONCE * 2 < max(sizes)
