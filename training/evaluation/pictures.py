"""Which pictures a report has, in which order, and what each shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from matplotlib.figure import Figure

from training.evaluation import chart_rows, charts
from training.evaluation.chart_style import NothingToDrawError, svg
from training.evaluation.words import is_number, one_in, reason

Report = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure of the page: its `svg`, or `why` there is none."""

    key: str
    title: str
    words: str  # what to see in it
    svg: str = ""
    why: str = ""


def pictures(report: Report) -> list[Picture]:
    """Draw every picture whose part of the report is there."""
    curves, points = part(report, "curves"), part(report, "curves", "operating_points")
    points = points if isinstance(points, Mapping) else {}
    at = one_in(prevalence) if is_number(prevalence := part(curves, "precision_recall", "prevalence")) else ""
    threshold = part(report, "policy", "threshold")
    return [
        _picture(
            "precision-recall",
            "Precision against recall",
            f"{f'At {at}. ' if at else ''}Further up and to the right is better. The band is the release's 95 % "
            "interval; the marks are where each contender works.",
            part(curves, "precision_recall"),
            partial(charts.precision_recall, operating_points=points),
        ),
        _picture(
            "recall-false-flags",
            "Recall against false flags",
            "Further up and to the left is better. The axis is logarithmic and stops at 3 in the number of posts "
            "without an advert: further left these rows can tell nothing. A hollow mark lies beyond that end.",
            part(curves, "recall_false_flags"),
            partial(charts.recall_false_flags, operating_points=points),
        ),
        _picture(
            "reliability",
            "Is the stated probability true?",
            "Dots on the dashed line: of posts said to be an advert with 60 %, 60 of 100 are. Below the line the "
            "release claims too much. Lines are 95 % intervals.",
            part(report, "calibration", "diagram", "shifted"),
            charts.reliability,
        ),
        _picture(
            "scores",
            "Scores by intent",
            "Rows of each intent by the score that the release gave them, each on its own scale, with their number. "
            "Right of the dashed line is flagged.",
            part(curves, "scores"),
            partial(charts.scores, threshold=threshold if is_number(threshold) else None),
        ),
        _picture(
            "slice-recall",
            "Recall by slice",
            "At the working point, with 95 % intervals. "
            f"At most {chart_rows.MOST_SLICES} slices, those with most adverts; all are in the tables.",
            part(report, "slices"),
            partial(chart_rows.slice_rates, measure="recall"),
        ),
        _picture(
            "slice-false-flags",
            "False flags by slice",
            "A hollow mark at the left edge: no false flag was seen, and the line's right end is the most that the "
            f"rows allow. At most {chart_rows.MOST_SLICES} slices, those with most posts without an advert.",
            part(report, "slices"),
            partial(chart_rows.slice_rates, measure="false_flags"),
        ),
        _picture(
            "confusion",
            "Intents mistaken for each other",
            "Rows are the truth, columns what the release said; darker is a larger share of the row. Off the diagonal "
            "are the mistakes.",
            part(report, "intents", "confusion"),
            chart_rows.confusion,
        ),
        _picture(
            "throughput",
            "Speed by batch size",
            "Posts a second when they come in batches of this size.",
            part(report, "cost", "batch"),
            charts.throughput,
        ),
        _picture(
            "robustness",
            "Adverts hidden by disguise",
            "Shorter is better. Full bars: as shipped; hatched bars: without the normaliser, so the gap is what it "
            "gains. A star marks an attack kept out of training.",
            part(report, "robustness", "attacks"),
            chart_rows.robustness,
        ),
    ]


def part(report: Any, *keys: str) -> Any:
    """Look a part up; the nearest reason why it is missing, or `None`, where it is not there."""
    for key in keys:
        if not isinstance(report, Mapping):
            return None
        if report and key not in report and (why := reason(report)):
            return {"why": why}
        report = report.get(key)
    return report


def _picture(key: str, title: str, words: str, data: Any, draw: Callable[[Any], Figure]) -> Picture:
    if why := reason(data):
        return Picture(key, title, words, why=why)
    try:
        return Picture(key, title, words, svg=svg(lambda: draw(data), key=key, title=title, words=words))
    except NothingToDrawError as nothing:
        return Picture(key, title, words, why=str(nothing))
