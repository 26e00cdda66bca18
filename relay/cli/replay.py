"""
`relay replay`: events that a running relay sends to an endpoint again.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from relay.cli.asking import DEFAULT_LIMIT, AsJson, Insecure, Limit, Url, ask, in_path, words
from relay.cli.jobs import exit_unless_done, wait_for
from relay.cli.remote import DEFAULT_URL, query
from relay.cli.tables import print_item, print_json, print_pages

PATH: Final = "/v1/replays"
COLUMNS: Final = ("id", "endpoint_id", "state", "progress", "made", "rate_per_s", "made_at", "reason")
START: Final = "start"
TRIAL_TIMEOUT_S: Final = 120.0

EndpointId = Annotated[str, typer.Argument(metavar="ENDPOINT", help="The endpoint.", show_default=False)]
JobId = Annotated[int, typer.Argument(metavar="REPLAY", min=1, help="The replay.", show_default=False)]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until it has ended; Ctrl-C leaves it running.")]
FromOrAll = Annotated[
    str | None,
    typer.Option(
        "--from",
        help="Only recorded then or later: a time such as `2026-11-01T00:00:00+11:00`.",
        show_default=False,
    ),
]
ToOrAll = Annotated[
    str | None, typer.Option("--to", help="Only recorded before, likewise.", show_default=False)
]
RatePerS = Annotated[
    float | None, typer.Option(help="Events a second at the most; left out: relay's.", show_default=False)
]
Types = Annotated[
    list[str] | None,
    typer.Option("--type", help="Only of such types: `call.*`; repeatable.", show_default=False),
]
Sources = Annotated[
    list[str] | None, typer.Option(help="Only of this source; repeatable.", show_default=False)
]
CallId = Annotated[str | None, typer.Option(help="Only of the call with this id.", show_default=False)]
AgentName = Annotated[str | None, typer.Option(help="Only with this agent, by name.", show_default=False)]
AgentId = Annotated[str | None, typer.Option(help="Only with this agent, by id.", show_default=False)]
Queue = Annotated[str | None, typer.Option(help="Only through this queue.", show_default=False)]
Outcome = Annotated[str | None, typer.Option(help="Only with this outcome: `missed`.", show_default=False)]
OnlyMissing = Annotated[
    bool, typer.Option("--only-missing", help="Only what it neither has nor is about to be sent.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Count them, and send nothing.")]


class StartsUnlessTold(TyperGroup):
    """
    Takes `relay replay crm …` for `relay replay start crm …`.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """
        Put in the word that was left out.
        """
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = [START, *args]
        return super().parse_args(ctx, args)


commands = typer.Typer(
    cls=StartsUnlessTold,
    help="Send events to an endpoint again; `relay replay ENDPOINT` starts that.",
    no_args_is_help=True,
)


@commands.callback()
def _group() -> None:
    """
    Send events to an endpoint again; `relay replay ENDPOINT` starts that.
    """


@commands.command(START)
def start(
    endpoint_id: EndpointId,
    start_at: FromOrAll = None,
    end_at: ToOrAll = None,
    event_type: Types = None,
    source: Sources = None,
    call: CallId = None,
    agent: AgentName = None,
    agent_id: AgentId = None,
    queue: Queue = None,
    outcome: Outcome = None,
    only_missing: OnlyMissing = False,
    rate_per_s: RatePerS = None,
    dry_run: DryRun = False,
    wait: Wait = False,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    Send events to an endpoint again, oldest first, beside what is new; the word `start` may be left out.

    Of the events that it wants those that fit all options.  Exits 1 where it was waited for and failed.
    """
    wanted = {
        "from": start_at,
        "to": end_at,
        "types": words(event_type) or None,
        "sources": words(source) or None,
        "call_id": call,
        "agent_name": agent,
        "agent_id": agent_id,
        "queue": queue,
        "outcome": outcome,
        "only_missing": only_missing or None,
        "rate_per_s": rate_per_s,
        "dry_run": dry_run or None,
    }
    begin(endpoint_id, wanted, url, insecure, is_waited_for=wait and not dry_run, is_json=as_json)


@commands.command("list")
def list_replays(
    endpoint: Annotated[str | None, typer.Option(help="Only to this endpoint.", show_default=False)] = None,
    limit: Limit = DEFAULT_LIMIT,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    List replays, newest first.
    """
    wanted = query(endpoint=endpoint)
    ask(
        url,
        insecure,
        lambda remote: print_pages(remote.pages(PATH, wanted, limit), "replays", COLUMNS, is_json=as_json),
    )


@commands.command("show")
def show(
    job_id: JobId,
    wait: Wait = False,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    Show a replay and what became of its deliveries; exits 1 where it was waited for and failed.
    """
    path = f"{PATH}/{job_id}"
    item = wait_for(path, url, insecure) if wait else ask(url, insecure, lambda remote: remote.item(path))
    _print(item, as_json)
    if wait:
        exit_unless_done(item)


@commands.command("cancel")
def cancel(
    job_id: JobId, url: Url = DEFAULT_URL, insecure: Insecure = False, as_json: AsJson = False
) -> None:
    """
    End a replay; what waits of it is not sent any more.
    """
    _print(ask(url, insecure, lambda remote: remote.cancel(f"{PATH}/{job_id}")), as_json)


def begin(
    endpoint_id: str,
    wanted: dict[str, Any],
    url: str,
    is_insecure: bool,
    *,
    is_waited_for: bool = False,
    is_json: bool = False,
) -> None:
    """
    Start a replay, or count what it would send, and print what came of it; None is left out of `wanted`.
    """
    body = {name: value for name, value in wanted.items() if value is not None}
    path = f"/v1/endpoints/{in_path(endpoint_id)}/replay"
    item = ask(url, is_insecure, lambda remote: remote.post(path, body), TRIAL_TIMEOUT_S)
    if is_waited_for:
        item = wait_for(f"{PATH}/{item.get('id')}", url, is_insecure)
    _print(item, is_json)
    if is_waited_for:
        exit_unless_done(item)


def _print(item: dict[str, Any], is_json: bool) -> None:
    if is_json:
        print_json(item)
    else:
        print_item("replay", item)
