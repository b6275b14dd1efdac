"""What the ranking is worth at every threshold: two curves with bands, average precision, scores by intent.

Bands come from rows sorted into bins of log-odds, so that a thousand rounds cost one product of small matrices. No
point claims what the rows cannot show: the curve of recall starts at the lowest false-flag rate that they can (3/n),
the curve of precision where the first false flag is seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse

from training.corpus import Row
from training.evaluation.bootstrap import Resamples
from training.evaluation.flag_rates import (
    FlagRates,
    Sides,
    flag_rates,
    precision,
    rates_from,
    sides_of,
    spread,
    steps,
)
from training.evaluation.in_use import WORTH, allowed_false_flags, as_asked, figures_at, too_coarse
from training.evaluation.judged import Bools, Floats, Ints, Judged
from training.evaluation.rates import figure, no_figure, shares

CUTS = 200  # a side: with both sides' cuts some 400 bins
POINTS = 200  # a curve: one every 3 pixels of a page's width
SCORE_BINS = 40


@dataclass(frozen=True, slots=True)
class Ranking:
    """One contender at thresholds from the strictest down: counts (bins,) and shares over the rounds (rounds, bins)."""

    sides: Sides
    hits: Ints
    wrong: Ints
    recall_rounds: Floats
    false_flag_rounds: Floats

    def rates(self, at: int) -> FlagRates:
        """Give the rates when the threshold is the lower end of a bin."""
        rounds = (self.recall_rounds[:, at], self.false_flag_rounds[:, at])
        return rates_from(self.sides, (int(self.hits[at]), int(self.wrong[at])), rounds)


def curves(judged: Judged, resamples: Resamples, *, prevalence: float) -> dict[str, Any]:
    """Give the section `curves`; precision is re-weighted to `prevalence`."""
    sides = sides_of(judged)
    histogram = {"scores": scores(judged)} if judged.rows else {}
    if sides.lacking:
        why = {"why": f"{sides.lacking}, and a curve needs both sides"}
        return {"precision_recall": why, "recall_false_flags": why, "operating_points": why} | histogram
    rankings = {each.name: ranking(each.log_odds, judged, resamples) for each in judged.contenders}
    return {
        "precision_recall": {"prevalence": prevalence}
        | {name: _precision_recall(each, prevalence) for name, each in rankings.items()},
        "recall_false_flags": {"floor": sides.floor}
        | {name: _recall_false_flags(each) for name, each in rankings.items()},
        "operating_points": _operating_points(judged, resamples, prevalence),
    } | histogram


def average_precision(judged: Judged, resamples: Resamples, *, prevalence: float) -> dict[str, Any]:
    """Give the section `average_precision`, at `prevalence` and at the rows' own mix.

    The low end counts a false-flag rate under 3/n as 3/n, since rounds that hold no false flag would prove anything.
    """
    sides = sides_of(judged)
    if sides.lacking:
        return {"why": f"{sides.lacking}, and average precision needs both sides"}
    rankings = {each.name: ranking(each.log_odds, judged, resamples) for each in judged.contenders}

    def at(prevalence: float) -> dict[str, Any]:
        found = {
            each.name: _average(each.log_odds, judged.is_advert, rankings[each.name], prevalence)
            for each in judged.contenders
        }
        return {"at_prevalence": prevalence} | found

    return at(prevalence) | {"as_found": at(sides.adverts / (sides.adverts + sides.others))}


def ranking(log_odds: Floats, judged: Judged, resamples: Resamples) -> Ranking:
    """Sort one contender's rows into bins and draw the rounds; both sides must be there."""
    counts, rounds = binned(log_odds, judged.is_advert, resamples, cuts(log_odds, judged.is_advert))
    wrong, hits = counts[:, ::-1].cumsum(1)
    totals = rounds[:, :, ::-1].cumsum(2)  # (rounds, sides, bins)
    return Ranking(
        sides_of(judged),
        hits,
        wrong,
        recall_rounds=shares(totals[:, 1], totals[:, 1, -1:]),
        false_flag_rounds=shares(totals[:, 0], totals[:, 0, -1:]),
    )


def cuts(log_odds: Floats, is_advert: Bools) -> Floats:
    """Choose the lower ends of bins, rising; the lowest row is the first.

    They stand at equal shares of the adverts, and the finer the higher for the others: those cuts are at ranks
    that grow by a factor, so that the top 0.1 % of them has as many as each ten times more.
    """
    adverts, others = (np.sort(log_odds[side])[::-1] for side in (is_advert, ~is_advert))
    even, growing = np.linspace(1, len(adverts), CUTS), np.geomspace(1, len(others), CUTS)
    chosen = [side[np.rint(ranks).astype(int) - 1] for side, ranks in ((adverts, even), (others, growing))]
    return np.unique(np.concatenate(chosen))


