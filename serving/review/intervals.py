"""Intervals for shares and totals that people's decisions give, at 95 %, in closed form.

No bootstrap: where no missed advert was found, or every flag was right, each round would say the same and the interval
would have no width. Decisions are counted by case, for the copies of one campaign say the same thing many times.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Z = 1.959964  # of a normal curve, 95 % lie within so many deviations


@dataclass(frozen=True, slots=True)
class Figure:
    """A share with its 95 % interval; `n` decided posts stand behind it."""

    estimate: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Total:
    """A number of posts in the stream, estimated, with its 95 % interval."""

    estimate: float
    low: float
    high: float


def wilson(share: float, n: float) -> tuple[float, float]:
    """Give Wilson's interval for a share among `n`, which need not be whole."""
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def effective(weights: Floats) -> float:
    """Say how many equal ones tell as much as these (Kish): one large campaign tells little more than one post."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def total(adverts: Floats, heaviest: float) -> Total:
    """Give the sum of the adverts' weights (cases,) with the gamma interval of Fay and Feuer (1997).

    It is Poisson's exact interval where all weights are equal. For the upper end one more case is added, of the
    `heaviest` weight that any could have had: so it says how many may have been missed when none was found.
    """
    estimate, variance = float(adverts.sum()), float((adverts**2).sum())
    low = gamma_quantile(-Z, estimate, variance) if estimate else 0.0
    return Total(estimate, low, gamma_quantile(Z, estimate + heaviest, variance + heaviest**2))


def gamma_quantile(z: float, mean: float, variance: float) -> float:
    """Give the quantile of a gamma distribution at a normal deviate, as Wilson and Hilferty (1931) come near it."""
    shape = mean**2 / variance
    return float(mean * max(0.0, 1 - 1 / (9 * shape) + z / (3 * math.sqrt(shape))) ** 3)


def part(one: Total, other: Total, n: int) -> Figure:
    """Give the share of one in the sum of two independent totals, by the ratio interval of Donner and Zou (2012).

    Of one the ends matter that draw the share the same way as the other's opposite ends.
    """
    estimate = one.estimate / (one.estimate + other.estimate)
    low = _ratio_low(one.estimate, one.low, other.estimate, other.high)  # of one to other
    high = _ratio_low(other.estimate, other.low, one.estimate, one.high)  # of other to one
    return Figure(estimate, min(estimate, low / (1 + low)), max(estimate, 1 / (1 + high)), n)


def summed(one: Total, other: Total) -> Total:
    """Add two independent totals (the method of variance estimates recovery: Zou and Donner, 2008)."""
    estimate = one.estimate + other.estimate
    below = math.hypot(one.estimate - one.low, other.estimate - other.low)
    above = math.hypot(one.high - one.estimate, other.high - other.estimate)
    return Total(estimate, max(0.0, estimate - below), estimate + above)


def _ratio_low(over: float, over_low: float, under: float, under_high: float) -> float:
    """Give the lower end of a ratio from the lower end above the line and the upper end below it."""
    product, above, below = over * under, over_low * (2 * over - over_low), under_high * (2 * under - under_high)
    denominator = product + math.sqrt(max(0.0, product**2 - above * below))  # the root is real but for rounding
    return above / denominator if denominator else 0.0
