from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaClient

class CreateTopicsResponse:
    topic_errors: Sequence[tuple[str, int, str | None]]

class NewTopic:
    name: str
    num_partitions: int
    replication_factor: int
    def __init__(
        self,
        name: str,
        num_partitions: int,
        replication_factor: int,
        *,
        topic_configs: Mapping[str, str] | None = ...,
    ) -> None: ...

class AIOKafkaAdminClient:
    _client: AIOKafkaClient
    def __init__(self, *, bootstrap_servers: str, request_timeout_ms: int = ...) -> None: ...
    async def start(self) -> None: ...
    async def close(self) -> None: ...
    async def list_topics(self) -> list[str]: ...
    async def describe_topics(self, topics: list[str] | None = ...) -> list[dict[str, Any]]: ...
    async def create_topics(self, new_topics: list[NewTopic]) -> CreateTopicsResponse: ...