def binned(log_odds: Floats, is_advert: Bools, resamples: Resamples, edges: Floats) -> tuple[Ints, Floats]:
    """Count rows by side and bin: (sides, bins) as found and (rounds, sides, bins); the advert side is the second.

    `edges` (bins,) are the lower ends, rising; the first is at or under every row.
    """
    places = np.searchsorted(edges, log_odds, side="right") - 1 + len(edges) * is_advert
    one_hot = sparse.csr_array(
        (np.ones(len(places)), (np.arange(len(places)), places)), shape=(len(places), 2 * len(edges))
    )
    counts = np.bincount(places, minlength=2 * len(edges))
    return counts.reshape(2, -1), resamples.totals(one_hot).reshape(-1, 2, len(edges))


def scores(judged: Judged) -> dict[str, Any]:
    """Count the release's log-odds by intent; rows of a partial label stand by their side."""
    log_odds = judged.release.log_odds
    low, high = np.floor(log_odds.min()), np.floor(log_odds.max()) + 1
    edges = np.linspace(low, high, SCORE_BINS + 1)
    names = np.array(list(map(_intent_name, judged.rows, judged.is_advert.tolist())))
    by_intent = {str(name): np.histogram(log_odds[names == name], edges)[0].tolist() for name in np.unique(names)}
    return {"edges": edges.tolist(), "unit": "log-odds", "by_intent": by_intent}


def _intent_name(row: Row, is_advert: bool) -> str:
    if len(row.intents) == 1:
        return str(next(iter(row.intents)))
    return "advert (intent unknown)" if is_advert else "no advert (intent unknown)"


def _precision_recall(ranked: Ranking, prevalence: float) -> dict[str, list[float]]:
    at = partial(precision, prevalence=prevalence)
    found = [(each, spread(at, each)) for each in _points(ranked, ranked.wrong > 0)]
    return {
        "recall": [rates.recall["share"] for rates, _ in found],
        "precision": [each["value"] for _, each in found],
        "low": [each["low"] for _, each in found],
        "high": [each["high"] for _, each in found],
    }


def _recall_false_flags(ranked: Ranking) -> dict[str, list[float]]:
    shown = ranked.wrong * ranked.sides.other_groups >= 3 * ranked.sides.others  # the floor, in whole numbers
    found = list(_points(ranked, shown))
    return {
        "false_flag_rate": [rates.false_flags["share"] for rates in found],
        "recall": [rates.recall["share"] for rates in found],
        "low": [rates.recall["low"] for rates in found],
        "high": [rates.recall["high"] for rates in found],
    }


def _points(ranked: Ranking, kept: Bools) -> Iterator[FlagRates]:
    """Yield the rates at evenly chosen kept bins, both ends among them."""
    places = np.flatnonzero(kept)
    if len(places) > POINTS:
        places = places[np.linspace(0, len(places) - 1, POINTS).round().astype(int)]
    return map(ranked.rates, places.tolist())


def _operating_points(judged: Judged, resamples: Resamples, prevalence: float) -> dict[str, Any]:
    rates = flag_rates(judged, resamples, [each.flags for each in judged.contenders])
    return {
        contender.name: {
            "recall": each.recall["share"],
            "false_flag_rate": each.false_flags["share"],
            "precision": figures_at(each, prevalence=prevalence)["precision"]["value"],
        }
        for contender, each in zip(judged.contenders, rates, strict=True)
    }


def _average(log_odds: Floats, is_advert: Bools, ranked: Ranking, prevalence: float) -> dict[str, Any]:
    floor = ranked.sides.floor
    if precision(1.0, floor, prevalence) < WORTH:
        what = f"a precision of {WORTH} at prevalence {as_asked(prevalence)}, were every advert caught,"
        return no_figure(too_coarse(ranked.sides, float(allowed_false_flags(1.0, prevalence, WORTH)), what))
    _, hits, wrong = steps(log_odds, is_advert)
    value = area(hits / hits[-1], wrong / wrong[-1], prevalence)[()]
    by_bins = area(ranked.hits / ranked.hits[-1], ranked.wrong / ranked.wrong[-1], prevalence)[()]
    rounds = [
        np.clip(area(ranked.recall_rounds, false_flags, prevalence) + (value - by_bins), 0, 1)
        for false_flags in (ranked.false_flag_rounds, np.maximum(ranked.false_flag_rounds, floor))
    ]
    found, cautious = (figure(float(value), each) for each in rounds)
    return found | {"low": min(found["low"], cautious["low"])}


def area(recall: Floats, false_flags: Floats, prevalence: float) -> Floats:
    """Sum precision over the steps in recall: (..., steps), from the strictest down, to (...)."""
    gained = np.diff(recall, axis=-1, prepend=0.0)
    right = precision(recall, false_flags, prevalence)
    return np.asarray(np.where(gained == 0, 0.0, gained * right).sum(-1))  # where nothing is flagged precision is NaN
