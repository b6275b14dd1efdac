"""Check a folder of posts before anything trains on it: `npsight corpus check FOLDER`.

The report is one JSON object: each check with its counts and the first ids that fail, figures without a mark, and
whether all passes. What the checks are is in `corpus_checks_*`; docs/corpus.md says what each failure means.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from training.blocks import stamp_block
from training.corpus import DataError, Row, load_corpus
from training.corpus_checks_copies import case_texts, copies_check, grouped, leakage_check
from training.corpus_checks_coverage import coverage
from training.corpus_checks_identity import identity_check
from training.corpus_checks_schema import folder_card, read_parts, readable, schema_check
from training.corpus_checks_table import lines, print_check
from training.corpus_checks_variety import variety
from training.evaluation.records import read_file
from training.held_out import held_out_words
from training.json_files import write_json
from training.steps import Step, silent

OPEN, CLOSE = "<!-- check, generated -->", "<!-- /check -->"
STEPS = ("fields and card", "near copies", "variety", "contacts", "coverage")
REAL = "real"
"""What the tables call rows that are only compared with."""
WIDTH_IN_A_FILE = 120
"""Columns when nobody's terminal says how many."""


def check_command(
    folder: Path,
    *,
    suite: Path | None,
    out: Path | None = None,
    stamp: bool = False,
    beside: Sequence[str] = (),
    sources: Sequence[str] = (),
    cards: Path = Path("data_cards"),
) -> bool:
    """Check a folder, print the report, write it where asked, and tell whether it passes.

    `beside` are files of real rows, of which those of the `sources` are compared with in variety.
    """
    with step_progress() as on_step:
        found = load_corpus(beside, cards=cards, read=read_file).rows if beside else []
        real = [row for row in found if not sources or any(fnmatchcase(row.source, each) for each in sources)]
        report = check_corpus(folder, suite=suite, beside=real, on_step=on_step)
    print_check(report, Console(width=None if sys.stdout.isatty() else WIDTH_IN_A_FILE))
    if out is not None:
        write_json(report, out, allow_nan=True)
    if stamp:
        stamp_check(folder / "README.md", report)
    return bool(report["passes"])


def check_corpus(
    folder: Path, *, suite: Path | None, beside: Sequence[Row] = (), on_step: Step = silent
) -> dict[str, Any]:
    """Run every check on a folder of posts; `suite` is a functional suite that must not have leaked into it.

    `DataError` or `CardError` where there is nothing to check: no folder, no card, no part, a line that is no JSON.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder")
    on_step(STEPS[0])
    card, parts, cases, held_out = folder_card(folder), read_parts(folder), case_texts(suite), held_out_words(folder)
    checks = {"schema": schema_check(folder, card, parts)}
    rows = readable(parts)
    on_step(STEPS[1])
    numbers, in_cases = grouped(rows, cases)
    checks["copies"] = copies_check(rows, numbers)
    checks["leakage"] = leakage_check(rows, numbers, in_cases=in_cases, held_out=held_out)
    on_step(STEPS[2])
    varied = variety([*rows, *(replace(row, source=REAL) for row in beside)])
    on_step(STEPS[3])
    checks["identity"] = identity_check(rows)
    on_step(STEPS[4])
    return {
        "folder": str(folder),
        "suite": None if suite is None else str(suite),
        "passes": all(check["passes"] for check in checks.values()),
        "checks": checks,
        "variety": varied,
        **({"beside": real_copies(beside)} if beside else {}),
        "coverage": coverage(rows, held_out=held_out),
    }


def real_copies(rows: Sequence[Row]) -> dict[str, Any]:
    """Give the share of near copies among real rows, to compare with."""
    same = [replace(row, source=REAL) for row in rows]
    numbers, _ = grouped(same, [])
    return dict(copies_check(same, numbers)["parts"][REAL]) | {
        "sources": sorted({row.source.partition("/")[0] for row in rows})
    }


def stamp_check(card: Path, report: dict[str, Any]) -> None:
    """Write the report's figures into a data card, between its two marks; `DataError` when it has none."""
    stamp_block(card, OPEN, CLOSE, lambda: lines(report))


@contextmanager
def step_progress() -> Iterator[Step]:
    """Show on stderr, at a terminal, which step is under way."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("reading", total=len(STEPS))

        def on_step(step: str) -> None:
            progress.update(task, description=step, completed=STEPS.index(step))

        yield on_step
