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
from relay.commands.result import FAILED, CommandResult
from relay.model.number_status import HLR, INVALID, OFF, UNKNOWN, UNREACHABLE
from relay.model.numbers import country_of
from relay.model.vendor_answer import BAD_ARGUMENT
from relay.sources.port import NumberLookup

MANY: Final = "multi_leads"
NOT_SENT: Final = "not sent, because other leads of the command were refused"
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
    Why a command is not sent: in words, and for each refused lead by its place among those of the command.
    """

    message: str
    leads: Mapping[int, str]


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
        Return why a command is not to be sent; None: it may be.

        Args:
            function: what is to be called.
            params: as checked by `relay.commands.checking.check`.
            setting: how far to go, OFF, VALIDITY or HLR: that of whoever asks.
        """
        numbers = [] if setting == OFF else numbers_of(function.name, params)
        verdicts = [verdict_of(given, self._country) for given in numbers]
        refused = {place: one.reason for place, one in enumerate(verdicts) if one.reason is not None}
        # Where some are refused already nothing is sent: what the others are is not worth a look-up.
        if setting == HLR and verdicts and not refused:
            refused = await self._unreached([one.e164 or "" for one in verdicts])
        return _refusal(refused, len(verdicts)) if refused else None

    async def _unreached(self, numbers: list[str]) -> dict[int, str]:
        statuses = await self._looked_up(numbers)
        found = ((place, self._why(number, statuses[number])) for place, number in enumerate(numbers))
        return {place: why for place, why in found if why is not None}

    async def _looked_up(self, numbers: list[str]) -> dict[str, str]:
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


def refused(function: Function, refusal: Refusal, leads: int = 1) -> CommandResult:
    """
    Return the result of a command that was refused: failed, and nothing was sent.

    Args:
        function: what was to be called.
        refusal: why.
        leads: how many leads the command has; where each has a verdict of its own, all of them get one.
    """
    rows: list[dict[str, Any]] = []
    if function.row_verdict:
        told = [refusal.leads.get(place, NOT_SENT) for place in range(leads)]
        rows = [
            {"lead": str(number), "success": False, "message": why, "data": ""}
            for number, why in enumerate(told, start=1)
        ]
    data = {"details": {}, "rows": rows, "notices": [], "rejected": 0}
    events = (function.rejected_event,) if function.rejected_event else ()
    return CommandResult(FAILED, refusal.message, data, "", BAD_ARGUMENT, events)


class NumberGate:
    """
    Lets commands pass whose numbers are good: those of all sources, for all who ask.

    Args:
        checks: by source id; a source that is missing has no checks.
        settings: by the name of the API key; one that is missing has OFF.
    """

    def __init__(self, checks: Mapping[str, NumberChecks], settings: Mapping[str, str]) -> None:
        self._checks = checks
        self._settings = settings

    async def refusal_of(
        self, source_id: str, function: Function, params: Mapping[str, Any], requested_by: str | None
    ) -> CommandResult | None:
        """
        Return the result of a command that must not be sent; None: it may be.
        """
        checks, setting = self._checks.get(source_id), self._settings.get(requested_by or "", OFF)
        if checks is None:
            return None
        refusal = await checks.check(function, params, setting)
        if refusal is None:
            return None
        return refused(function, refusal, len(numbers_of(function.name, params)))


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


def _refusal(leads: Mapping[int, str], count: int) -> Refusal:
    place, why = next(iter(leads.items()))
    if count == 1:
        return Refusal(f"number refused: {why}", leads)
    return Refusal(f"{len(leads)} of {count} numbers refused, the first in lead {place + 1}: {why}", leads)
