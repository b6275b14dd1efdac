"""Rows through a loaded release to judged rows: what is measured is what ships."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import TypeVar

import numpy as np
from rich.progress import track

from models.normalise import normalise
from models.policy import Policy
from models.reader import Reads
from models.scorer import Reading
from models.verdict import Detect, Post, Verdict
from models.words import Words
from training.corpus import Row
from training.evaluation.judged import Contender, Judged, lexicon_contender, release_contender
from training.grouping import group_rows

BATCH = 256
Each = TypeVar("Each")


def posts_of(rows: Sequence[Row]) -> list[Post]:
    """Turn rows into posts: labels never reach a detector."""
    return [Post(id=row.id, text=row.text, lang=row.lang if row.lang != "mul" else None) for row in rows]


def judge(detect: Detect, rows: Sequence[Row]) -> list[Verdict]:
    """Judge all rows, with a progress bar."""
    return [verdict for batch in batches(posts_of(rows), "judging") for verdict in detect(batch)]


def read_rows(scorer: Reads, rows: Sequence[Row]) -> list[Reading]:
    """Read all rows, with a progress bar."""
    texts = [row.text for row in rows]
    return [
        reading
        for batch in batches(texts, "reading")
        for reading in scorer.read([each.text for each in normalise(batch)])
    ]


def batches(values: Sequence[Each], words: str) -> Iterator[Sequence[Each]]:
    """Cut into batches under a progress bar."""
    starts = range(0, len(values), BATCH)
    for start in track(starts, description=words, disable=len(values) < BATCH):
        yield values[start : start + BATCH]


def judged_rows(
    rows: Sequence[Row], verdicts: Sequence[Verdict], policy: Policy, *, version: str, others: Sequence[Contender] = ()
) -> Judged:
    """Join rows with the release's verdicts and the other contenders; the lexicon alone is read off the verdicts."""
    reviews = [band.review for band in policy.bands.values() if band.review is not None]
    return Judged(
        rows=rows,
        verdicts=verdicts,
        is_advert=np.array([row.is_advert for row in rows], dtype=bool),
        groups=group_rows(rows),
        contenders=(
            release_contender("release", f"npsight {version}", verdicts),
            *others,
            lexicon_contender(verdicts),
        ),
        prevalence=policy.prevalence,
        threshold=min(reviews, default=None),
    )


def baseline_contender(baseline: Words, rows: Sequence[Row], threshold: float) -> Contender:
    """Let the plain baseline answer, at the threshold that was set as the release's was."""
    log_odds = baseline.log_odds([row.text for row in rows])
    return Contender("baseline", "TF-IDF with logistic regression on the same rows", log_odds, log_odds >= threshold)


def baseline_threshold(baseline: Words, rows: Sequence[Row], *, ordinary: Sequence[str], per_10000: float) -> float:
    """Set the baseline's threshold as the release's is set: at the same false flags in 10,000 ordinary rows."""
    texts = [row.text for row in rows if not row.is_advert and any(fnmatchcase(row.source, each) for each in ordinary)]
    worst_first = np.sort(baseline.log_odds(texts))[::-1]
    allowed = int(len(worst_first) * per_10000 / 10_000)
    return float(np.nextafter(worst_first[min(allowed, len(worst_first) - 1)], np.inf))
