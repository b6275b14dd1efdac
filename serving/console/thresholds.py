"""What a threshold would cost a team: reviews and misses a day, from the curves of a release's report.

The report counts its test posts by their log-odds, adverts apart; that gives the recall at every threshold. The share
of other posts that are flagged comes from its curve of recall over false flags, which counts only what people wrote.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from models.verdict import ADVERT_INTENTS

UNKNOWN_ADVERT = "advert (intent unknown)"  # as the report names rows of which only that is known
STEPS = (0.02, 0.05, *(step / 20 for step in range(2, 20)))


@dataclass(frozen=True, slots=True)
class Point:
    """One threshold; `most` says that the share of false flags is at most this, since too few posts could show less."""

    threshold: float
    recall: float
    false_flags: float
    most: bool = False


@dataclass(frozen=True, slots=True)
class Curve:
    """Points by rising threshold, on probabilities meant for `prevalence`."""

    prevalence: float
    points: Sequence[Point]

    def to_json(self) -> list[dict[str, Any]]:
        """Give the points as the page's script reads them."""
        return [asdict(point) for point in self.points]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a threshold comes to in a day."""

    point: Point
    reviews: float
    wrong: float
    caught: float
    missed: float

    @property
    def precision(self) -> float | None:
        """Give the share of reviews that are adverts."""
        return self.caught / self.reviews if self.reviews else None


def cost(point: Point, *, prevalence: float, posts: float) -> Cost:
    """Count a day of so many posts."""
    adverts, others = posts * prevalence, posts * (1 - prevalence)
    caught, wrong = adverts * point.recall, others * point.false_flags
    return Cost(point, caught + wrong, wrong, caught, adverts - caught)


def curve_of(report: Mapping[str, Any]) -> Curve | None:
    """Read the points from a report; None where it lacks the counts."""
    curves = report.get("curves", {})
    scores, trade = curves.get("scores"), curves.get("recall_false_flags", {}).get("release")
    if not scores or not trade:
        return None
    adverts = np.sum([scores["by_intent"].get(name, 0) for name in (*ADVERT_INTENTS, UNKNOWN_ADVERT)], axis=0)
    if not np.any(adverts):
        return None
    at_or_above = np.append(np.cumsum(np.asarray(adverts, float)[::-1])[::-1], 0.0) / np.sum(adverts)
    recalls, false_flags = np.asarray(trade["recall"], float), np.asarray(trade["false_flag_rate"], float)
    points = []
    for threshold in sorted({*STEPS, float(report["policy"]["threshold"])}):
        recall = float(np.interp(math.log(threshold / (1 - threshold)), scores["edges"], at_or_above))
        flags = float(np.interp(recall, recalls, false_flags))
        points.append(Point(threshold, recall, flags, most=bool(recall < recalls[0])))
    return Curve(float(report["policy"]["prevalence"]), points)
