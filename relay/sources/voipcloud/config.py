"""
The keys of a VoIPcloud account.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from relay.config.checked import http_url, not_empty
from relay.config.schema import SourceConfig
from relay.config.secrets import Secret
from relay.config.section import List, Section
from relay.model.call import CALL_STREAMS

CallStream = Literal["user_calls", "ringgroup_calls", "queue_calls"]


def _a_fifth(validated: Mapping[str, Any]) -> int:
    return int(validated["requests"]) // 5


def _without_slash(url: str) -> str:
    return http_url(url).rstrip("/")


class BudgetConfig(Section):
    """
    How many requests the vendor allows, over everything that uses the token.
    """

    requests: int = Field(default=100, ge=1, le=1_000_000, description="Requests allowed in each window.")
    per_s: float = Field(default=900.0, gt=0, le=86_400, description="Length of the window.")
    reserve: int = Field(
        default_factory=_a_fifth,
        ge=0,
        description="Requests kept for commands, status and slack. Left out: a fifth of requests.",
    )

    @field_validator("reserve")
    @classmethod
    def _leaves_room_to_poll(cls, reserve: int, info: ValidationInfo) -> int:
        requests = info.data.get("requests")
        if requests is not None and reserve >= requests:
            raise ValueError(f"must be less than requests ({requests})")
        return reserve


class VoipcloudConfig(SourceConfig):
    """
    One VoIPcloud account.
    """

    base_url: Annotated[str, AfterValidator(_without_slash)] = Field(
        description="Address of the phone system, http:// or https://."
    )
    token: Secret = Field(description="API token, sent in the header `token`.")
    budget: BudgetConfig = Field(default=BudgetConfig(), description="The vendor's request limit.")
    poll_every_s: float | None = Field(
        default=None,
        gt=0,
        le=86_400,
        description="Least time between polls. Left out: as the budget allows.",
    )
    status_every_s: float = Field(
        default=300.0, gt=0, le=86_400, description="Time between reads of its status."
    )
    streams: Annotated[tuple[CallStream, ...], List, AfterValidator(not_empty)] = Field(
        default=CALL_STREAMS, description="Kinds of calls read: user_calls, ringgroup_calls, queue_calls."
    )

    @field_validator("streams")
    @classmethod
    def _names_each_once(cls, streams: tuple[CallStream, ...]) -> tuple[CallStream, ...]:
        if len(set(streams)) != len(streams):
            raise ValueError("must name each stream once")
        return streams
