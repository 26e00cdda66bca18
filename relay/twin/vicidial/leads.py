"""
The leads of a dialer: people to call, in lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

FIRST_LEAD: Final = 101
INBOUND_LIST: Final = 999
_FIRST_NAMES: Final = ("Ben", "Cleo", "Dora", "Emil", "Fay", "Gus", "Hana", "Ivo", "June", "Kai")
_LAST_NAMES: Final = ("Abbot", "Brook", "Cross", "Drake", "Ellis", "Finch", "Grant", "Hobbs", "Irons")
# What a lead consists of besides its number, list, status and user, in the order of the lead page.
LEAD_FIELDS: Final = (
    "vendor_lead_code", "source_id", "gmt_offset_now", "phone_code", "title", "first_name", "middle_initial",
    "last_name", "address1", "address2", "address3", "city", "state", "province", "postal_code",
    "country_code", "gender", "date_of_birth", "alt_phone", "email", "security_phrase", "comments",
    "called_count", "last_local_call_time", "rank", "owner", "entry_list_id",
)  # fmt: skip

_DEFAULTS: Final = {
    "vendor_lead_code": "", "source_id": "", "gmt_offset_now": "-5", "phone_code": "1", "gender": "U",
    "called_count": "0", "rank": "0", "entry_list_id": "0",
}  # fmt: skip


@dataclass(slots=True)
class Lead:
    """
    One lead.  `fields` are all others of `LEAD_FIELDS` that were ever set, `custom` those of its list.
    """

    lead_id: int
    list_id: int
    phone: str
    status: str = "NEW"
    user: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    custom: dict[str, str] = field(default_factory=dict)
    entered_ms: int = 0

    def value(self, name: str) -> str | None:
        """
        Return a field as the server would write it; None for one that leads do not have.
        """
        own = {
            "lead_id": str(self.lead_id),
            "list_id": str(self.list_id),
            "phone_number": self.phone,
            "status": self.status,
            "user": self.user,
        }
        if name in own:
            return own[name]
        return self.fields.get(name, "") if name in LEAD_FIELDS else None


class Leads:
    """
    All leads, by their number.  Numbers rise and are never used again.
    """

    def __init__(self, first: int = FIRST_LEAD) -> None:
        self._leads: dict[int, Lead] = {}
        self._next = first

    def __iter__(self) -> Iterator[Lead]:
        return iter(self._leads.values())

    def __len__(self) -> int:
        return len(self._leads)

    def get(self, lead_id: int) -> Lead | None:
        """
        Return a lead, or None where there is none.
        """
        return self._leads.get(lead_id)

    def add(self, list_id: int, phone: str, fields: Mapping[str, str], at_ms: int = 0) -> Lead:
        """
        Add a lead with the next number.
        """
        lead = Lead(self._next, list_id, phone, fields={**_DEFAULTS, **fields}, entered_ms=at_ms)
        self._leads[lead.lead_id] = lead
        self._next += 1
        return lead

    def remove(self, lead: Lead) -> None:
        """
        Delete a lead.
        """
        del self._leads[lead.lead_id]

    def of_list(self, list_id: int) -> list[Lead]:
        """
        Return the leads of a list.
        """
        return [lead for lead in self if lead.list_id == list_id]

    def with_phone(self, phone: str) -> list[Lead]:
        """
        Return the leads with this number, the last one added first.
        """
        return [lead for lead in reversed(self._leads.values()) if lead.phone == phone]


def stock(leads: Leads, count: int, list_ids: tuple[int, ...]) -> None:
    """
    Add made-up leads, spread over some lists.
    """
    for number in range(FIRST_LEAD, FIRST_LEAD + count):
        leads.add(
            list_ids[number % len(list_ids)],
            f"72755{number:05d}",
            {
                "vendor_lead_code": f"VLC{number:05d}",
                "source_id": f"mail{number % 1000:03d}",
                "first_name": _FIRST_NAMES[number % len(_FIRST_NAMES)],
                "last_name": _LAST_NAMES[number % len(_LAST_NAMES)],
                "city": "Springfield",
                "state": "FL",
                "email": f"lead{number}@example.invalid",
            },
        )
