"""Rows to groups: what counts once, in splits and in intervals, because it is one text or one author's pair."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.neardup import groups
from training.corpus import Row


def group_rows(rows: Sequence[Row]) -> NDArray[np.int64]:
    """Number each row's group (rows,): near copies, and what the author tied together as a minimal pair."""
    near = groups([row.text for row in rows]).tolist()
    leader = list(range(max(near, default=-1) + 1))

    def find(group: int) -> int:
        while leader[group] != group:
            leader[group] = leader[leader[group]]
            group = leader[group]
        return group

    first: dict[tuple[str, str], int] = {}
    for row, group in zip(rows, near, strict=True):
        if row.group is not None:
            leader[find(group)] = find(first.setdefault((row.source, row.group), group))
    return np.array([find(group) for group in near], dtype=np.int64)
