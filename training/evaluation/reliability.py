"""Is a stated probability true: in the stream that the policy is for, before the shift to it, and as the rows are.

Most of a real stream is told apart with ease, so errors over all of it look small whatever happens at the top:
`ece_from_0.1` looks only at posts to which the release gives one chance in ten or more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from models.calibration import log_odds as log_odds_of
from models.calibration import sigmoid
from training.evaluation.bootstrap import Resamples
from training.evaluation.curves import binned, cuts
from training.evaluation.flag_rates import flag_rates, precision, sides_of, spread
from training.evaluation.judged import Bools, Floats, Ints, Judged
from training.evaluation.rates import figure, no_figure, shares

BINS = 15  # of equal width, as the field counts the expected calibration error
LIKELY = 0.1
CLIP = 1e-12  # keeps the log loss of a certain and wrong answer finite


@dataclass(frozen=True, slots=True)
class Cells:
    """Rows, or sets of rows of one side whose probabilities are much alike: all values are (cells,)."""

    probability: Floats
    is_advert: Bools
    squared_error: Floats
    log_loss: Floats


def calibration(judged: Judged, resamples: Resamples, *, fitted_prevalence: float) -> dict[str, Any]:
    """Give the section `calibration`, of the release.

    Its log-odds hold at the judged prevalence. `shifted` and `unshifted` weigh the rows so that adverts make up that
    share; `as_found` leaves them as they are. The mix is held in every round.
    """
    sides = sides_of(judged)
    if sides.lacking:
        return {"why": f"{sides.lacking}, and calibration needs both sides"}
    own = sides.adverts / (sides.adverts + sides.others)
    stated = (judged.prevalence, fitted_prevalence, own)
    shifts = [log_odds_of(each) - log_odds_of(judged.prevalence) for each in stated]
    edges = _edges(judged, shifts)
    counts, rounds = binned(judged.release.log_odds, judged.is_advert, resamples, edges)
    shifted, unshifted, as_found = (
        _measures(judged, shift, share, edges, counts, rounds)
        for shift, share in zip(shifts, (judged.prevalence, judged.prevalence, own), strict=True)
    )
    return {
        "prevalence": judged.prevalence,
        "fitted_prevalence": fitted_prevalence,
        "shifted": shifted,
        "unshifted": unshifted,
        "as_found": {"prevalence": own} | as_found,
        "diagram": {"shifted": list(diagram(judged, resamples))},
    }


def measures(weights: Floats, cells: Cells) -> dict[str, Floats]:
    """Measure one or many weightings of the cells: (weightings, cells), each adding up to 1, to (weightings,) each."""
    gaps = np.zeros((len(cells.probability), BINS))
    gaps[np.arange(len(gaps)), bins_of(cells.probability)] = cells.probability - cells.is_advert
    likely = cells.probability >= LIKELY
    return {
        "ece": np.abs(weights @ gaps).sum(1),
        "ece_from_0.1": shares(np.abs(weights[:, likely] @ gaps[likely]).sum(1), weights[:, likely].sum(1)),
        "brier": weights @ cells.squared_error,
        "log_loss": weights @ cells.log_loss,
    }


def cells_of(probability: Floats, is_advert: Bools) -> Cells:
    """Make every row a cell."""
    right = np.clip(np.where(is_advert, probability, 1 - probability), CLIP, 1.0)
    return Cells(probability, is_advert, (probability - is_advert) ** 2, -np.log(right))


def bins_of(probability: Floats) -> Ints:
    """Number the bins of equal width; each holds its lower end, the last both."""
    return np.minimum((probability * BINS).astype(np.int64), BINS - 1)


def diagram(judged: Judged, resamples: Resamples) -> Iterator[dict[str, Any]]:
    """Yield the bins that hold rows, with the share of adverts in the stream and its interval."""
    probability = sigmoid(judged.release.log_odds)
    places = bins_of(probability)
    members = [places == place for place in np.unique(places)]
    weights = _row_weights(judged.is_advert, judged.prevalence)
    share = partial(precision, prevalence=judged.prevalence)  # of a bin's posts, those that are adverts
    for inside, rates in zip(members, flag_rates(judged, resamples, members), strict=True):
        place = int(places[inside][0])
        found = spread(share, rates)
        yield {
            "low": place / BINS,
            "high": (place + 1) / BINS,
            "rows": int(inside.sum()),
            "groups": len(np.unique(judged.groups[inside])),
            "mean_probability": float(np.average(probability[inside], weights=weights[inside])),
            "share_adverts": found["value"],
            "share_low": found["low"],
            "share_high": found["high"],
        }


def _edges(judged: Judged, shifts: list[float]) -> Floats:
    """Cut the log-odds finely, and wherever a bin of the error ends under one of the shifts."""
    ends = np.array([log_odds_of(each) for each in (LIKELY, *np.arange(1, BINS) / BINS)])
    log_odds = judged.release.log_odds
    return np.unique(np.concatenate([cuts(log_odds, judged.is_advert), *(ends - shift for shift in shifts)]))


def _measures(
    judged: Judged, shift: float, share: float, edges: Floats, counts: Ints, rounds: Floats
) -> dict[str, dict[str, Any]]:
    """Measure on the rows, with intervals from the rounds: (rounds, sides, bins)."""
    rows = cells_of(sigmoid(judged.release.log_odds + shift), judged.is_advert)
    values = measures(_row_weights(judged.is_advert, share)[None], rows)
    filled = counts.ravel() > 0
    sides = np.array([1 - share, share])[:, None]
    weights = shares(rounds * sides, rounds.sum(2, keepdims=True)).reshape(len(rounds), -1)
    places = np.searchsorted(edges, judged.release.log_odds, side="right") - 1 + len(edges) * judged.is_advert
    samples = measures(weights[:, filled], _merged(rows, places))
    return {name: _figure(float(values[name][0]), samples[name]) for name in values}


def _merged(rows: Cells, places: Ints) -> Cells:
    """Average the rows of each place, in order."""
    _, cells, counts = np.unique(places, return_inverse=True, return_counts=True)
    probability, is_advert, squared_error, log_loss = (
        np.bincount(cells, each) / counts
        for each in (rows.probability, rows.is_advert, rows.squared_error, rows.log_loss)
    )
    return Cells(probability, is_advert > 0.5, squared_error, log_loss)  # a place holds one side


def _row_weights(is_advert: Bools, share: float) -> Floats:
    adverts = int(is_advert.sum())
    return np.where(is_advert, share / adverts, (1 - share) / (len(is_advert) - adverts))


def _figure(value: float, samples: Floats) -> dict[str, Any]:
    if np.isnan(value):
        return no_figure(f"no row has a probability of {LIKELY} or more")
    return figure(value, samples)
