"""How much of either side is flagged, and what follows from it in a stream with a stated share of adverts.

The rows' own mix is never the stream's, so recall R and the false-flag rate F are measured apart and put together
at a stated prevalence p: of all posts pR + (1-p)F are flagged. Where no false flag was seen, F is not zero: n others
show no rate under 3/n (the rule of three), and n counts near copies once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from training.evaluation.bootstrap import Resamples
from training.evaluation.judged import Bools, Floats, Ints, Judged
from training.evaluation.rates import figure, rate, shares

FEW = 10  # with fewer cases the rounds of a bootstrap hold too few different answers: the exact ends are used too
Formula = Callable[[Any, Any], NDArray[np.float64]]
"""From recall and false-flag rate, numbers or arrays alike; it rises or falls in each of them throughout."""


@dataclass(frozen=True, slots=True)
class Sides:
    """How many rows stand on either side, and in how many groups."""

    adverts: int
    others: int
    advert_groups: int
    other_groups: int

    @property
    def floor(self) -> float:
        """The smallest false-flag rate that the others can show: with none seen, 95 of 100 times it is lower."""
        return min(1.0, 3 / self.other_groups) if self.other_groups else 1.0

    @property
    def lacking(self) -> str | None:
        """Say in a sentence which side is missing, if one is."""
        if not self.adverts and not self.others:
            return "there are no rows"
        if not self.adverts:
            return f"there are no adverts among {self.others:,} rows"
        return None if self.others else f"all of {self.adverts:,} rows are adverts"

    def in_words(self) -> str:
        """Count the others, near copies once."""
        copies = "" if self.others == self.other_groups else f" ({self.others:,} with near copies)"
        return f"{self.other_groups:,} rows without an advert{copies}"


@dataclass(frozen=True, slots=True)
class FlagRates:
    """Recall and false-flag rate, each as a Rate and as shares over the rounds (rounds,)."""

    sides: Sides
    recall: dict[str, Any]
    false_flags: dict[str, Any]
    recall_rounds: Floats
    false_flag_rounds: Floats

    @property
    def few(self) -> bool:
        """Tell whether one of the four counts is so small that the rounds alone claim too much."""
        counts = [
            count for each in (self.recall, self.false_flags) for count in (each["count"], each["of"] - each["count"])
        ]
        return bool(min(counts) < FEW)


def sides_of(judged: Judged) -> Sides:
    """Count rows and groups on either side."""
    adverts, others = judged.groups[judged.is_advert], judged.groups[~judged.is_advert]
    return Sides(len(adverts), len(others), len(np.unique(adverts)), len(np.unique(others)))


def flag_rates(judged: Judged, resamples: Resamples, flags: Sequence[Bools]) -> list[FlagRates]:
    """Measure each of `flags` (rows,); they share their rounds."""
    sides = sides_of(judged)
    masks = [judged.is_advert, ~judged.is_advert]
    masks += [side & each for each in flags for side in masks[:2]]
    totals = resamples.totals(sparse.csc_array(np.column_stack(masks).astype(np.float64)))
    return [
        rates_from(
            sides,
            (int(masks[at].sum()), int(masks[at + 1].sum())),
            (shares(totals[:, at], totals[:, 0]), shares(totals[:, at + 1], totals[:, 1])),
        )
        for at in range(2, len(masks), 2)
    ]


def rates_from(sides: Sides, counts: tuple[int, int], rounds: tuple[Floats, Floats]) -> FlagRates:
    """Make the rates from what was flagged of adverts and of others, as counts and as shares over the rounds."""
    return FlagRates(
        sides,
        side_rate(counts[0], sides.adverts, sides.advert_groups, rounds[0]),
        side_rate(counts[1], sides.others, sides.other_groups, rounds[1]),
        *rounds,
    )


def side_rate(count: int, total: int, groups: int, rounds: Floats) -> dict[str, Any]:
    """Give the rate of one side; where all or nothing is flagged every round says the same, so groups are counted."""
    found = rate(count, total, rounds)
    if total and count in (0, total):
        by_group = rate(groups if count else 0, groups)
        found |= {"low": min(found["low"], by_group["low"]), "high": max(found["high"], by_group["high"])}
    return found


def precision(recall: Any, false_flags: Any, prevalence: float) -> NDArray[np.float64]:
    """Give the share of flags that are right in a stream; NaN where nothing is flagged."""
    caught = np.asarray(prevalence * recall, dtype=np.float64)
    return shares(caught, flag_share(recall, false_flags, prevalence))


def flag_share(recall: Any, false_flags: Any, prevalence: float) -> NDArray[np.float64]:
    """Give the share of a stream's posts that are flagged."""
    return np.asarray(prevalence * recall + (1 - prevalence) * false_flags, dtype=np.float64)


def f1(recall: Any, false_flags: Any, prevalence: float) -> NDArray[np.float64]:
    """Give F1 in a stream, which says nothing without its prevalence."""
    caught = np.asarray(2 * prevalence * recall, dtype=np.float64)
    return shares(caught, prevalence + flag_share(recall, false_flags, prevalence))


def spread(formula: Formula, rates: FlagRates) -> dict[str, Any]:
    """Give a formula's value with its interval over the rounds.

    With few cases it is widened to what the formula takes at the ends of both rates' own intervals.
    """
    value = formula(rates.recall["share"], rates.false_flags["share"])
    found = figure(float(value), formula(rates.recall_rounds, rates.false_flag_rounds))
    if rates.few:
        corners = [formula(rates.recall[one], rates.false_flags[two]) for one in ENDS for two in ENDS]
        ends = [found["low"], found["high"], *map(float, corners)]
        found |= {"low": float(np.nanmin(ends)), "high": float(np.nanmax(ends))}
    return found


ENDS = ("low", "high")


def steps(log_odds: Floats, is_advert: Bools) -> tuple[Floats, Ints, Ints]:
    """Give every distinct log-odds from the top down (steps,), with the adverts and the others at or above it."""
    order = np.argsort(-log_odds, kind="stable")
    ranked = log_odds[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], len(ranked) > 0))  # equal rows are flagged together
    hits = np.cumsum(is_advert[order], dtype=np.int64)[last]
    return ranked[last], hits, last + 1 - hits
