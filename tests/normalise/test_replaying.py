"""
What stored rejects may still become, held against the legs of their bag.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from relay.model.call import LegFacts
from relay.normalise.replaying import sort_out
from tests.journal.making import leg_of

CALL = leg_of("a").facts
ENDED = CALL._replace(agent_name="Ann", duration_s=30, ended_at=CALL.started_at + timedelta(seconds=30))
OPEN = ENDED._replace(ended_at=None, duration_s=None, talk_s=None, status=None, answered_at=None)
LONGER = ENDED._replace(duration_s=40, ended_at=ENDED.started_at + timedelta(seconds=40))
OF_BO = ENDED._replace(agent_name="Bo")


@pytest.mark.parametrize(
    ("rows", "known", "taken", "nothing_new"),
    [
        ([ENDED], [], [ENDED], []),
        ([OPEN], [], [OPEN], []),
        ([OPEN, ENDED], [], [ENDED], [OPEN]),
        ([LONGER, ENDED], [], [LONGER], []),  # the last state of one row
        ([ENDED, OF_BO], [], [ENDED, OF_BO], []),  # two phones
        ([ENDED], [OPEN], [ENDED], []),
        ([OPEN], [ENDED], [], [OPEN]),
        ([ENDED], [ENDED], [], [ENDED]),
        ([LONGER], [ENDED], [], []),  # a correction, or another call: nobody can tell
        ([ENDED, OF_BO], [OPEN], [ENDED], []),
        ([OF_BO], [ENDED, OPEN], [OF_BO], []),
    ],
)
def test_what_is_sure_is_taken_and_what_is_known_is_nothing_new(
    rows: list[LegFacts], known: list[LegFacts], taken: list[LegFacts], nothing_new: list[LegFacts]
) -> None:
    legs = [leg_of("a")._replace(facts=facts) for facts in known]

    assert (taken, nothing_new) == sort_out(rows, legs)
