"""
`relay source read`: how relay reads a raw answer of a phone system that is asked by function name.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

import typer

from relay.assembly import read_answer
from relay.cli.tables import print_json

MAX_BYTES: Final = 16 * 1024 * 1024


class Kind(StrEnum):
    """
    Kinds of phone systems that are asked by function name.
    """

    DIALER360 = "dialer360"
    ELISION = "elision"


class Stage(StrEnum):
    """
    How a dialer was asked to separate fields.
    """

    PIPE = "pipe"
    CSV = "csv"
    TAB = "tab"


KindOfSystem = Annotated[Kind, typer.Option("--kind", help="Kind of phone system.", show_default=False)]
Function = Annotated[str, typer.Option("--function", help="What it was asked for.", show_default=False)]
Version = Annotated[
    str | None, typer.Option("--version", help="Its version, e.g. 2.14-202.", show_default=False)
]
HttpStatus = Annotated[
    int, typer.Option("--http-status", min=100, max=599, help="HTTP status of the answer.")
]
StageAsked = Annotated[Stage, typer.Option("--stage", help="Stage asked for; others are tried too.")]
File = Annotated[
    typer.FileBinaryRead, typer.Argument(metavar="FILE|-", help="The answer's bytes.", show_default=False)
]


def read(
    kind: KindOfSystem,
    function: Function,
    file: File,
    version: Version = None,
    http_status: HttpStatus = 200,
    stage: StageAsked = Stage.PIPE,
) -> None:
    """
    Show as JSON how relay reads a raw answer: its verdict, messages, rows, and what could not be read.
    """
    body = file.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise typer.BadParameter(f"larger than {MAX_BYTES // 2**20} MiB", param_hint="FILE")
    answer = read_answer(kind.value, function, body, http_status, version, stage.value)
    print_json(
        {
            "verdict": answer.verdict,
            "messages": [message._asdict() for message in answer.messages],
            "rows": answer.rows,
            "rejected": [one._asdict() for one in answer.rejected],
        }
    )
