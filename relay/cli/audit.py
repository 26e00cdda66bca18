"""
`relay audit`: a closed day of a source, read again by a running relay and compared with its journal.
"""

from __future__ import annotations

from typing import Annotated

import typer

from relay.cli.asking import AsJson, Insecure, Url, ask, in_path
from relay.cli.failures import FAILED
from relay.cli.jobs import exit_unless_done, print_job, wait_for
from relay.cli.remote import DEFAULT_URL
from relay.cli.tables import print_item, print_json


def audit(
    source: Annotated[str, typer.Option(help="The source, by its id.", show_default=False)],
    day: Annotated[
        str | None,
        typer.Option(help="A closed day in its zone, YYYY-MM-DD; left out: yesterday.", show_default=False),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for what is found; Ctrl-C leaves the audit running.")
    ] = False,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    Have a closed day of a source read again, compared with the journal, and what was missing published.

    Exits 1 where it was waited for and found something missing, or failed.
    """
    path = f"/v1/sources/{in_path(source)}/reconcile"
    body = {} if day is None else {"day": day}
    job = ask(url, insecure, lambda remote: remote.post(path, body))
    if not wait:
        print_job(job, as_json)
        return
    job = wait_for(f"{path}/{job.get('id')}", url, insecure)
    if as_json:
        print_json(job)
    else:
        words = {"rows": "found", "missing": "missing"}
        names = ("source_id", "from", "to", "state", "rows", "missing", "reason")
        print_item("audit", {words.get(name, name): job.get(name) for name in names})
    exit_unless_done(job)
    if job.get("missing"):
        raise typer.Exit(FAILED)
