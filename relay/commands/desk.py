"""
Carry commands out: checked, written down, sent once, judged, told to the owner of the source.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from relay.commands.catalogue import function as function_of
from relay.commands.checking import check, wire_params
from relay.commands.function import THROTTLED, Function
from relay.commands.lead_rules import LeadRules
from relay.commands.number_checks import Refusal
from relay.commands.refused_leads import all_refused, sendable, with_refused
from relay.commands.result import CommandResult, result_of
from relay.commands.secrecy import cleaned, without_secrets
from relay.commands.verdict import (
    ANSWERED,
    CUT_OFF,
    NOT_SENT,
    REFUSED,
    TIMED_OUT,
    Verdict,
    kept_result,
    never_answered,
    never_sent,
)
from relay.journal.api_port import Once
from relay.journal.commands_port import CommandJournal
from relay.model.clock import Clock
from relay.model.command import SENT, Command
from relay.model.errors import (
    Fault,
    JournalBusy,
    NotFound,
    ParametersInvalid,
    SourceError,
    SourceRefused,
    SourceThrottled,
    SourceUnreachable,
)
from relay.sources.port import COMMAND, OWN_QUOTA, FunctionSource

AT_ONCE: Final = 2  # of the four connections of a source: polls are never kept waiting
MAX_WAITING: Final = 32
AGAIN: Final = timedelta(seconds=1)
JOURNAL_PAUSE_S: Final = 0.2
GRACE_S: Final = 2.0
BUSY: Final = "busy"  # reason of a SourceThrottled where too many commands wait
STOPPED: Final = "relay ended before the answer was there"

Reply = Callable[[Verdict], bytes]


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """
    What somebody wants done; `params` as given, not yet checked.
    """

    source_id: str
    function: str
    params: Mapping[str, Any]
    requested_by: str | None = None
    bulk_id: str | None = None
    row_no: int | None = None


@dataclass(slots=True)
class _Served:
    """
    A source that takes commands.
    """

    source: FunctionSource
    kind: str
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    waiting: int = 0


class CommandDesk:
    """
    Carries out the commands of all sources.

    A command is written down before it is sent and never sent twice: not after a timeout, not for a lost
    connection, not over a restart.  It goes on where whoever asked for it does not wait.

    Args:
        journal: where commands are written down.
        clock: the time.
        reply: makes what is kept for the Idempotency-Key of a command that has a verdict.
        wake: tells the owner of a source that there is something for it.
        leads: relay's own rules for leads; None: they are sent as given.
    """

    def __init__(
        self,
        journal: CommandJournal,
        clock: Clock,
        reply: Reply,
        wake: Callable[[str], None],
        leads: LeadRules | None = None,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._reply = reply
        self._wake = wake
        self._leads = leads
        self._served: dict[str, _Served] = {}
        self._under_way: set[asyncio.Task[Any]] = set()

    def serve(self, source: FunctionSource, kind: str) -> None:
        """
        Take commands for a source from now on.
        """
        self._served[source.source_id] = _Served(source, kind)

    def kind_of(self, source_id: str) -> str:
        """
        Return the kind of a source that takes commands.

        Raises:
            NotFound: there is no such source.
        """
        served = self._served.get(source_id)
        if served is None:
            raise NotFound(f"the configuration has no source `{source_id}`")
        return served.kind

    def function(self, source_id: str, name: str) -> Function:
        """
        Return a function of a source.

        Raises:
            NotFound: there is no such source, or it has no such function.
        """
        return function_of(self.kind_of(source_id), name)

    async def run(self, asked: CommandRequest, once: Once | None = None) -> bytes:
        """
        Carry a command out and return its reply; for a key that came before, the reply of then.

        Raises:
            NotFound: there is no such source or function.
            ParametersInvalid: all that is wrong with the parameters; nothing was sent.
            SourceThrottled: the request budget is spent, or too many commands wait; nothing was sent, and
                the same key may be used again.
            Conflict: the key came with another request, or its command has no verdict yet.
        """
        asked = await self._in_dialers_words(asked)
        done = await self._shielded(self._carried_out(asked, self._checked(asked), once))
        return done if isinstance(done, bytes) else self._reply(done)

    async def carry_out(self, asked: CommandRequest) -> Verdict:
        """
        Carry a command without a key out, and return what came of it; raises as `run`.
        """
        asked = await self._in_dialers_words(asked)
        done = await self._shielded(self._carried_out(asked, self._checked(asked), None))
        if isinstance(done, bytes):
            raise AssertionError("without a key there is no reply of an earlier time")
        return done

    async def finish_interrupted(self) -> int:
        """
        Give the commands of a process that is no more the verdict `unknown`; return how many there were.
        """
        count = 0
        for source_id, served in self._served.items():
            for command in await self._journal.unfinished_commands(source_id):
                function = function_of(served.kind, command.function)
                await self._finish(command, function, never_answered(function, STOPPED), CUT_OFF)
                count += 1
        return count

    async def close(self) -> None:
        """
        Let commands under way end within a moment; those that do not are `unknown`.
        """
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=GRACE_S)
        for task in self._under_way:
            task.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _in_dialers_words(self, asked: CommandRequest) -> CommandRequest:
        if self._leads is None:
            return asked
        params = await self._leads.translated(asked.source_id, asked.function, asked.params)
        return replace(asked, params=params)

    def _checked(self, asked: CommandRequest) -> Function:
        function = self.function(asked.source_id, asked.function)
        faults = check(function, asked.params)
        if faults:
            raise ParametersInvalid([Fault(fault.parameter, fault.problem) for fault in faults])
        return function

    async def _shielded(self, work: Coroutine[Any, Any, Verdict | bytes]) -> Verdict | bytes:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # whoever asked may be gone: it is theirs, and nobody else's

    async def _carried_out(
        self, asked: CommandRequest, function: Function, once: Once | None
    ) -> Verdict | bytes:
        served = self._served[asked.source_id]
        with self._waiting(asked.source_id, served):
            await served.turns.acquire()
        try:
            command = Command(
                command_id=f"cmd_{secrets.token_hex(16)}",
                source_id=asked.source_id,
                function=function.name,
                params=without_secrets(function, asked.params),
                is_write=function.is_write,
                requested_by=asked.requested_by,
                requested_at=self._clock.now(),
                state=SENT,
                bulk_id=asked.bulk_id,
                row_no=asked.row_no,
            )
            known = await self._journal.begin_command(command, once, command.requested_at)
            if known is not None:
                return known
            return await self._let_pass(served.source, command, function, asked.params)
        finally:
            served.turns.release()

    @contextmanager
    def _waiting(self, source_id: str, served: _Served) -> Iterator[None]:
        if served.waiting >= MAX_WAITING:
            until = self._clock.now() + AGAIN
            raise SourceThrottled(source_id, BUSY, "too many commands wait for this phone system", until)
        served.waiting += 1
        try:
            yield
        finally:
            served.waiting -= 1

    async def _let_pass(
        self, source: FunctionSource, command: Command, function: Function, params: Mapping[str, Any]
    ) -> Verdict:
        """
        Send what may be sent of a command.
        """
        refusal = await self._refusal(command, function, params)
        allowed = sendable(params, refusal)
        if refusal is not None and allowed is None:
            return await self._finish(command, function, all_refused(function, refusal), REFUSED)
        return await self._sent(source, command, function, allowed or params, refusal)

    async def _refusal(
        self, command: Command, function: Function, params: Mapping[str, Any]
    ) -> Refusal | None:
        if self._leads is None:
            return None
        is_known = False
        try:
            asker = command.requested_by
            refusal = await self._leads.refusal_of(command.source_id, function, params, asker)
            is_known = True
        finally:
            if not is_known:  # relay ends, or has a bug
                await self._finish(command, function, never_sent(STOPPED), NOT_SENT)
        return refusal

    async def _sent(
        self,
        source: FunctionSource,
        command: Command,
        function: Function,
        params: Mapping[str, Any],
        refusal: Refusal | None,
    ) -> Verdict:
        texts = wire_params(function, params)
        verdict: Verdict | None = None
        is_withdrawn = False
        try:
            answered = await source.call(function.name, texts, purpose=COMMAND, is_write=function.is_write)
            result = cleaned(function, texts, result_of(function, answered.answer))
            result = with_refused(function, result, refusal)
            took_s = (answered.answered_at - answered.requested_at).total_seconds()
            verdict = replace(await self._finish(command, function, result), took_s=took_s)
        except SourceThrottled as error:
            if error.reason == OWN_QUOTA:
                await self._journal.withdraw_command(command.command_id)
                is_withdrawn = True
                raise
            result = replace(never_sent(str(error)), word=THROTTLED)
            verdict = await self._finish(command, function, result, until=error.until)
        except SourceRefused as error:
            verdict = await self._finish(command, function, never_sent(str(error)), NOT_SENT, error.until)
        except SourceError as error:
            verdict = await self._finish(command, function, *_unreachable(function, error))
        finally:
            if verdict is None and not is_withdrawn:  # relay ends, or has a bug: it may have been done
                await self._finish(command, function, never_answered(function, STOPPED), CUT_OFF)
        return verdict

    async def _finish(
        self,
        command: Command,
        function: Function,
        result: CommandResult,
        cause: str = ANSWERED,
        until: datetime | None = None,
    ) -> Verdict:
        now = self._clock.now()
        kept = kept_result(function, result, cause)
        done = replace(command, state=result.status, finished_at=now, result=kept)
        verdict = Verdict(done, result, cause, until)
        reply = self._reply(verdict)
        while True:
            try:
                await self._journal.finish_command(done, reply, now)
                break
            except JournalBusy:  # what came of it must not get lost
                await self._clock.sleep(JOURNAL_PAUSE_S)
        self._wake(command.source_id)
        return verdict


def _unreachable(function: Function, error: SourceError) -> tuple[CommandResult, str]:
    if isinstance(error, SourceUnreachable) and not error.was_sent:
        return never_sent(str(error)), NOT_SENT
    cause = TIMED_OUT if error.reason == "timeout" else CUT_OFF
    return never_answered(function, str(error)), cause
