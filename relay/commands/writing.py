"""
Write one value of a parameter as the vendor's text, or say why it does not fit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from relay.commands.function import (
    CHOICE,
    CONTROL,
    DATE,
    DATETIME,
    DECIMAL,
    DIGITS,
    FLAG,
    INTEGER,
    LIST,
    TEXT,
    Parameter,
)

DATE_PATTERN: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
TIME_PATTERN: Final = r"[0-9]{2}:[0-9]{2}:[0-9]{2}"
# Decimals of a DECIMAL that does not say how many.
MAX_PLACES: Final = 4
# CRMs write codes and phone numbers as numbers; one with more digits is not exact everywhere.
MAX_NUMBER: Final = 10**15 - 1


class Unfit(ValueError):
    """
    A value does not fit its parameter; the message says why.
    """


def written(parameter: Parameter, value: Any) -> str:
    """
    Return a value, JSON's or already text, as the vendor's text.

    Raises:
        Unfit: it is of another kind, too long, out of range, or holds what the vendor would drop.
    """
    return _WRITERS[parameter.kind](parameter, value)


def records_of(parameter: Parameter, value: Any) -> Sequence[Mapping[str, Any]]:
    """
    Return the records of a RECORDS parameter.

    Raises:
        Unfit: it is no list of objects, or too long.
    """
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise Unfit("must be a list of objects")
    least, most = parameter.length or (1, 1)
    if not least <= len(value) <= most:
        raise Unfit(f"must have {least} to {most} records, not {len(value)}")
    return value


def _text(parameter: Parameter, value: Any) -> str:
    text = _as_text(value)
    _fit_length(parameter, text)
    _fit_characters(parameter, text)
    if parameter.pattern and not re.fullmatch(parameter.pattern, text):
        raise Unfit(f"must match {parameter.pattern}")
    return text


def _digits(parameter: Parameter, value: Any) -> str:
    text = _as_text(value)
    if not re.fullmatch("[0-9]+", text):
        raise Unfit("must be digits only")
    _fit_length(parameter, text)
    return text


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Unfit("must be text")
    if value > MAX_NUMBER:
        raise Unfit("must be text: a JSON number of that size may have lost digits on its way")
    return str(value)


def _integer(parameter: Parameter, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Unfit("must be a whole number")
    text = str(value)
    if not re.fullmatch("-?[0-9]{1,18}", text):
        raise Unfit("must be a whole number")
    _fit_limits(parameter, Decimal(text))
    return str(int(text))


def _decimal(parameter: Parameter, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Unfit("must be a number")
    text = str(value)
    if not re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{1,9})?", text):
        raise Unfit("must be a number, written without an exponent")
    number = Decimal(text)
    _fit_limits(parameter, number)
    places = MAX_PLACES if parameter.places is None else parameter.places
    if number != round(number, places):
        raise Unfit(f"must have at most {places} decimals")
    return text if parameter.places is None else f"{number:.{places}f}"


def _choice(parameter: Parameter, value: Any) -> str:
    if not isinstance(value, str) or value not in parameter.choices:
        raise Unfit(f"must be one of {', '.join(parameter.choices)}")
    return value


def _flag(parameter: Parameter, value: Any) -> str:
    yes, no = parameter.yes_no
    if isinstance(value, bool):
        return yes if value else no
    if not isinstance(value, str) or value not in (yes, no):
        raise Unfit(f"must be true or false, or {yes} or {no}")
    return value


def _date(_parameter: Parameter, value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(DATE_PATTERN, value):
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError as error:
            raise Unfit(f"there is no such day: {error}") from error
    raise Unfit("must be a day as YYYY-MM-DD")


def _datetime(parameter: Parameter, value: Any) -> str:
    if isinstance(value, str) and value in parameter.choices:
        return value
    if isinstance(value, str) and re.fullmatch(f"{DATE_PATTERN}[ T]{TIME_PATTERN}", value):
        try:
            at = datetime.fromisoformat(value)  # the vendor's own clock: no zone
        except ValueError as error:
            raise Unfit(f"there is no such time: {error}") from error
        return at.strftime(f"{value[:10]} %H:%M:%S")
    words = "".join(f", or {word}" for word in parameter.choices)
    raise Unfit(f"must be a time as YYYY-MM-DD HH:MM:SS by the vendor's clock, without a zone{words}")


def _list(parameter: Parameter, value: Any) -> str:
    items = _items(parameter, value)
    if not items:
        raise Unfit("must have at least one item")
    least, most = parameter.length or (1, 1)
    for item in items:
        if parameter.choices:
            _choice(parameter, item)
        else:
            _fit_characters(parameter, item)
        if len(item) < least:
            raise Unfit(f"each item must have at least {least} characters")
    text = parameter.separator.join(items)
    if len(text) > most:
        raise Unfit(f"must have at most {most} characters once joined, not {len(text)}")
    return text


def _items(parameter: Parameter, value: Any) -> list[str]:
    if isinstance(value, str):
        if parameter.separator:
            return value.split(parameter.separator)
        words = "|".join(parameter.choices)
        return re.findall(words, value) if re.fullmatch(f"({words})+", value) else [value]
    if not isinstance(value, list) or any(isinstance(one, bool) for one in value):
        raise Unfit("must be a list of texts")
    items = [str(one) if isinstance(one, int) else one for one in value]
    if not all(isinstance(one, str) for one in items):
        raise Unfit("must be a list of texts")
    return items


def _fit_length(parameter: Parameter, text: str) -> None:
    if parameter.length is None:
        return
    least, most = parameter.length
    if not least <= len(text) <= most:
        span = f"{least}" if least == most else f"{least} to {most}"
        raise Unfit(f"must have {span} characters, not {len(text)}")


def _fit_characters(parameter: Parameter, text: str) -> None:
    if re.search(f"[{CONTROL}\ud800-\udfff]", text):
        raise Unfit("must not hold line breaks or other control characters")
    lost = sorted({one for one in text if not re.fullmatch(parameter.character_class, one)})
    if lost:
        raise Unfit(f"the phone system would drop or change {' '.join(map(repr, lost[:10]))}")


def _fit_limits(parameter: Parameter, number: Decimal) -> None:
    if parameter.limits is None:
        return
    least, most = parameter.limits
    if not Decimal(str(least)) <= number <= Decimal(str(most)):
        raise Unfit(f"must be from {least:g} to {most:g}")


_WRITERS: Final[Mapping[str, Callable[[Parameter, Any], str]]] = {
    TEXT: _text,
    DIGITS: _digits,
    INTEGER: _integer,
    DECIMAL: _decimal,
    CHOICE: _choice,
    FLAG: _flag,
    DATE: _date,
    DATETIME: _datetime,
    LIST: _list,
}
