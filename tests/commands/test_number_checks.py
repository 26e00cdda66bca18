"""
Numbers of leads, judged before anything is sent: by the numbering plans, and by a look-up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from relay.commands.catalogue import function
from relay.commands.number_checks import (
    GivenNumber,
    LookupPolicy,
    NumberChecks,
    NumberGate,
    NumberVerdict,
    Refusal,
    numbers_of,
    verdict_of,
)
from relay.model.number_status import HLR, INVALID, OFF, UNKNOWN, UNREACHABLE, VALID, VALIDITY

ADD_LEAD = function("dialer360", "add_lead")
UPDATE_LEAD = function("dialer360", "update_lead")
ADD_MULTI_LEAD = function("elision", "add_multi_lead")
GOOD, OTHER, SHORT = "07911123456", "07911123457", "123"


class Provider:
    """
    Knows numbers by heart; an event in place of a status is waited for.
    """

    def __init__(self, statuses: Mapping[str, str | asyncio.Event]) -> None:
        self._statuses = statuses
        self.asked: list[str] = []

    async def look_up(self, number: str) -> str:
        """
        Return what is known of a number.
        """
        self.asked.append(number)
        status = self._statuses.get(number, VALID)
        if isinstance(status, asyncio.Event):
            await status.wait()
            return VALID
        return status


@pytest.mark.parametrize(
    ("digits", "code", "country", "e164"),
    [
        ("07911123456", None, "GB", "+447911123456"),
        ("7911123456", "44", "US", "+447911123456"),
        ("07911123456", "44", "AU", "+447911123456"),
        ("07911123456", "044", "AU", "+447911123456"),
        ("0412345678", None, "AU", "+61412345678"),
        ("2125551234", "1", "GB", "+12125551234"),
        # Canada shares its code with the United States.
        ("6135550100", "1", "GB", "+16135550100"),
        ("6135550100", "1", "CA", "+16135550100"),
        ("12345678", "800", "GB", "+80012345678"),
    ],
)
def test_a_number_of_the_plan_is_valid(digits: str, code: str | None, country: str, e164: str) -> None:
    assert NumberVerdict(e164, None) == verdict_of(GivenNumber(digits, code), country)


@pytest.mark.parametrize(
    ("digits", "code", "reason"),
    [
        ("123", None, "123 of GB is too short"),
        ("079111", None, "079111 of GB is too short, or lacks its area code"),
        ("12345678901234567", "44", "12345678901234567 of +44 is too long"),
        ("9999999999", None, "9999999999 of GB is no number that the numbering plan has"),
        ("5551234567", "1", "5551234567 of +1 is no number that the numbering plan has"),
        ("7911123456", "999", "phone_code 999 is no country calling code"),
        ("7911123456", "0", "phone_code 0 is no country calling code"),
        ("5551234", "1", "5551234 of +1 is too short, or lacks its area code"),
        ("", None, " of GB is no phone number"),
    ],
)
def test_a_number_that_is_none_is_told_why(digits: str, code: str | None, reason: str) -> None:
    assert NumberVerdict(None, reason) == verdict_of(GivenNumber(digits, code), "GB")


@pytest.mark.parametrize(
    ("name", "params", "numbers"),
    [
        ("add_lead", {"phone_number": GOOD, "phone_code": 44}, [GivenNumber(GOOD, "44")]),
        ("add_lead", {"phone_number": 7911123456}, [GivenNumber("7911123456", None)]),
        ("add_multi_lead", {"multi_leads": [{"phone_number": GOOD}] * 2}, [GivenNumber(GOOD, None)] * 2),
        ("update_lead", {"phone_number": GOOD, "insert_if_not_found": True}, [GivenNumber(GOOD, None)]),
        ("update_lead", {"phone_number": GOOD, "insert_if_not_found": "Y"}, [GivenNumber(GOOD, None)]),
        ("update_lead", {"phone_number": GOOD, "insert_if_not_found": "N"}, []),
        ("update_lead", {"phone_number": GOOD}, []),
        ("check_phone_number", {"phone_number": GOOD}, []),
    ],
)
def test_only_leads_that_are_added_are_checked(
    name: str, params: dict[str, Any], numbers: list[GivenNumber]
) -> None:
    assert numbers == numbers_of(name, params)


@pytest.mark.parametrize(
    ("setting", "phone", "passes", "asked"),
    [
        (OFF, SHORT, True, []),
        (VALIDITY, SHORT, False, []),
        (VALIDITY, GOOD, True, []),
        (HLR, SHORT, False, []),
        (HLR, GOOD, True, ["+447911123456"]),
    ],
)
async def test_each_setting_goes_as_far_as_it_says(
    setting: str, phone: str, passes: bool, asked: list[str]
) -> None:
    provider = Provider({})

    refusal = await NumberChecks("GB", provider).check(ADD_LEAD, {"phone_number": phone}, setting)

    assert (passes, asked) == (refusal is None, provider.asked)


STRICT, LAX = LookupPolicy(False, False), LookupPolicy(True, True)


@pytest.mark.parametrize(
    ("status", "policy", "message"),
    [
        (VALID, STRICT, None),
        (INVALID, LAX, "number refused: +447911123456 has no subscriber, says the look-up"),
        (UNREACHABLE, STRICT, "number refused: +447911123456 cannot be reached, says the look-up"),
        (UNREACHABLE, LAX, None),
        (UNKNOWN, STRICT, "number refused: +447911123456 could not be looked up"),
        (UNKNOWN, LAX, None),
    ],
)
async def test_what_a_look_up_finds_counts_as_the_policy_says(
    status: str, policy: LookupPolicy, message: str | None
) -> None:
    checks = NumberChecks("GB", Provider({"+447911123456": status}), policy)

    refusal = await checks.check(ADD_LEAD, {"phone_number": GOOD}, HLR)

    assert message == (refusal and refusal.message)


@pytest.mark.parametrize(("policy", "passes"), [(LAX, True), (STRICT, False)])
async def test_without_a_provider_every_number_is_unknown(policy: LookupPolicy, passes: bool) -> None:
    refusal = await NumberChecks("GB", None, policy).check(ADD_LEAD, {"phone_number": GOOD}, HLR)

    assert passes == (refusal is None)


async def test_of_many_leads_the_refused_ones_are_named_and_each_number_is_asked_once() -> None:
    provider = Provider({"+447911123457": INVALID})
    leads = [{"phone_number": phone} for phone in (GOOD, OTHER, GOOD, OTHER)]

    refusal = await NumberChecks("GB", provider).check(ADD_MULTI_LEAD, {"multi_leads": leads}, HLR)

    why = "+447911123457 has no subscriber, says the look-up"
    assert Refusal({1: why, 3: why}, 4) == refusal
    assert f"2 of 4 numbers refused, the first in lead 2: {why}" == refusal.message
    assert ["+447911123456", "+447911123457"] == provider.asked


async def test_only_numbers_of_the_plan_are_looked_up() -> None:
    provider = Provider({"+447911123457": INVALID})
    leads = [{"phone_number": phone} for phone in (OTHER, SHORT, GOOD)]

    refusal = await NumberChecks("GB", provider).check(ADD_MULTI_LEAD, {"multi_leads": leads}, HLR)

    assert [0, 1] == list(refusal.leads if refusal else ())
    assert ["+447911123457", "+447911123456"] == provider.asked


async def test_look_ups_of_a_command_end_in_time_and_what_was_found_counts() -> None:
    """
    One number is never answered: it is unknown, and the other refused all the same.
    """
    provider = Provider({"+447911123456": asyncio.Event(), "+447911123457": INVALID})
    leads = [{"phone_number": phone} for phone in (GOOD, OTHER)]
    checks = NumberChecks("GB", provider, LookupPolicy(accepts_unknown=True, wait_s=0.05))

    refusal = await checks.check(ADD_MULTI_LEAD, {"multi_leads": leads}, HLR)

    assert [1] == list(refusal.leads if refusal else ())


@pytest.mark.parametrize(
    ("source_id", "requested_by", "passes"),
    [("dialer", "crm", False), ("dialer", "ops", True), ("dialer", None, True), ("other", "crm", True)],
)
async def test_the_gate_knows_whose_leads_are_checked(
    source_id: str, requested_by: str | None, passes: bool
) -> None:
    gate = NumberGate({"dialer": NumberChecks("GB")}, {"crm": VALIDITY, "ops": OFF})

    refusal = await gate.refusal_of(source_id, ADD_LEAD, {"phone_number": SHORT}, requested_by)

    assert passes == (refusal is None)
