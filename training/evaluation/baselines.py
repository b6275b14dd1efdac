"""The plain baseline that every release carries: hashing TF-IDF with logistic regression on the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize

from models.words import CHAR_BUCKETS, WORD_BUCKETS, Words, buckets


def features(texts: Sequence[str]) -> sparse.csr_matrix:
    """Hash words and characters as the plain reader does: (texts, buckets)."""
    filled = [buckets(text) for text in texts]
    starts = np.cumsum([0, *(len(places) for places, _ in filled)])
    places, counts = (np.concatenate(column) for column in zip(*filled, strict=True)) if filled else ([], [])
    return sparse.csr_matrix((counts, places, starts), shape=(len(texts), WORD_BUCKETS + CHAR_BUCKETS))


def save_baseline(baseline: Words, path: Path) -> None:
    """Write the numbers as one compressed file."""
    np.savez_compressed(path, rarity=baseline.rarity, weight=baseline.weight, intercept=np.float64(baseline.intercept))


def fit_baseline(texts: Sequence[str], is_advert: Sequence[bool]) -> Words:
    """Fit TF-IDF with logistic regression."""
    counts = features(texts)
    frequency = np.bincount(counts.indices, minlength=counts.shape[1])
    rarity = (np.log((1 + len(texts)) / (1 + frequency)) + 1) * (frequency > 0)
    rarity16 = rarity.astype(np.float16)
    weighed = normalize(counts.multiply(rarity16.astype(np.float64)).tocsr())
    model = LogisticRegression(C=10.0, class_weight="balanced", max_iter=300, solver="liblinear")
    model.fit(weighed, np.asarray(is_advert))
    return Words(rarity16, model.coef_[0].astype(np.float16), float(model.intercept_[0]))
