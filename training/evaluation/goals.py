"""Thresholds in words: `max recall @ precision >= 0.9 @ prevalence 0.003` to the threshold that does it best.

The search goes over the very rows that the figures are then measured on, so they are a little hopeful; set a
threshold on one part of your data and judge it on another. A false-flag rate under 3/n counts as 3/n in the search
(n rows without an advert show no lower one): otherwise the strictest thresholds, with no false flag at all, would
reach any precision. A limit on reviews is held against the plain estimate, whose interval says how far it may be off.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.calibration import log_odds, sigmoid
from models.policy import Bands, Policy
from models.verdict import ADVERT_INTENTS
from training.evaluation.bootstrap import Resamples
from training.evaluation.flag_rates import Sides, flag_rates, flag_share, precision, sides_of, steps
from training.evaluation.goal_words import SIGNS, Goal, GoalError, parse_goal
from training.evaluation.in_use import WORTH, allowed_false_flags, as_asked, figures_at, plain, too_coarse
from training.evaluation.judged import Bools, Floats, Judged

__all__ = ["Goal", "GoalError", "answer_goal", "goal_policy", "parse_goal"]

SHOWN = ("recall", "precision", "false_flag_rate", "reviews_per_day")
THEN = {"recall": "false_flags", "precision": "recall", "reviews": "recall", "false_flags": "recall"}
"""Between thresholds that are equally good in what is asked, the better one in this is taken."""


class RefusedError(ValueError):
    """The judged rows cannot answer a goal; the message says why in a sentence."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """What every distinct threshold of the release comes to, from the strictest down; each value is (steps,)."""

    log_odds: Floats
    recall: Floats
    false_flags: Floats  # never under 3/n
    precision: Floats  # at that rate
    plain_precision: Floats  # at the rate that was seen
    reviews: Floats  # a day; NaN where nobody said how many posts there are


def answer_goal(goal: Goal, judged: Judged, resamples: Resamples) -> dict[str, Any]:
    """Give one entry of the section `goals`: the threshold and its figures, or why there is none."""
    try:
        return {"goal": goal.words, "answer": _answer(goal, judged, resamples), "refused": None}
    except RefusedError as error:
        return {"goal": goal.words, "answer": None, "refused": str(error)}


def goal_policy(policy: Policy, answer: Mapping[str, Any]) -> Policy:
    """Give the policy's next version: every advert intent is reviewed from the answer's threshold, none acted on."""
    bands = {intent: Bands(review=answer["threshold"]) for intent in ADVERT_INTENTS}
    return replace(policy, version=policy.version + 1, prevalence=answer["prevalence"], bands=bands)


def _answer(goal: Goal, judged: Judged, resamples: Resamples) -> dict[str, Any]:
    prevalence = judged.prevalence if goal.prevalence is None else goal.prevalence
    sides = sides_of(judged)
    if sides.lacking:
        raise RefusedError(f"{sides.lacking}, and a threshold needs both sides")
    _refuse_too_coarse(goal, sides, prevalence)
    ladder = ladder_of(judged, sides, goal, prevalence)
    step = _best(goal, ladder, _held(goal, ladder, sides, prevalence))
    flags = judged.release.log_odds >= ladder.log_odds[step]
    figures = figures_at(
        flag_rates(judged, resamples, [flags])[0],
        prevalence=prevalence,
        posts_per_day=goal.posts_per_day,
        worth=min(WORTH, goal.precision or WORTH),
    )
    if goal.measure == "precision" and figures["precision"]["value"] is None:
        raise RefusedError(figures["precision"]["why"])
    threshold = _threshold(ladder.log_odds, step, log_odds(prevalence) - log_odds(judged.prevalence))
    shown = {name: figures[name] for name in SHOWN if name in figures}
    return {"threshold": threshold, "prevalence": prevalence} | shown


def ladder_of(judged: Judged, sides: Sides, goal: Goal, prevalence: float) -> Ladder:
    """Measure every distinct threshold of the release."""
    thresholds, hits, wrong = steps(judged.release.log_odds, judged.is_advert)
    recall, seen = hits / sides.adverts, wrong / sides.others
    false_flags = np.maximum(seen, sides.floor)
    return Ladder(
        log_odds=thresholds,
        recall=recall,
        false_flags=false_flags,
        precision=precision(recall, false_flags, prevalence),
        plain_precision=precision(recall, seen, prevalence),
        reviews=flag_share(recall, seen, prevalence) * (goal.posts_per_day or math.nan),
    )


def _refuse_too_coarse(goal: Goal, sides: Sides, prevalence: float) -> None:
    """Refuse what these rows could not show whatever the release did: every advert caught, or none but false flags."""
    needed = {}
    if goal.precision is not None:
        what = f"{_precise(goal.precision, prevalence)}, were every advert caught,"
        needed[what] = allowed_false_flags(1.0, prevalence, goal.precision)
    if goal.false_flags is not None:
        needed[f"false_flags <= {as_asked(goal.false_flags)}"] = goal.false_flags
    if goal.reviews is not None and goal.posts_per_day is not None:
        what = f"reviews <= {as_asked(goal.reviews)}/day of {as_asked(goal.posts_per_day)} posts"
        needed[what] = goal.reviews / goal.posts_per_day / (1 - prevalence)
    for what, rate in needed.items():
        if rate < sides.floor:
            raise RefusedError(too_coarse(sides, rate, what))


def _held(goal: Goal, ladder: Ladder, sides: Sides, prevalence: float) -> Bools:
    """Tell at which steps all limits hold (steps,); refuse at the first that none of the steps left reaches."""
    left = np.ones(len(ladder.log_odds), dtype=bool)
    before = ""
    for measure, sign in SIGNS.items():
        limit = getattr(goal, measure)
        if limit is None:
            continue
        values = getattr(ladder, measure)
        kept = left & (values >= limit if sign == ">=" else values <= limit)
        if not kept.any():
            if measure == "precision":
                _refuse_too_coarse_at(limit, ladder, left, sides, prevalence)
                values = ladder.plain_precision
            best = values[left].max() if sign == ">=" else values[left].min()
            said = f"no threshold{before} reaches {measure} {sign} {as_asked(limit)}"
            raise RefusedError(f"{said}: the best is {plain(best)}")
        left = kept
        before += f"{' and' if before else ' with'} {measure} {sign} {as_asked(limit)}"
    return left


def _refuse_too_coarse_at(limit: float, ladder: Ladder, left: Bools, sides: Sides, prevalence: float) -> None:
    """Refuse when some step reaches the precision, but by a lower false-flag rate than the others can show."""
    reached = left & (ladder.plain_precision >= limit)
    if reached.any():
        recall = float(ladder.recall[reached].max())
        needed = float(allowed_false_flags(recall, prevalence, limit))
        what = f"{_precise(limit, prevalence)}, reached at a recall of {plain(recall)},"
        raise RefusedError(too_coarse(sides, needed, what))


def _precise(limit: float, prevalence: float) -> str:
    return f"precision >= {as_asked(limit)} at prevalence {as_asked(prevalence)}"


def _best(goal: Goal, ladder: Ladder, held: Bools) -> int:
    places = np.flatnonzero(held)
    first, second = (
        getattr(ladder, measure)[places] * (1 if SIGNS[measure] == ">=" else -1)
        for measure in (goal.measure, THEN[goal.measure])
    )
    return int(places[np.lexsort((second, first))[-1]])


def _threshold(ladder: Floats, step: int, shift: float) -> float:
    """Give the probability in the goal's stream that flags down to `step` and no further.

    It stands just above the next row, or a thousandth under the last one flagged where the next is far.
    """
    lowest, *after = sigmoid(ladder[step : step + 2] + shift).tolist()
    return shortest(max([0.999 * lowest, *after]), lowest)


def shortest(above: float, most: float) -> float:
    """Round up from `above` to four significant digits, or to as many more as it takes to stay at `most` or under."""
    for digits in range(3 - math.floor(math.log10(above)), 17):
        rounded = math.floor(above * 10.0**digits + 1) / 10.0**digits
        if above < rounded <= most:
            return rounded
    return most
