"""
`relay command bulk` and `relay command jobs`: many leads added by a running relay.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from relay.cli.answers import Item, shown
from relay.cli.asking import DEFAULT_LIMIT, AsJson, Insecure, Limit, SourceId, Url, ask, in_path
from relay.cli.failures import FAILED
from relay.cli.jobs import print_job, wait_for
from relay.cli.remote import DEFAULT_URL, query
from relay.cli.tables import print_pages

UPLOAD_S: Final = 180.0
BULK_COLUMNS: Final = (
    "bulk_id", "function", "state", "progress", "total", "succeeded", "failed", "unknown", "requested_at",
)  # fmt: skip
ROW_COLUMNS: Final = ("row_no", "status", "message", "command_id", "params")
STANDARD_INPUT: Final = "-"
CSV: Final = "text/csv"
NDJSON: Final = "application/x-ndjson"
BulkId = Annotated[str, typer.Argument(metavar="JOB", help="The bulk job.", show_default=False)]
File = Annotated[
    str, typer.Argument(metavar="FILE", help="CSV or NDJSON; `-` is standard input.", show_default=False)
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until it has ended; Ctrl-C leaves it running.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="It is CSV, whatever it is called.")]
Defaults = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="A parameter of rows that lack it, as `list_id=999`; repeatable.", show_default=False
    ),
]
RowState = Annotated[
    str | None,
    typer.Option("--status", help="Only rows that succeeded, failed or are unknown.", show_default=False),
]
Key = Annotated[
    str | None,
    typer.Option(help="Idempotency-Key: sent again with it, a job is made once.", show_default=False),
]
Function = Annotated[
    str, typer.Argument(metavar="FUNCTION", help="add_lead or add_multi_lead.", show_default=False)
]

commands = typer.Typer(help="Bulk jobs: many leads added.", no_args_is_help=True)


@commands.callback()
def _group() -> None:
    """
    Bulk jobs: many leads added.
    """


def add_leads(
    source_id: SourceId,
    function: Function,
    file: File,
    wait: Wait = False,
    is_csv: AsCsv = False,
    defaults: Defaults = None,
    key: Key = None,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    Add many leads, one after the other; FILE has a lead in each row, with a header line where it is CSV.

    Exits 1 where it was waited for and not every row was added.
    """
    rows = _contents(file)
    media_type = CSV if is_csv or file.lower().endswith(".csv") else NDJSON
    wanted = query(function=function, default=defaults or None)
    path = f"{_source(source_id)}/bulk"
    job = ask(url, insecure, lambda remote: remote.upload(path, wanted, rows, media_type, key=key), UPLOAD_S)
    if wait:
        job = _waited_for(source_id, shown(job.get("bulk_id")), url, insecure)
    print_job({"kind": "bulk", **job}, as_json)
    if wait and job.get("succeeded") != job.get("total"):
        raise typer.Exit(FAILED)


@commands.command("list")
def list_bulks(
    source_id: SourceId,
    limit: Limit = DEFAULT_LIMIT,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    List the bulk jobs of a source, newest first.
    """
    path = f"{_source(source_id)}/bulk"
    ask(
        url,
        insecure,
        lambda remote: print_pages(
            remote.pages(path, limit=limit), "bulk jobs", BULK_COLUMNS, is_json=as_json
        ),
    )


@commands.command("show")
def show_bulk(
    source_id: SourceId,
    bulk_id: BulkId,
    wait: Wait = False,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    Show a bulk job.
    """
    if wait:
        job = _waited_for(source_id, bulk_id, url, insecure)
    else:
        job = ask(url, insecure, lambda remote: remote.item(_bulk(source_id, bulk_id)))
    print_job({"kind": "bulk", **job}, as_json)


@commands.command("rows")
def bulk_rows(
    source_id: SourceId,
    bulk_id: BulkId,
    state: RowState = None,
    limit: Limit = DEFAULT_LIMIT,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    List the rows of a bulk job, with their verdicts.
    """
    path, wanted = f"{_bulk(source_id, bulk_id)}/rows", query(state=state)
    ask(
        url,
        insecure,
        lambda remote: print_pages(remote.pages(path, wanted, limit), "rows", ROW_COLUMNS, is_json=as_json),
    )


@commands.command("cancel")
def cancel_bulk(
    source_id: SourceId,
    bulk_id: BulkId,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    End a bulk job; what was added stays.
    """
    job = ask(url, insecure, lambda remote: remote.cancel(_bulk(source_id, bulk_id)))
    print_job({"kind": "bulk", **job}, as_json)


def _source(source_id: str) -> str:
    return f"/v1/sources/{in_path(source_id)}"


def _bulk(source_id: str, bulk_id: str) -> str:
    return f"{_source(source_id)}/bulk/{in_path(bulk_id)}"


def _waited_for(source_id: str, bulk_id: str, url: str, is_insecure: bool) -> Item:
    return wait_for(_bulk(source_id, bulk_id), url, is_insecure)


def _contents(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"cannot read {file}: {error.strerror}", param_hint="FILE") from None
