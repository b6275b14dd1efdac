"""What each part of the recipe brings, as Markdown for the model card: small networks that differ in one part each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.card_tables import Report, in_words, table
from training.evaluation.floor_measures import ABLATION

HEAD = (
    "recipe",
    "tested on",
    "recall",
    "recall, TF-IDF",
    "false flags",
    "average precision, beside TF-IDF's",
    "words F1",
    "intents F1",
    "posts/s",
    "MB",
)


def ablation_table(report: Report) -> str:
    """Draw a line for each run and source that it was tested on; the runs' own budget stands above."""
    runs = [run for run in report.get("protocol", {}).get("runs", ()) if run.get("kind") == ABLATION]
    if not runs:
        return "Not measured: not run."
    lines = [line for run in runs for line in run_lines(run)]
    budgets = ", ".join(dict.fromkeys(run.get("budget") or report["protocol"]["budget"] for run in runs))
    posts = max(run.get("posts", 0) for run in runs)
    ours = f", and {posts:,} posts of our own where they train" if posts else ""
    return f"Budget of each run: {budgets}{ours}.\n\n{table(HEAD, lines)}"


def run_lines(run: Mapping[str, Any]) -> list[list[str]]:
    """Give a line a source; what is of the whole run stands in its first one."""
    if "sources" not in run:
        return [[run["split"], str(run["why"]), *[""] * (len(HEAD) - 2)]]
    whole = [
        decimals(run["term_f1"].get("model")),
        decimals(run["intents_f1"]),
        f"{run['posts_per_s']:.0f}",
        f"{run['graph_bytes'] / 1e6:.0f}",
    ]
    return [
        [
            "" if number else run["split"],
            source,
            in_words(found["release"]["recall"]),
            in_words(found["baseline"]["recall"]),
            in_words(found["release"]["false_flags"]),
            f"{found['release']['average_precision']:.3f} / {found['baseline']['average_precision']:.3f}",
            *([""] * len(whole) if number else whole),
        ]
        for number, (source, found) in enumerate(run["sources"].items())
    ]


def decimals(value: float | None) -> str:
    """Say a figure that may not be there."""
    return "none" if value is None else f"{value:.3f}"
