"""
What the Kafka sink needs to be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ZSTD: Final = "zstd"
NONE: Final = "none"
CODECS: Final = (ZSTD, NONE)
MAX_BATCH_BYTES: Final = 262_144


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """
    One deployment's way to its brokers.

    `deployment` names the one publisher there may be (empty: `topic_prefix`).  `replication_factor` None
    leaves it to the broker.  Every deadline is for one call: `open_timeout_s` covers topics, fencing and
    reading the cursor, and should exceed the request timeout.  Sending and committing together should stay
    near `transaction_timeout_ms`, after which the broker aborts by itself.
    """

    bootstrap_servers: str
    topic_prefix: str = "relay"
    deployment: str = ""
    create_topics: bool = False
    partitions: int = 6
    replication_factor: int | None = None
    compression: str = ZSTD
    transaction_timeout_ms: int = 15_000
    request_timeout_ms: int = 10_000
    open_timeout_s: float = 30.0
    send_timeout_s: float = 10.0
    commit_timeout_s: float = 10.0
    close_timeout_s: float = 2.0

    @property
    def transactional_id(self) -> str:
        """
        Return the name by which the broker fences: the same over restarts, never random.
        """
        return f"relay.{self.deployment or self.topic_prefix}"
