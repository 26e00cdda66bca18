"""
What relay uses of aiokafka 0.14, which ships no types.
"""

from asyncio import Future, StreamWriter, Task
from collections.abc import Iterable, Mapping, Sequence

from aiokafka.producer.message_accumulator import BatchBuilder, MessageAccumulator
from aiokafka.structs import ConsumerRecord, TopicPartition

class AIOKafkaConnection:
    _writer: StreamWriter | None

class AIOKafkaClient:
    _conns: dict[object, AIOKafkaConnection]
    async def close(self) -> None: ...

class Sender:
    @property
    def sender_task(self) -> Task[None] | None: ...

class TransactionManager:
    _transaction_waiter: Future[None] | None

class AIOKafkaProducer:
    client: AIOKafkaClient
    _sender: Sender
    _message_accumulator: MessageAccumulator
    _txn_manager: TransactionManager
    _closed: bool
    def __init__(
        self,
        *,
        bootstrap_servers: str,
        client_id: str | None = ...,
        transactional_id: str | None = ...,
        acks: str | int = ...,
        enable_idempotence: bool = ...,
        compression_type: str | None = ...,
        max_batch_size: int = ...,
        linger_ms: int = ...,
        transaction_timeout_ms: int = ...,
        request_timeout_ms: int = ...,
    ) -> None: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def partitions_for(self, topic: str) -> set[int]: ...
    async def begin_transaction(self) -> None: ...
    async def commit_transaction(self) -> None: ...
    def create_batch(self) -> BatchBuilder: ...
    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> Future[object]: ...
    async def send(
        self,
        topic: str,
        value: bytes | None = ...,
        key: bytes | None = ...,
        partition: int | None = ...,
        timestamp_ms: int | None = ...,
        headers: Sequence[tuple[str, bytes]] | None = ...,
    ) -> Future[object]: ...

class AIOKafkaConsumer:
    _client: AIOKafkaClient
    def __init__(
        self,
        *,
        bootstrap_servers: str,
        client_id: str | None = ...,
        group_id: str | None = ...,
        enable_auto_commit: bool = ...,
        auto_offset_reset: str = ...,
        isolation_level: str = ...,
        request_timeout_ms: int = ...,
        fetch_max_wait_ms: int = ...,
    ) -> None: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def assign(self, partitions: Iterable[TopicPartition]) -> None: ...
    def seek(self, partition: TopicPartition, offset: int) -> None: ...
    async def position(self, partition: TopicPartition) -> int: ...
    async def beginning_offsets(
        self, partitions: Iterable[TopicPartition]
    ) -> Mapping[TopicPartition, int]: ...
    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]: ...
    async def getmany(self, *, timeout_ms: int = ...) -> dict[TopicPartition, list[ConsumerRecord]]: ...
