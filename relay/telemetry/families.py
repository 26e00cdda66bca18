"""
How a metric family is declared: once, in a class body, with the values its labels may take.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Final, Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge

from relay.telemetry.histogram import Histogram

PREFIX: Final = "relay_"
# A label whose values are listed elsewhere: ids of the configuration, words of another room.
OPEN: Final[tuple[str, ...]] = ()

Made = TypeVar("Made", Counter, Gauge, Histogram)


class Family(Generic[Made]):
    """
    A declaration; on an instance of the declaring class, the family itself.

    The name is `relay_` and the attribute's name; prometheus_client adds `_total` to counters.
    """

    def __init__(
        self,
        kind: type[Made],
        meaning: str,
        labels: Mapping[str, Sequence[str]],
        buckets: Sequence[float] = (),
    ) -> None:
        self.kind: Final[type[Made]] = kind
        self.meaning: Final = meaning
        self.labels: Final = dict(labels)
        self._buckets = tuple(buckets)
        self._attribute = ""

    def __set_name__(self, _owner: type, attribute: str) -> None:
        self._attribute = attribute

    def __get__(self, instance: object, _owner: type) -> Made:
        # Met only before `make`: afterwards the instance's own attribute comes first.
        raise AttributeError(f"{self._attribute} is not made yet")

    @property
    def name(self) -> str:
        """
        Return the name as a scrape shows it.
        """
        return PREFIX + self._attribute + ("_total" if self.kind is Counter else "")

    def make(self, instance: object, registry: CollectorRegistry) -> None:
        """
        Register the family and make it the instance's attribute; closed label sets start at 0.
        """
        name, labels = PREFIX + self._attribute, tuple(self.labels)
        made: Counter | Gauge | Histogram
        if self._buckets:
            made = Histogram(name, self.meaning, labels, registry=registry, buckets=self._buckets)
        else:
            made = self.kind(name, self.meaning, labels, registry=registry)
        vars(instance)[self._attribute] = made
        if self.labels and all(self.labels.values()):
            self.start(instance, {})

    def start(self, instance: object, known: Mapping[str, str]) -> None:
        """
        Start every series with the `known` labels at 0: all combinations of the closed ones.
        """
        values = [(known[label],) if label in known else closed for label, closed in self.labels.items()]
        for combination in product(*values):
            vars(instance)[self._attribute].labels(*combination)


def counter(meaning: str, **labels: Sequence[str]) -> Family[Counter]:
    """
    Declare something that only rises.
    """
    return Family(Counter, meaning, labels)


def gauge(meaning: str, **labels: Sequence[str]) -> Family[Gauge]:
    """
    Declare something that rises and falls.
    """
    return Family(Gauge, meaning, labels)


def histogram(meaning: str, buckets: Sequence[float], **labels: Sequence[str]) -> Family[Histogram]:
    """
    Declare a distribution.
    """
    return Family(Histogram, meaning, labels, buckets)
