"""Intervals by resampling whole groups: near copies, one author's posts or one template are drawn together.

Each group is drawn Poisson(1) times a round, which for many groups is the classic bootstrap. Groups with
equal sums are drawn as one: n such draws add up to a Poisson(n) draw, so a thousand rounds over 100,000
rows cost about a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

ROUNDS = 1000
CHUNK = 8_000_000  # draws held at once: 64 MB


@dataclass(frozen=True, slots=True)
class Resamples:
    """Rounds over the groups of some rows; `groups` (rows,) numbers each row's group."""

    groups: NDArray[np.int64]
    rounds: int = ROUNDS
    seed: int = 7

    def totals(self, columns: Any) -> NDArray[np.float64]:
        """Sum each column over each round's rows: (rows, columns), dense or sparse, to (rounds, columns).

        The columns of one call share their draws, so differences between them are paired; two calls do not.
        """
        sums, counts = merged(by_group(self.groups, columns))
        return np.concatenate([drawn @ sums for drawn in self._draws(counts)])

    def _draws(self, counts: NDArray[np.int64]) -> Iterator[NDArray[np.float64]]:
        rng = np.random.default_rng(self.seed)
        step = max(1, CHUNK // max(len(counts), 1))
        for start in range(0, self.rounds, step):
            yield rng.poisson(counts, (min(step, self.rounds - start), len(counts))).astype(np.float64)


def by_group(groups: NDArray[np.int64], columns: Any) -> sparse.csr_array:
    """Sum the rows of each group: (rows, columns) to (groups, columns)."""
    numbers = np.unique(groups, return_inverse=True)[1]
    rows = np.arange(len(groups))
    member = sparse.csr_array((np.ones(len(groups)), (numbers, rows)), shape=(numbers.max(initial=-1) + 1, len(groups)))
    return sparse.csr_array(member @ sparse.csr_array(columns, dtype=np.float64))


def merged(sums: sparse.csr_array) -> tuple[sparse.csr_array, NDArray[np.int64]]:
    """Keep one of each set of equal rows, and how many of it there were; rows of zeros are left out."""
    peaks = np.zeros(sums.shape[1])
    np.maximum.at(peaks, sums.indices, np.abs(sums.data))
    signs = np.random.default_rng(0).standard_normal((sums.shape[1], 2)) / np.where(peaks, peaks, 1)[:, None]
    keys = np.round(sums @ signs, 9)  # equal rows have equal projections, whatever the size of their numbers
    _, first, counts = np.unique(keys, axis=0, return_index=True, return_counts=True)
    filled = np.diff(sums.indptr)[first] > 0
    return sums[first[filled]], counts[filled].astype(np.int64)
