"""The plain baseline that every release carries: hashing TF-IDF with logistic regression on the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize

WORD_BUCKETS = CHAR_BUCKETS = 2**17
"""Buckets of words and pairs of words, and of 3 to 5 characters inside words: 1 MB with weights in float16."""


def features(texts: Sequence[str]) -> sparse.csr_matrix:
    """Hash words and characters: (texts, buckets), counts damped by a logarithm."""
    common: dict[str, Any] = {"norm": None, "alternate_sign": False, "lowercase": True}
    word = HashingVectorizer(ngram_range=(1, 2), token_pattern=r"\w+", n_features=WORD_BUCKETS, **common)
    char = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), n_features=CHAR_BUCKETS, **common)
    counts = sparse.hstack([word.transform(texts), char.transform(texts)], format="csr")
    counts.data = 1 + np.log(counts.data)
    return counts


@dataclass(frozen=True, slots=True)
class Baseline:
    """A fitted baseline: one number a bucket for how rare it is, one for how much it speaks of adverts."""

    rarity: NDArray[np.float16]
    weight: NDArray[np.float16]
    intercept: float

    def log_odds(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Give the log-odds of an advert (texts,), for ranking; not calibrated for any stream."""
        weighed = normalize(features(texts).multiply(self.rarity.astype(np.float64)).tocsr())
        return np.asarray(weighed @ self.weight.astype(np.float64) + self.intercept)

    def save(self, path: Path) -> None:
        """Write the numbers as one compressed file."""
        np.savez_compressed(path, rarity=self.rarity, weight=self.weight, intercept=np.float64(self.intercept))

    @classmethod
    def load(cls, path: Path) -> Baseline:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as values:
            return cls(values["rarity"], values["weight"], float(values["intercept"]))


def fit_baseline(texts: Sequence[str], is_advert: Sequence[bool]) -> Baseline:
    """Fit TF-IDF with logistic regression."""
    counts = features(texts)
    frequency = np.bincount(counts.indices, minlength=counts.shape[1])
    rarity = (np.log((1 + len(texts)) / (1 + frequency)) + 1) * (frequency > 0)
    rarity16 = rarity.astype(np.float16)
    weighed = normalize(counts.multiply(rarity16.astype(np.float64)).tocsr())
    model = LogisticRegression(C=10.0, class_weight="balanced", max_iter=300, solver="liblinear")
    model.fit(weighed, np.asarray(is_advert))
    return Baseline(rarity16, model.coef_[0].astype(np.float16), float(model.intercept_[0]))
