"""
`relay budget plan`: what a configuration is good for, before it is used.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.cli.conftest import Finished, Relay
from tests.cli.speaking import SpeakingServer, ran

STREAMS = ("user_calls", "ringgroup_calls", "queue_calls")


@pytest.fixture
async def server() -> AsyncIterator[SpeakingServer]:
    """
    Give a server that answers as it is told to.
    """
    async with SpeakingServer() as speaking:
        yield speaking


def planned(done: Finished) -> dict[str, dict[str, Any]]:
    """
    Return what was planned for each stream.
    """
    assert (0, "") == (done.code, done.err)
    return {row["stream"]: row for row in orjson.loads(done.out)["streams"]}


def test_every_stream_gets_its_share(relay: Relay, config_file: Path) -> None:
    done = relay("budget", "plan", str(config_file), "--json")

    plan = planned(done)
    assert set(STREAMS) == plan.keys()
    assert {"pbx-sydney"} == {row["source"] for row in plan.values()}
    for row in plan.values():
        assert 1.0 == row["rate"]
        assert 0 < row["mean_delay_s"] <= row["worst_delay_s"] <= row["interval_s"]
    # 80 polls in 900 s, whoever gets them.
    assert pytest.approx(80 / 900, rel=0.05) == sum(1 / row["interval_s"] for row in plan.values())


def test_a_plan_is_printed_as_a_table(relay: Relay, config_file: Path) -> None:
    done = relay("budget", "plan", str(config_file))

    assert 0 == done.code
    assert [] == [word for word in (*STREAMS, "interval_s", "worst_delay_s") if word not in done.out]


def test_rates_are_given_by_source_and_stream(relay: Relay, config_file: Path) -> None:
    rates = ("--rates", "pbx-sydney:user=9,queue_calls=4", "--rates", "pbx-sydney:ringgroup=0.5")

    done = relay("budget", "plan", str(config_file), *rates, "--json")

    assert [9.0, 0.5, 4.0] == [planned(done)[stream]["rate"] for stream in STREAMS]


async def test_a_running_relay_tells_the_rates(server: SpeakingServer, config_file: Path) -> None:
    read = {"covered_from": "2026-11-21T06:00:00.000Z", "covered_to": "2026-11-21T10:00:00.000Z", "rows": 36}
    streams = [{"stream": "user_calls", "last_read": read}, {"stream": "queue_calls", "last_read": None}]
    server.say("GET /v1/sources/pbx-sydney/coverage", {"source_id": "pbx-sydney", "streams": streams})

    done = await ran("", "budget", "plan", str(config_file), "--url", server.url, "--json", PBX_TOKEN="t")
    given = await ran(
        "", "budget", "plan", str(config_file), "--url", server.url, "--rates", "pbx-sydney:user=2", "--json",
        PBX_TOKEN="t",
    )  # fmt: skip

    assert [9.0, 1.0, 1.0] == [planned(done)[stream]["rate"] for stream in STREAMS]
    assert (2.0, 1) == (planned(given)["user_calls"]["rate"], len(server.asked))


@pytest.mark.parametrize(
    ("rates", "words"),
    [
        ("pbx-sidney:user=9", "did you mean `pbx-sydney`?"),
        ("user=9", "is no source"),
        ("pbx-sydney:users=9", "names no stream"),
        ("pbx-sydney:user", "is not STREAM=NUMBER"),
        ("pbx-sydney:user=many", "is not STREAM=NUMBER"),
        ("pbx-sydney:user=-1", "is not STREAM=NUMBER"),
        ("pbx-sydney:user=nan", "is not STREAM=NUMBER"),
        ("pbx-sydney:", "is not STREAM=NUMBER"),
    ],
)
def test_rates_of_nothing_are_wrong_usage(relay: Relay, config_file: Path, rates: str, words: str) -> None:
    done = relay("budget", "plan", str(config_file), "--rates", rates, COLUMNS="200")

    assert (2, "", True) == (done.code, done.out, words in done.err)


def test_a_configuration_with_faults_is_told(relay: Relay, config_file: Path) -> None:
    done = relay("budget", "plan", str(config_file), RELAY_LOG__LEVEL="loud")

    assert (2, True) == (done.code, done.err.startswith("relay: log.level: "))
