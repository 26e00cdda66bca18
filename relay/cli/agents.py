"""
`relay agents` and `relay groups`: what the dialers of a running relay show besides calls.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Final

import typer

from relay.cli.answers import Item
from relay.cli.asking import DEFAULT_LIMIT, AsJson, Insecure, Limit, Url, ask
from relay.cli.remote import DEFAULT_URL, Parameters, query
from relay.cli.tables import print_pages
from relay.model.listing import Page

AGENTS: Final = "/v1/agents"
GROUPS: Final = "/v1/groups"
AGENT_COLUMNS: Final = (
    "agent_id", "status", "sub_status", "since", "agent_name", "campaign", "user_group", "pause_code",
    "calls_today", "agent_external_id", "source_id", "call_id",
)  # fmt: skip
GROUP_COLUMNS: Final = (
    "group_id", "kind", "calls_waiting", "calls_active", "agents_logged_in", "agents_ready", "agents_in_call",
    "agents_paused", "agents_in_dispo", "source_id", "changed_at",
)  # fmt: skip

agent_commands = typer.Typer(help="Agents of dialers.", no_args_is_help=True)
group_commands = typer.Typer(help="In-groups and user groups of dialers.", no_args_is_help=True)

Source = Annotated[str | None, typer.Option(help="Only of this source.", show_default=False)]


@agent_commands.callback()
def _agents() -> None:
    """
    Agents of dialers.
    """


@group_commands.callback()
def _groups() -> None:
    """
    In-groups and user groups of dialers.
    """


@agent_commands.command("list")
def list_agents(
    source: Source = None,
    status: Annotated[
        str | None, typer.Option(help="Only in this status, such as `INCALL`.", show_default=False)
    ] = None,
    user_group: Annotated[
        str | None, typer.Option(help="Only of this user group.", show_default=False)
    ] = None,
    limit: Limit = DEFAULT_LIMIT,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    List agents by source and id, as last published.
    """
    wanted = query(source=source, status=status, user_group=user_group)
    _list(AGENTS, wanted, limit, "agents", AGENT_COLUMNS, (url, insecure, as_json))


@group_commands.command("list")
def list_groups(
    source: Source = None,
    kind: Annotated[
        str | None, typer.Option(help="Only `in_group` or `user_group`.", show_default=False)
    ] = None,
    limit: Limit = DEFAULT_LIMIT,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    List in-groups and user groups by kind, source and name, as last published.
    """
    wanted = query(source=source, kind=kind)
    _list(GROUPS, wanted, limit, "groups", GROUP_COLUMNS, (url, insecure, as_json))


def _list(
    path: str,
    wanted: Parameters,
    limit: int,
    title: str,
    columns: tuple[str, ...],
    how: tuple[str, bool, bool],
) -> None:
    url, insecure, as_json = how

    async def show(pages: AsyncIterator[Page[Item]]) -> None:
        await print_pages(pages if as_json else _flat(pages), title, columns, is_json=as_json)

    ask(url, insecure, lambda remote: show(remote.pages(path, wanted, limit)))


async def _flat(pages: AsyncIterator[Page[Item]]) -> AsyncIterator[Page[Item]]:
    """
    Yield pages for a table: the fields of `data` beside the others.
    """
    async for page in pages:
        items = (
            {**(data if isinstance(data := item.get("data"), dict) else {}), **item} for item in page.items
        )
        yield Page(tuple(items), page.next)
