"""
Which topic an event goes to, and the topics that must exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiokafka.admin import NewTopic
from aiokafka.errors import NoError, TopicAlreadyExistsError, for_code

from relay.model.errors import PublisherLost
from relay.sinks.kafka.clients import open_admin
from relay.sinks.kafka.failures import TOPIC_MISSING, reason_of
from relay.sinks.kafka.settings import KafkaSettings

CALLS: Final = "calls"
AGENTS: Final = "agents"
GROUPS: Final = "groups"
OPS: Final = "ops"
FAMILIES: Final = (CALLS, AGENTS, GROUPS, OPS)
STATE_FAMILIES: Final = (CALLS, AGENTS, GROUPS)  # the families whose last state is kept in a compacted topic
FAMILY_OF_KIND: Final = {"call": CALLS, "agent": AGENTS, "in_group": GROUPS, "user_group": GROUPS}

HISTORY: Final = {"cleanup.policy": "delete", "retention.ms": str(30 * 86_400_000)}
STATE: Final = {"cleanup.policy": "compact"}
# One small record a transaction: rolled and compacted early, so that finding the last one stays quick.
CURSORS: Final = {
    "cleanup.policy": "compact",
    "segment.bytes": str(4 * 1024 * 1024),
    "segment.ms": "3600000",
    "min.cleanable.dirty.ratio": "0.1",
}
BROKER_DEFAULT: Final = -1


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """
    A topic as relay creates it where it may.
    """

    name: str
    partitions: int
    settings: dict[str, str]


class Topics:
    """
    The names of one deployment's topics.
    """

    def __init__(self, prefix: str) -> None:
        self.cursors = f"{prefix}.cursors"
        self._events = {family: f"{prefix}.{family}.v1" for family in FAMILIES}
        self._states = {family: f"{prefix}.{family}.state.v1" for family in STATE_FAMILIES}

    @property
    def events(self) -> tuple[str, ...]:
        """
        Return the topics that together hold every event once.
        """
        return tuple(self._events.values())

    @property
    def states(self) -> tuple[str, ...]:
        """
        Return the compacted topics that hold the last state of every subject.
        """
        return tuple(self._states.values())

    def event_topic(self, subject: str) -> str:
        """
        Return the one topic for the events of a subject.
        """
        return self._events[_family(subject)]

    def state_topic(self, subject: str) -> str | None:
        """
        Return the compacted topic for the state of a subject, None where no state is kept.
        """
        return self._states.get(_family(subject))

    def specs(self, partitions: int) -> tuple[TopicSpec, ...]:
        """
        Return every topic that must exist before anything is published.
        """
        return (
            *(TopicSpec(name, partitions, HISTORY) for name in self.events),
            *(TopicSpec(name, partitions, STATE) for name in self.states),
            TopicSpec(self.cursors, 1, CURSORS),
        )


def _family(subject: str) -> str:
    return FAMILY_OF_KIND.get(subject.partition("/")[0], OPS)


async def ensure_topics(settings: KafkaSettings, topics: Topics) -> None:
    """
    Return once every topic exists; make the missing ones where `create_topics` allows it.

    Raises:
        PublisherLost: topics are missing and may not, or could not, be created.
    """
    specs = topics.specs(settings.partitions)
    async with open_admin(settings) as admin:
        existing = set(await admin.list_topics())
        missing = [spec for spec in specs if spec.name not in existing]
        if not missing:
            return
        if not settings.create_topics:
            names = ", ".join(spec.name for spec in missing)
            raise PublisherLost(
                TOPIC_MISSING,
                f"Kafka topics missing: {names}. Create them, or set create_topics = true under [kafka].",
            )
        answer = await admin.create_topics([_new_topic(spec, settings) for spec in missing])
    for name, code, message in answer.topic_errors:
        error = for_code(code)
        if error not in (NoError, TopicAlreadyExistsError):
            raise PublisherLost(reason_of(error()), f"Kafka topic {name} cannot be made: {message or error}")


def _new_topic(spec: TopicSpec, settings: KafkaSettings) -> NewTopic:
    topic = NewTopic(spec.name, spec.partitions, 1, topic_configs=spec.settings)
    # Its constructor refuses -1, which every broker since 2.4 takes for its own default.
    topic.replication_factor = settings.replication_factor or BROKER_DEFAULT
    return topic
