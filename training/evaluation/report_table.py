"""The report in a terminal: what it comes to in a stream, what was asked, the main slices. The page has the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from training.card_tables import extra_lines, floors_line, in_words, number_in_words, share_in_words
from training.evaluation.floors import floors_of

SHOWN = ("intent", "lang", "source")
LEAST = 20  # rows of a slice that is worth a line here


def print_report(report: Mapping[str, Any]) -> None:
    """Print the report in short."""
    console = Console()
    title = f"release {report['release']}: {report['rows']:,} rows, {report['adverts']:,} adverts"
    if report.get("seen_in_training"):
        title += f"; {report['seen_in_training']:,} rows left out, seen in training"
    console.print(title, style="bold", highlight=False)
    for note in report["notes"]:
        console.print(f"note: {note}", markup=False, highlight=False)
    console.print(use_table(report), goal_table(report) if report["goals"] else "", slices_table(report))
    console.print(floors_line(floors_of(report)), markup=False, highlight=False)
    console.print(harm_line(report), extra_lines(report), sep="\n", markup=False, highlight=False)


def use_table(report: Mapping[str, Any]) -> Table:
    """Draw precision, recall and flags at each prevalence."""
    table = Table(title="in use", title_justify="left")
    for column in ("adverts in the stream", "detector", "precision", "recall", "flags in a million"):
        table.add_column(column, justify="left" if column == "detector" else "right")
    for entry in report["in_use"]:
        for who, figures in entry["contenders"].items():
            shares = [share_in_words(figures[name]) for name in ("precision", "recall")]
            table.add_row(f"{entry['prevalence']:.4g}", who, *shares, number_in_words(figures["flags_per_million"]))
        table.add_section()
    return table


def goal_table(report: Mapping[str, Any]) -> Table:
    """Draw the thresholds that were asked for."""
    table = Table("goal", "flag from", "recall", "precision", title="thresholds", title_justify="left")
    for each in report["goals"]:
        if each["answer"] is None:
            table.add_row(each["goal"], "refused", each["refused"], "")
        else:
            found = each["answer"]
            shares = [share_in_words(found[name]) for name in ("recall", "precision")]
            table.add_row(each["goal"], f"{found['threshold']:.4f} at {found['prevalence']:.4g}", *shares)
    return table


def slices_table(report: Mapping[str, Any]) -> Table:
    """Draw the main slices that hold enough rows, the release beside its plain baseline."""
    table = Table(title="slices", title_justify="left")
    for column in ("slice", "recall", "recall, baseline", "false flags", "false flags, baseline"):
        table.add_column(column, justify="left" if column == "slice" else "right")
    for name, rates in report["slices"].items():
        if name == "all" or tells(name, rates):
            cells = [
                in_words(rates[who][what]) for what in ("recall", "false_flags") for who in ("release", "baseline")
            ]
            table.add_row(name, *cells)
    return table


def tells(name: str, rates: Mapping[str, Any]) -> bool:
    """Tell whether a slice is worth a line: enough rows, and of the many sources those with an advert or a flag."""
    kind, enough = name.partition(":")[0], sum(rate["of"] for rate in rates["release"].values()) >= LEAST
    flagged = any(rates[who]["false_flags"]["count"] for who in ("release", "baseline"))
    return enough and kind in SHOWN and (kind != "source" or bool(rates["release"]["recall"]["of"] or flagged))


def harm_line(report: Mapping[str, Any]) -> str:
    """Say how many posts that protect people were flagged."""
    found = report["harm_reduction"]
    if "why" in found:
        return f"harm reduction flagged by mistake: not measured: {found['why']}"
    return f"harm reduction flagged by mistake: {in_words(found['release'])}"
