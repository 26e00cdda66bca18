"""
The command `relay`: one file for each group of commands, put together here.

Exit codes: 0 ok, 1 failed, 2 usage or configuration.
"""

from __future__ import annotations

from typing import Annotated

import typer

from relay.cli import (
    agent_mappings,
    agents,
    aliases,
    audit,
    backfill,
    budget,
    command,
    config,
    db,
    deliveries,
    demo,
    endpoints,
    explain,
    lead_statuses,
    links,
    listen,
    rejects,
    replay,
    schema,
    serve,
    source,
    twin,
)
from relay.cli.failures import told_to_a_person
from relay.version import __version__

app = typer.Typer(
    name="relay",
    help="Poll phone systems; hand every call event to webhooks and Kafka, complete and in order.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.command("schema")(schema.schema)
app.command("audit")(audit.audit)
app.command("explain")(explain.explain)
app.command("listen")(listen.listen)
app.add_typer(config.commands, name="config")
app.add_typer(db.commands, name="db")
app.add_typer(endpoints.commands, name="endpoints")
app.add_typer(deliveries.commands, name="deliveries")
app.add_typer(replay.commands, name="replay")
app.add_typer(source.commands, name="source")
app.add_typer(backfill.commands, name="backfill")
app.add_typer(command.commands, name="command")
app.add_typer(rejects.commands, name="rejects")
app.add_typer(aliases.commands, name="aliases")
app.add_typer(agents.agent_commands, name="agents")
app.add_typer(agents.group_commands, name="groups")
app.add_typer(lead_statuses.commands, name="lead-statuses")
app.add_typer(agent_mappings.commands, name="agent-mappings")
app.add_typer(links.commands, name="link")
app.add_typer(budget.commands, name="budget")
app.add_typer(twin.commands, name="twin")


def _version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """
    Poll phone systems; hand every call event to webhooks and Kafka, complete and in order.
    """


def main() -> None:
    """
    Run the command line; always leaves by SystemExit.
    """
    with told_to_a_person():
        app()


if __name__ == "__main__":
    main()
