"""
Codes of the CRM in commands become the dialer's statuses.
"""

from __future__ import annotations

from typing import Any

import pytest

from relay.commands.catalogue import check, function
from relay.commands.mapping_statuses import translated

BY_CODE = {"contract-signed": "SALE", "NI": "NOANSW", "A": "A"}


@pytest.mark.parametrize(
    ("name", "given", "sent"),
    [
        ("update_lead", {"status": "contract-signed"}, {"status": "SALE"}),
        ("add_lead", {"callback_status": "contract-signed"}, {"callback_status": "SALE"}),
        # The dialer's own status, or one that nobody knows.
        ("update_lead", {"status": "SALE"}, {"status": "SALE"}),
        ("update_lead", {"status": "sale"}, {"status": "sale"}),
        # Both a code and a status of the dialer: the code counts, unless it stands for itself.
        ("update_lead", {"status": "NI"}, {"status": "NOANSW"}),
        ("update_lead", {"status": "A"}, {"status": "A"}),
        # Only leads have statuses of the CRM, and only in these parameters.
        ("update_lead", {"comments": "contract-signed"}, {"comments": "contract-signed"}),
        ("update_log_entry", {"status": "contract-signed"}, {"status": "contract-signed"}),
        ("update_lead", {"status": None, "lead_id": 5}, {"status": None, "lead_id": 5}),
        ("update_lead", {"status": ["NI"]}, {"status": ["NI"]}),
        ("add_lead", {}, {}),
    ],
)
def test_a_code_becomes_the_dialers_status(name: str, given: dict[str, Any], sent: dict[str, Any]) -> None:
    before = dict(given)

    assert sent == translated(name, given, BY_CODE)
    assert before == given


def test_without_mappings_everything_stays() -> None:
    assert {"status": "NI"} == translated("update_lead", {"status": "NI"}, {})


def test_a_code_passes_the_check_of_the_parameters_once_it_is_translated() -> None:
    update_lead = function("dialer360", "update_lead")
    given = {"lead_id": "5", "status": "contract-signed"}

    assert ["status"] == [fault.parameter for fault in check(update_lead, given)]
    assert [] == check(update_lead, translated("update_lead", given, BY_CODE))
