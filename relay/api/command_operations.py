"""
The operations of commands and bulk jobs: one for each function, made from the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from relay.api import answers, bulk, bulk_body, command_answers, commands, queries
from relay.api.openapi import reference_to
from relay.api.operation import JSON, KEY_IGNORED, KEY_REQUIRED, Operation, Payload
from relay.commands.catalogue import ALL
from relay.commands.function import Function
from relay.commands.result import PROBLEMS
from relay.commands.schemas import Schema, request_schema, result_schema

SOURCE: Final = "/v1/sources/{source_id}"
BULK: Final = f"{SOURCE}/bulk"
READ: Final = "commands:read"
WRITE: Final = "commands:write"
NO_ANSWER: Final = (429, 502, 504)
_VENDOR_STATUSES: Final = tuple({problem.status for problem in PROBLEMS.values()})


def _run(functions: Sequence[Function]) -> Operation:
    """
    Return the operation of the functions of one name; what they take and give differs by kind of source.
    """
    first = functions[0]
    takes = _named(first.name, {f"{one.kind}_{one.name}": request_schema(one) for one in functions})
    gives = {f"{one.kind}_{one.name}_result": _answer_schema(one) for one in functions}
    return Operation(
        "POST",
        f"{SOURCE}/commands/{first.name}",
        partial(commands.run_command, first.name),
        f"{first.summary} ({', '.join(one.kind for one in functions)})",
        WRITE if first.is_write else READ,
        problems=(*_VENDOR_STATUSES, *NO_ANSWER),
        keeps_reply=True,
        waits_for_others=True,
        takes=Payload(
            {JSON: reference_to(next(iter(takes)))},
            takes,
            is_required=any(parameter.required for one in functions for parameter in one.parameters),
        ),
        gives_schemas=_named(f"{first.name}_result", gives),
        key=KEY_REQUIRED if first.is_write else KEY_IGNORED,
        operation_id=f"run_{first.name.replace('-', '_')}",
    )


def _named(name: str, schemas: dict[str, Schema]) -> dict[str, Schema]:
    """
    Return schemas with one that stands for all of them first.
    """
    if len(schemas) == 1:
        return schemas
    return {name: {"anyOf": [reference_to(one) for one in schemas]}, **schemas}


def _answer_schema(function: Function) -> Schema:
    schema = result_schema(function)
    command_id = {"type": "string", "description": "Its name at /v1/commands."}
    return {
        **schema,
        "properties": {"command_id": command_id, **schema["properties"]},
        "required": ["command_id", *schema["required"]],
    }


def _of_functions() -> Iterator[Operation]:
    by_name: dict[str, list[Function]] = {}
    for function in ALL:
        by_name.setdefault(function.name, []).append(function)
    return map(_run, by_name.values())


_ROWS: Final = Payload(
    {
        bulk_body.NDJSON: {
            "type": "string",
            "examples": ['{"phone_number": "7275551212", "phone_code": "1"}\n'],
        },
        bulk_body.CSV: {"type": "string", "examples": ["phone_number,phone_code\n7275551212,1\n"]},
    },
    max_bytes=bulk_body.MAX_BYTES,
    within_s=bulk.BODY_S,
)

OPERATIONS: Final = (
    Operation(
        "GET", f"{SOURCE}/commands", commands.list_functions, "List the functions that a source has.",
        READ, answers.Listing[command_answers.FunctionAnswer],
    ),
    *_of_functions(),
    Operation(
        "GET", "/v1/commands", commands.list_commands, "List the commands of a source, newest first.",
        READ, answers.Listing[command_answers.CommandAnswer], query=queries.CommandListQuery,
    ),
    Operation(
        "GET", "/v1/commands/{command_id}", commands.get_command, "Show a command.",
        READ, command_answers.CommandAnswer,
    ),
    Operation(
        "POST", BULK, bulk.start_bulk,
        "Add the leads of a CSV or NDJSON body, one after the other; each row gets its verdict.",
        WRITE, command_answers.BulkAnswer, 202, query=queries.BulkQuery, keeps_reply=True, takes=_ROWS,
        key=KEY_REQUIRED,
    ),
    Operation(
        "GET", BULK, bulk.list_bulks, "List the bulk jobs of a source, newest first.",
        READ, answers.Listing[command_answers.BulkAnswer], query=queries.ListQuery,
    ),
    Operation(
        "GET", f"{BULK}/{{bulk_id}}", bulk.get_bulk, "Show a bulk job.",
        READ, command_answers.BulkAnswer,
    ),
    Operation(
        "GET", f"{BULK}/{{bulk_id}}/rows", bulk.list_bulk_rows,
        "List the rows of a bulk job in their order, with their verdicts.",
        READ, answers.Listing[command_answers.BulkRowAnswer], query=queries.BulkRowListQuery,
    ),
    Operation(
        "DELETE", f"{BULK}/{{bulk_id}}", bulk.cancel_bulk,
        "Cancel a bulk job; what was added stays, and so does a job that has ended.",
        WRITE, command_answers.BulkAnswer,
    ),
)  # fmt: skip
