"""What a contender's flags mean in a stream: precision, reviews and misses at stated prevalences.

Precision and F1 exist only beside a prevalence. Where no false flag was seen precision is a bound, never 100 %;
where too few rows without an advert were judged to tell anything at a prevalence, it is refused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from training.evaluation.bootstrap import Resamples
from training.evaluation.flag_rates import (
    ENDS,
    FEW,
    FlagRates,
    Formula,
    Sides,
    f1,
    flag_rates,
    flag_share,
    precision,
    spread,
)
from training.evaluation.judged import Judged
from training.evaluation.rates import no_figure

Figure = dict[str, Any]
WORTH = 0.5  # data that could not even show more right flags than wrong ones say nothing of a prevalence
MILLION = 1_000_000


def in_use(
    judged: Judged, resamples: Resamples, *, prevalences: Sequence[float], posts_per_day: float | None
) -> list[dict[str, Any]]:
    """Give the section `in_use`: every contender at its own flags, prevalence by prevalence."""
    rates = flag_rates(judged, resamples, [each.flags for each in judged.contenders])
    return [
        {
            "prevalence": prevalence,
            "posts_per_day": posts_per_day,
            "contenders": {
                contender.name: figures_at(each, prevalence=prevalence, posts_per_day=posts_per_day)
                for contender, each in zip(judged.contenders, rates, strict=True)
            },
        }
        for prevalence in prevalences
    ]


def figures_at(
    rates: FlagRates, *, prevalence: float, posts_per_day: float | None = None, worth: float = WORTH
) -> dict[str, Figure]:
    """Give what the rates come to in a stream; `worth` is the precision that the data must be able to show."""
    flags = _share(flag_share, rates, prevalence)
    found = {
        "recall": _recall(rates),
        "false_flag_rate": _false_flags(rates),
        "precision": _precise(precision, rates, prevalence, worth),
        "f1": _precise(f1, rates, prevalence, worth),
        "flags_per_million": times(flags, MILLION),
        "wrong_flags_per_million": times(_false_flags(rates), MILLION * (1 - prevalence)),
        "missed_per_million": times(_missed(rates), MILLION * prevalence),
    }
    return found | ({} if posts_per_day is None else {"reviews_per_day": times(flags, posts_per_day)})


def others_needed(rate: float) -> int:
    """Count the rows without an advert that can show so low a false-flag rate: the rule of three."""
    return math.ceil(3 / rate - 1e-9)  # 3 / 0.001 is a hair above 3000


def too_coarse(sides: Sides, rate: float, what: str) -> str:
    """Say that `what` needs a lower false-flag rate than the others can show, and how many could."""
    return (
        f"{what} needs a false-flag rate of {plain(rate)} or lower, and {sides.in_words()} show none under "
        f"{plain(sides.floor)} (3 in {sides.other_groups:,}): at least {others_needed(rate):,} would be needed"
    )


def plain(value: float, *, digits: int = 3) -> str:
    """Write a number without an exponent."""
    return np.format_float_positional(float(f"{value:.{digits}g}"), trim="-")


def as_asked(value: float) -> str:
    """Write a number that somebody wrote, in all the digits they may have used."""
    return plain(value, digits=12)


def times(found: Figure, factor: float) -> Figure:
    """Give a figure in another unit."""
    return {key: value * factor if isinstance(value, float) else value for key, value in found.items()}


def _recall(rates: FlagRates) -> Figure:
    if not rates.sides.adverts:
        return no_figure(f"{rates.sides.lacking}, so no recall can be shown")
    return _as_figure(rates.recall)


def _missed(rates: FlagRates) -> Figure:
    found = _recall(rates)
    if found["value"] is None:
        return found
    return {"value": 1 - found["value"], "low": 1 - found["high"], "high": 1 - found["low"]}


def _false_flags(rates: FlagRates) -> Figure:
    if not rates.sides.others:
        return no_figure(f"{rates.sides.lacking}, so no false-flag rate can be shown")
    if rates.false_flags["count"] == 0:
        return {"value": rates.sides.floor, "low": None, "high": None, "bound": "at most"}
    return _as_figure(rates.false_flags)


def _as_figure(rate: dict[str, Any]) -> Figure:
    return {"value": rate["share"], "low": rate["low"], "high": rate["high"]}


def _share(formula: Any, rates: FlagRates, prevalence: float) -> Figure:
    if rates.sides.lacking:
        return no_figure(f"{rates.sides.lacking}, and this needs both sides")
    return spread(partial(formula, prevalence=prevalence), rates)


def _precise(formula: Any, rates: FlagRates, prevalence: float, worth: float) -> Figure:
    """Give precision or F1, refused where false flags are few and none at all would not show a precision of `worth`."""
    why = rates.sides.lacking or _not_shown(rates, prevalence, worth)
    if why:
        return no_figure(f"{why}, so neither precision nor F1 can be shown" if rates.sides.lacking else why)
    at = partial(formula, prevalence=prevalence)
    return spread(at, rates) if rates.false_flags["count"] else _at_least(at, rates)


def _not_shown(rates: FlagRates, prevalence: float, worth: float) -> str | None:
    recall = rates.recall["share"]
    if recall == 0:
        return f"none of {rates.sides.adverts:,} adverts is flagged, so there is no precision to show"
    if rates.false_flags["count"] >= FEW:  # seen so often it is known, however bad the news
        return None
    if precision(recall, rates.sides.floor, prevalence) >= worth:
        return None
    needed = allowed_false_flags(recall, prevalence, worth)
    return too_coarse(rates.sides, needed, f"a precision of {as_asked(worth)} at prevalence {as_asked(prevalence)}")


def allowed_false_flags(recall: Any, prevalence: float, wanted: float) -> Any:
    """Give the false-flag rate at which precision is as wanted."""
    return np.asarray(prevalence * recall * (1 - wanted) / (wanted * (1 - prevalence)))[()]


def _at_least(formula: Formula, rates: FlagRates) -> Figure:
    """State the bound that no false flag leaves, with the interval that recall gives it."""
    value, low, high = (float(formula(rates.recall[key], rates.sides.floor)) for key in ("share", *ENDS))
    return {"value": value, "low": low, "high": high, "bound": "at least"}
