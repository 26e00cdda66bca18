"""
One Dialer360 or Elision account as `relay.sources.port.FunctionSource`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Literal, Self

from relay.model.clock import Clock
from relay.sources.port import POLL, Answered
from relay.sources.vicidial.client import DialerAccount, DialerClient

VERSION: Final = "version"


@dataclass(frozen=True, slots=True)
class VicidialSettings:
    """
    One account; `source_name` is how relay calls itself in the dialer's API log.
    """

    source_id: str
    url: str
    user: str
    password: str = field(repr=False)
    source_name: str = "relay"
    method: Literal["POST", "GET"] = "POST"
    timeout_s: float = 30.0


class VicidialSource:
    """
    Calls the functions of one account; which columns an answer has depends on the build that it last told.

    The vendor sets no request limit, so that there is no budget and `purpose` counts for nothing.
    """

    def __init__(self, settings: VicidialSettings, clock: Clock) -> None:
        self._settings = settings
        account = DialerAccount(
            settings.source_id, settings.url, settings.user, settings.password, settings.source_name
        )
        self._client = DialerClient(account, clock)
        self.source_id = settings.source_id

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def call(
        self, function: str, params: Mapping[str, str], *, purpose: str = POLL, is_write: bool = False
    ) -> Answered:
        """
        Call a function once: neither a read nor a write is sent again by itself.
        """
        asked = await self._client.ask(
            function, params, deadline_s=self._settings.timeout_s, verb=self._settings.method
        )
        if function == VERSION and len(asked.answer.rows) == 1:
            self._client.version = asked.answer.rows[0].get("version")
        return Answered(asked.answer, asked.requested_at, asked.answered_at)
