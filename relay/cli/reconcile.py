"""
`relay endpoints reconcile`: what an endpoint of a running relay should have, and what it has acknowledged.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from relay.cli.answers import Item
from relay.cli.asking import DEFAULT_LIMIT, AsJson, Insecure, Limit, Url, ask, in_path
from relay.cli.remote import DEFAULT_URL, RemoteRelay, query
from relay.cli.replay import FromOrAll, RatePerS, ToOrAll, begin
from relay.cli.tables import print_item, print_json, print_pages
from relay.model.errors import RelayError

TIMEOUT_S: Final = 120.0
COLUMNS: Final = ("seq", "status", "reason", "type", "subject", "event_id", "recorded_at")
COUNTS: Final = (
    "matching", "delivered", "pending", "exhausted", "expired", "discarded", "without_delivery",
)  # fmt: skip


def reconcile(
    endpoint_id: Annotated[str, typer.Argument(metavar="ID", help="The endpoint.", show_default=False)],
    start_at: FromOrAll = None,
    end_at: ToOrAll = None,
    missing: Annotated[
        bool, typer.Option("--missing", help="List what it neither has nor is about to be sent instead.")
    ] = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="Send it what is missing, and print the replay.")
    ] = False,
    rate_per_s: RatePerS = None,
    limit: Limit = DEFAULT_LIMIT,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    Compare the events that an endpoint wants with what it has acknowledged.
    """
    if missing and replay:
        raise typer.BadParameter("and --missing exclude each other", param_hint="--replay")
    if replay:
        wanted = {"from": start_at, "to": end_at, "only_missing": True, "rate_per_s": rate_per_s}
        begin(endpoint_id, wanted, url, insecure, is_json=as_json)
        return
    path = f"/v1/endpoints/{in_path(endpoint_id)}/reconciliation"
    wanted_of = query(**{"from": start_at, "to": end_at})
    if missing:
        path += "/missing"
        ask(
            url,
            insecure,
            lambda remote: print_pages(
                remote.pages(path, wanted_of, limit), "missing", COLUMNS, is_json=as_json
            ),
        )
        return
    item = ask(url, insecure, lambda remote: _counted(remote, path, wanted_of), TIMEOUT_S)
    if as_json:
        print_json(item)
    else:
        print_item("reconciliation", item)


async def _counted(remote: RemoteRelay, path: str, wanted: list[tuple[str, str]]) -> Item:
    """
    Return the counts of all parts together: of very many events relay counts so many at a time.
    """
    total: Item = {}
    place: Any = None
    while True:
        item = await remote.item(path, [*wanted, *query(after=place)])
        numbers = {name: total.get(name, 0) + item.get(name, 0) for name in COUNTS}
        total = {**item, **numbers}
        if item.get("next") is None:
            return total
        if item["next"] == place:
            raise RelayError(f"{path} was answered with a count that never ends")
        place = item["next"]
