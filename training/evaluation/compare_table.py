"""A comparison for a person at a terminal: losses first, then gains, the rest in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from training.evaluation.gate import Change, by_loss, counted, loss, points

SHOWN = 12
"""Places that are not guarded and have changed, the greatest losses first; all are in compare.json."""
STYLES = {"WORSE": "bold red", "better": "green", "not guarded": "dim"}


def print_comparison(comparison: Mapping[str, Any], changes: Sequence[Change]) -> None:
    """Print the table, what it rests on, and the judgement."""
    console = Console()
    champion, challenger = comparison["champion"], comparison["challenger"]
    title = f"{challenger['release']} against {champion['release']}: {comparison['rows']:,} rows"
    title += f", {comparison['adverts']:,} adverts"
    if comparison["seen_in_training"]:
        title += f"; {comparison['seen_in_training']:,} rows left out, seen in training"
    if shown := rows_shown(changes):
        console.print(table(title, shown))
    else:
        console.print(title, markup=False)
    for line in lines(comparison, changes):
        console.print(line, markup=False, soft_wrap=True)


def rows_shown(changes: Sequence[Change]) -> list[tuple[str, Change]]:
    """Choose what the table shows, with its mark: what fails, what is better, what is lost where none is guarded."""
    ordered = by_loss(changes)
    worse = [("WORSE", change) for change in ordered if change.fails]
    better = [("better", change) for change in sorted(changes, key=loss) if change.guarded and change.better]
    unguarded = [change for change in ordered if not change.guarded and loss(change)]
    return [*worse, *better, *(("not guarded", change) for change in unguarded[:SHOWN])]


def table(title: str, shown: Sequence[tuple[str, Change]]) -> Table:
    """Lay out one row a change."""
    laid = Table(title=title, title_justify="left")
    for column in ("", "what", "champion", "challenger", "points", "interval", "lost", "gained"):
        laid.add_column(column, justify="left" if column in {"", "what"} else "right")
    for mark, change in shown:
        difference = change.difference
        cells = [
            *(mark, change.what, counted(change.before), counted(change.after)),
            *(points(difference["value"]), f"{points(difference['low'])} to {points(difference['high'])}"),
            *(f"{change.lost:,}", f"{change.gained:,}"),
        ]
        laid.add_row(*(Text(cell) for cell in cells), style=STYLES[mark])
    return laid


def lines(comparison: Mapping[str, Any], changes: Sequence[Change]) -> list[str]:
    """Say in words what was guarded, what it cost, and whether the challenger passes."""
    found, cost = comparison["judgement"], comparison["cost"]
    guarded = [change for change in changes if change.guarded]
    worse, better = sum(change.fails for change in guarded), sum(change.better for change in guarded)
    expected, confidence = found["false_alarms_expected"], found["confidence"]
    sizes, speeds = (
        " to ".join(form.format(cost[who][name]) for who in ("champion", "challenger"))
        for name, form in (("graph_mb", "{:,.1f}"), ("posts_per_second", "{:,.1f}"))
    )
    said = [
        *comparison["notes"],
        f"guarded: {len(guarded):,} places, {worse} worse, {better} better, {len(guarded) - worse - better:,} within"
        f" their intervals; were both equally good, {expected:.2g} would look worse by chance"
        f" at {100 * confidence:.6g} % each",
        f"graph: {sizes} MB; speed: {speeds} posts a second, the same {cost['posts']} posts in turn",
        *(f"worse: {sentence}" for sentence in found["fails"]),
    ]
    champion, challenger = comparison["champion"]["release"], comparison["challenger"]["release"]
    if found["passes"]:
        return [*said, f"passes: {challenger} may follow {champion}"]
    return [*said, f"fails: {challenger} may not follow {champion}"]
