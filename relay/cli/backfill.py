"""
`relay backfill`: stretches of the past that a running relay reads.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from relay.cli.asking import DEFAULT_LIMIT, AsJson, From, Insecure, Limit, SourceId, To, Url, ask, in_path
from relay.cli.jobs import exit_unless_done, print_job, wait_for
from relay.cli.remote import DEFAULT_URL
from relay.cli.tables import print_pages

COLUMNS: Final = ("id", "state", "progress", "from", "to", "rows", "events", "requests", "made_at", "reason")
START: Final = "start"

JobId = Annotated[int, typer.Argument(metavar="JOB", min=1, help="The backfill.", show_default=False)]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until it has ended; Ctrl-C leaves it running.")]


class StartsUnlessTold(TyperGroup):
    """
    Takes `relay backfill pbx …` for `relay backfill start pbx …`.
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
    help="Read a stretch of the past; `relay backfill SOURCE` starts one.",
    no_args_is_help=True,
)


@commands.callback()
def _group() -> None:
    """
    Read a stretch of the past; `relay backfill SOURCE` starts one.
    """


@commands.command(START)
def start(
    source_id: SourceId,
    start_at: From,
    end_at: To,
    wait: Wait = False,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    Read a stretch of the past and publish its calls; the word `start` may be left out.

    Only what live polling leaves of the request budget is used.  Exits 1 where it was waited for and failed.
    """
    path = _path(source_id)
    job = ask(url, insecure, lambda remote: remote.post(path, {"from": start_at, "to": end_at}))
    if wait:
        job = wait_for(f"{path}/{job.get('id')}", url, insecure)
    print_job(job, as_json)
    if wait:
        exit_unless_done(job)


@commands.command("list")
def list_backfills(
    source_id: SourceId,
    limit: Limit = DEFAULT_LIMIT,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    List the backfills of a source, newest first.
    """
    path = _path(source_id)
    ask(
        url,
        insecure,
        lambda remote: print_pages(remote.pages(path, limit=limit), "backfills", COLUMNS, is_json=as_json),
    )


@commands.command("show")
def show(
    source_id: SourceId,
    job_id: JobId,
    wait: Wait = False,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    Show a backfill; exits 1 where it was waited for and failed.
    """
    path = f"{_path(source_id)}/{job_id}"
    if wait:
        job = wait_for(path, url, insecure)
        print_job(job, as_json)
        exit_unless_done(job)
    else:
        print_job(ask(url, insecure, lambda remote: remote.item(path)), as_json)


@commands.command("cancel")
def cancel(
    source_id: SourceId,
    job_id: JobId,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    End a backfill; what it has published stays.
    """
    path = f"{_path(source_id)}/{job_id}"
    print_job(ask(url, insecure, lambda remote: remote.cancel(path)), as_json)


def _path(source_id: str) -> str:
    return f"/v1/sources/{in_path(source_id)}/backfill"
