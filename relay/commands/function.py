"""
The words in which a vendor's function is declared: parameters, rules, what it says, what it needs.

A function is data.  Validation, JSON Schema, OpenAPI, the command line, the documents and the checks of
the simulated phone systems are all made from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from relay.model.vendor_answer import (
    AUTH,
    BAD_ARGUMENT,
    DENIED,
    EMPTY,
    IP_BLOCKED,
    LOCKED,
    LOGGED_OUT,
    NOT_FOUND,
    NOTICE,
    ROWS,
    SERVER_FAULT,
    SUCCESS,
    UNKNOWN,
)

# Kinds of parameters; how each is written in JSON and for the vendor is in `checking.py`.
TEXT: Final = "text"
DIGITS: Final = "digits"
INTEGER: Final = "integer"
DECIMAL: Final = "decimal"
CHOICE: Final = "choice"
FLAG: Final = "flag"
DATE: Final = "date"
DATETIME: Final = "datetime"
LIST: Final = "list"
RECORDS: Final = "records"

# Two words beside the verdicts of an answer: these errors ask something else of the caller.
DUPLICATE: Final = "duplicate"  # it is there already
THROTTLED: Final = "throttled"  # the vendor takes no more requests for now

# Words after which what was asked for is done; all others say that it is not, or not known.
DONE: Final = frozenset({ROWS, EMPTY, SUCCESS, NOTICE, LOGGED_OUT})
WORDS: Final = frozenset(
    {*DONE, NOT_FOUND, DENIED, AUTH, LOCKED, IP_BLOCKED, BAD_ARGUMENT, SERVER_FAULT, UNKNOWN}
    | {DUPLICATE, THROTTLED}
)

# Types of events that commands make, beside `command.*`.
LEAD_CREATED: Final = "lead.created"
LEAD_UPDATED: Final = "lead.updated"
LEAD_REJECTED: Final = "lead.rejected"
USER_CREATED: Final = "user.created"
USER_UPDATED: Final = "user.updated"
LIST_CHANGED: Final = "list.changed"

BLANK: Final = "--BLANK--"  # the vendor's word for "empty this field"; null in JSON
YES_NO: Final = ("Y", "N")
# What no value may hold: it would end or forge a line of an answer, or of the vendor's log.
CONTROL: Final = r"\x00-\x1f\x7f-\x9f\u2028\u2029"


@dataclass(frozen=True, slots=True)
class Parameter:
    """
    One parameter of a function.

    `length` is that of the text (LIST: of an item at least, of all joined at most; RECORDS: how many),
    `limits` are the least and the greatest number, both included.  `characters` is the inside of a
    character class: what the vendor keeps of a text or of an item; everything else it drops in silence, so
    that it is refused here.  `pattern` says more about the whole text.  `choices` are the values of a
    CHOICE or of the items of a LIST, the words for yes and no of a FLAG, and for a DATETIME words that
    stand for times.  `separator` joins a LIST; `places` are the decimals that a DECIMAL is written with;
    `fields` are those of a record.  `default` is what the vendor takes where nothing is given; with
    `default_is_sent` relay sends it, because the vendor has none or one that cannot be used.
    `is_clearable`: null empties the field.
    """

    name: str
    kind: str
    description: str
    length: tuple[int, int] | None = None
    characters: str = ""
    required: bool = False
    limits: tuple[float, float] | None = None
    pattern: str = ""
    choices: tuple[str, ...] = ()
    separator: str = ""
    places: int | None = None
    fields: tuple[Parameter, ...] = ()
    default: str | None = None
    default_is_sent: bool = False
    is_clearable: bool = False
    is_secret: bool = False

    @property
    def character_class(self) -> str:
        """
        Return the regular expression of one allowed character.
        """
        if not self.characters or self.characters.startswith("^"):
            return f"[^{self.characters[1:]}{CONTROL}]"
        return f"[{self.characters}]"

    @property
    def yes_no(self) -> tuple[str, str]:
        """
        Return how a FLAG is written for the vendor: yes, then no.
        """
        yes, no = self.choices or YES_NO
        return yes, no


class When(NamedTuple):
    """
    Holds where a parameter, as the vendor reads it, has one of the values (a list: one of its items);
    without values, where it is given at all.
    """

    parameter: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """
    What parameters ask of each other: where `when` holds (None: always), all names of one of the
    alternatives in `needs` are given, and none in `forbids`.  `why` says it to a reader.
    """

    why: str
    when: When | None = None
    needs: tuple[tuple[str, ...], ...] = ()
    forbids: tuple[str, ...] = ()


class Saying(NamedTuple):
    """
    A text by which the vendor answers, and in one word (`WORDS`) what it means for whoever asked.

    `text` stands without the function's name; what follows it in an answer does not count, and `*` stands
    for what differs each time.  `names` are those of the details in their order ("" is not shown: relay's
    own user, a password).  `event` is the type of event that it makes.
    """

    text: str
    word: str
    names: tuple[str, ...] = ()
    event: str | None = None

    def fits(self, text: str) -> bool:
        """
        Tell whether a text, without the function's name, is this one.
        """
        parts = (re.escape(part) for part in self.text.split("*"))
        return re.match(".*".join(parts) + r"(?!\w)", text) is not None


@dataclass(frozen=True, slots=True)
class Permission:
    """
    What relay's own user at the phone system needs: a level at least, and a right by the vendor's name.
    """

    user_level: int
    flag: str | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """
    One function of a phone system.

    `columns` are those of its rows by the newest build; which an answer has is decided where it is read.
    Where `custom_fields` holds, more names than the parameters may be given: the list's own fields.
    `rejected_event` is made where the vendor refuses what was asked for; `row_verdict` is the column that
    tells for each row of an answer whether it was done.
    """

    name: str
    kind: str
    summary: str
    parameters: tuple[Parameter, ...]
    sayings: tuple[Saying, ...]
    permission: Permission | None = None
    rules: tuple[Rule, ...] = ()
    columns: tuple[str, ...] = ()
    is_write: bool = False
    custom_fields: When | None = None
    rejected_event: str | None = None
    row_verdict: str | None = None

    @property
    def errors(self) -> tuple[Saying, ...]:
        """
        Return the texts that say it was not done.
        """
        return tuple(saying for saying in self.sayings if saying.word not in DONE)

    @property
    def events(self) -> tuple[str, ...]:
        """
        Return the types of events it may make, beside those of every command.
        """
        types = [saying.event for saying in self.sayings] + [self.rejected_event]
        return tuple(dict.fromkeys(name for name in types if name is not None))

    def parameter(self, name: str) -> Parameter:
        """
        Return a parameter by name.

        Raises:
            KeyError: the function has none of that name.
        """
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise KeyError(name)
