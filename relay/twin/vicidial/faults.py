"""
What can go wrong with the answers of a dialer, and what is going wrong now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from random import Random
from typing import Any, Final

FAULTS: Final[Mapping[str, str]] = {
    "hang": "no answer at all, until the client goes away",
    "delay": "the answer comes by_s seconds late",
    "dropped": "the connection is closed without an answer",
    "broken": "one of cut_body, empty_500, empty_body, mysql_error and html_page, at random",
    "cut_body": "the answer ends in its middle",
    "empty_500": "500 without a body, as when the database is down",
    "empty_body": "200 without a body",
    "mysql_error": "200, and MySQL connect ERROR instead of everything",
    "html_page": "200, and a page of somebody else",
    "says": "200, and `text` instead of everything",
    "php_noise": "PHP's warnings before and after the right answer, as with display_errors on",
    "wrong_password": "every login is refused as if the password had been changed",
    "locked": "every login is refused as if ten others had failed before",
    "ip_block": "every address is refused",
    "second_factor": "every login is refused until a second factor is given",
}
_DETAILS: Final = frozenset({"rate", "function", "by_s", "text"})
BROKEN: Final = ("cut_body", "empty_500", "empty_body", "mysql_error", "html_page")


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One fault: the share `rate` of the answers that it spoils, those of one `function` or of all; `text` is
    what is said.
    """

    name: str
    rate: float = 1.0
    function: str | None = None
    by_s: float = 2.0
    text: str = ""


def read_fault(name: str, details: object) -> Fault:
    """
    Read a fault from its name and its details, any of rate, function, by_s and text.

    Raises:
        ValueError: there is no such fault, or a detail is not as it must be.
    """
    if name not in FAULTS:
        raise ValueError(f"no fault {name!r}; there are {', '.join(FAULTS)}")
    if not isinstance(details, dict) or not _DETAILS.issuperset(details):
        raise ValueError(f"{name} has the details {', '.join(sorted(_DETAILS))}")
    fault = Fault(name, **details)
    if not _is_number(fault.rate) or not 0 <= fault.rate <= 1:
        raise ValueError(f"{name}: rate must be from 0 to 1")
    if not _is_number(fault.by_s) or fault.by_s < 0:
        raise ValueError(f"{name}: by_s must not be negative")
    if fault.function is not None and not isinstance(fault.function, str):
        raise ValueError(f"{name}: function must be the name of a function")
    if not isinstance(fault.text, str):
        raise ValueError(f"{name}: text must be a text")
    return fault


def fault_table() -> str:
    """
    Return the faults, one a line, with what each does.
    """
    width = max(map(len, FAULTS))
    return "\n".join(f"{name:<{width}}  {what}" for name, what in FAULTS.items())


class Faults:
    """
    The faults that are on, by name; which answers they spoil depends on the seed.
    """

    def __init__(self, seed: int) -> None:
        self._rng = Random(f"{seed} faults")  # noqa: S311 (faults that can be repeated)
        self._on: dict[str, Fault] = {}
        self.played: dict[str, int] = dict.fromkeys(FAULTS, 0)

    def on(self, fault: Fault) -> None:
        """
        Switch a fault on, or change its details.
        """
        self._on[fault.name] = fault

    def off(self, name: str | None = None) -> None:
        """
        Switch one fault off, or all of them.
        """
        if name is None:
            self._on.clear()
        else:
            self._on.pop(name, None)

    def take(self, name: str, function: str) -> Fault | None:
        """
        Return a fault if it is to spoil this answer.
        """
        fault = self._on.get(name)
        if fault is None or (fault.function is not None and fault.function != function):
            return None
        if self._rng.random() >= fault.rate:
            return None
        self.played[name] += 1
        return fault

    def one_of(self, names: tuple[str, ...]) -> str:
        """
        Choose one of several.
        """
        return self._rng.choice(names)

    def as_json(self) -> dict[str, Any]:
        """
        Return what is on, and how many answers each fault spoilt.
        """
        on = {
            name: {k: v for k, v in asdict(fault).items() if k != "name"} for name, fault in self._on.items()
        }
        return {"on": on, "played": {name: times for name, times in self.played.items() if times}}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
