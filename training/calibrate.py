"""Fit calibration and thresholds on rows that the network did not see, read whole by the graph that ships."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from models.calibration import IS_ADVERT, Calibration, advert_log_odds, softmax, top_adverts
from models.normalise import normalise
from models.policy import Bands, Policy
from models.scorer import Reading
from models.terms import overlaps, word_probabilities
from models.verdict import ADVERT_INTENTS, INTENTS, TERM_KINDS, Intent
from training.config import Config
from training.corpus import Row
from training.splits import is_ordinary

FITTED_PREVALENCE = 0.5
"""Both sides weigh the same in the fit; the shift to a stream's prevalence comes after."""
TERM_THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""Cuts tried for the term head; below 0.5 a span is a guess, whatever the F1."""


class CalibrationError(ValueError):
    """The rows to calibrate on cannot carry a fit; the message says what they lack."""


def calibrate(rows: Sequence[Row], readings: Sequence[Reading], *, words_share: float = 0.0) -> Calibration:
    """Fit the advert curve, the temperature inside each side, and the term threshold.

    `words_share` is the plain reader's share in these readings, which the calibration keeps.
    """
    logits = np.array([reading.logits for reading in readings])
    is_advert = np.array([row.is_advert for row in rows])
    if is_advert.all() or not is_advert.any():
        raise CalibrationError(f"{is_advert.sum()} adverts among {len(rows)} rows to calibrate on: wanted both sides")
    curve = LogisticRegression(class_weight="balanced", C=100.0)
    curve.fit(advert_log_odds(logits)[:, None], is_advert)
    return Calibration(
        slope=float(curve.coef_[0, 0]),
        intercept=float(curve.intercept_[0]),
        temperature=_temperature(rows, logits),
        prevalence=FITTED_PREVALENCE,
        term_threshold=_term_threshold(rows, readings),
        words_share=words_share,
    )


def _temperature(rows: Sequence[Row], logits: NDArray[np.float64]) -> float:
    """Find the temperature that best predicts which intent it is, given its side, on fully labelled rows."""
    full = [index for index, row in enumerate(rows) if len(row.intents) == 1]
    if len(full) < 20:  # too few to say anything: leave the softmax as it is
        return 1.0
    answers = np.array([INTENTS.index(next(iter(rows[index].intents))) for index in full])
    side = np.where(IS_ADVERT[answers][:, None], IS_ADVERT, ~IS_ADVERT)  # (rows, 8)
    masked = np.where(side, logits[full], -1e9)

    def loss(log_temperature: float) -> float:
        probability = softmax(masked / math.exp(log_temperature))[np.arange(len(full)), answers]
        return float(-np.log(np.maximum(probability, 1e-12)).mean())

    return math.exp(float(minimize_scalar(loss, bounds=(-2, 2), method="bounded").x))


def _term_threshold(rows: Sequence[Row], readings: Sequence[Reading]) -> float:
    """Find the word probability from which naming drugs scores the best F1 on rows with an author's spans."""
    probability: list[float] = []
    truth: list[bool] = []
    marked = [(row, reading) for row, reading in zip(rows, readings, strict=True) if row.spans is not None]
    for (row, reading), text in zip(marked, normalise([row.text for row, _ in marked]), strict=True):
        named = [(span.start, span.end) for span in row.spans or () if span.kind in TERM_KINDS]
        for start, end, likely in word_probabilities(text.text, reading):
            probability.append(likely)
            truth.append(overlaps(*text.to_original(start, end), named))
    if not any(truth):
        return 0.5
    scores = {cut: f1_score(truth, np.array(probability) >= cut, zero_division=0) for cut in TERM_THRESHOLDS}
    return max(TERM_THRESHOLDS, key=lambda cut: scores[cut])


def working_policy(
    rows: Sequence[Row], readings: Sequence[Reading], calibration: Calibration, config: Config
) -> tuple[Policy, dict[str, Any]]:
    """Set the review threshold at the working point: so many false flags in 10,000 ordinary posts.

    Gives the policy and the figures behind it. With too few ordinary rows for the rate asked, the
    threshold stands just above the likeliest of them and the figures say so. `config.most_wrong` may raise the
    threshold of an intent.
    """
    logits = np.array([reading.logits for reading in readings])
    probability = calibration.advert_probabilities(logits, prevalence=config.prevalence)
    ordinary = np.array([is_ordinary(row, config.sample) for row in rows])
    if not ordinary.any():
        raise CalibrationError(
            f"none of {len(rows)} rows is of an ordinary source ({', '.join(config.sample.ordinary)}): no threshold"
        )
    worst_first = np.sort(probability[ordinary])[::-1]
    allowed = int(len(worst_first) * config.false_flags_per_10000 / 10_000)
    threshold = _above(float(worst_first[min(allowed, len(worst_first) - 1)]))
    likeliest = top_adverts(logits)
    thresholds = raised_thresholds(rows, likeliest, probability, threshold, config.most_wrong)
    flagged = probability >= np.array([thresholds.get(intent, 1.0) for intent in INTENTS])[likeliest]
    figures = {
        "ordinary_rows": len(worst_first),
        "false_flags_allowed": allowed,
        "false_flags": int(flagged[ordinary].sum()),
        "threshold": threshold,
        "raised": {intent.value: each for intent, each in sorted(thresholds.items()) if each > threshold},
        "adverts": int(sum(row.is_advert for row in rows)),
        "recall": float(flagged[[row.is_advert for row in rows]].mean()),
    }
    bands = {intent: Bands(review=each) for intent, each in thresholds.items()}
    return Policy(name="default", version=1, prevalence=config.prevalence, bands=bands), figures


def raised_thresholds(
    rows: Sequence[Row],
    likeliest: NDArray[np.int64],
    probability: NDArray[np.float64],
    threshold: float,
    most: float,
) -> dict[Intent, float]:
    """Raise the threshold of each advert intent until at most this share of its flags on authored posts is wrong.

    An authored post is one whose author marked spans; `likeliest` (rows,) numbers each row's likeliest advert intent.
    """
    authored = np.array([row.spans is not None for row in rows])
    is_advert = np.array([row.is_advert for row in rows])
    found = {}
    for intent in (each for each in INTENTS if each in ADVERT_INTENTS):
        flagged = authored & (likeliest == INTENTS.index(intent)) & (probability >= threshold)
        likely_first = np.flatnonzero(flagged)[np.argsort(-probability[flagged], kind="stable")]
        wrong = np.cumsum(~is_advert[likely_first]) / np.arange(1, len(likely_first) + 1)  # of so many flags
        kept = int(np.max(np.flatnonzero(wrong <= most), initial=-1)) + 1
        cut = kept < len(likely_first)
        found[intent] = _above(float(probability[likely_first[kept]])) if cut else threshold
    return found


def _above(probability: float) -> float:
    """Round up to four digits, as verdicts show them, so that a threshold never hides in the rounding."""
    return min(1.0, math.floor(probability * 10_000 + 1) / 10_000)
