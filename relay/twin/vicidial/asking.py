"""
One request to the vendor's page, as its filters leave it, and the answer to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from relay.twin.vicidial.builds import Build
from relay.twin.vicidial.office import User
from relay.twin.vicidial.world import World

DELIMITERS: Final = {"csv": ",", "tab": "\t"}  # case counts; anything else is pipe
# What the page silently removes from a parameter before it looks at it (reference/vicidial.md, 1).
_REMOVED: Final = {
    "user": r"[^-_0-9A-Za-z]",
    "pass": r"[^-_0-9A-Za-z]",
    "agent_user": r"[^-_0-9A-Za-z]",
    "function": r"[^-_0-9A-Za-z]",
    "source": r"[^0-9A-Za-z]",
    "call_id": r"[^-_0-9A-Za-z]",
    "phone_number": r"[^-,_0-9A-Za-z]",
    "vendor_lead_code": r"[;#\"]",
    "source_id": r"[;#\"]",
    "comments": r"[;#\"]",
}


class Reply(NamedTuple):
    """
    The body of an answer and its HTTP status, which is 200 for every refusal.
    """

    body: str
    status: int = 200


@dataclass(frozen=True, slots=True)
class Ask:
    """
    A request of a user who may ask for this function.
    """

    params: Mapping[str, str]
    caller: User
    build: Build
    world: World
    has_php8: bool = True
    url: str = ""

    @property
    def function(self) -> str:
        """
        Return the name of the function asked for.
        """
        return self.params.get("function", "")

    def get(self, name: str) -> str:
        """
        Return a parameter; empty where it was not sent.
        """
        return self.params.get(name, "")

    def line(self, verdict: str, text: str, *details: object, mark: str = ": ", end: str = "") -> str:
        """
        Return a line that speaks: verdict, function, text, a mark, and details joined by pipes.
        """
        return f"{verdict}: {self.function} {text}{mark}{'|'.join(map(str, details))}{end}\n"

    def error(self, text: str, *details: object) -> str:
        """
        Return an error whose mark is a colon and whose first detail is the user.
        """
        return self.line("ERROR", text, self.caller.user, *details)

    def refused(self, text: str, *details: object, verdict: str = "ERROR") -> str:
        """
        Return an error of a function that writes: `: |user|details`.
        """
        return self.line(verdict, text, "", self.caller.user, *details)

    def noted(self, verdict: str, text: str, *details: object) -> str:
        """
        Return a line whose mark is a dash.
        """
        return self.line(verdict, text, *details, mark=" - ")

    def table(self, header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
        """
        Return records in the stage asked for, one a line, nothing quoted, nothing escaped.
        """
        mark = DELIMITERS.get(self.get("stage"), "|")
        lines = [header] if self.get("header") == "YES" else []
        return "".join(f"{mark.join(map(str, line))}\n" for line in (*lines, *rows))

    def headers(self, name: str) -> tuple[str, ...]:
        """
        Return the first line that this build writes for a function.
        """
        return self.build.headers[name]


Answer = Callable[[Ask], "str | Reply"]


def filtered(given: Iterable[tuple[str, str]]) -> dict[str, str]:
    """
    Return parameters as the page sees them: the last of a name counts, odd characters are gone.
    """
    return {name: re.sub(_REMOVED[name], "", value) if name in _REMOVED else value for name, value in given}
