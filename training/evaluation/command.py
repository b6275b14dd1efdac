"""`npsight evaluate`: a release and labelled files to a report in JSON and a short table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from models import neardup
from models.release import BASELINE, REPORT, SKETCH, Release, load_detector, open_release
from training.corpus import DataError, Row, load_corpus
from training.evaluation.baselines import Baseline
from training.evaluation.records import read_file
from training.evaluation.run import evaluate_rows
from training.model_card import extra_lines, in_words


def evaluate_release(folder: Path, data: Sequence[str], *, out: Path | None, cards: Path, allow_seen: bool) -> None:
    """Measure the loaded release, print the table and write `report.json` when asked."""
    release = open_release(folder)
    corpus = load_corpus(data, cards=cards, read=read_file)
    rows, seen = (corpus.rows, 0) if allow_seen else unseen(corpus.rows, release)
    report = {
        "release": release.version,
        "data": list(data),
        "left_out": corpus.left_out,
        "seen_in_training": seen,
        **evaluate_rows(
            load_detector(release),
            rows,
            Baseline.load(release.path(BASELINE)),
            threshold=json.loads(release.path(REPORT).read_text(encoding="utf-8"))["baseline_threshold"],
        ),
    }
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / REPORT).write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print_report(report)


def unseen(rows: Sequence[Row], release: Release) -> tuple[list[Row], int]:
    """Leave out rows that the release was trained on, or near copies of them; `DataError` when none is left."""
    seen = neardup.seen([row.text for row in rows], neardup.load(release.path(SKETCH)))
    kept = [row for row, was in zip(rows, seen.tolist(), strict=True) if not was]
    if not kept:
        raise DataError(
            f"all {len(rows)} rows, or near copies, were in training: --allow-seen measures them all the same"
        )
    return kept, len(rows) - len(kept)


def print_report(report: Mapping[str, Any]) -> None:
    """Print the slices, the release beside its baseline at the same false-flag rate."""
    console = Console()
    title = f"release {report['release']}: {report['rows']:,} rows, {report['adverts']:,} adverts"
    if report.get("seen_in_training"):
        title += f"; {report['seen_in_training']:,} rows left out, seen in training"
    table = Table(title=title, title_justify="left")
    for column in ("slice", "recall", "recall, baseline", "false flags", "false flags, baseline"):
        table.add_column(column, justify="left" if column == "slice" else "right")
    for name, rates in report["slices"].items():
        cells = [
            in_words(rates[who][measure]) for measure in ("recall", "false_flags") for who in ("release", "baseline")
        ]
        table.add_row(name, *cells)
    console.print(table)
    console.print(extra_lines(report), markup=False)
