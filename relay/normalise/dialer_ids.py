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
_PLAIN: Final = re.compile(r"[A-Za-z0-9._-]{1,40}", re.ASCII)


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


def _nearest(
    month_digit: int, day: int, hour: int, minute: int, second: int, *, near: datetime, zone: ZoneInfo
) -> datetime | None:
    fitting = []
    local_year = near.astimezone(zone).year
    for year in range(local_year - 1, local_year + 2):
        for month in (month_digit, month_digit + 10):
            for fold in (0, 1):
                try:
                    local = datetime(year, month, day, hour, minute, second, tzinfo=zone, fold=fold)
                except ValueError:
                    continue
                fitting.append(local.astimezone(UTC))
    # A call is seen after it began: of the two passes of a repeated hour, equally near, the earlier.
    return min(fitting, key=lambda at: (abs(at - near), at), default=None)


def is_plausible(parts: CallIdParts, seen_at: datetime) -> bool:
    """
    Tell whether a call seen at an instant can have begun when its id says: within a day before, or just now.
    """
    if parts.started_at is None:
        return True
    return timedelta(minutes=-5) <= seen_at - parts.started_at <= timedelta(days=1)
