"""
The bodies of answers about commands and bulk jobs.  `relay.api.command_shown` makes them.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from relay.model.event_data import Time

CommandState = Literal["sent", "succeeded", "failed", "unknown"]
RowState = Literal["succeeded", "failed", "unknown"]


class FunctionAnswer(BaseModel):
    """
    A function that a source has.
    """

    name: str
    summary: str = Field(description="What it does.")
    is_write: bool = Field(description="Whether it changes something: then it needs an Idempotency-Key.")
    takes: dict[str, Any] = Field(description="JSON Schema of its parameters.")
    gives: dict[str, Any] = Field(description="JSON Schema of its result.")
    events: list[str] = Field(description="Types of events that it may make, beside those of every command.")
    errors: list[str] = Field(description="Texts by which the phone system refuses.")


class CommandAnswer(BaseModel):
    """
    One command.
    """

    command_id: str
    source_id: str
    function: str
    params: dict[str, Any] = Field(description="As given; secrets are ***.")
    is_write: bool
    requested_by: str | None = Field(description="Name of the API key that asked for it.")
    requested_at: Time
    finished_at: Time | None = Field(description="When its verdict came; null: it has none yet.")
    status: CommandState = Field(description="unknown: sent, and no clear answer came; never sent again.")
    message: str | None = Field(description="The phone system's own words.")
    data: dict[str, Any] | None = Field(description="What it answered; of a read without its rows.")
    raw: str | None = Field(description="The answer itself, secrets removed; of a read nothing.")
    call_id: str | None = Field(description="The call that it caused, once that was found.")
    bulk_id: str | None = Field(description="The bulk job that it is part of.")
    row_no: int | None = Field(description="Its first row there.")


class BulkAnswer(BaseModel):
    """
    Many leads to be added.
    """

    bulk_id: str
    source_id: str
    function: str
    state: Literal["waiting", "running", "done", "cancelled"]
    progress: float = Field(ge=0, le=1, description="The share of rows with a verdict.")
    total: int = Field(description="Rows given.")
    done: int = Field(description="Rows with a verdict, …")
    succeeded: int = Field(description="… of which so many were added, …")
    failed: int = Field(description="… were not, …")
    unknown: int = Field(description="… or may have been: they are never sent again.")
    defaults: dict[str, Any] = Field(description="Parameters of rows that lack them.")
    requested_by: str | None = Field(description="Name of the API key that asked for it.")
    requested_at: Time
    started_at: Time | None
    finished_at: Time | None


class BulkRowAnswer(BaseModel):
    """
    One row of a bulk job.
    """

    row_no: int = Field(ge=1, description="Its place in what was given.")
    params: dict[str, Any] = Field(description="As given.")
    status: RowState | None = Field(description="Null: it waits.")
    command_id: str | None = Field(description="The command that it was sent with; null: it was not sent.")
    message: str | None = Field(description="The phone system's own words, or what is wrong with the row.")
    data: dict[str, Any] | None = Field(description="What the phone system told of it.")
