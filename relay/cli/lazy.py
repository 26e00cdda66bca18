"""
Load a command when it is called: what one of them needs to be imported would keep all others waiting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Final, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

# In the order of `relay --help`; a group, or the function of a command.
COMMANDS: Final = {
    "serve": "serve:serve",
    "demo": "demo:demo",
    "schema": "schema:schema",
    "audit": "audit:audit",
    "explain": "explain:explain",
    "listen": "listen:listen",
    "config": "config:commands",
    "db": "db:commands",
    "endpoints": "endpoints:commands",
    "deliveries": "deliveries:commands",
    "replay": "replay:commands",
    "source": "source:commands",
    "backfill": "backfill:commands",
    "command": "command:commands",
    "rejects": "rejects:commands",
    "aliases": "aliases:commands",
    "agents": "agents:agent_commands",
    "groups": "agents:group_commands",
    "lead-statuses": "lead_statuses:commands",
    "agent-mappings": "agent_mappings:commands",
    "link": "links:commands",
    "budget": "budget:commands",
    "twin": "twin:commands",
}


class LazyCommands(Mapping[str, TyperCommand | TyperGroup]):
    """
    Commands by name; each is imported when it is first asked for.
    """

    def __init__(self) -> None:
        self._loaded: dict[str, TyperCommand | TyperGroup] = {}

    def __getitem__(self, name: str) -> TyperCommand | TyperGroup:
        if name not in self._loaded:
            module, _, attribute = COMMANDS[name].partition(":")
            self._loaded[name] = _command(name, getattr(import_module(f"relay.cli.{module}"), attribute))
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class LazyGroup(TyperGroup):
    """
    The commands of `relay`.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = cast(Any, LazyCommands())  # nothing is ever added to it

    def list_commands(self, ctx: Any) -> list[str]:
        """
        Return their names, without a look at one.
        """
        return list(self.commands)


def _command(name: str, found: Any) -> Any:
    if isinstance(found, typer.Typer):
        command: Any = get_group(found)
    else:
        alone = typer.Typer(add_completion=False)
        alone.command(name)(found)
        command = get_command(alone)
    command.name = name
    return command
