"""A stream whose truth is known: what a detector says of it, what is kept of that, and what reviewers then decide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.calibration import log_odds, sigmoid
from serving.review.reviewed import Reviewed

PREVALENCE = 0.003  # that the policy states
FITTED = 0.5  # that the release was calibrated at
THRESHOLD = 0.7


@dataclass(frozen=True, slots=True)
class Stream:
    """Posts, their truth, and what was kept; `rows` are the kept ones."""

    rows: Reviewed
    is_advert: NDArray[np.bool_]
    flagged: NDArray[np.bool_]

    @property
    def precision(self) -> float:
        return float(self.is_advert[self.flagged].mean())

    @property
    def recall(self) -> float:
        return float(self.flagged[self.is_advert].mean())

    @property
    def prevalence(self) -> float:
        return float(self.is_advert.mean())


def simulate(
    seed: int,
    *,
    posts: int = 40_000,
    audit_rate: float = 0.05,
    reviewed_flags: float = 1.0,
    reviewed_passed: float = 1.0,
    slope: float = 1.0,
    shift: float = 0.0,
    copies: int = 1,
) -> Stream:
    """Draw posts; the true log-odds at the release's own prevalence are `slope` times the stated ones plus `shift`.

    Of the flags and of the sampled rest, such a share is decided, the likeliest first. Each post has so many copies.
    """
    rng = np.random.default_rng(seed)
    own = rng.normal(0.5, 3.0, posts // copies)  # stated log-odds at the release's own prevalence
    offset = log_odds(PREVALENCE) - log_odds(FITTED)
    truth = rng.random(len(own)) < sigmoid(slope * own + shift + offset)
    case, own, truth = np.repeat(np.arange(1, len(own) + 1), copies), np.repeat(own, copies), np.repeat(truth, copies)
    stated = sigmoid(own + offset)
    flagged = stated >= THRESHOLD
    drawn = rng.random(len(own)) < audit_rate
    kept = flagged | drawn
    decided = _decided(stated, flagged, reviewed_flags) | _decided(stated, drawn & ~flagged, reviewed_passed)
    words = np.full(int(kept.sum()), "en", dtype=object)
    classes = np.full(int(kept.sum()), frozenset({"cathinones"}), dtype=object)
    rows = Reviewed(
        case=case[kept],
        flagged=flagged[kept],
        drawn=np.where(drawn, 1 / audit_rate if audit_rate else np.nan, np.nan)[kept],
        probability=stated[kept],
        prevalence=np.full(int(kept.sum()), PREVALENCE),
        decided=decided[kept],
        is_advert=(decided & truth)[kept],
        lang=words,
        policy=words,
        release=words,
        intent=words,
        nps_classes=classes,
    )
    return Stream(rows, truth, flagged)


def _decided(stated: NDArray[np.float64], kept: NDArray[np.bool_], share: float) -> NDArray[np.bool_]:
    """Decide the likeliest of the kept posts first, as the queue has them."""
    if not kept.any():
        return kept
    return kept & (stated >= np.quantile(stated[kept], 1 - share))
