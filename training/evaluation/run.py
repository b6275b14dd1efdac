"""Rows through a loaded release to a report: what is measured is what ships."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeVar

import numpy as np
from rich.progress import track

from models.normalise import normalise
from models.scorer import Reading, Scorer
from models.verdict import Detect, Post, Verdict
from training.corpus import Row
from training.evaluation.baselines import Baseline
from training.evaluation.measure import measure

BATCH = 256
Each = TypeVar("Each")


def posts_of(rows: Sequence[Row]) -> list[Post]:
    """Turn rows into posts: labels never reach a detector."""
    return [Post(id=row.id, text=row.text, lang=row.lang if row.lang != "mul" else None) for row in rows]


def judge(detect: Detect, rows: Sequence[Row]) -> list[Verdict]:
    """Judge all rows, with a progress bar."""
    return [verdict for batch in batches(posts_of(rows), "judging") for verdict in detect(batch)]


def read_rows(scorer: Scorer, rows: Sequence[Row]) -> list[Reading]:
    """Read all rows with the graph alone, with a progress bar."""
    texts = [row.text for row in rows]
    return [
        reading
        for batch in batches(texts, "reading")
        for reading in scorer.read([each.text for each in normalise(batch)])
    ]


def batches(values: Sequence[Each], words: str) -> Iterator[Sequence[Each]]:
    """Cut into batches under a progress bar."""
    starts = range(0, len(values), BATCH)
    for start in track(starts, description=words, disable=len(values) < 10 * BATCH):
        yield values[start : start + BATCH]


def baseline_threshold(baseline: Baseline, rows: Sequence[Row], *, ordinary: Sequence[str], per_10000: float) -> float:
    """Set the baseline's threshold as the release's is set: at the same false flags in 10,000 ordinary rows."""
    texts = [row.text for row in rows if not row.is_advert and any(fnmatchcase(row.source, each) for each in ordinary)]
    worst_first = np.sort(baseline.log_odds(texts))[::-1]
    allowed = int(len(worst_first) * per_10000 / 10_000)
    return float(np.nextafter(worst_first[min(allowed, len(worst_first) - 1)], np.inf))


def evaluate_rows(
    detect: Detect, rows: Sequence[Row], baseline: Baseline | None = None, *, threshold: float | None = None
) -> dict[str, Any]:
    """Judge rows and measure the verdicts, beside the baseline when its threshold is given."""
    verdicts = judge(detect, rows)
    if baseline is None or threshold is None:
        return measure(rows, verdicts)
    log_odds = baseline.log_odds([row.text for row in rows])
    return measure(rows, verdicts, baseline={"log_odds": log_odds, "flags": log_odds >= threshold})
