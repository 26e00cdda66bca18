"""
The page `docs/functions.md`, made from the catalogue.  `python -m relay.commands.functions_page` prints it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import orjson

from relay.commands.catalogue import FUNCTIONS
from relay.commands.examples import example_of
from relay.commands.function import (
    CHOICE,
    DATETIME,
    DECIMAL,
    DIGITS,
    DONE,
    FLAG,
    LIST,
    RECORDS,
    TEXT,
    Function,
    Parameter,
    Saying,
)
from relay.commands.result import PROBLEMS

HEAD: Final = """\
# Functions of phone systems

Made from `relay/commands/` by `make docs`; do not edit.

What users may make a phone system do, by kind of source. `POST /v1/sources/{id}/commands/{function}` takes
the parameters as a JSON object; a write needs an `Idempotency-Key` besides. All that is wrong with the
parameters is said at once, with 422, before anything is sent; so is what the phone system would drop or
change in silence. The answer is `{status, message, data, raw}`; a refusal by the phone system is a problem
with its own text. A write without a clear answer is `unknown`: it is never sent again by itself.

Text for a flag, number or list is taken too: `"Y"`, `"12"`, `"A|B"`; null empties a field marked so. Times
are those of the phone system's own clock.

"""
_SOURCES: Final = {"dialer360": "dialer", "elision": "crm-dialer", "voipcloud": "pbx-sydney"}


def functions_page() -> str:
    """
    Return the whole page.
    """
    return "".join([HEAD, *_problems(), *_kinds()])


def _problems() -> Iterator[str]:
    yield "| what a refusal means | HTTP | why |\n|---|---|---|\n"
    for word, problem in PROBLEMS.items():
        yield f"| {word} | {problem.status} | {problem.reason} |\n"


def _kinds() -> Iterator[str]:
    for kind, functions in FUNCTIONS.items():
        yield f"\n# {kind}\n\n| function | | what it does |\n|---|---|---|\n"
        for function in functions.values():
            anchor = f"#{kind}-{function.name}"
            yield f"| [`{function.name}`]({anchor}) | {_access(function)} | {function.summary} |\n"
        common = _common(functions.values())
        if common:
            yield "\nEach of them may say:\n"
            yield from _sayings(common)
        for function in functions.values():
            yield from _section(function, common)


def _common(functions: Iterable[Function]) -> tuple[Saying, ...]:
    # `version` asks for no login and refuses nothing.
    all_sayings = [function.sayings for function in functions if function.sayings]
    return tuple(one for one in all_sayings[0] if all(one in sayings for sayings in all_sayings))


def _access(function: Function) -> str:
    return "write" if function.is_write else "read"


def _section(function: Function, common: Sequence[Saying]) -> Iterator[str]:
    yield f"\n## {function.kind} {function.name}\n\n{function.summary} {_needed(function)}\n"
    if function.parameters:
        yield "\n| parameter | value | default | meaning |\n|---|---|---|---|\n"
        yield from map(_row, function.parameters)
        for parameter in function.parameters:
            if parameter.kind == RECORDS:
                yield f"\nEach of `{parameter.name}`:\n\n| field | value | default | meaning |\n"
                yield "|---|---|---|---|\n"
                yield from map(_row, parameter.fields)
    if function.custom_fields is not None:
        yield f"\nWith `{function.custom_fields.parameter}` also any label of the list's own fields.\n"
    if function.rules:
        yield "\n" + "".join(f"- {rule.why}\n" for rule in function.rules)
    if function.columns:
        yield f"\nRows: {', '.join(f'`{name}`' for name in function.columns)}.\n"
    yield from _sayings([saying for saying in function.sayings if saying not in common])
    if function.events:
        yield f"\nEvents: {', '.join(f'`{name}`' for name in function.events)}.\n"
    yield from _example(function)


def _needed(function: Function) -> str:
    access = f"A {_access(function)}."
    if function.permission is None:
        return access
    right = f' and "{function.permission.flag}"' if function.permission.flag else ""
    return f"{access} Relay's user needs level {function.permission.user_level}{right}."


def _row(parameter: Parameter) -> str:
    name = f"`{parameter.name}`{' (required)' if parameter.required else ''}"
    default = "" if parameter.default is None else f"`{parameter.default}`"
    more = " A secret." if parameter.is_secret else ""
    more += " null empties it." if parameter.is_clearable else ""
    return f"| {name} | {_value(parameter)} | {default} | {_cell(parameter.description)}{more} |\n"


def _value(parameter: Parameter) -> str:
    least, most = parameter.length or (0, 0)
    span = f"{least}" if least == most else f"{least} to {most}"
    words = {TEXT: f"{span} characters", DIGITS: f"{span} digits", FLAG: "true or false"}
    words[RECORDS] = f"{span} objects"
    words[CHOICE] = ", ".join(f"`{choice}`" for choice in parameter.choices)
    text = words.get(parameter.kind, parameter.kind)
    if parameter.limits is not None:
        text = f"{parameter.limits[0]:g} to {parameter.limits[1]:g}"
        text += f", {parameter.places} decimals" if parameter.kind == DECIMAL and parameter.places else ""
    if parameter.kind == LIST:
        text = "list" + (f" of {words[CHOICE]}" if parameter.choices else "")
    if parameter.kind == DATETIME and parameter.choices:
        text += f" or {words[CHOICE]}"
    if parameter.characters and parameter.kind in (TEXT, LIST):
        text += f"; {_characters(parameter.characters)}"
    return text


def _characters(characters: str) -> str:
    if characters.startswith("^"):
        return f"not `{_cell(characters[1:])}`"
    rest, words = characters, []
    for part, word in (("0-9", "digits"), ("A-Za-z", "letters a to z"), (" ", "space")):
        if part in rest:
            rest = rest.replace(part, "")
            words.append(word)
    return ", ".join([*words, *([f"`{_cell(rest)}`"] if rest else [])])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _sayings(sayings: Sequence[Saying]) -> Iterator[str]:
    if sayings:
        yield "\n| it says | meaning | HTTP |\n|---|---|---|\n"
    for saying in sayings:
        status = 200 if saying.word in DONE else PROBLEMS[saying.word].status
        yield f"| {_cell(saying.text)} | {saying.word} | {status} |\n"


def _example(function: Function) -> Iterator[str]:
    body = example_of(function)
    source = _SOURCES[function.kind]
    key = "Idempotency-Key: 7c9a1f2e\n" if function.is_write else ""
    text = orjson.dumps(body).decode()
    yield f"\n```http\nPOST /v1/sources/{source}/commands/{function.name}\n{key}\n{text}\n```\n"
    given = "".join(f" {_argument(name, value)}" for name, value in body.items())
    yield f"\n```sh\nrelay command run {source} {function.name}{given}\n```\n"


def _argument(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"{name}={'Y' if value else 'N'}"
    if isinstance(value, list | str):
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        return f"{name}='{text}'" if not text.replace("-", "").isalnum() else f"{name}={text}"
    return f"{name}={value}"


if __name__ == "__main__":
    sys.stdout.write(functions_page())
