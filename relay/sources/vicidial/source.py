"""
One Dialer360 or Elision account as `relay.sources.port.FunctionSource`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Final, Literal, NamedTuple, Self

from relay.model.clock import Clock
from relay.model.errors import SourceRefused
from relay.model.vendor_answer import LOGIN_REFUSED, SERVER_FAULT, UNKNOWN
from relay.sources.port import COMMAND, POLL, REFUSED_FOR, Answered
from relay.sources.vicidial.client import DialerAccount, DialerClient

VERSION: Final = "version"  # needs no login


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


class _Refused(NamedTuple):
    """
    The last login that was refused: by which verdict, and when.
    """

    verdict: str
    at: datetime


class VicidialSource:
    """
    Calls the functions of one account; which columns an answer has depends on the build that it last told.

    The vendor sets no request limit, so that there is no budget.  But ten refused logins lock the user, and
    each further one for longer: so once a login was refused no command is sent for REFUSED_FOR, unless a
    poll, which tries again no more often than that, gets in before.
    """

    def __init__(self, settings: VicidialSettings, clock: Clock) -> None:
        self._settings = settings
        account = DialerAccount(
            settings.source_id, settings.url, settings.user, settings.password, settings.source_name
        )
        self._client = DialerClient(account, clock)
        self._clock = clock
        self._refused: _Refused | None = None
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
        if purpose == COMMAND and function != VERSION:
            self._check_login()
        asked = await self._client.ask(
            function, params, deadline_s=self._settings.timeout_s, verb=self._settings.method
        )
        if function == VERSION and len(asked.answer.rows) == 1:
            self._client.version = asked.answer.rows[0].get("version")
        if function != VERSION:
            self._note_login(asked.answer.verdict, asked.answered_at)
        return Answered(asked.answer, asked.requested_at, asked.answered_at)

    def _check_login(self) -> None:
        if self._refused is None or self._clock.now() >= self._refused.at + REFUSED_FOR:
            return
        verdict, at = self._refused
        why = (
            f"the phone system refused relay's own login at {at:%H:%M:%S} UTC ({verdict}); relay sends it no"
            f" command for {REFUSED_FOR.seconds // 60} minutes, since each try may lock the user for longer"
        )
        raise SourceRefused(self.source_id, LOGIN_REFUSED[verdict], why, at + REFUSED_FOR)

    def _note_login(self, verdict: str, at: datetime) -> None:
        if verdict in LOGIN_REFUSED:
            self._refused = _Refused(verdict, at)
        elif verdict not in (SERVER_FAULT, UNKNOWN):
            self._refused = None
