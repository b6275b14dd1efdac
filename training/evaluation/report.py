"""Judged rows to the report: each section is made in its own file, here they are put together.

What a section's data cannot carry stands in it as `{"why": ...}`; a report never holds a hollow figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.corpus import DataError, Row
from training.evaluation.bootstrap import Resamples
from training.evaluation.curves import average_precision, curves
from training.evaluation.errors import Nearest, errors
from training.evaluation.goals import Goal, answer_goal
from training.evaluation.in_use import in_use
from training.evaluation.judged import Judged
from training.evaluation.measure import intents, terms
from training.evaluation.paired import differences, loses
from training.evaluation.reliability import calibration
from training.evaluation.slices import harm_reduction, measure_slices, missing_notes, slices_of
from training.evaluation.worst_slices import worst_slices
from training.steps import Step, silent

FORMAT = 2
IN_USE = "in use"
"""How the note begins that says what stands for the stream."""
PREVALENCES = (0.1, 0.01, 0.0029, 0.0001)
"""A curated data set, a seller-rich forum, keyword-matched posts (a published count), an open stream."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reader of the report asks for."""

    prevalences: tuple[float, ...] = PREVALENCES
    posts_per_day: float | None = None
    goals: tuple[Goal, ...] = ()
    texts: str = "quotable"  # whose texts the errors show: none, quotable, or all of them masked


def metrics(
    judged: Judged,
    asked: Asked,
    *,
    fitted_prevalence: float,
    authored: Sequence[Row] = (),
    on_step: Step = silent,
) -> dict[str, Any]:
    """Compute every section that needs only the judged rows; `authored` rows are shown as nearest examples."""
    if not judged.rows:
        raise DataError("no row to measure")
    resamples = Resamples(judged.groups)
    slices = slices_of(judged)
    groups = len(np.unique(judged.groups))
    on_step(f"rates of {len(slices)} slices, with intervals over {groups:,} groups")
    compared = differences(judged, resamples, slices)
    stream = as_stream(judged)
    drawn = Resamples(stream.groups)
    report = {
        "rows": len(judged.rows),
        "adverts": int(judged.is_advert.sum()),
        "groups": groups,
        "contenders": {each.name: each.title for each in judged.contenders},
        "notes": [*stream_notes(judged, stream), *missing_notes(judged)],
        "in_use": in_use(stream, drawn, prevalences=asked.prevalences, posts_per_day=asked.posts_per_day),
        "goals": [answer_goal(goal, stream, drawn) for goal in asked.goals],
        "harm_reduction": harm_reduction(judged, resamples),
        "slices": measure_slices(judged, resamples, slices),
        "differences": compared,
        "loses": loses(compared),
    }
    on_step("curves and calibration")
    report |= {
        "curves": curves(stream, drawn, prevalence=judged.prevalence),
        "average_precision": average_precision(stream, drawn, prevalence=judged.prevalence),
        "calibration": calibration(stream, drawn, fitted_prevalence=fitted_prevalence),
        "intents": intents(judged.rows, judged.verdicts, resamples),
        "terms": terms(judged.rows, judged.verdicts, resamples),
    }
    on_step("worst slices and errors to read")
    report["worst_slices"] = worst_slices(judged, slices)
    nearest = Nearest.fit(authored) if authored else None
    report["errors"] = errors(judged, slices, texts=asked.texts, nearest=nearest)
    return report


def as_stream(judged: Judged) -> Judged:
    """Keep the adverts and such others as a stream may hold: what was written to be hard is in no stream's proportion.

    Where every post without an advert was written, all are kept.
    """
    written = np.array([row.quotable for row in judged.rows], dtype=bool)
    found = ~judged.is_advert & ~written
    return judged.take(judged.is_advert | found) if found.any() else judged


def stream_notes(judged: Judged, stream: Judged) -> list[str]:
    """Say what stands for the stream where that is not all rows."""
    left_out = len(judged.rows) - len(stream.rows)
    if not left_out:
        return []
    others = int((~stream.is_advert).sum())
    return [
        f"{IN_USE}, thresholds, curves and calibration count false flags on the {others:,} posts without an advert "
        f"that people posted; the {left_out:,} that were written to be hard are in the slices, the suite and the errors"
    ]


def one_sided(rows: Sequence[Row]) -> tuple[list[Row], int]:
    """Leave out rows whose label allows an advert and something else: no verdict on them is right or wrong."""
    kept = [row for row in rows if row.is_advert or not row.may_be_advert]
    return kept, len(rows) - len(kept)
