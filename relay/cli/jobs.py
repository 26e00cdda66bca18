"""
Jobs of a running relay that take a while: shown as they are, or waited for.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Final

import typer

from relay.cli.answers import Item, shown
from relay.cli.asking import ask
from relay.cli.failures import FAILED
from relay.cli.remote import RemoteRelay
from relay.cli.tables import print_item, print_json
from relay.model.source_work import CANCELLED, DONE
from relay.model.source_work import FAILED as JOB_FAILED

LOOK_S: Final = 0.5
ENDED: Final = (DONE, JOB_FAILED, CANCELLED)


def wait_for(path: str, url: str, is_insecure: bool) -> Item:
    """
    Return a job once it has ended; its progress goes to the error stream.

    Ctrl-C ends the waiting and leaves the job alone.
    """
    try:
        return ask(url, is_insecure, lambda remote: _ended(remote, path))
    except KeyboardInterrupt:
        typer.echo("\nrelay: no longer waiting; the job goes on", err=True)
        raise typer.Exit(FAILED) from None


def print_job(job: Item, is_json: bool) -> None:
    """
    Print a job.
    """
    if is_json:
        print_json(job)
    else:
        print_item(shown(job.get("kind")), job)


def exit_unless_done(job: Item) -> None:
    """
    Exit 1 for a job that ended in another way.
    """
    if job.get("state") != DONE:
        raise typer.Exit(FAILED)


async def _ended(remote: RemoteRelay, path: str) -> Item:
    told = ""
    while True:
        job = await remote.item(path)
        if job.get("state") in ENDED:
            if told and sys.stderr.isatty():
                typer.echo("", err=True)
            return job
        line = _progress(job)
        if line != told:
            # On a terminal each line takes the place of the one before.
            typer.echo(
                f"\r\x1b[K{line}" if sys.stderr.isatty() else line, nl=not sys.stderr.isatty(), err=True
            )
            told = line
        await asyncio.sleep(LOOK_S)


def _progress(job: Item) -> str:
    progress = job.get("progress")
    share = f"{progress:.0%}" if isinstance(progress, int | float) else "-"
    name = (
        f"bulk {shown(job['bulk_id'])}"
        if "bulk_id" in job
        else f"{shown(job.get('kind'))} {shown(job.get('id'))}"
    )
    return f"{name}: {shown(job.get('state'))}, {share}"
