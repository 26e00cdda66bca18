"""
Read the parameters of a request as the vendor documents them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from relay.twin.voipcloud.stream_rows import DEFAULT_PAGE, PageQuery

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_ONE_DAY: Final = timedelta(days=1)


class ParametersError(ValueError):
    """
    A parameter is not as documented: answered 400.
    """


@dataclass(frozen=True, slots=True)
class PageBounds:
    """
    How many rows a page may have, and how deep it may begin.
    """

    largest_limit: int
    largest_offset: int


def page_query(
    parameters: Mapping[str, str], names_parameter: str, zone: ZoneInfo, bounds: PageBounds
) -> PageQuery:
    """
    Read dates (whole days of the tenant's zone, both inclusive), limit, offset and names; '' is the default.

    Raises:
        ParametersError: a value out of range or not of its form.
    """
    names = parameters.get(names_parameter, "").split(",")
    default = min(DEFAULT_PAGE, bounds.largest_limit)
    return PageQuery(
        since=_midnight(parameters, "from_date", zone, days_later=0),
        before=_midnight(parameters, "to_date", zone, days_later=1),
        limit=_whole_number(parameters, "limit", default, 1, bounds.largest_limit),
        offset=_whole_number(parameters, "offset", 0, 0, bounds.largest_offset),
        names=frozenset(name.strip() for name in names if name.strip()),
    )


def _midnight(parameters: Mapping[str, str], name: str, zone: ZoneInfo, *, days_later: int) -> int | None:
    text = parameters.get(name, "")
    if not text:
        return None
    if not _DATE.fullmatch(text):
        raise ParametersError(f"{name} must be in the format Y-m-d")
    try:
        day = date.fromisoformat(text) + _ONE_DAY * days_later
        return int(datetime.combine(day, time(), zone).timestamp())
    except (ValueError, OverflowError) as error:
        raise ParametersError(f"{name} is not a date") from error


def _whole_number(parameters: Mapping[str, str], name: str, default: int, lowest: int, highest: int) -> int:
    text = parameters.get(name, "")
    if not text:
        return default
    if not re.fullmatch(r"-?\d{1,12}", text) or not lowest <= int(text) <= highest:
        raise ParametersError(f"{name} must be a whole number from {lowest} to {highest}")
    return int(text)
