"""The report of a challenger as a person at a terminal reads it, and as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from serving.shadow_report import Changes, Report, Slice

WIDTH_IN_A_FILE = 120
SHOWN = 200  # characters of a post


def as_json(report: Report) -> str:
    """Write the report."""
    return json.dumps(asdict(report), default=datetime.isoformat, indent=2, ensure_ascii=False)


def print_report(report: Report) -> None:
    """Print the report."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH_IN_A_FILE, highlight=False)
    for line in _head(report):
        console.print(Text(line))
    console.print(_table([report.whole, *report.slices]))
    _print_changes(console, "gained: only the challenger flags them", report.gained)
    _print_changes(console, "lost: only the live release flags them", report.lost)


def _head(report: Report) -> Iterable[str]:
    time = f"{report.first:%Y-%m-%d %H:%M} to {report.last:%Y-%m-%d %H:%M} UTC"
    yield f"{report.challenger} beside {report.release}, {time}"
    if report.not_compared:
        why = ", ".join(f"{count:,} {outcome}" for outcome, count in report.not_compared.items())
        yield f"not compared: {why}; under load those may differ from the rest"
    if report.other_pairs:
        yield f"left out: {report.other_pairs:,} posts on which other releases were compared"
    for kind, changes in (("gained", report.gained), ("lost", report.lost)):
        right = (
            f"{changes.right:,} of {changes.decided:,} right" if changes.decided else "none decided by reviewers yet"
        )
        yield f"flags {kind}: {changes.posts:,}, {right}"


def _table(slices: Iterable[Slice]) -> Table:
    table = Table(box=SIMPLE_HEAD)
    for name in ("slice", "posts", "same decision", "gained", "lost", "shift", "distance"):
        table.add_column(name, justify="left" if name == "slice" else "right", overflow="fold")
    for each in slices:
        share = each.agreement
        table.add_row(
            Text(f"{each.by} {each.value}".strip()),
            f"{each.posts:,}",
            f"{share.estimate:.2%} ({share.low:.2%} to {share.high:.2%})",
            f"{each.gained:,}",
            f"{each.lost:,}",
            f"{each.shift:+.4f}",
            f"{each.distance:.4f}",
        )
    return table


def _print_changes(console: Console, title: str, changes: Changes) -> None:
    if not changes.examples:
        return
    table = Table(
        box=SIMPLE_HEAD, title=f"{title} ({len(changes.examples)} of {changes.posts:,})", title_justify="left"
    )
    for name in ("post", "policy", "live", "challenger", "reviewed", "text"):
        table.add_column(name, overflow="fold")
    for each in changes.examples:
        text = "(not kept)" if each.text is None else each.text[:SHOWN].replace("\n", " ")
        table.add_row(
            Text(each.post_id),
            Text(each.policy),
            f"{each.decision} {each.probability:.1%}",
            f"{each.challenger_decision} {each.challenger_probability:.1%}",
            each.reviewed or "",
            Text(text),
        )
    console.print(table)
