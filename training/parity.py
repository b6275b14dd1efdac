"""The int8 graph must say what the network said: on held-out adverts and on the hardest held-out rest."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.calibration import Calibration, top_adverts
from models.policy import Policy
from models.reader import Reads
from models.verdict import INTENTS, Decision
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


@dataclass(frozen=True, slots=True)
class _Read:
    """What one graph says of the rows: advert probabilities (rows,) and decisions; and the seconds that it took."""

    probabilities: NDArray[np.float64]
    decisions: Sequence[Decision]
    seconds: float


def check_parity(
    chosen: Sequence[Row], plain: Reads, exported: Reads, *, calibration: Calibration, policy: Policy
) -> dict[str, Any]:
    """Compare both graphs on rows; `ParityError` when they differ too much."""
    before, after = (_read(reader, chosen, calibration, policy) for reader in (plain, exported))
    change = np.abs(before.probabilities - after.probabilities)
    changed = sum(one != other for one, other in zip(before.decisions, after.decisions, strict=True))
    figures = {
        "rows": len(chosen),
        "adverts": sum(row.is_advert for row in chosen),
        "flagged": sum(decision != Decision.ALLOW for decision in after.decisions),
        "change_p95": float(np.quantile(change, 0.95)),
        "change_max": float(change.max()),
        "decisions_changed": changed,
        "decisions_changed_share": changed / len(chosen),
        "times_as_fast": before.seconds / after.seconds,
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


def _read(reader: Reads, rows: Sequence[Row], calibration: Calibration, policy: Policy) -> _Read:
    """Judge rows as scoring does, disguises undone, but for carve-outs."""
    began = time.perf_counter()
    logits = np.array([reading.logits for reading in read_rows(reader, rows)])
    seconds = time.perf_counter() - began
    probabilities = calibration.advert_probabilities(logits, prevalence=policy.prevalence)
    bands = [policy.bands[INTENTS[top]] for top in top_adverts(logits)]
    return _Read(probabilities, [band.decide(each) for band, each in zip(bands, probabilities, strict=True)], seconds)
