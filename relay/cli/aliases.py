"""
`relay aliases`: the ids that a rebuild of the journal would choose otherwise, taken along to a new one.
"""

from __future__ import annotations

from typing import Annotated, Final

import orjson
import typer

from relay.cli.answers import Item, as_json
from relay.cli.asking import AsJson, Insecure, Url, ask
from relay.cli.remote import DEFAULT_URL, RemoteRelay, query
from relay.cli.tables import print_item, print_json

PATH: Final = "/v1/aliases"
AT_ONCE: Final = 1_000
FINGERPRINT: Final = "id_key_fingerprint"

commands = typer.Typer(help="Published ids that a rebuild would choose otherwise.", no_args_is_help=True)


@commands.callback()
def _group() -> None:
    """
    Published ids that a rebuild would choose otherwise.
    """


@commands.command("export")
def export(
    file: Annotated[
        typer.FileTextWrite,
        typer.Argument(metavar="FILE", help="Where to; - for standard output.", show_default=False),
    ],
    source: Annotated[str | None, typer.Option(help="Only of this source.", show_default=False)] = None,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
) -> None:
    """
    Write the aliases of a running relay into a file, as JSON.
    """

    async def all_of_them(remote: RemoteRelay) -> tuple[Item, list[Item]]:
        head = await remote.item(f"{PATH}?limit=1")
        pages = remote.pages(PATH, query(source_id=source))
        return head, [item async for page in pages for item in page.items]

    head, items = ask(url, insecure, all_of_them)
    # Only now: nothing is written where not all could be read.
    lines = ",\n".join(as_json(item, indented=False) for item in items)
    fingerprint = as_json(head.get(FINGERPRINT), indented=False)
    file.write(f'{{"{FINGERPRINT}": {fingerprint}, "items": [\n{lines}\n], "next": null}}\n')


@commands.command("import")
def import_from(
    file: Annotated[
        typer.FileText,
        typer.Argument(metavar="FILE", help="What `export` wrote; - for standard input.", show_default=False),
    ],
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    is_json: AsJson = False,
) -> None:
    """
    Give a running relay the aliases of another journal of the deployment.

    Fails where one is there with another id, or where the journal has another `id_key`.  Harmless twice.
    They count from the next start of that relay.
    """
    items, fingerprint = _exported(file)
    key = {} if fingerprint is None else {FINGERPRINT: fingerprint}

    async def give(remote: RemoteRelay) -> int:
        added = 0
        # Once even for none: that the keys are the same is worth knowing then, too.
        for start in range(0, max(len(items), 1), AT_ONCE):
            answer = await remote.post(PATH, {"items": items[start : start + AT_ONCE], **key})
            added += int(answer.get("added") or 0)
        return added

    result = {"given": len(items), "added": ask(url, insecure, give)}
    if is_json:
        print_json(result)
    else:
        print_item("import", result)


def _exported(file: typer.FileText) -> tuple[list[object], object]:
    try:
        document = orjson.loads(file.read())
    except ValueError:  # no JSON, or no text at all
        document = None
    items = document.get("items") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise typer.BadParameter("is nothing that `relay aliases export` wrote", param_hint="FILE")
    return items, document.get(FINGERPRINT)
