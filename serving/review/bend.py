"""A straight correction of log-odds, fitted on what people decided: penalised logistic regression by Newton's method.

A decision to review a post depends on what the detector said of it, not on what it turns out to be. So the fit needs no
sampling weights: it is right where there are decisions, and each case, however many copies it has, counts once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.calibration import Floats, sigmoid

Bools = NDArray[np.bool_]

SLOPE_DEVIATION, SHIFT_DEVIATION = 0.5, 1.0
"""How far from 1 and 0 slope and shift lie before anything was decided: few decisions move them little."""
STEPS = 50  # Newton's method needs about six
FOLDS = 10
BINS = 10  # of equal width, from `LIKELY` on
LIKELY = 0.1  # most of a stream is told apart with ease: errors over all of it look small whatever happens at the top


@dataclass(frozen=True, slots=True)
class Decided:
    """Decided cases: log-odds at the release's own prevalence, the shift to the stated one, and the truth; (cases,)."""

    own: Floats
    offset: Floats
    is_advert: Bools

    def take(self, chosen: NDArray[np.int_]) -> Decided:
        """Keep some."""
        return Decided(self.own[chosen], self.offset[chosen], self.is_advert[chosen])


@dataclass(frozen=True, slots=True)
class Bend:
    """What log-odds at the release's own prevalence become: `slope` times what they were, plus `shift`."""

    slope: float = 1.0
    shift: float = 0.0

    def probabilities(self, decided: Decided) -> Floats:
        """State the probabilities anew: (cases,)."""
        return sigmoid(self.slope * decided.own + self.shift + decided.offset)


@dataclass(frozen=True, slots=True)
class Quality:
    """How true probabilities are: log loss by case, and the calibration error of those from `LIKELY` on."""

    losses: Floats
    error: float

    @property
    def log_loss(self) -> float:
        """Give the mean."""
        return float(self.losses.mean())


def fit(decided: Decided, *, with_slope: bool) -> Bend:
    """Fit the bend; the slope turns about the middle of what was decided, so that it hardly moves the shift."""
    pivot = float(decided.own.mean())
    columns = np.stack([(decided.own - pivot) * with_slope, np.ones_like(decided.own)], axis=1)  # (cases, 2)
    precision = np.array([SLOPE_DEVIATION, SHIFT_DEVIATION]) ** -2.0
    stated, moved = decided.own + decided.offset, np.zeros(2)
    for _ in range(STEPS):
        probability = sigmoid(stated + columns @ moved)
        gradient = columns.T @ (decided.is_advert - probability) - precision * moved
        curvature = (columns.T * (probability * (1 - probability))) @ columns + np.diag(precision)
        step = np.linalg.solve(curvature, gradient)
        moved = moved + step / max(1.0, float(np.abs(step).max()))  # no leap, from which it might not come back
        if np.abs(step).max() < 1e-9:
            break
    return Bend(float(1 + moved[0]), float(moved[1] - moved[0] * pivot))


def quality(probability: Floats, is_advert: Bools) -> Quality:
    """Measure probabilities against the truth."""
    right = np.clip(np.where(is_advert, probability, 1 - probability), 1e-12, 1.0)
    bins = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    likely = probability >= LIKELY
    gaps = np.bincount(bins[likely], probability[likely] - is_advert[likely], BINS)
    return Quality(-np.log(right), float(np.abs(gaps).sum() / max(1, likely.sum())))


def held_out(decided: Decided, *, with_slope: bool) -> Floats:
    """State each case's probability by a bend that was fitted without it: (cases,)."""
    probability = np.empty(len(decided.own))
    for inside, outside in _folds(len(decided.own)):
        bend = fit(decided.take(inside), with_slope=with_slope)
        probability[outside] = bend.probabilities(decided.take(outside))
    return probability


def _folds(size: int) -> Iterator[tuple[NDArray[np.int_], NDArray[np.int_]]]:
    order = np.random.default_rng(7).permutation(size)
    for fold in range(FOLDS):
        outside = np.arange(size) % FOLDS == fold
        yield order[~outside], order[outside]
