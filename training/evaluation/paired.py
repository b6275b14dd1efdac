"""The release against every other contender, slice by slice, on the same posts and the same draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.stats import binom

from training.evaluation.bootstrap import Resamples, by_group
from training.evaluation.judged import Bools, Judged
from training.evaluation.rates import figure, no_figure
from training.evaluation.slices import shaped, shares, tally

MEASURES = ("recall", "false_flags")  # in the order of the sides in a tally
_MISSING = ("no adverts in this slice", "no posts without an advert in this slice")


def differences(judged: Judged, resamples: Resamples, slices: Mapping[str, Bools]) -> dict[str, Any]:
    """Give recall and false flags of the release minus those of each other contender, in shares.

    An interval excludes 0 only where the exact sign test over groups does too: few groups that differ
    show nothing, and a bootstrap of few groups does not know that they are few.
    """
    columns = tally(judged, slices)
    found = shares(shaped(columns.sum(axis=0), judged, slices))  # (contenders, 2, slices)
    drawn = shares(shaped(resamples.totals(columns), judged, slices))  # (rounds, contenders, 2, slices)
    open_ = _undecided(judged, slices, columns)

    def difference(other: int, side: int, place: int) -> dict[str, Any]:
        if np.isnan(found[0, side, place]):
            return no_figure(_MISSING[side])
        value = found[0, side, place] - found[other, side, place]
        stated = figure(value, drawn[:, 0, side, place] - drawn[:, other, side, place])
        if open_[other, side, place]:
            stated |= {"low": min(stated["low"], 0.0), "high": max(stated["high"], 0.0)}
        return stated

    return {
        contender.name: {
            name: {measure: difference(other, side, place) for side, measure in enumerate(MEASURES)}
            for place, name in enumerate(slices)
        }
        for other, contender in enumerate(judged.contenders)
        if other
    }


def loses(differences: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List where the release is worse than a contender: what lies beyond the interval first, then by size."""
    worse = [
        {"slice": name, "to": to, "measure": measure, "difference": stated, "beyond_interval": _beyond(measure, stated)}
        for to, slices in differences.items()
        for name, measures in slices.items()
        for measure, stated in measures.items()
        if stated["value"] is not None and _loss(measure, stated["value"]) > 0
    ]
    return sorted(worse, key=lambda loss: (not loss["beyond_interval"], -abs(loss["difference"]["value"])))


def _loss(measure: str, value: float) -> float:
    return -value if measure == "recall" else value


def _beyond(measure: str, stated: Mapping[str, Any]) -> bool:
    """Tell whether the whole interval lies on the losing side."""
    return bool(stated["high"] < 0 if measure == "recall" else stated["low"] > 0)


def _undecided(judged: Judged, slices: Mapping[str, Bools], columns: Any) -> Bools:
    """Tell where the exact sign test over groups does not tell the release from a contender at 5 %.

    (contenders, 2, slices); a group speaks for the one that flags more of it.
    """
    sums = by_group(judged.groups, columns)
    width = 2 * len(slices)
    release = sums[:, width : 2 * width]
    answers = []
    for other in range(1, 1 + len(judged.contenders)):
        more = (release - sums[:, other * width : (other + 1) * width]).sign()
        counts = np.stack([(more > 0).sum(axis=0), (more < 0).sum(axis=0)])  # (2, sides * slices)
        answers.append(2 * binom.cdf(counts.min(axis=0), counts.sum(axis=0), 0.5) > 0.05)
    return np.asarray(answers).reshape(len(judged.contenders), 2, len(slices))
