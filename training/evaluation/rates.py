"""Counts to rates and figures with intervals: the two shapes in which a report states a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

Samples = NDArray[np.float64]


def rate(count: int, total: int, samples: Samples | None = None) -> dict[str, Any]:
    """Give a share with its counts and a 95 % interval.

    The interval is the exact one (Clopper-Pearson); `samples` (rounds,) of the share, drawn over groups,
    widen it where rows are not independent, and never narrow it.
    """
    if total == 0:
        return {"count": 0, "of": 0, "share": None, "low": None, "high": None}
    low = float(beta.ppf(0.025, count, total - count + 1)) if count else 0.0
    high = float(beta.ppf(0.975, count + 1, total - count)) if count < total else 1.0
    if samples is not None:
        drawn_low, drawn_high = interval(samples)
        low, high = np.nanmin([low, drawn_low]).item(), np.nanmax([high, drawn_high]).item()
    return {"count": count, "of": total, "share": count / total, "low": low, "high": high}


def figure(value: float, samples: Samples) -> dict[str, Any]:
    """Give a value with the 95 % interval of its samples (rounds,), which always holds the value."""
    return widest(value, [interval(samples)])


def widest(value: float, ranges: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Give a value with the widest of its intervals, which always holds it."""
    low, high = zip(*ranges, strict=True)
    return {"value": float(value), "low": float(np.nanmin([value, *low])), "high": float(np.nanmax([value, *high]))}


def no_figure(why: str) -> dict[str, Any]:
    """Say why a value is not given."""
    return {"value": None, "low": None, "high": None, "why": why}


def interval(samples: Samples, confidence: float = 0.95) -> tuple[float, float]:
    """Give the central interval of (rounds,) at a confidence; rounds without an answer are NaN and left out."""
    known = samples[~np.isnan(samples)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def shares(parts: Any, wholes: Any) -> Samples:
    """Divide arrays, and give NaN where a round drew none of the whole."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.divide(parts, wholes))
