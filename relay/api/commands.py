"""
`/v1/sources/{id}/commands` and `/v1/commands`: what phone systems can be made to do, and what they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relay.api import command_shown, shown
from relay.api.operation import Answer, Asked, CommandReach, Reach
from relay.api.problems import MALFORMED, FieldError, Refused, invalid
from relay.api.queries import CommandListQuery
from relay.api.request import document_of
from relay.commands.catalogue import functions_of
from relay.commands.desk import CommandRequest
from relay.model.errors import NotFound, SourceThrottled

MAX_PARAMETERS = 300  # lists may have many fields of their own


async def run_command(function: str, reach: Reach, asked: Asked) -> Answer:
    """
    Have a function of a phone system called, once, and answer with what came of it.
    """
    commands, source_id = commands_of(reach), asked.path["source_id"]
    commands.desk.function(source_id, function)  # not found goes before what is wrong with the body
    params = await _params(asked.raw)
    wanted = CommandRequest(source_id, function, params, asked.owner or None)
    try:
        return Answer.of_reply(await commands.desk.run(wanted, asked.once))
    except SourceThrottled as error:
        raise Refused(command_shown.budget_spent(error, reach.clock.now())) from None


async def list_functions(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with the functions that a source has.
    """
    functions = functions_of(commands_of(reach).desk.kind_of(asked.path["source_id"]))
    items = [command_shown.function(functions[name]) for name in sorted(functions)]
    return Answer.of(shown.listing(items, None))


async def list_commands(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with the commands of a source, newest first.
    """
    query = asked.query_as(CommandListQuery)
    journal = commands_of(reach).journal
    page = await journal.list_commands(query.source, query.wanted(), query.after, query.limit)
    return Answer.of(shown.listing([command_shown.command(one) for one in page.items], page.next))


async def get_command(reach: Reach, asked: Asked) -> Answer:
    """
    Answer with a command.
    """
    command_id = asked.path["command_id"]
    found = await commands_of(reach).journal.command(command_id)
    if found is None:
        raise NotFound(f"there is no command {command_id}")
    return Answer.of(command_shown.command(found))


def commands_of(reach: Reach) -> CommandReach:
    """
    Return what commands need.

    Raises:
        NotFound: this relay takes none.
    """
    if reach.commands is None:
        raise NotFound("this relay takes no commands")
    return reach.commands


async def _params(body: bytes) -> Mapping[str, Any]:
    document = await document_of(body) if body else {}
    if not isinstance(document, dict):
        raise Refused(MALFORMED.about("The parameters are one JSON object."))
    if len(document) > MAX_PARAMETERS:
        raise invalid([FieldError("body", f"has more than {MAX_PARAMETERS} parameters")])
    return document
