"""
What can go wrong with Kafka, in one word each.
"""

from __future__ import annotations

from typing import Final

from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    ConsumerStoppedError,
    IllegalOperation,
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    InvalidTxnState,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    NodeNotReadyError,
    OutOfOrderSequenceNumber,
    ProducerFenced,
    RecordListTooLargeError,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnknownProducerId,
    UnknownTopicOrPartitionError,
)

TOPIC_MISSING: Final = "topic_missing"
CLOSED: Final = "closed"
ERROR: Final = "error"

# The client guards its transaction states with assertions, so a failed one is an answer like any other.
FAILURES: Final = (KafkaError, IllegalOperation, ConsumerStoppedError, AssertionError, OSError)

_REASONS: Final[tuple[tuple[tuple[type[BaseException], ...], str], ...]] = (
    ((ProducerFenced, InvalidProducerEpoch), "fenced"),
    ((InvalidTxnState, InvalidProducerIdMapping, OutOfOrderSequenceNumber, UnknownProducerId), "state"),
    ((MessageSizeTooLargeError, RecordListTooLargeError), "oversize"),
    (
        (
            TopicAuthorizationFailedError,
            ClusterAuthorizationFailedError,
            TransactionalIdAuthorizationFailed,
        ),
        "unauthorised",
    ),
    ((UnknownTopicOrPartitionError,), TOPIC_MISSING),
    ((TimeoutError, KafkaTimeoutError, RequestTimedOutError), "timeout"),
    ((KafkaConnectionError, NodeNotReadyError, OSError), "unreachable"),
)
REASONS: Final = (*(reason for _, reason in _REASONS), CLOSED, ERROR)


def reason_of(error: BaseException) -> str:
    """
    Return the word of `REASONS` for a failure; it labels `relay_kafka_producer_rebuilds_total`.
    """
    for kinds, reason in _REASONS:
        if isinstance(error, kinds):
            return reason
    return ERROR
