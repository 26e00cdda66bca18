"""
The page `docs/cli.md`, made from the commands.  `python -m relay.cli.commands_page` prints it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from relay.cli.app import app

PROGRAM: Final = "relay"
HEAD: Final = """\
# Command line

Made from `relay/cli/` by `make docs`; do not edit.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration. What went wrong is said on the error stream.

"""


def commands() -> Iterator[tuple[str, TyperCommand | TyperGroup]]:
    """
    Yield every command that does something, by its whole name, in the order of `relay --help`.
    """
    yield from _below(PROGRAM, get_command(app))


def commands_page() -> str:
    """
    Return the whole page.
    """
    return HEAD + "\n".join("".join(_section(name, command)) for name, command in commands())


def _below(name: str, command: object) -> Iterator[tuple[str, TyperCommand | TyperGroup]]:
    if isinstance(command, TyperGroup):
        if command.invoke_without_command and command.callback is not None and name != PROGRAM:
            yield name, command
        for inner_name, inner in command.commands.items():
            yield from _below(f"{name} {inner_name}", inner)
    elif isinstance(command, TyperCommand):
        yield name, command


def _section(name: str, command: TyperCommand | TyperGroup) -> Iterator[str]:
    arguments = [one for one in command.params if isinstance(one, TyperArgument)]
    options = [one for one in command.params if isinstance(one, TyperOption) and one.name != "help"]
    usage = " ".join([name, *(["[OPTIONS]"] if options else []), *map(_placeholder, arguments)])
    yield f"## {name}\n\n```\n{usage}\n```\n\n{_paragraphs(command.help or '')}\n"
    if arguments or options:
        yield "\n| | default | meaning |\n|---|---|---|\n"
    for argument in arguments:
        yield f"| `{_placeholder(argument)}` | | {argument.help} |\n"
    for option in options:
        yield f"| `{', '.join(option.opts)}` | {_default(option)} | {option.help} |\n"


def _paragraphs(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


def _placeholder(argument: TyperArgument) -> str:
    return argument.metavar or str(argument.name).upper()


def _default(option: TyperOption) -> str:
    if option.required:
        return "required"
    return f"`{option.default}`" if option.show_default and not option.is_flag else ""


if __name__ == "__main__":
    sys.stdout.write(commands_page())
