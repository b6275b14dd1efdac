"""How well two releases rank the same rows, whatever their thresholds: average precision, paired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy import sparse

from training.evaluation.bootstrap import Resamples
from training.evaluation.curves import area, average_precision, cuts
from training.evaluation.flag_rates import sides_of
from training.evaluation.gate import Change
from training.evaluation.judged import Bools, Floats, Judged
from training.evaluation.limits import Limits
from training.evaluation.rates import interval, shares, widest


def ranking_change(champion: Judged, challenger: Judged, resamples: Resamples, limits: Limits) -> Change | str:
    """Compare average precision at the champion's prevalence, as the report states it; or say why there is none.

    The interval of the difference also holds what it is when a false-flag rate under 3/n counts as 3/n for both:
    a ranking is not worse for a handful of others at its top.
    """
    found = []
    for each in (champion, challenger):
        alone = replace(each, contenders=each.contenders[:1])
        stated = average_precision(alone, resamples, prevalence=champion.prevalence)
        stated = stated.get("release", stated)
        if stated.get("value") is None:
            return f"average precision is not compared: {stated['why']}"
        found.append(stated)
    value = found[1]["value"] - found[0]["value"]
    difference = widest(value, difference_ranges((champion, challenger), value, resamples, limits.confidence))
    return Change(
        measure="average_precision",
        where="all",
        before=found[0],
        after=found[1],
        difference=difference,
        gained=0,
        lost=0,
        tolerated=limits.tolerance("average_precision", "all", int(champion.is_advert.sum())),
        chance=(1 - limits.confidence) / 2 if difference["low"] < difference["high"] else 0.0,
    )


def difference_ranges(
    pair: Sequence[Judged], value: float, resamples: Resamples, confidence: float
) -> list[tuple[float, float]]:
    """Draw the difference, both rankings in the same rounds, with false-flag rates as they are and from 3/n up."""
    binned = [one_hot(each.release.log_odds, each.is_advert) for each in pair]
    columns = sparse.hstack(binned, format="csr")
    ends = [0, binned[0].shape[1], columns.shape[1]]
    sides, prevalence = sides_of(pair[0]), pair[0].prevalence

    def difference(sums: Floats, floor: float) -> Floats:
        first, second = (
            area(recall, np.maximum(false_flags, floor), prevalence)
            for recall, false_flags in (rates(sums[:, start:end]) for start, end in pairwise(ends))
        )
        return second - first

    rounds, rough = resamples.totals(columns), difference(columns.sum(axis=0)[None], 0.0)
    drawn = [difference(rounds, floor) + (value - rough) for floor in (0.0, sides.floor)]
    return [interval(each, confidence) for each in drawn]


def one_hot(log_odds: Floats, is_advert: Bools) -> sparse.csr_array:
    """Mark each row's bin and side: (rows, 2 * bins), the strictest bin first, adverts first."""
    edges = cuts(log_odds, is_advert)
    places = len(edges) - np.searchsorted(edges, log_odds, side="right") + len(edges) * ~is_advert
    rows = np.arange(len(log_odds))
    return sparse.csr_array((np.ones(len(rows)), (rows, places)), shape=(len(rows), 2 * len(edges)))


def rates(sums: Floats) -> tuple[Floats, Floats]:
    """Give recall and false-flag rate from the strictest bin down: (rounds, 2 * bins) to twice (rounds, bins)."""
    adverts, others = (each.cumsum(axis=1) for each in np.split(sums, 2, axis=1))
    return shares(adverts, adverts[:, -1:]), shares(others, others[:, -1:])
