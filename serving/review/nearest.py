"""The settled cases that read most like one: what the team decided of such posts before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, select

from models.neardup import PERMUTATIONS, similarity
from serving.store.tables import CASES

LOOKED_AT = 2_000  # the newest settled cases: their signatures are 1 MB, compared in a few milliseconds
LIKE_ENOUGH = 0.1  # of the shingles in common; below it, likeness is the language's and not the posts'


@dataclass(frozen=True, slots=True)
class Near:
    """A settled case and the share of its text's shingles that the other shares."""

    case_id: int
    likeness: float


def nearest(connection: Connection, case_id: int, *, limit: int = 3) -> list[Near]:
    """Give the settled cases most like this one, the most like first; none where its text was erased."""
    signature = connection.scalar(select(CASES.c.signature).where(CASES.c.id == case_id))
    settled = connection.execute(
        select(CASES.c.id, CASES.c.signature)
        .where(CASES.c.state == "settled", CASES.c.id != case_id, CASES.c.signature.is_not(None))
        .order_by(CASES.c.settled.desc())
        .limit(LOOKED_AT)
    ).all()
    rows = [(row.id, _read(row.signature)) for row in settled if len(row.signature) == PERMUTATIONS * 8]
    if not signature or len(signature) != PERMUTATIONS * 8 or not rows:
        return []
    shares = similarity(np.stack([hashes for _, hashes in rows]), _read(signature))
    best = np.argsort(-shares, kind="stable")[:limit]
    return [Near(rows[at][0], float(shares[at])) for at in best if shares[at] >= LIKE_ENOUGH]


def _read(signature: bytes) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.frombuffer(signature, "<u8")
