"""Logits to probabilities, and the shift from the prevalence they were fitted at to the one that is deployed.

The advert probability is a Platt curve over the log-odds of the advert intents; the rest of the
mass is shared out inside each side by a softmax with a temperature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.verdict import ADVERT_INTENTS, INTENTS

Floats = NDArray[np.float64]
LATER = frozenset({"words_share"})
"""Fields that calibrations of earlier releases lack; their defaults say what those did."""
IS_ADVERT = np.array([intent in ADVERT_INTENTS for intent in INTENTS])


def log_sum_exp(values: Floats) -> Floats:
    """Sum in log space over the last axis."""
    top = values.max(-1, keepdims=True)
    return np.asarray(top[..., 0] + np.log(np.exp(values - top).sum(-1)))


def softmax(values: Floats) -> Floats:
    """Normalise over the last axis."""
    return np.exp(values - log_sum_exp(values)[..., None])


def advert_log_odds(logits: Floats) -> Floats:
    """Turn intent logits (posts, 8) into uncalibrated log-odds of an advert (posts,)."""
    return log_sum_exp(logits[..., IS_ADVERT]) - log_sum_exp(logits[..., ~IS_ADVERT])


def top_adverts(logits: Floats) -> NDArray[np.int64]:
    """Give the place among the intents of each post's likeliest advert intent: (posts, 8) to (posts,)."""
    return np.asarray(np.where(IS_ADVERT, logits, -np.inf).argmax(-1))


def sigmoid(values: Floats) -> Floats:
    """Turn log-odds into a probability without overflow."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -values)))


def log_odds(probability: float) -> float:
    """Turn a probability strictly between 0 and 1 into log-odds."""
    return float(log_odds_of(np.asarray(probability)))


def log_odds_of(probabilities: Floats) -> Floats:
    """Turn many of them."""
    return np.asarray(np.log(probabilities) - np.log1p(-probabilities))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was fitted on rows that the network did not see.

    `prevalence` is the share of adverts the curve was fitted at; `term_threshold` is the token
    probability from which the term head yields a span; `words_share` is the plain reader's share in the logits that the
    curve was fitted on (`models.reader`), 0 for the network alone.
    """

    slope: float
    intercept: float
    temperature: float
    prevalence: float
    term_threshold: float = 0.5
    words_share: float = 0.0

    def probabilities(self, logits: Floats, *, prevalence: float) -> Floats:
        """Give intent probabilities (posts, 8) for a stream with this share of adverts."""
        advert = self.advert_probabilities(logits, prevalence=prevalence)
        within = np.empty(logits.shape, dtype=np.float64)
        for side, mass in ((IS_ADVERT, advert), (~IS_ADVERT, 1 - advert)):
            within[..., side] = softmax(logits[..., side] / self.temperature) * mass[..., None]
        return within

    def advert_probabilities(self, logits: Floats, *, prevalence: float) -> Floats:
        """Give the probability of an advert (posts,) from intent logits (posts, 8), for a stream with this share."""
        shift = log_odds(prevalence) - log_odds(self.prevalence)
        return sigmoid(self.slope * advert_log_odds(logits) + self.intercept + shift)

    def own_log_odds(self, stated: Floats, *, prevalence: Floats) -> Floats:
        """Undo the shift: log-odds stated for streams with such shares of adverts to those at the fitted share."""
        return stated - (log_odds_of(prevalence) - log_odds(self.prevalence))

    def bent(self, *, slope: float, shift: float) -> Calibration:
        """Bend the curve: log-odds at the fitted prevalence become `slope` times what they were, plus `shift`.

        How the mass is shared out inside each side stays as it is.
        """
        return replace(self, slope=slope * self.slope, intercept=slope * self.intercept + shift)

    def to_json(self) -> dict[str, float]:
        """Give the fields as they stand in `calibration.json`."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Calibration:
        """Read the fields of `calibration.json`; `ValueError` names a missing or unknown one."""
        known = set(cls.__slots__)
        if set(values) | LATER != known:  # earlier releases have no later fields
            raise ValueError(f"calibration: found fields {sorted(values)}, wanted {sorted(known)}")
        return cls(**{name: float(value) for name, value in values.items()})
