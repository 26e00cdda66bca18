"""
Which fields of a call differ between two of its records.
"""

from __future__ import annotations

from typing import Any

import pytest

from relay.normalise.call_record import changed_fields

BEFORE = {"state": "started", "outcome": "unknown", "talk_s": None, "legs": [{"rang": False}]}


@pytest.mark.parametrize(
    ("after", "names"),
    [
        (BEFORE | {}, ()),
        (BEFORE | {"talk_s": 0, "state": "ended"}, ("state", "talk_s")),
        (BEFORE | {"legs": [{"rang": False}]}, ()),
        (BEFORE | {"legs": [{"rang": True}]}, ("legs",)),
        (BEFORE | {"merged_into": "b"}, ("merged_into",)),  # a field that the older record has not
        ({"talk_s": 1, "state": "ended"}, ("talk_s", "state")),  # and in another order
    ],
)
def test_the_names_of_what_differs_stand_in_the_new_records_order(
    after: dict[str, Any], names: tuple[str, ...]
) -> None:
    assert names == changed_fields(BEFORE, after)
