"""The protocol's section of a report as a table for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

COLUMNS = ("held out", "trained", "recall", "false flags", "average precision")


def print_protocol(section: Mapping[str, Any], console: Console) -> None:
    """Print the runs under their budget, the release above its baseline, and beside them what each cost to train."""
    table = Table(
        title=f"protocol: {section['budget']}, from {section['start']}",
        caption="above the release, below the plain baseline on the same rows, each at its own working point; "
        "average precision at the mix of the test",
        title_justify="left",
        caption_justify="left",
        show_lines=True,
    )
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == COLUMNS[0] else "right")
    for run in section["runs"]:
        if "release" in run:
            table.add_row(*measured_cells(run))
        else:
            why = run["why"] if run["possible"] else f"not possible: {run['why']}"
            table.add_row(f"{run['split']}\n{why}", *[""] * (len(COLUMNS) - 1))
    console.print(table, markup=False)


def measured_cells(run: Mapping[str, Any]) -> list[str]:
    """Write a measured run's cells, two lines each where two are compared."""
    both = (run["release"], run["baseline"])
    cells = ["\n".join(share(each[name]) for each in both) for name in ("recall", "false_flags")]
    precision = (each["average_precision"] for each in both)
    return [
        run["split"],
        f"{run['train_seconds']:,.0f} s\n{run['train_rows']:,} rows",
        *cells,
        "\n".join("none" if value is None else f"{value:.3f}" for value in precision),
    ]


def share(rate: Mapping[str, Any]) -> str:
    """Say a rate with its counts and its interval."""
    if not rate["of"]:
        return "none"
    digits = 2 if rate["share"] < 0.1 else 1
    low, high = (f"{rate[name]:.{digits}%}" for name in ("low", "high"))
    return f"{rate['share']:.{digits}%} of {rate['of']:,} ({low} to {high})"
