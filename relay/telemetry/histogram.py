"""
A histogram that takes observations by the batch.

That of prometheus_client takes them one at a time, each under locks; three for every delivery cost more
than judging its answer.  This one is a collector of that library like any other.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Series:
    """
    One combination of label values.
    """

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """
        Add an observation.
        """
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def observe_many(self, values: Sequence[float]) -> None:
        """
        Add a batch of observations.
        """
        bounds, counts = self._bounds, self._counts
        for place, count in Counter([bisect_left(bounds, value) for value in values]).items():
            counts[place] += count
        self._sum += sum(values)

    def samples(self) -> tuple[list[tuple[str, float]], float]:
        """
        Return the cumulative buckets, by their upper bound, and the sum.
        """
        upper = (*self._bounds, float("inf"))
        bounds = [floatToGoString(bound) for bound in upper]  # type: ignore[no-untyped-call]  # has no types
        return list(zip(bounds, accumulate(self._counts), strict=True)), self._sum


class Histogram(Collector):
    """
    A distribution; without labels it is its own only series.
    """

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Sequence[str] = (),
        *,
        registry: CollectorRegistry,
        buckets: Sequence[float] = (),
    ) -> None:
        self._name, self._documentation = name, documentation
        self._labelnames = tuple(labelnames)
        self._bounds = tuple(float(bound) for bound in buckets)
        self._series: dict[tuple[str, ...], Series] = {}
        if not self._labelnames:
            self.labels()
        registry.register(self)

    def labels(self, *values: str) -> Series:
        """
        Return the series of some label values, in the order of the labels.
        """
        if len(values) != len(self._labelnames):
            raise ValueError(f"{self._name} has the labels {self._labelnames}")
        series = self._series.get(values)
        if series is None:
            series = self._series[values] = Series(self._bounds)
        return series

    def observe(self, value: float) -> None:
        """
        Add an observation to a histogram without labels.
        """
        self.labels().observe(value)

    def observe_many(self, values: Sequence[float]) -> None:
        """
        Add a batch of observations to a histogram without labels.
        """
        self.labels().observe_many(values)

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """
        Yield the family as it stands.
        """
        family = self._family()
        for values, series in list(self._series.items()):
            family.add_metric(values, *series.samples())
        yield family

    def describe(self) -> Iterable[HistogramMetricFamily]:
        """
        Yield the family without its samples.
        """
        yield self._family()

    def _family(self) -> HistogramMetricFamily:
        return HistogramMetricFamily(self._name, self._documentation, labels=self._labelnames)
