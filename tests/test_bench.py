"""
The benchmark: a run so small that no figure means anything shows that everything is measured and counted.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
import pytest

from bench.child import BenchFailed, ask, run_side, running, server
from bench.commits import counted_commits
from bench.events import BODY_BYTES, EVENTS_PER_CALL, call_changes, step_changes
from bench.figures import medians, p50_p99, rounded
from bench.freshness import freshness
from bench.heartbeat import heartbeat
from bench.pages import page_of, rows_of
from bench.past import PastCalls
from bench.receiver import Arrivals, Connection
from relay.journal.store import open_sqlite
from relay.model.ids import IdMaker
from relay.sources.port import Window

PROJECT: Final = Path(__file__).parents[1]
IDS: Final = IdMaker(b"a key of the tests")
NOW: Final = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
FLAT_OUT: Final = {"per_s", "ratio", "cpu_s_per_1000", "commits_per_delivery", "longest_step_ms"}
KILLED: Final = {"kills", "events", "lost", "bent", "resent_per_kill", "waiting", "last_after_s"}
PENDING: Final = {
    "pending", "few_mb", "rss_mb", "peak_mb", "resumed_ms", "others_p50_ms", "others_p99_ms",
}  # fmt: skip
FEW: Final = {"per_s", "cpu_us_per_event", "matching_us_per_event", "rss_mb"}
PACED: Final = {"p50_ms", "p99_ms"}
MEMORY: Final = {"start_mb", "after_10000_mb", "peak_mb", "end_mb"}


def measured(*arguments: str) -> dict[str, Any]:
    """
    Run the benchmark and return what its last line says.
    """
    command = [sys.executable, "-m", "bench", "--smoke", *arguments]
    done = subprocess.run(command, cwd=PROJECT, check=False, capture_output=True, text=True)  # noqa: S603 - ours
    assert 0 == done.returncode, done.stderr
    figures: dict[str, Any] = orjson.loads(done.stdout.splitlines()[-1])
    return figures


def request_of(path: str, event_id: str) -> bytes:
    """
    Return a request as the receiver gets it.
    """
    return f"POST /{path} HTTP/1.1\r\nwebhook-id: {event_id}\r\nContent-Length: 4\r\n\r\nbody".encode()


def are_positive(figures: dict[str, Any], *but: str) -> bool:
    """
    Tell whether every figure is above 0.
    """
    return all(
        are_positive(value, *but) if isinstance(value, dict) else value > 0
        for name, value in figures.items()
        if name not in but
    )


@pytest.fixture
def receiver() -> Iterator[str]:
    """
    Give the URL of a receiver of the benchmark.
    """
    with server("bench.receiver") as url:
        yield url


def test_the_webhook_part_prints_every_figure() -> None:
    printed = measured("webhook")

    figures = printed["webhook"]
    assert {"webhook", "rig"} == printed.keys()
    assert figures.keys() == {
        "bare_aiohttp_per_s", "bare_aiohttp_cpu_s_per_1000", "fanout_1", "fanout_10", "paced_200",
        "paced_200_polling", "paced_200_slow_commit", "api_reads", "rss_mb", "hanging_1_of_100",
        "pending_1m_rss_mb", "endpoints_1000", "tls", "batch", "kill_9", "refused_30_s",
    }  # fmt: skip
    assert {"p99_ms_alone", "p99_ms_hanging", "moved"} == figures["hanging_1_of_100"].keys()
    assert PENDING == figures["pending_1m_rss_mb"].keys()
    assert {"alone", "by_source", "by_condition"} == figures["endpoints_1000"].keys()
    assert all(FEW == one.keys() for one in figures["endpoints_1000"].values())
    assert {"per_s", "ratio"} == figures["tls"].keys()
    assert {"per_s", "cpu_s_per_1000", "events_per_request"} == figures["batch"].keys()
    assert KILLED == figures["kill_9"].keys()
    assert {"events", "lost", "resent", "refused", "last_after_s"} == figures["refused_30_s"].keys()
    assert (0, 0, 0) == (
        figures["kill_9"]["lost"],
        figures["kill_9"]["bent"],
        figures["refused_30_s"]["lost"],
    )
    assert FLAT_OUT == figures["fanout_1"].keys() == figures["fanout_10"].keys()
    for name in ("paced_200", "paced_200_polling", "paced_200_slow_commit"):
        assert figures[name].keys() >= PACED
    assert figures["api_reads"].keys() >= {"p99_ms_alone", "p99_ms_reading", "moved"}
    # What was taken off for the slower commit may be more than what it cost.
    assert are_positive(
        figures, "moved", "paced_200_slow_commit", "longest_step_ms", "kill_9", "refused_30_s"
    )
    assert {"receiver_per_s", "cores", "python", "runs", "busy_elsewhere"} == printed["rig"].keys()
    assert printed["rig"]["receiver_per_s"] > 0


def test_the_ingest_part_prints_every_figure() -> None:
    figures = measured("ingest")["ingest"]

    assert figures.keys() == {
        "repoll_10000_cpu_ms", "longest_step_ms", "first_ingest_calls_per_s", "first_ingest_longest_step_ms",
        "backfill", "freshness",
    }  # fmt: skip
    assert {"by_worth_s", "even_split_s", "ratio"} == figures["freshness"].keys()
    assert MEMORY | {"calls_per_s", "longest_step_ms"} == figures["backfill"].keys()
    assert are_positive(figures, "longest_step_ms")


def test_the_dialer_part_prints_every_figure() -> None:
    figures = measured("dialer")["dialer"]

    assert figures.keys() == {
        "agents", "poll_cpu_ms", "poll_cpu_p95_ms", "new_calls_cpu_ms_per_poll", "events_per_poll",
        "longest_step_ms",
    }  # fmt: skip
    assert are_positive(figures, "longest_step_ms", "new_calls_cpu_ms_per_poll")


@pytest.mark.kafka
def test_the_kafka_part_prints_every_figure(kafka: str) -> None:
    figures = measured("kafka", "--bootstrap", kafka)["kafka"]

    assert {"bare_aiokafka_per_s", "exactly_once_per_s", "ratio", "paced_200"} == figures.keys()
    assert PACED == figures["paced_200"].keys()
    assert are_positive(figures)


def test_the_memory_part_prints_every_figure() -> None:
    figures = measured("memory")["memory"]

    assert {"idle_mb"} == figures.keys()
    assert figures["idle_mb"] > 10


def test_the_profile_tells_what_each_step_costs() -> None:
    figures = measured("profile")["profile"]

    assert {"loop_us", "threads_us", "steps_us", "top_us"} == figures.keys()
    assert figures["steps_us"].keys() >= {
        "append: rows",
        "lane",
        "sign",
        "send",
        "parse and judge",
        "settle: rows",
    }
    assert figures["loop_us"] == pytest.approx(sum(figures["steps_us"].values()), rel=0.02)


def test_a_side_that_fails_fails_the_run(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BenchFailed, match="ended with 1"):
        run_side("bare", {"url": "http://127.0.0.1:9/00", "requests": 1})

    assert "ClientConnectorError" in capfd.readouterr().err


def test_a_process_that_says_nothing_is_an_error() -> None:
    with running("-c", "pass") as child, pytest.raises(BenchFailed, match="ended with 0"):
        child.line()


async def test_the_receiver_counts_each_id_of_each_path_once(receiver: str) -> None:
    address = urlsplit(receiver)
    before = time.monotonic()
    reader, writer = await asyncio.open_connection(address.hostname, address.port)

    for path, event_id in (("00", "evt_a"), ("00", "evt_b"), ("01", "evt_a"), ("00", "evt_a")):
        writer.write(request_of(path, event_id))
    async with asyncio.timeout(10):
        for _ in range(4):
            assert b"HTTP/1.1 200 OK" in await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()

    arrived = ask(f"{receiver}/arrivals")
    assert {"/00evt_a", "/00evt_b", "/01evt_a"} == arrived["first"].keys()
    assert 1 == arrived["resent"]
    assert all(before <= at <= time.monotonic() for at in arrived["first"].values())


async def test_the_receiver_waits_for_the_rest_of_a_request() -> None:
    ours, theirs = socket.socketpair()
    arrivals, request = Arrivals(), request_of("00", "evt_a")
    transport, connection = await asyncio.get_running_loop().create_connection(
        lambda: Connection(arrivals), sock=ours
    )
    reader, writer = await asyncio.open_connection(sock=theirs)

    seen = []
    for start, end in pairwise((0, 30, len(request) - 6, len(request) - 1, len(request))):
        connection.data_received(request[start:end])
        seen.append(len(arrivals.first))

    assert [0, 0, 0, 1] == seen
    async with asyncio.timeout(10):
        assert b"HTTP/1.1 200 OK" in await reader.readuntil(b"\r\n\r\n")
    transport.close()
    writer.close()
    await writer.wait_closed()


def test_the_receiver_refuses_when_told(receiver: str) -> None:
    ask(f"{receiver}/refuse")
    run_side("load", {"url": f"{receiver}/00", "requests": 10})
    refused = ask(f"{receiver}/accept")
    run_side("load", {"url": f"{receiver}/00", "requests": 20})

    assert (0, 10) == (len(refused["first"]), refused["refused"])
    assert 20 == len(ask(f"{receiver}/arrivals")["first"])


def test_the_receiver_forgets_when_told(receiver: str) -> None:
    run_side("load", {"url": f"{receiver}/00", "requests": 100})

    assert 100 == len(ask(f"{receiver}/reset")["first"])
    assert {"first": {}, "resent": 0, "refused": 0} == ask(f"{receiver}/arrivals")


def test_every_event_has_the_size_that_is_told() -> None:
    changes = call_changes(IDS, 12)

    sizes = {len(event.to_json(NOW)) for change in changes for event in change.events}
    assert {BODY_BYTES} == sizes
    assert {EVENTS_PER_CALL} == {len(change.events) for change in changes}
    assert 36 == len({event.id for change in changes for event in change.events})


def test_events_that_come_one_by_one_follow_each_other_in_each_call() -> None:
    changes = [change for change, _ in zip(step_changes(IDS, calls_at_once=2), range(7), strict=False)]

    assert [(0, 1), (0, 1), (1, 2), (1, 2), (2, 3), (2, 3), (0, 1)] == [
        (change.expected_revision, change.events[0].revision) for change in changes
    ]
    assert changes[0].call.call_id == changes[2].call.call_id == changes[4].call.call_id
    assert 3 == len({change.call.call_id for change in changes})


async def test_the_past_is_shown_by_the_days_asked_for() -> None:
    source = PastCalls(2_500, NOW)
    day, first = timedelta(days=1), source.first

    pulled = [
        await source.pull("user_calls", Window(first + day * k, first + day * (k + 1))) for k in range(4)
    ]
    live = await source.pull("user_calls", Window(NOW - timedelta(hours=4)))

    assert [1_000, 1_000, 500, 0] == [len(pull.rows) for pull in pulled]
    starts = [row["call_start_at"] for pull in pulled for row in reversed(pull.rows)]
    assert (sorted(starts), 2_500) == (starts, len(set(starts)))
    assert ([], NOW) == (live.rows, live.covered_to)


def test_reads_by_worth_see_calls_sooner_than_an_even_split() -> None:
    figures = freshness(48)

    assert figures["by_worth_s"] <= 0.92 * figures["even_split_s"]
    assert 3 * 11.3125 / 2 == pytest.approx(figures["even_split_s"], rel=0.02)


def test_every_figure_of_ingest_is_explained() -> None:
    explained = (PROJECT / "docs" / "performance.md").read_text(encoding="utf-8")

    for name in ("first_ingest_calls_per_s", "repoll_10000_cpu_ms", "backfill", "freshness"):
        assert f"`ingest.{name}`" in explained
    for name in sorted(MEMORY | {"by_worth_s", "even_split_s", "ratio", "longest_step_ms"}):
        assert f"`{name}`" in explained


def test_a_page_holds_finished_calls_newest_first() -> None:
    shown = rows_of(50, NOW)
    rows = orjson.loads(page_of(shown, 50, 0))

    starts = [row["call_start_at"] for row in rows]
    assert sorted(starts, reverse=True) == starts
    assert 50 == len(set(starts))
    assert 10 == len({row["from_number"] for row in rows})
    assert all(row["call_finished_at"] for row in rows)
    assert (rows[:20], rows[30:]) == tuple(orjson.loads(page_of(shown, 20, place)) for place in (0, 30))


async def test_commits_are_counted_and_held_back(tmp_path: Path) -> None:
    with counted_commits() as commits:
        async with open_sqlite(tmp_path / "relay.db", "tests", NOW) as journal:
            opened, commits.slower_s = commits.count, 0.02
            started = time.perf_counter()
            await journal.register_source("pbx", "voipcloud", NOW, NOW)
            await journal.source_head("pbx")
            written_s = time.perf_counter() - started
            await journal.stats()
            written = commits.count - opened
    async with open_sqlite(tmp_path / "relay.db", "tests", NOW):
        pass

    assert (2, opened + 2) == (written, commits.count)  # what only reads is none
    assert written_s >= 0.04


async def test_the_heartbeat_feels_a_loop_that_is_held() -> None:
    async with heartbeat() as heart:
        time.sleep(0.05)  # noqa: ASYNC251 - that is what it must feel

    assert heart.longest_ms >= 45


def test_quantiles_and_medians() -> None:
    latencies = [number / 1000 for number in range(100, 0, -1)]

    assert {"p50_ms": 51.0, "p99_ms": 100.0} == p50_p99(latencies)
    assert {"per_s": 3.0} == medians([{"per_s": 1.0}, {"per_s": 9.0}, {"per_s": 3.0}])
    assert {"a": 12346, "b": {"c": 0.00123}, "d": 5, "e": None} == rounded(
        {"a": 12345.6, "b": {"c": 0.0012345}, "d": 5, "e": None}
    )
