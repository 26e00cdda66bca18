"""
`relay endpoints`: registered webhooks of a running relay.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, TextIO

import typer

from relay.cli.answers import Item, printable
from relay.cli.asking import DEFAULT_LIMIT, AsJson, Insecure, Limit, Url, ask, in_path, settings_of, words
from relay.cli.failures import FAILED
from relay.cli.reconcile import reconcile
from relay.cli.remote import DEFAULT_URL
from relay.cli.signed_request import signed_request
from relay.cli.tables import print_item, print_json, print_pages
from relay.config import signing_key, webhook_secret

PATH: Final = "/v1/endpoints"
COLUMNS: Final = ("id", "state", "not_before", "url", "events", "sources", "is_from_file")
ONCE: Final = "The secret is shown this once; give it to the receiver."

commands = typer.Typer(help="Registered webhooks.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="The endpoint.", show_default=False)]

# What a new endpoint is like; what is left out keeps relay's default.
Address = Annotated[
    str, typer.Argument(metavar="WEBHOOK_URL", help="URL that events are posted to.", show_default=False)
]
Events = Annotated[
    list[str],
    typer.Option(
        help="Types wanted, such as `call.*`; repeatable, or separated by commas.", show_default=False
    ),
]
NewId = Annotated[
    str | None, typer.Option("--id", help="Its name; left out: relay makes one.", show_default=False)
]
Sources = Annotated[
    list[str] | None, typer.Option(help="Sources wanted, like --events; none: all.", show_default=False)
]
Description = Annotated[str | None, typer.Option(help="For people.", show_default=False)]
SecretFile = Annotated[
    typer.FileText | None,
    typer.Option(
        help="File with the secret, - for standard input; left out: relay makes one.", show_default=False
    ),
]
TimeoutS = Annotated[float | None, typer.Option(help="Total time of one attempt.", show_default=False)]
MaxInFlight = Annotated[
    int | None, typer.Option(help="Attempts under way at the same time.", show_default=False)
]
RetryScheduleS = Annotated[
    str | None,
    typer.Option(help="Delay before each further attempt, separated by commas.", show_default=False),
]


commands.command("reconcile")(reconcile)
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Any other setting of the file's [[endpoints]]; NAME:=JSON for numbers and lists; repeatable.",
        show_default=False,
    ),
]
Changes = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME=VALUE...",
        help="Settings as in the file's [[endpoints]]; NAME:=JSON for numbers, lists and truth values.",
        show_default=False,
    ),
]


@commands.callback()
def _group() -> None:
    """
    Registered webhooks.
    """


@commands.command("list")
def list_endpoints(
    limit: Limit = DEFAULT_LIMIT, url: Url = DEFAULT_URL, insecure: Insecure = False, as_json: AsJson = False
) -> None:
    """
    List the endpoints, oldest first.
    """
    ask(
        url,
        insecure,
        lambda remote: print_pages(remote.pages(PATH, limit=limit), "endpoints", COLUMNS, is_json=as_json),
    )


@commands.command("add")
def add(
    address: Address,
    events: Events,
    endpoint_id: NewId = None,
    sources: Sources = None,
    description: Description = None,
    secret_file: SecretFile = None,
    timeout_s: TimeoutS = None,
    max_in_flight: MaxInFlight = None,
    retry_schedule_s: RetryScheduleS = None,
    settings: Settings = None,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    Register a webhook: every matching event from now on is delivered to it.

    Prints its secret, which relay does not tell again.
    """
    wanted = {
        "id": endpoint_id,
        "url": address,
        "events": words(events),
        "sources": words(sources) or None,
        "description": description,
        "secret": _secret_of(secret_file) if secret_file is not None else None,
        "timeout_s": timeout_s,
        "max_in_flight": max_in_flight,
        "retry_schedule_s": _whole_numbers(retry_schedule_s),
    }
    body = {name: value for name, value in wanted.items() if value is not None} | settings_of(settings)
    made = ask(url, insecure, lambda remote: remote.post(PATH, body))
    _print_with_secret("endpoint", made, as_json)


