"""
From many measurements to the figures that are printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any


def quantile_ms(latencies_s: Iterable[float], share: float) -> float:
    """
    Return the latency that `share` of all did not exceed, in milliseconds (nearest rank).
    """
    ranked = sorted(latencies_s)
    return 1000 * ranked[min(len(ranked) - 1, int(share * len(ranked)))]


def p50_p99(latencies_s: Sequence[float]) -> dict[str, float]:
    """
    Return the two quantiles that are printed.
    """
    return {"p50_ms": quantile_ms(latencies_s, 0.50), "p99_ms": quantile_ms(latencies_s, 0.99)}


def medians(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """
    Return the median over the runs, figure by figure.
    """
    return {name: median(run[name] for run in runs) for name in runs[0]}


def rounded(figures: Any) -> Any:
    """
    Return figures with as many digits as mean something.
    """
    if isinstance(figures, Mapping):
        return {name: rounded(value) for name, value in figures.items()}
    if isinstance(figures, float):
        return round(figures) if abs(figures) >= 1000 else float(f"{figures:.3g}")
    return figures
