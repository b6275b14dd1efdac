"""The lift as tables: for a terminal, and for a data card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from training.blocks import stamp_block
from training.card_tables import table
from training.protocol_table import share

OPEN, CLOSE = "<!-- lift, generated -->", "<!-- /lift -->"


def print_lift(section: Mapping[str, Any], console: Console) -> None:
    """Print recall and average precision by run and source, the network above the plain baseline."""
    shown = Table(title=f"lift: {section['budget']}, from {section['start']}", title_justify="left", show_lines=True)
    for column in ("trained on", "tested on", "recall", "false flags", "average precision"):
        shown.add_column(column)
    for run in section["runs"]:
        for source, found in run.get("sources", {}).items():
            both = (found["release"], found["baseline"])
            shown.add_row(
                f"{run['split']}\n{run['real']:,} real rows, {run['posts']:,} posts",
                source,
                *("\n".join(share(each[name]) for each in both) for name in ("recall", "false_flags")),
                "\n".join(f"{each['average_precision']:.3f}" for each in both),
            )
    console.print(shown, markup=False)


def stamp_lift(card: Path, section: Mapping[str, Any]) -> None:
    """Write the tables into a data card, between its two marks; `DataError` when it has none."""
    stamp_block(card, OPEN, CLOSE, lambda: lift_lines(section))


def lift_lines(section: Mapping[str, Any]) -> str:
    """Draw recall and average precision as Markdown, network | baseline, a line a number of posts."""
    runs = [run for run in section["runs"] if "sources" in run]
    columns = list(dict.fromkeys((run["held_out"], source) for run in runs for source in run["sources"]))
    blocks = [
        f"{title}, network / TF-IDF:\n\n{one_table(runs, columns, figure)}"
        for title, figure in (("Recall", recall_of), ("Average precision", precision_of))
    ]
    layers, rate = section["budget"].split(",")[0], section["false_flags_per_10000"]
    real = " to ".join(f"{count:,}" for count in sorted({pick(run["real"] for run in runs) for pick in (min, max)}))
    how = (
        f"{layers}, one epoch, {real} real rows and so many posts; the threshold of each at {rate:g} false flags in"
        " 10,000 ordinary rows of calibration."
    )
    return "\n\n".join([how, *blocks])


def one_table(runs: Sequence[Mapping[str, Any]], columns: Sequence[tuple[str, str]], figure: Any) -> str:
    """Draw one figure of every run, a column a source that was tested."""
    sizes = sorted({run["posts"] for run in runs})
    found = {(run["posts"], run["held_out"], source): each for run in runs for source, each in run["sources"].items()}
    head = ["posts", *(f"{source}, without {held}" if source not in held else source for held, source in columns)]
    lines = [
        [f"{size:,}", *(cell(found.get((size, held, source)), figure) for held, source in columns)] for size in sizes
    ]
    return table(head, lines)


def cell(found: Mapping[str, Any] | None, figure: Any) -> str:
    """Say a figure of both, or that it was not measured."""
    return " / ".join(figure(found[who]) for who in ("release", "baseline")) if found else "not measured"


def recall_of(measured: Mapping[str, Any]) -> str:
    """Say a recall in whole per cent."""
    return f"{measured['recall']['share']:.0%}"


def precision_of(measured: Mapping[str, Any]) -> str:
    """Say an average precision."""
    return f"{measured['average_precision']:.2f}"