@commands.command("change")
def change(
    endpoint_id: Id,
    settings: Changes,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    Change settings of an endpoint, and no others: `payload=batched`, `rate_per_s:=20`, `fields:=["queue"]`.
    """
    body = settings_of(settings)
    item = ask(url, insecure, lambda remote: remote.patch(f"{PATH}/{in_path(endpoint_id)}", body))
    _print("endpoint", item, as_json)


@commands.command("show")
def show(
    endpoint_id: Id, url: Url = DEFAULT_URL, insecure: Insecure = False, as_json: AsJson = False
) -> None:
    """
    Show everything registered of an endpoint.
    """
    item = ask(url, insecure, lambda remote: remote.item(f"{PATH}/{in_path(endpoint_id)}"))
    _print("endpoint", item, as_json)


@commands.command("stats")
def stats(
    endpoint_id: Id, url: Url = DEFAULT_URL, insecure: Insecure = False, as_json: AsJson = False
) -> None:
    """
    Show what waits for an endpoint, and what became of its newest deliveries.
    """
    item = ask(url, insecure, lambda remote: remote.item(f"{PATH}/{in_path(endpoint_id)}/stats"))
    _print("statistics", item, as_json)


@commands.command("pause")
def pause(
    endpoint_id: Id, url: Url = DEFAULT_URL, insecure: Insecure = False, as_json: AsJson = False
) -> None:
    """
    Hold deliveries to an endpoint; events that match it wait.
    """
    item = ask(url, insecure, lambda remote: remote.post(f"{PATH}/{in_path(endpoint_id)}/pause"))
    _print("endpoint", item, as_json)


@commands.command("resume")
def resume(
    endpoint_id: Id, url: Url = DEFAULT_URL, insecure: Insecure = False, as_json: AsJson = False
) -> None:
    """
    Deliver again to an endpoint that was paused or disabled.
    """
    item = ask(url, insecure, lambda remote: remote.post(f"{PATH}/{in_path(endpoint_id)}/resume"))
    _print("endpoint", item, as_json)


@commands.command("delete")
def delete(endpoint_id: Id, url: Url = DEFAULT_URL, insecure: Insecure = False) -> None:
    """
    Take an endpoint away; what waits for it is discarded.
    """
    ask(url, insecure, lambda remote: remote.delete(f"{PATH}/{in_path(endpoint_id)}"))
    typer.echo(f"{printable(endpoint_id)} is deleted.")


@commands.command("test")
def send_test(
    endpoint_id: Id, url: Url = DEFAULT_URL, insecure: Insecure = False, as_json: AsJson = False
) -> None:
    """
    Send an endpoint a test event now; exits 1 where it was not taken.
    """
    item = ask(url, insecure, lambda remote: remote.post(f"{PATH}/{in_path(endpoint_id)}/test"))
    _print("test", item, as_json)
    if item.get("reason") != "ok":
        raise typer.Exit(FAILED)


@commands.command("new-secret")
def new_secret(
    endpoint_id: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="An endpoint of the running relay.", show_default=False),
    ] = None,
    overlap: Annotated[
        int | None,
        typer.Option(
            min=0, help="Seconds that the old secret goes on signing; left out: relay's.", show_default=False
        ),
    ] = None,
    scheme: Annotated[
        Literal["v1", "v1a"], typer.Option(help="What it signs: v1 (HMAC-SHA256) or v1a (ed25519).")
    ] = "v1",
    starts_at: Annotated[
        str | None,
        typer.Option(
            help="When it begins to sign, as `2026-11-01T00:00:00+11:00`; left out: at once.",
            show_default=False,
        ),
    ] = None,
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    Print a new secret, or give an endpoint of the running relay one and print that.

    Without ID nothing is asked: the secret is to be written into the configuration and given to the receiver.
    """
    if endpoint_id is None:
        for option, given in (("--overlap", overlap), ("--starts-at", starts_at)):
            if given is not None:
                raise typer.BadParameter("needs the ID of an endpoint", param_hint=option)
        _print_new_secret(scheme, as_json)
        return
    wanted = {"overlap_s": overlap, "starts_at": starts_at, "scheme": None if scheme == "v1" else scheme}
    body = {name: value for name, value in wanted.items() if value is not None}
    path = f"{PATH}/{in_path(endpoint_id)}/secrets"
    item = ask(url, insecure, lambda remote: remote.post(path, body))
    _print_with_secret("secret", item, as_json)


@commands.command("verify")
def verify(
    endpoint_id: Id,
    headers: Annotated[
        Path, typer.Option(help="File with the headers: lines `Name: value`, or JSON.", show_default=False)
    ],
    body: Annotated[
        typer.FileBinaryRead,
        typer.Option(help="File with the body as it arrived, - for standard input.", show_default=False),
    ],
    url: Url = DEFAULT_URL,
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """
    Check the signature of a request that arrived at a receiver; exits 1 where it would be refused.
    """
    try:
        request = signed_request(headers, body)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--headers / --body") from None
    path = f"{PATH}/{in_path(endpoint_id)}/verify"
    item = ask(url, insecure, lambda remote: remote.post(path, request))
    _print("signature", item, as_json)
    if item.get("valid") is not True or item.get("problem") is not None:
        raise typer.Exit(FAILED)


def _print_new_secret(scheme: str, is_json: bool) -> None:
    """
    Print one for the configuration, with the public key where receivers check with that.
    """
    if scheme == "v1":
        made = {"secret": webhook_secret.new_secret()}
    else:
        key = signing_key.new_signing_key()
        made = {
            "secret": signing_key.encode_signing_key(key),
            "public_key": signing_key.public_key(key),
        }
    if is_json:
        print_json(made)
    else:
        typer.echo("\n".join(made.values()))


def _print(title: str, item: Item, is_json: bool) -> None:
    if is_json:
        print_json(item)
    else:
        print_item(title, item)


def _print_with_secret(title: str, item: Item, is_json: bool) -> None:
    if is_json:
        print_json(item)
        return
    secret = item.get("secret")
    print_item(title, {name: value for name, value in item.items() if name != "secret"})
    if isinstance(secret, str):
        # Alone on its line and outside of the table, to be copied.
        typer.echo(f"{printable(secret)}\n{ONCE}")


def _whole_numbers(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        return [int(word) for word in words([text])]
    except ValueError:
        problem = "must be whole numbers of seconds, separated by commas"
        raise typer.BadParameter(problem, param_hint="--retry-schedule-s") from None


def _secret_of(file: TextIO) -> str:
    try:
        return file.read().strip()
    except UnicodeDecodeError:
        raise typer.BadParameter("the file of the secret is not text") from None
