"""The plain reader: words and pieces of words, hashed and weighed one by one. It sees no order and no context.

It errs elsewhere than the network does: added to the network's log-odds, it keeps that one from being sure of nonsense.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import mmh3
import numpy as np
from numpy.typing import NDArray

WORD_BUCKETS = CHAR_BUCKETS = 2**17
"""Buckets of words and pairs of words, and of 3 to 5 characters inside words: 1 MB with weights in float16."""
LENGTHS = (3, 4, 5)
_WORD = re.compile(r"\w+")


def buckets(text: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Hash a text: the buckets that it fills, (buckets,), and how full, damped by a logarithm."""
    low = text.lower()
    counts = Counter(_bucket(gram, WORD_BUCKETS) for gram in _words(low))
    counts.update(WORD_BUCKETS + _bucket(gram, CHAR_BUCKETS) for gram in _pieces(low))
    order = sorted(counts)
    return np.array(order, dtype=np.int64), 1 + np.log(np.array([counts[each] for each in order], dtype=np.float64))


def _bucket(gram: str, size: int) -> int:
    return abs(mmh3.hash(gram.encode("utf-8", "surrogatepass"))) % size


def _words(low: str) -> Iterator[str]:
    words = _WORD.findall(low)
    yield from words
    yield from (f"{one} {other}" for one, other in itertools.pairwise(words))


def _pieces(low: str) -> Iterator[str]:
    """Cut each word, with a blank before and after it, into pieces; a word shorter than a piece is one, once."""
    for word in low.split():
        padded = f" {word} "
        for length in LENGTHS:
            yield from (padded[at : at + length] for at in range(max(1, len(padded) - length + 1)))
            if len(padded) <= length:
                break


@dataclass(frozen=True, slots=True)
class Words:
    """A fitted plain reader: one number a bucket for how rare it is, one for how much it speaks of adverts."""

    rarity: NDArray[np.float16]
    weight: NDArray[np.float16]
    intercept: float

    def log_odds(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Give the log-odds of an advert (texts,), for ranking; not calibrated for any stream."""
        return np.array([self._log_odds(text) for text in texts], dtype=np.float64)

    def _log_odds(self, text: str) -> float:
        filled, counts = buckets(text)
        weighed = counts * self.rarity[filled].astype(np.float64)
        length = float(np.sqrt(weighed @ weighed)) or 1.0
        return float(weighed @ self.weight[filled].astype(np.float64)) / length + self.intercept

    @classmethod
    def load(cls, path: Path) -> Words:
        """Read a release's `baseline.npz`."""
        with np.load(path, allow_pickle=False) as values:
            return cls(values["rarity"], values["weight"], float(values["intercept"]))
