"""Whether posts look as they did: the live tallies against a reference.

The population stability index (PSI) of two shares p and q, summed over values, is (p - q) ln(p / q). That under 0.1 is
steady and from 0.25 on is drift are conventions of credit scoring, not laws; and few posts make it large by chance
alone, so what chance would give stands beside it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.reference import Reference
from serving.observe.facts import Measure

STEADY, DRIFTED = 0.1, 0.25
RARE = 0.01  # values with a smaller share on both sides are one value: their logarithms would be noise
REST = "(rest)"
COMPARED = (Measure.PROBABILITY, Measure.LANG, Measure.CLASS, Measure.SUBSTANCE)
KEPT = (*COMPARED, Measure.INTENT, Measure.DECISION, Measure.UNKNOWN_TERMS)
"""What a reference holds; words as people write them are not among it."""
Z = 1.96  # of an interval of 95 %


@dataclass(frozen=True, slots=True)
class Shift:
    """How far one measure moved. `chance` is what PSI comes to on average when nothing moved."""

    measure: str
    psi: float
    chance: float
    moved: Sequence[tuple[str, float, float]]  # value, its share before, its share now; the largest moves first

    @property
    def word(self) -> str:
        """Say it in a word."""
        if math.isnan(self.psi):
            return "nothing to compare"
        if self.psi < STEADY:
            return "steady"
        if self.psi < 2 * self.chance:
            return "no more than chance"
        return "worth a look" if self.psi < DRIFTED else "drifted"


@dataclass(frozen=True, slots=True)
class Share:
    """A share of posts with the interval that holds it in 95 of 100 cases."""

    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Drift:
    """Live posts against a reference."""

    reference: Reference
    live: Reference
    shifts: Sequence[Shift]
    unknown_before: Share
    unknown: Share
    notes: Sequence[str]


def compare(reference: Reference, live: Reference) -> Drift:
    """Measure how far the live posts are from the reference, and say what makes that doubtful."""
    shifts = [shift(each, _counts(reference, each), _counts(live, each)) for each in COMPARED]
    return Drift(reference, live, shifts, _unknown(reference), _unknown(live), list(_notes(reference, live)))


def shift(measure: str, before: Mapping[str, int], now: Mapping[str, int]) -> Shift:
    """Measure how far one distribution moved; an empty one compares with nothing."""
    posts, posts_now = sum(before.values()), sum(now.values())
    if not posts or not posts_now:
        return Shift(measure, math.nan, math.nan, ())
    one, other = _folded(before, now)
    moves = [(value, one[value] / posts, other[value] / posts_now) for value in sorted(one | other)]
    chance = (len(moves) - 1) * (1 / posts + 1 / posts_now)
    moves.sort(key=lambda move: -abs(move[1] - move[2]))
    return Shift(measure, psi(one, other), chance, moves)


def psi(before: Mapping[str, int], now: Mapping[str, int]) -> float:
    """Give the population stability index of two tables of counts; half a post is added to each value, so none is 0."""
    values = sorted({*before, *now})
    whole, whole_now = (sum(counts.values()) + len(values) / 2 for counts in (before, now))
    shares = [((before.get(v, 0) + 0.5) / whole, (now.get(v, 0) + 0.5) / whole_now) for v in values]
    return sum((p - q) * math.log(p / q) for p, q in shares)


def share_of(count: int, posts: int) -> Share:
    """Give a share with Wilson's interval, which holds also near 0."""
    if not posts:
        return Share(math.nan, 0.0, 1.0)
    share, spread = count / posts, Z * Z / posts
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread * spread / 4) / (1 + spread)
    return Share(share, max(0.0, middle - half), min(1.0, middle + half))


def _folded(before: Mapping[str, int], now: Mapping[str, int]) -> tuple[Counter[str], Counter[str]]:
    floor, floor_now = RARE * sum(before.values()), RARE * sum(now.values())
    rare = {v for v in {*before, *now} if before.get(v, 0) < floor and now.get(v, 0) < floor_now}
    one, other = Counter[str](), Counter[str]()
    for counts, folded in ((before, one), (now, other)):
        for value, count in counts.items():
            folded[REST if value in rare else value] += count
    return one, other


def _counts(reference: Reference, measure: str) -> Mapping[str, int]:
    return reference.counts.get(measure, {})


def _unknown(reference: Reference) -> Share:
    return share_of(_counts(reference, Measure.UNKNOWN_TERMS).get("", 0), reference.posts)


def _notes(reference: Reference, live: Reference) -> Sequence[str]:
    notes = []
    if reference.release != live.release:
        notes.append(
            f"the reference is of release {reference.release}, the posts were judged by {live.release}: "
            "scores may differ for that alone"
        )
    elif reference.policy != live.policy:
        notes.append(
            f"the reference is under {reference.policy}, the posts under {live.policy}: "
            "a policy with another prevalence moves all scores"
        )
    if live.posts < 1000:
        notes.append(f"only {live.posts} posts: read nothing into small numbers")
    return notes
