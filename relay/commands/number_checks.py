"""
The numbers of leads, checked before a dialer is sent them: by the numbering plans, then by a look-up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import phonenumbers

from relay.commands.function import Function
from relay.model.number_status import HLR, INVALID, OFF, UNKNOWN, UNREACHABLE
from relay.model.numbers import country_of
from relay.sources.port import NumberLookup

MANY: Final = "multi_leads"
_YES: Final = (True, "Y")
_REASONS: Final = phonenumbers.ValidationResult
_WHY: Final = {
    _REASONS.INVALID_COUNTRY_CODE: "has no country calling code that there is",
    _REASONS.TOO_SHORT: "is too short",
    _REASONS.TOO_LONG: "is too long",
    _REASONS.INVALID_LENGTH: "has a length that no number there has",
    _REASONS.IS_POSSIBLE_LOCAL_ONLY: "is too short, or lacks its area code",
}


class GivenNumber(NamedTuple):
    """
    The number of a lead as a command gives it; without a `phone_code` it is one of the source's country.
    """

    digits: str
    phone_code: str | None


class NumberVerdict(NamedTuple):
    """
    The E.164 form of a good number, or why it is none.
    """

    e164: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """
    Why leads of a command are not sent: by their places among all `count` of them, and in words.
    """

    leads: Mapping[int, str]
    count: int = 1

    @property
    def message(self) -> str:
        """
        Return what there is to say about the whole command.
        """
        place, why = next(iter(self.leads.items()))
        if self.count == 1:
            return f"number refused: {why}"
        return f"{len(self.leads)} of {self.count} numbers refused, the first in lead {place + 1}: {why}"


@dataclass(frozen=True, slots=True)
class LookupPolicy:
    """
    Whether a lead passes whose number cannot be reached, or of which nothing could be found out, and how long
    the look-ups of one command may take.
    """

    accepts_unreachable: bool = False
    accepts_unknown: bool = True
    wait_s: float = 30.0


def numbers_of(function: str, params: Mapping[str, Any]) -> list[GivenNumber]:
    """
    Return the numbers of the leads that a command adds, in their order; none where it adds none.
    """
    if function == "add_multi_lead":
        leads = params.get(MANY)
        rows: Iterable[Any] = leads if isinstance(leads, list) else ()
        return [_given(lead if isinstance(lead, Mapping) else {}) for lead in rows]
    adds = function == "add_lead" or (function == "update_lead" and params.get("insert_if_not_found") in _YES)
    return [_given(params)] if adds else []


def verdict_of(given: GivenNumber, country: str) -> NumberVerdict:
    """
    Judge a number by the numbering plans, offline.

    Args:
        given: the number.
        country: of numbers without a `phone_code`, ISO 3166 alpha-2.
    """
    code = int(given.phone_code) if given.phone_code and given.phone_code.isdecimal() else None
    shown = f"{given.digits} of +{code}" if code is not None else f"{given.digits} of {country}"
    if code is not None and code not in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        return NumberVerdict(None, f"phone_code {given.phone_code} is no country calling code")
    try:
        number = _parsed(given.digits, code, country)
    except phonenumbers.NumberParseException:
        return NumberVerdict(None, f"{shown} is no phone number")
    why = _WHY.get(phonenumbers.is_possible_number_with_reason(number))
    if why is None and not phonenumbers.is_valid_number(number):
        why = "is no number that the numbering plan has"
    if why is not None:
        return NumberVerdict(None, f"{shown} {why}")
    return NumberVerdict(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), None)


class NumberChecks:
    """
    Checks the numbers of leads for one source.

    Args:
        country: of numbers without a country calling code, ISO 3166 alpha-2.
        lookup: asks a provider about a number; None where none is configured: everything is unknown.
        policy: what passes.
    """

    def __init__(
        self, country: str, lookup: NumberLookup | None = None, policy: LookupPolicy | None = None
    ) -> None:
        self._country = country
        self._lookup = lookup
        self._policy = policy or LookupPolicy()

    async def check(self, function: Function, params: Mapping[str, Any], setting: str) -> Refusal | None:
        """
        Return which leads of a command are not to be sent; None: all may be.

        Args:
            function: what is to be called.
            params: as checked by `relay.commands.checking.check`.
            setting: how far to go, OFF, VALIDITY or HLR: that of whoever asks.
        """
        numbers = [] if setting == OFF else numbers_of(function.name, params)
        verdicts = [verdict_of(given, self._country) for given in numbers]
        leads = {place: one.reason for place, one in enumerate(verdicts) if one.reason is not None}
        if setting == HLR:
            good = {place: one.e164 for place, one in enumerate(verdicts) if one.e164 is not None}
            leads |= await self._unreached(good)
        return Refusal(dict(sorted(leads.items())), len(verdicts)) if leads else None

    async def _unreached(self, numbers: Mapping[int, str]) -> dict[int, str]:
        statuses = await self._looked_up(numbers.values())
        found = ((place, self._why(number, statuses[number])) for place, number in numbers.items())
        return {place: why for place, why in found if why is not None}

    async def _looked_up(self, numbers: Iterable[str]) -> dict[str, str]:
        statuses = dict.fromkeys(numbers, UNKNOWN)
        lookup = self._lookup
        if lookup is None:
            return statuses

        async def look_up(number: str) -> None:
            statuses[number] = await lookup.look_up(number)

        with suppress(TimeoutError):  # what was not found by then stays unknown
            async with asyncio.timeout(self._policy.wait_s), asyncio.TaskGroup() as group:
                for number in statuses:
                    group.create_task(look_up(number))
        return statuses

    def _why(self, number: str, status: str) -> str | None:
        if status == INVALID:
            return f"{number} has no subscriber, says the look-up"
        if status == UNREACHABLE and not self._policy.accepts_unreachable:
            return f"{number} cannot be reached, says the look-up"
        if status == UNKNOWN and not self._policy.accepts_unknown:
            return f"{number} could not be looked up"
        return None


class NumberGate:
    """
    Lets leads pass whose numbers are good: those of all sources, for all who ask.

    Args:
        checks: by source id; a source that is missing has no checks.
        settings: by the name of the API key; one that is missing has OFF.
    """

    def __init__(self, checks: Mapping[str, NumberChecks], settings: Mapping[str, str]) -> None:
        self._checks = checks
        self._settings = settings

    async def refusal_of(
        self, source_id: str, function: Function, params: Mapping[str, Any], requested_by: str | None
    ) -> Refusal | None:
        """
        Return which leads of a command must not be sent; None: all may be.
        """
        checks, setting = self._checks.get(source_id), self._settings.get(requested_by or "", OFF)
        return None if checks is None else await checks.check(function, params, setting)


def _given(params: Mapping[str, Any]) -> GivenNumber:
    code = params.get("phone_code")
    return GivenNumber(str(params.get("phone_number", "")), None if code is None else str(code))


def _parsed(digits: str, code: int | None, country: str) -> phonenumbers.PhoneNumber:
    if code is None:
        return phonenumbers.parse(digits, country)
    region = country_of(code, country)
    if code != phonenumbers.country_code_for_region(region):  # a code of no country, such as 800
        return phonenumbers.parse(f"+{code}{digits}")
    return phonenumbers.parse(digits, region)  # a trunk prefix such as 0 may stand before it
