"""A report into a release: its record, its model card and a README's figures, all from the same numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.release import CARD, REPORT, Release, open_release, save_manifest
from training.blocks import with_block
from training.card_tables import in_words, suite_lines, table, use_table
from training.evaluation.floors import measure_floors
from training.json_files import read_object, write_json
from training.model_card import model_card

BEGIN, END = "<!-- figures, generated from models/default/report.json -->", "<!-- /figures -->"
TRAINING = ("training", "working_point", "parity", "baseline_threshold")
"""What only `npsight train` knows and a later report must keep."""


def document(folder: Path, report_file: Path, *, protocols: Sequence[Path] = (), readme: Path | None = None) -> Release:
    """Write report, card and manifest anew; `ValueError` when the report is of another release."""
    release = open_release(folder)
    before, report = read_object(release.path(REPORT)), read_object(report_file)
    if report.get("release") != release.version:
        raise ValueError(f"{report_file}: a report of release {report.get('release')}, wanted {release.version}")
    report |= {name: before[name] for name in TRAINING if name in before}
    if protocols:
        report["protocol"] = joined([read_object(each) for each in protocols])
    elif "protocol" in before:
        report.setdefault("protocol", before["protocol"])
    report["floors"] = measure_floors(report)  # anew: the protocol is known only here
    facts = release.facts() | {"metrics": headline(report)}
    write_json(report, release.path(REPORT), allow_nan=True)
    release.path(CARD).write_text(model_card(release.version, facts, report), encoding="utf-8")
    if readme is not None:
        readme.write_text(with_figures(readme.read_text(encoding="utf-8"), report), encoding="utf-8")
    return save_manifest(folder, version=release.version, created=release.manifest["created"], facts=facts)


def joined(sections: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Put the runs of several protocols into one section, each run with its own budget and threshold."""
    runs = [
        run | {name: section[name] for name in ("budget", "false_flags_per_10000")}
        for section in sections
        for run in section["runs"]
    ]
    budgets = list(dict.fromkeys(section["budget"] for section in sections))
    return {**sections[0], "budget": "; or ".join(budgets), "runs": runs}


def headline(report: Mapping[str, Any]) -> dict[str, Any]:
    """Pick the few figures that the manifest repeats."""
    return {
        "threshold": report["working_point"]["threshold"],
        "recall": report["slices"]["all"]["release"]["recall"],
        "false_flags": report["slices"]["all"]["release"]["false_flags"],
        "parity": report["parity"],
    }


def with_figures(text: str, report: Mapping[str, Any]) -> str:
    """Rewrite the block of figures in a README; `ValueError` when it has none."""
    found = with_block(text, BEGIN, END, lambda: figures(report))
    if found is None:
        raise ValueError(f"no {BEGIN} ... {END} in the README")
    return found


def figures(report: Mapping[str, Any]) -> str:
    """Draw the README's figures: in use, what protects people, and the functional suite."""
    rates = report["slices"]["all"]
    counts = [
        [report["contenders"][who], *(in_words(rates[who][what]) for what in ("recall", "false_flags"))]
        for who in rates
    ]
    return "\n\n".join(
        [
            f"Release {report['release']}, by its shipped policy, on {report['rows']:,} rows it did not train on:",
            table(["detector", "adverts found", "others flagged"], counts),
            "What that means in a stream, by its share of adverts (*not shown*: these data cannot carry the figure):",
            use_table(report),
            f"Functional suite `drugcheck`:\n\n{suite_lines(report)}",
        ]
    )
