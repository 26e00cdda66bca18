"""
Ask a VICIdial server for one function, and read what it answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Final, Literal, Self

from relay.model.clock import Clock
from relay.model.errors import SourceGarbled, SourceUnreachable
from relay.model.vendor_answer import VendorAnswer
from relay.sources.vicidial.wire import read_answer
from relay.sources.wire import Wire

MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
TIMEOUT_S: Final = 15.0
Verb = Literal["POST", "GET"]
# DB mixes SQL into the answer; the others are ours to set.
_OURS: Final = frozenset({"user", "pass", "source", "function", "DB"})


@dataclass(frozen=True, slots=True)
class DialerAccount:
    """
    Where a dialer is, and who we are there; `source_name` stands in its API log.
    """

    source_id: str
    url: str
    user: str = field(repr=False)
    password: str = field(repr=False)
    source_name: str = "relay"


@dataclass(frozen=True, slots=True)
class Asked:
    """
    One answer, when its request was sent and when its last byte was here, both by our clock.
    """

    answer: VendorAnswer
    requested_at: datetime
    answered_at: datetime
    http_status: int


class DialerClient:
    """
    The requests of one account.  Every request is sent at most once; how many are in flight is the caller's.

    `version` is what the server last told of itself ("2.14-202"): set it to have its columns known.
    """

    def __init__(self, account: DialerAccount, clock: Clock) -> None:
        self._account = account
        self._clock = clock
        self._secrets = (account.password, account.user)
        self._wire = Wire(
            account.source_id, account.url, {}, TIMEOUT_S, MAX_ANSWER_BYTES, secrets=self._secrets
        )
        self.version: str | None = None

    async def __aenter__(self) -> Self:
        await self._wire.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._wire.close()

    async def ask(
        self,
        function: str,
        params: Mapping[str, str],
        *,
        deadline_s: float | None = None,
        verb: Verb = "POST",
    ) -> Asked:
        """
        Send one function, as a form unless GET is asked for, and read the answer within `deadline_s`.

        Whatever has a body comes back as an answer, also errors and what nobody can read.  After an error
        nothing is known of a change: it may have been made.

        Raises:
            SourceUnreachable: no connection, no answer in time, cut off, or larger than 16 MiB.
            ValueError: `params` holds a name that the client sets itself.
        """
        if not _OURS.isdisjoint(params):
            raise ValueError(f"not to be given: {', '.join(sorted(_OURS.intersection(params)))}")
        account = self._account
        form = {
            "source": account.source_name,
            "user": account.user,
            "pass": account.password,
            "function": function,
            **params,
        }
        timeout_s = TIMEOUT_S if deadline_s is None else deadline_s
        requested_at = self._clock.now()
        send = self._wire.post_form if verb == "POST" else self._wire.get_once
        try:
            reply = await send(form, timeout_s)
        except SourceGarbled as error:
            raise SourceUnreachable(account.source_id, error.reason, str(error)) from error
        answer = read_answer(
            function,
            reply.body,
            http_status=reply.status,
            version=self.version,
            stage=_stage(params),
            secrets=self._secrets,
        )
        return Asked(answer, requested_at, self._clock.now(), reply.status)


def _stage(params: Mapping[str, str]) -> str:
    # The server takes any other word for pipe; of other functions `stage` means something else.
    stage = params.get("stage", "pipe")
    return stage if stage in ("csv", "tab") else "pipe"
