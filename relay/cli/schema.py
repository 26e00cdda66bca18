"""
`relay schema`: the contract of the events.
"""

from __future__ import annotations

from typing import Annotated

import orjson
import typer

from relay.config.checked import near_miss
from relay.model.catalogue import EVENT_TYPES
from relay.model.examples import example
from relay.model.schemas import data_schema, envelope_schema


def schema(
    event_type: Annotated[
        str | None,
        typer.Argument(metavar="[TYPE]", help="A type of event; left out: all.", show_default=False),
    ] = None,
    data: Annotated[bool, typer.Option("--data", help="Only the schema of the event's data.")] = False,
    as_example: Annotated[bool, typer.Option("--example", help="An example instead of the schema.")] = False,
) -> None:
    """
    Print the JSON Schema of a type of event, or of all types by name.
    """
    if event_type is not None and event_type not in EVENT_TYPES:
        problem = f"no type of event is called {event_type}" + near_miss(event_type, EVENT_TYPES)
        raise typer.BadParameter(problem, param_hint="TYPE")
    chosen = [event_type] if event_type else list(EVENT_TYPES)
    documents = {name: _document(name, data, as_example) for name in chosen}
    printed = documents[event_type] if event_type else documents
    typer.echo(orjson.dumps(printed, option=orjson.OPT_INDENT_2).decode())


def _document(event_type: str, only_data: bool, as_example: bool) -> object:
    if as_example:
        event = example(event_type)
        return event["data"] if only_data else event
    return data_schema(event_type) if only_data else envelope_schema(event_type)
