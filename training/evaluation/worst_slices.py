"""Slices, and pairs of slices, where the release does worst, searched for and then confirmed on other groups."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.stats import hypergeom

from training.evaluation.bootstrap import Resamples
from training.evaluation.judged import Bools, Floats, Ints, Judged
from training.evaluation.rates import rate
from training.evaluation.slices import kind_of

FEWEST = {"missed": 30, "wrong": 300}
"""Posts of its side that a region must hold: at a tenth of a percent of wrong flags, 300 posts show 0 or 1."""
FEWEST_GROUPS = 15
SURE = 0.05
ALIKE = 0.8  # shared part of two regions from which they are one finding under two names
UNSEARCHED = {"missed": {"all", "written"}, "wrong": {"all", "written", "intent", "named"}}
"""Intents other than adverts, and what a drug word is, are known only of posts written to be hard, so they say where a
post came from; a language of written posts is a language and a source, a pair that is searched."""

Region = tuple[int, int]  # two slices, the earlier first; twice the same for a slice alone


@dataclass(frozen=True, slots=True)
class Side:
    """The adverts, or the others, and which of them were judged wrongly."""

    names: Sequence[str]
    inside: Bools  # (rows, slices)
    flagged: Bools  # (rows,)
    wrong: Bools  # (rows,)
    groups: Ints  # (rows,)
    weight: Floats  # (rows,): one vote a group, so that a template does not count as its copies
    finding: Bools  # (rows,): in the half that is searched; the other half confirms

    def mask(self, region: Region) -> Bools:
        """Tell which rows lie in a region."""
        return np.asarray(self.inside[:, region[0]] & self.inside[:, region[1]])


def worst_slices(judged: Judged, slices: Mapping[str, Bools], *, seed: int = 7, most: int = 10) -> dict[str, Any]:
    """Find where adverts are missed and where others are flagged far more than elsewhere.

    `rows` and `groups` count the whole region on its side; rates and p are of the confirming half alone.
    """
    found: dict[str, Any] = {}
    searched: dict[str, int] = {}
    for name in ("missed", "wrong"):
        side = _side(judged, slices, name, seed)
        regions = _regions(side, FEWEST[name])
        searched[name] = int(regions.sum())
        found[name] = _confirmed(side, list(_found(side, regions, most)), seed)
    return {"how": _how(searched), **found}


def _how(searched: Mapping[str, int]) -> str:
    return (
        f"Every slice and every pair of slices of two kinds ({searched['missed']:,} with enough adverts, "
        f"{searched['wrong']:,} with enough posts without one) was held against the rest of its side on one half of "
        "the groups (Fisher's exact test, one vote a group, Benjamini-Hochberg at 5 %). What stood out, beyond what "
        "stood out more, is listed with its rates on the other half, and left out where that half does not confirm "
        "it (p above 0.05)."
    )


def _side(judged: Judged, slices: Mapping[str, Bools], name: str, seed: int) -> Side:
    rows = judged.is_advert if name == "missed" else ~judged.is_advert
    names = [each for each in slices if kind_of(each) not in UNSEARCHED[name]]
    flagged, groups = judged.release.flags[rows], judged.groups[rows]
    _, number, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return Side(
        names=names,
        inside=np.array([slices[each][rows] for each in names], dtype=bool).reshape(len(names), len(groups)).T,
        flagged=flagged,
        wrong=~flagged if name == "missed" else flagged,
        groups=groups,
        weight=1 / counts[number],
        finding=np.array([_half(group, seed) == 0 for group in groups.tolist()], dtype=bool),
    )


def _half(group: int, seed: int) -> int:
    """Put a group into one of two halves, whatever other groups there are."""
    return hashlib.blake2b(f"{seed}:{group}".encode(), digest_size=1).digest()[0] & 1


def _regions(side: Side, fewest: int) -> Bools:
    """Tell which slices (the diagonal) and pairs of slices of two kinds (above it) are large enough to search."""
    sizes = _pairs(side.inside, np.ones(len(side.groups)))
    kinds = np.array([kind_of(name) for name in side.names], dtype=object)
    apart = np.triu(kinds[:, None] != kinds[None, :], 1) | np.eye(len(kinds), dtype=bool)
    return np.asarray(apart & (sizes >= fewest) & (sizes < len(side.groups)))


def _pairs(inside: Bools, weight: Floats) -> Floats:
    """Sum the weights of the rows in each pair of slices: (slices, slices)."""
    member = sparse.csr_array(inside, dtype=np.float64)
    return np.asarray((member.T @ member.multiply(weight[:, None]).tocsr()).toarray())


def _found(side: Side, regions: Bools, most: int) -> Iterator[Region]:
    """Give the regions that stand out on the finding half, the surest first, each beyond those before it."""
    kept: list[Bools] = []
    left = side.finding.copy()
    while len(kept) < most:
        for region in _standing_out(side, regions, left):
            mask = side.mask(region)
            if len(np.unique(side.groups[mask])) >= FEWEST_GROUPS and not any(_alike(mask, other) for other in kept):
                break
        else:
            return
        yield region
        kept.append(mask)
        left &= ~mask


def _standing_out(side: Side, regions: Bools, left: Bools) -> list[Region]:
    """Give the regions worse than the rest among the rows that are left, the surest first.

    A pair competes with every other pair, a slice only with slices: a pair must be that much surer.
    """
    where = np.argwhere(regions)
    p, excess = (each[regions] for each in _tests(side, left))
    pair = where[:, 0] != where[:, 1]
    competing = np.where(pair, pair.sum(), (~pair).sum())
    order = np.lexsort((-excess, p * competing))
    return [(int(where[place, 0]), int(where[place, 1])) for place in order if p[place] <= _limit(p)]


def _limit(p: Floats) -> float:
    """Give the largest p that passes Benjamini-Hochberg; below 0 where none does."""
    ranked = np.sort(p)
    passing = ranked[ranked <= SURE * np.arange(1, len(p) + 1) / max(len(p), 1)]
    return float(passing.max(initial=-1.0))


def _tests(side: Side, rows: Bools) -> tuple[Floats, Floats]:
    """Test all pairs of slices at once: one-sided p, and the excess in standard deviations, (slices, slices)."""
    wrong = rows & side.wrong
    inside, inside_wrong = (_pairs(side.inside[each], side.weight[each]) for each in (rows, wrong))
    total, total_wrong = side.weight[rows].sum(), side.weight[wrong].sum()
    expected = inside * total_wrong / max(total, 1)
    excess = (inside_wrong - expected) / np.sqrt(np.maximum(expected, 1e-9))
    p = np.ones_like(excess)
    worse = (inside_wrong >= 1) & (excess > 0)  # the exact test is dear, and p is above one half elsewhere
    p[worse] = _fisher(inside_wrong[worse], inside[worse], total_wrong, total)
    return p, excess


def _fisher(inside_wrong: Any, inside: Any, total_wrong: float, total: float) -> Any:
    """Test one-sided whether a region holds more of the wrong than its part; fractions count against it."""
    low, high = np.floor(inside_wrong + 1e-9), np.ceil(inside - 1e-9)
    return hypergeom.sf(low - 1, np.ceil(total - 1e-9), np.ceil(total_wrong - 1e-9), high)


def _alike(mask: Bools, other: Bools) -> bool:
    """Tell whether a region lies within another or nearly equals it."""
    both = int((mask & other).sum())
    return both == int(mask.sum()) or both > ALIKE * int((mask | other).sum())


def _confirmed(side: Side, regions: Sequence[Region], seed: int) -> list[dict[str, Any]]:
    """Give the regions that the other half confirms, with what that half says of them."""
    half = ~side.finding
    masks = [side.mask(region) for region in regions]
    if not regions or not half.any():
        return []
    flagged = side.flagged[half]
    columns = [each for mask in masks for part in (mask[half], ~mask[half]) for each in (part, part & flagged)]
    drawn = Resamples(side.groups[half], seed=seed).totals(np.column_stack(columns)).reshape(-1, len(regions), 2, 2)
    entries = []
    for place, (region, mask) in enumerate(zip(regions, masks, strict=True)):
        p = _confirming(side, mask)
        if p <= SURE:
            rates = [_rate(part[half], flagged, drawn[:, place, at]) for at, part in enumerate((mask, ~mask))]
            entries.append(_entry(side, region, mask) | {"rate": rates[0], "rest": rates[1], "p": p})
    return entries


def _confirming(side: Side, mask: Bools) -> float:
    half = ~side.finding
    sums = [side.weight[rows].sum() for rows in (half & mask & side.wrong, half & mask, half & side.wrong, half)]
    return float(_fisher(*sums))


def _entry(side: Side, region: Region, mask: Bools) -> dict[str, Any]:
    return {
        "where": [side.names[place] for place in dict.fromkeys(region)],
        "rows": int(mask.sum()),
        "groups": len(np.unique(side.groups[mask])),
    }


def _rate(part: Bools, flagged: Bools, drawn: Floats) -> dict[str, Any]:
    """Give the flagged share of a part; `drawn` (rounds, 2) holds its rows and its flagged rows."""
    samples = np.divide(drawn[:, 1], drawn[:, 0], out=np.full(len(drawn), np.nan), where=drawn[:, 0] > 0)
    return rate(int((part & flagged).sum()), int(part.sum()), samples)
