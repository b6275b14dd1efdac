"""What reviewers' decisions say of the detector: precision, recall, and how many adverts the stream holds.

Recall and prevalence need a random sample of what was let through (`audit_rate`); without one they are not known. Who
decides worst cases first leaves the others for later, so a decided post also stands for those of like probability that
were not decided yet: the share of the decided alone would flatter. Where a band has no decision at all, the nearest one
speaks for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from serving.review.intervals import Figure, Floats, Total, effective, part, summed, total, wilson
from serving.review.reviewed import Bools, Ints, Reviewed

BANDS = np.array([0.001, 0.01, 0.03, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.97, 0.99])
"""Ends of the bands within which the decided stand for the undecided: finer where flags lie, and most of a stream is in
the lowest."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known; `None` where there is nothing to know it from."""

    flagged: int  # posts
    flagged_decided: int
    drawn: int  # posts in the random sample
    drawn_decided: int
    precision: Figure | None  # of the flagged posts, those that are adverts
    sampled_precision: Figure | None  # likewise, from the random sample alone
    recall: Figure | None  # of the adverts in the stream, those that were flagged
    prevalence: Figure | None  # of the posts in the stream, those that are adverts


def figures(rows: Reviewed) -> Figures:
    """Measure all of it on some rows."""
    drawn = ~np.isnan(rows.drawn)
    found = _totals(rows)
    return Figures(
        flagged=int(rows.flagged.sum()),
        flagged_decided=int((rows.flagged & rows.decided).sum()),
        drawn=int(drawn.sum()),
        drawn_decided=int((drawn & rows.decided).sum()),
        precision=precision(rows),
        sampled_precision=precision(rows.take(drawn)),
        recall=part(*found, _decided(rows)) if found and sum(each.estimate for each in found) else None,
        prevalence=_share(summed(*found), rows) if found else None,
    )


def precision(rows: Reviewed) -> Figure | None:
    """Give the share of adverts among the flags."""
    chosen = rows.flagged & rows.decided
    if not chosen.any():
        return None
    weights = answering(rows)[chosen]
    share = float(np.average(rows.is_advert[chosen], weights=weights))
    return Figure(share, *wilson(share, effective(by_case(rows.case[chosen], weights))), int(chosen.sum()))


def by_case(cases: Ints, values: Floats) -> Floats:
    """Sum the posts of each case: (posts,) to (cases,)."""
    return np.bincount(np.unique(cases, return_inverse=True)[1], values).astype(np.float64)  # whole without cases


def answering(rows: Reviewed) -> Floats:
    """Weigh the decided rows so that they stand for the undecided of their band too: (posts,), 0 where undecided.

    A side, flagged or let through, without any decision stays without weight.
    """
    weights = np.zeros(len(rows))
    bands = np.searchsorted(BANDS, rows.probability, side="right")
    for side in (rows.flagged, ~rows.flagged):
        if (side & rows.decided).any():
            weights[side] = _within(bands[side], rows.weight[side], rows.decided[side])
    return weights


def _within(bands: Ints, weight: Floats, decided: Bools) -> Floats:
    """Share out the weight of each band among its decided rows, or those of the nearest band that has some."""
    speaking = np.unique(bands[decided])
    speaker = speaking[np.abs(bands[:, None] - speaking[None]).argmin(1)]  # (rows,), a band for each
    size = len(BANDS) + 1
    whole, heard = np.bincount(speaker, weight, size), np.bincount(bands[decided], weight[decided], size)
    return np.where(decided, weight * whole[bands] / np.where(heard, heard, 1)[bands], 0.0)


def _totals(rows: Reviewed) -> tuple[Total, Total] | None:
    """Estimate how many adverts were flagged, and how many were let through; both must have been looked at.

    A stream without any flag is looked at when its sample is.
    """
    passed = ~rows.flagged
    if not (passed & rows.decided).any() or (rows.flagged.any() and not (rows.flagged & rows.decided).any()):
        return None
    weights = answering(rows)
    return _adverts(rows, weights, rows.flagged), _adverts(rows, weights, passed)


def _adverts(rows: Reviewed, weights: Floats, side: Bools) -> Total:
    """Count the adverts of one side, each case weighing what its copies do together."""
    adverts = by_case(rows.case[side & rows.is_advert], weights[side & rows.is_advert])
    return total(adverts, float(weights[side].max(initial=1.0)))  # a post stands for itself at least


def _share(adverts: Total, rows: Reviewed) -> Figure:
    posts = float(rows.weight.sum())
    low, high = (min(1.0, each / posts) for each in (adverts.low, adverts.high))
    return Figure(min(1.0, adverts.estimate / posts), low, high, _decided(rows))


def _decided(rows: Reviewed) -> int:
    return int(rows.decided.sum())
