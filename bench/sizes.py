"""
How much is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Sizes:
    """
    Repetitions and amounts; the defaults are those of the figures that are told.

    `runs` are of what is compared side by side, `paced_runs` of what runs on a timetable, `read_runs` of the
    deliveries beside readers of the API.
    """

    runs: int = 5
    paced_runs: int = 3
    requests: int = 60_000
    bare_requests: int = 20_000
    calls_to_one: int = 6_667  # 20,001 deliveries
    calls_to_ten: int = 1_667  # 50,010 deliveries
    paced_s: float = 10.0
    polled_s: float = 21.5  # with polls at 1 s and 11 s
    poll_every_s: float = 10.0
    rows: int = 10_000
    repolls: int = 7
    past_calls: int = 100_000
    fresh_hours: int = 200
    busy_per_s: int = 5_000
    read_runs: int = 3
    reads: int = 3_000
    read_pairs: int = 3
    read_slice_s: float = 3.0
    hanging_runs: int = 5
    hanging_s: float = 6.0
    pending_rows: int = 1_000_000
    calls_to_few: int = 2_000  # 24,000 deliveries
    tls_runs: int = 3
    kills: int = 20
    killed_backlog: int = 3_333  # calls: 9,999 deliveries
    refused_calls: int = 1_334  # 4,002 events
    refused_s: float = 30.0
    calls_to_kafka: int = 10_000
    idle_s: float = 5.0
    agents: int = 211
    agent_polls: int = 30


SMOKE: Final = Sizes(
    runs=1,
    paced_runs=1,
    requests=500,
    bare_requests=300,
    calls_to_one=100,
    calls_to_ten=20,
    paced_s=1.0,
    polled_s=2.5,
    poll_every_s=0.5,
    rows=200,
    repolls=2,
    past_calls=300,
    fresh_hours=10,
    busy_per_s=200,
    read_runs=1,
    reads=40,
    read_pairs=2,
    read_slice_s=0.5,
    hanging_runs=1,
    hanging_s=1.0,
    pending_rows=5_000,
    calls_to_few=50,
    tls_runs=1,
    kills=2,
    killed_backlog=50,
    refused_calls=20,
    refused_s=0.5,
    calls_to_kafka=600,
    idle_s=0.5,
    agents=12,
    agent_polls=4,
)
