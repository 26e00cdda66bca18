"""
What a running relay answered: its JSON, or words for a person where it is a problem, or not relay's.

Everything shown comes from elsewhere, receivers' answers too: nothing in it may steer a terminal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from relay.model.errors import RelayError
from relay.model.listing import Page

Item = dict[str, Any]

MAX_SHOWN_ERRORS: Final = 50
MAX_SHOWN_CHARACTERS: Final = 500
_JSON_TYPE: Final = re.compile(r"application/([a-z0-9.+-]+\+)?json")
# JSON escapes the lower control characters only; 0x9b is the start of a terminal's commands as well.
_CONTROL: Final = re.compile("[\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Answer:
    """
    An answer read whole; `asked` is method and URL, for messages.
    """

    asked: str
    status: int
    content_type: str
    location: str | None
    body: bytes

    def document(self) -> Any:
        """
        Return what it says, None where it says nothing (204).

        Raises:
            RelayError: a problem, with its title, detail and faulty fields; or no answer of relay.
        """
        if 200 <= self.status < 300 and not self.body:
            return None
        if 300 <= self.status < 400:
            raise RelayError(self._redirect())
        document = self._json()
        if self.status >= 400:
            raise RelayError("\n".join(self._problem(document)))
        return document

    def item(self) -> Item:
        """
        Return what it says, which must be one thing.
        """
        document = self.document()
        if not isinstance(document, dict):
            raise self._garbled("not what relay answers there")
        return document

    def page(self) -> Page[Item]:
        """
        Return what it says, which must be a page of a list.
        """
        document = self.item()
        items, place = document.get("items"), document.get("next")
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise self._garbled("no list")
        if not (place is None or isinstance(place, str)):
            raise self._garbled("no list")
        return Page(tuple(items), place)

    def _json(self) -> Any:
        if not _JSON_TYPE.fullmatch(self.content_type):
            raise self._garbled(shown(self.content_type) if self.content_type else "words of no known type")
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise self._garbled("broken JSON") from None

    def _problem(self, document: Any) -> Iterator[str]:
        problem = document if isinstance(document, dict) else {}
        title = shown(problem.get("title") or "refused")
        detail = problem.get("detail")
        yield f"{title} ({self.status})" + (f": {shown(detail)}" if detail else "")
        if problem.get("command_id"):
            yield f"  command {shown(problem['command_id'])}"
        errors = problem.get("errors")
        listed = [one for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
        for error in listed[:MAX_SHOWN_ERRORS]:
            yield f"  {shown(error.get('field'))}: {shown(error.get('problem'))}"
        if len(listed) > MAX_SHOWN_ERRORS:
            yield f"  and {len(listed) - MAX_SHOWN_ERRORS} more"

    def _redirect(self) -> str:
        where = f" to {shown(self.location)}" if self.location else ""
        return (
            f"{self.asked} is redirected{where} ({self.status}); that is not followed: name the right --url"
        )

    def _garbled(self, what: str) -> RelayError:
        return RelayError(
            f"{self.asked} was answered {self.status} with {what}: is that relay, or something in between?"
        )


def shown(text: object) -> str:
    """
    Return a text of somebody else's as one short line without control characters.
    """
    line = printable(str(text))
    return line if len(line) <= MAX_SHOWN_CHARACTERS else line[:MAX_SHOWN_CHARACTERS] + "…"


def printable(text: str) -> str:
    """
    Return a text with everything that a terminal would not print written as an escape.
    """
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def as_json(document: object, *, indented: bool = True) -> str:
    """
    Return a document as JSON that a terminal can show.
    """
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2 if indented else None).decode()
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
