"""
Polling a phone system that fails: what is told, and when it is asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from relay.model.call import CALL_STREAMS, QUEUE_CALLS, USER_CALLS
from relay.model.errors import (
    JournalBusy,
    JournalUnusable,
    SourceAbsent,
    SourceError,
    SourceGarbled,
    SourceRefused,
    SourceThrottled,
    SourceUnreachable,
)
from relay.sources.port import Pull, Window
from relay.sources.voipcloud.answers import VoipcloudAnswers
from relay.sources.wire import Answer
from relay.testing.manual_clock import DEFAULT_START, ManualClock
from relay.testing.scripted_source import ScriptedSource
from tests.pipeline.polling import SECOND, count_of, missed_row, polling, query, user_row


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (SourceUnreachable("pbx", "http_5xx", "answered 503"), "degraded"),
        (SourceGarbled("pbx", "bad_payload", "not JSON", "<html>"), "degraded"),
        (SourceThrottled("pbx", "rate_limited", "answered 429", DEFAULT_START + 90 * SECOND), "rate_limited"),
        (SourceRefused("pbx", "auth", "answered 401"), "auth_failed"),
        (SourceRefused("pbx", "ip_blocked", "answered 401"), "ip_blocked"),
    ],
)
async def test_a_failure_is_told_once_and_so_is_the_recovery(
    journal_path: Path, clock: ManualClock, error: SourceError, state: str
) -> None:
    async with polling(journal_path, clock) as running:
        running.source.then(USER_CALLS, error, error, [user_row()])
        asked = 0
        while asked < 3:
            await running.polls(1)
            asked = sum(stream == USER_CALLS for stream, _ in running.source.pulled)
        states = await running.data_of("source.state_changed")
        told = [event for event in await running.events() if event["subject"] == "source/pbx"]

    assert [("up", state), (state, "up")] == [(data["previous_state"], data["state"]) for data in states]
    # Where the account was refused for long, gaps are told in between.
    assert [*range(1, len(told) + 1)] == [event["data"]["revision"] for event in told]


async def test_a_refusal_pauses_the_whole_account_until_the_next_window(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        running.source.then(USER_CALLS, SourceRefused("pbx", "auth", "answered 401"))
        await running.polls(1)
        await running.polls(1)

    assert 900 <= (clock.now() - DEFAULT_START).total_seconds() <= 910


async def test_throttling_waits_for_the_vendors_time(journal_path: Path, clock: ManualClock) -> None:
    until = DEFAULT_START + 77 * SECOND
    async with polling(journal_path, clock) as running:
        running.source.then(USER_CALLS, SourceThrottled("pbx", "rate_limited", "answered 429", until))
        await running.polls(2)

    assert until <= clock.now() <= until + 10 * SECOND


async def test_a_vendor_that_says_at_once_is_not_asked_at_once(
    journal_path: Path, clock: ManualClock
) -> None:
    """
    Refused with a time that has come already, a stream doubles its wait, and the whole account with it.
    """

    class Refusing(ScriptedSource):
        """
        A source whose vendor refuses everything until now.
        """

        async def pull(self, stream: str, window: Window, names: Sequence[str] = ()) -> Pull:
            self.pulled.append((stream, window))
            raise SourceThrottled("pbx", "rate_limited", "answered 429", clock.now())

    async with polling(journal_path, clock, Refusing("pbx", clock)) as running:
        await running.polls(30)

    assert 30 == len(running.source.pulled)
    assert 1_800 <= (clock.now() - DEFAULT_START).total_seconds()


async def test_a_poisoned_row_is_kept_once_and_the_rest_of_the_page_goes_on(
    journal_path: Path, clock: ManualClock
) -> None:
    deep = b'{"from_number":"0499999999","extra":' + b"[" * 300 + b"]" * 300 + b"}"
    torn = rb'{"from_number":"0488888888","user_name":"A\ud800"}'
    body = b"[" + b",".join((deep, orjson.dumps(user_row()), torn)) + b"]"
    async with polling(journal_path, clock) as running:
        rows = VoipcloudAnswers("pbx", 900, "token").rows(Answer(200, {}, body), clock.now())
        running.source.show(USER_CALLS, rows)
        await running.polls(6)

        finished = ["call.started", "call.answered", "call.finished"]
        assert [*finished, "source.row_rejected"] == await running.types()
        assert 2 == count_of(running, "rejected")
    assert [(2,)] == query(journal_path, "SELECT count(*) FROM rejects")


async def test_our_own_budget_is_no_trouble_of_the_source(journal_path: Path, clock: ManualClock) -> None:
    until = DEFAULT_START + 77 * SECOND
    async with polling(journal_path, clock) as running:
        running.source.then(USER_CALLS, SourceThrottled("pbx", "quota", "spent", until))
        await running.polls(2)

        assert [] == await running.types()
    assert until <= clock.now()


async def test_a_stream_the_tenant_lacks_is_absent_and_holds_nothing_up(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [missed_row()])
        running.source.then(
            QUEUE_CALLS, *(SourceAbsent("pbx", "http_4xx", "answered 404") for _ in range(50))
        )
        await running.polls(9)

        states = await running.journal.stream_states("pbx")
        assert "absent" == states[QUEUE_CALLS].state
        assert "call.missed" in await running.types()
        asked = sum(stream == QUEUE_CALLS for stream, _ in running.source.pulled)
        await running.polls(20)
        assert asked == sum(stream == QUEUE_CALLS for stream, _ in running.source.pulled)


async def test_a_404_after_a_good_answer_is_an_error(journal_path: Path, clock: ManualClock) -> None:
    async with polling(journal_path, clock) as running:
        running.source.then(
            QUEUE_CALLS, [], *(SourceAbsent("pbx", "http_4xx", "answered 404") for _ in range(9))
        )
        await running.polls(15)

        states = await running.journal.stream_states("pbx")
    assert "degraded" == states[QUEUE_CALLS].state


async def test_a_bug_in_a_source_is_a_back_off(journal_path: Path, clock: ManualClock) -> None:
    class Broken(ScriptedSource):
        """
        A source with a bug.
        """

        async def pull(self, stream: str, window: Window, names: Sequence[str] = ()) -> Pull:
            self.pulled.append((stream, window))
            raise ZeroDivisionError("a bug")

    async with polling(journal_path, clock, Broken("pbx", clock)) as running:
        await running.polls(3)

        assert ["source.state_changed"] == await running.types()
        assert "bug" == (await running.last())["data"]["reason"]


@pytest.mark.parametrize("error", [JournalBusy("locked"), JournalUnusable("disk full")])
async def test_a_failing_journal_is_no_fault_of_the_source(
    journal_path: Path, clock: ManualClock, error: JournalBusy | JournalUnusable
) -> None:
    """
    A source reserves its budget in the journal: what fails there is told as the journal's.
    """

    class Reserving(ScriptedSource):
        """
        A source whose reservation fails.
        """

        async def pull(self, stream: str, window: Window, names: Sequence[str] = ()) -> Pull:
            self.pulled.append((stream, window))
            raise error

    async with polling(journal_path, clock, Reserving("pbx", clock)) as running:
        if isinstance(error, JournalUnusable):
            with pytest.raises(JournalUnusable):
                await running.polls(1)
        else:
            await running.polls(2)
            labels = {"operation": "poll", "reason": "busy"}
            assert 2 == running.metrics.registry.get_sample_value("relay_journal_errors_total", labels)

        assert [] == await running.types()


async def test_a_held_end_goes_out_in_time_while_the_phone_system_refuses(
    journal_path: Path, clock: ManualClock
) -> None:
    """
    Nothing is asked for ten minutes, but the end was promised within two.
    """
    until = DEFAULT_START + 600 * SECOND
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [missed_row()])
        running.source.then("ringgroup_calls", SourceThrottled("pbx", "rate_limited", "answered 429", until))
        await running.polls(2)
        await running.pass_time((DEFAULT_START + 125 * SECOND - clock.now()).total_seconds())

        assert "call.missed" in await running.types()
        assert 2 == len(running.source.pulled)


async def test_a_spent_share_of_the_status_leaves_the_calls_alone(
    journal_path: Path, clock: ManualClock
) -> None:
    until = DEFAULT_START + 900 * SECOND
    async with polling(journal_path, clock) as running:
        running.source.status_streams = ("system_status",)
        running.source.then("system_status", SourceThrottled("pbx", "quota", "spent", until))
        await running.polls(5)

        asked = [stream for stream, _ in running.source.pulled]
        assert 1 == asked.count("system_status")
        assert 4 == sum(stream in CALL_STREAMS for stream in asked)
    assert clock.now() < until
