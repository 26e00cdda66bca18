"""
The call ids of VICIdial-based dialers: what they say, and for how long each of them is unique.

Such an id is one letter (V automatic, M manual, Y inbound, J inbound after a transfer), nine digits of the
server's local time (month without its first digit, day, hour, minute, second) and the ten digits of the lead
id.  The same id comes again in another year, and two months share a digit: so the date belongs to the key
(DESIGN section 4, Identity).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from relay.model.call import INBOUND, OUTBOUND

_DATED: Final = re.compile(r"([VMYJ])(\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{10})", re.ASCII)
_DIRECTIONS: Final = {"Y": INBOUND, "J": INBOUND, "V": OUTBOUND, "M": OUTBOUND}
MAX_CALL_ID: Final = 40  # vendor document, callid_info
CLOCKS_DIFFER: Final = timedelta(minutes=5)
LONGEST_CALL: Final = timedelta(hours=36)  # a day, and what a wrong zone adds
_PLAIN: Final = re.compile(r"[A-Za-z0-9._-]{1,40}", re.ASCII)
_LOOKED_UP: Final = re.compile(r"(?=.{18,39}$)(?:Y|J|V|M|DC|S|LP|VH|XL)[A-Za-z0-9_-]+", re.ASCII)


class CallIdParts(NamedTuple):
    """
    What a call id says; `started_at` None where no time is in it, `lead_id` None likewise.
    """

    direction: str | None
    started_at: datetime | None
    lead_id: str | None
    day: str


def is_call_id(text: str) -> bool:
    """
    Tell whether a text may be a call id at all.
    """
    return _PLAIN.fullmatch(text) is not None


def read_call_id(vendor_id: str, near: datetime, zone: ZoneInfo) -> CallIdParts:
    """
    Read a call id seen at about `near` (UTC).

    Of the instants that its digits fit, the one nearest to `near` counts, `day` is its date in `zone`; an id
    without a time belongs to the day of `near`.
    """
    match = _DATED.fullmatch(vendor_id)
    started_at = None if match is None else _nearest(*map(int, match.groups()[1:6]), near=near, zone=zone)
    if match is None or started_at is None:
        return CallIdParts(None, None, None, near.astimezone(zone).date().isoformat())
    lead_id = match[7].lstrip("0") or None
    day = started_at.astimezone(zone).date().isoformat()
    return CallIdParts(_DIRECTIONS[match[1]], started_at, lead_id, day)


def why_implausible(vendor_id: str, near: datetime, zone: ZoneInfo) -> str | None:
    """
    Say why no call that a phone system tells of at about `near` can have an id; None: it can.
    """
    match = _DATED.fullmatch(vendor_id)
    if match is None:
        return None
    started_at = read_call_id(vendor_id, near, zone).started_at
    if started_at is None:
        return f"call_id {vendor_id} holds a date that there is not"
    if abs(started_at - near) > LONGEST_CALL:
        return f"call_id {vendor_id} is of {started_at.astimezone(zone):%Y-%m-%d %H:%M}, not of the last day"
    return None


def can_be_looked_up(vendor_id: str) -> bool:
    """
    Tell whether `callid_info` takes an id: it refuses every other (vicidial.md, section 4).
    """
    return _LOOKED_UP.fullmatch(vendor_id) is not None


def _nearest(
    month_digit: int, day: int, hour: int, minute: int, second: int, *, near: datetime, zone: ZoneInfo
) -> datetime | None:
    fitting = []
    local_year = near.astimezone(zone).year
    for year in range(local_year - 1, local_year + 2):
        for month in (month_digit, month_digit + 10):
            try:
                local = datetime(year, month, day, hour, minute, second, tzinfo=zone)
            except ValueError:
                continue
            fitting.append(_pass(local, near))
    return min(fitting, key=lambda at: abs(at - near), default=None)


def _pass(local: datetime, near: datetime) -> datetime:
    """
    Return a wall-clock time as UTC: in a repeated hour the last pass that had begun at `near`, since a call
    is seen after it began.
    """
    first, second = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return second if first < second <= near + CLOCKS_DIFFER else first
