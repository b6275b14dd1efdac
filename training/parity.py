"""The int8 graph must say what the network said: on held-out adverts and on the hardest held-out rest."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.calibration import Calibration
from models.policy import Policy
from models.reader import Reads
from models.verdict import Decision
from models.words import Words
from training.corpus import Row
from training.evaluation.run import read_rows

MOST_CHANGE = 0.05
"""Largest 95th percentile of the change in advert probability."""
MOST_DECISIONS = 0.01
"""Largest share of decisions that may change."""
NOT_CHECKED = {"rows": 0, "why": "not checked: the config asks for no row"}
"""What the report says where `parity_rows` is 0."""


class ParityError(ValueError):
    """The exported graph strays from the network; the message gives the figures."""


def check_parity(
    chosen: Sequence[Row], plain: Reads, exported: Reads, *, calibration: Calibration, policy: Policy
) -> dict[str, Any]:
    """Compare both graphs on rows; `ParityError` when they differ too much."""
    (before, slow), (after, fast) = (_timed(scorer, chosen, calibration, policy) for scorer in (plain, exported))
    change = np.abs(before - after)
    band = min(policy.bands.values(), key=lambda each: each.review or 1.0)  # the widest
    changed = sum(band.decide(a) != band.decide(b) for a, b in zip(before, after, strict=True))
    figures = {
        "rows": len(chosen),
        "adverts": sum(row.is_advert for row in chosen),
        "flagged": sum(band.decide(p) != Decision.ALLOW for p in after),
        "change_p95": float(np.quantile(change, 0.95)),
        "change_max": float(change.max()),
        "decisions_changed": changed,
        "decisions_changed_share": changed / len(chosen),
        "times_as_fast": slow / fast,
    }
    if figures["change_p95"] > MOST_CHANGE or figures["decisions_changed_share"] > MOST_DECISIONS:
        raise ParityError(
            f"int8 strays from float32: {figures}, wanted p95 <= {MOST_CHANGE}, share <= {MOST_DECISIONS}"
        )
    return figures


def hard_rows(rows: Sequence[Row], baseline: Words, *, most: int) -> list[Row]:
    """Take adverts, and as many others that the plain baseline finds most like adverts."""
    adverts = [row for row in rows if row.is_advert][: most // 2]
    others = [row for row in rows if not row.is_advert]
    if others:
        order = np.argsort(-baseline.log_odds([row.text for row in others]), kind="stable")
        others = [others[index] for index in order[: most - len(adverts)]]
    return adverts + others


def _timed(
    scorer: Reads, rows: Sequence[Row], calibration: Calibration, policy: Policy
) -> tuple[NDArray[np.float64], float]:
    """Give the advert probabilities (rows,) of rows read as scoring reads them, disguises undone; and the seconds."""
    began = time.perf_counter()
    logits = np.array([reading.logits for reading in read_rows(scorer, rows)])
    return calibration.advert_probabilities(logits, prevalence=policy.prevalence), time.perf_counter() - began
