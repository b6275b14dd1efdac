"""What a person at a terminal sees: a table of verdicts, a progress bar, a tally."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from models.policy import top_advert
from models.verdict import TERM_KINDS, Decision, Detect, Post, Verdict
from serving.batch import Tally, score_posts

COLOURS = {Decision.ALLOW: "green", Decision.REVIEW: "bold yellow", Decision.ACT: "bold red"}
SHOWN = 160
"""Characters of a post that the table shows; a long post is for the JSONL."""
WIDTH_IN_A_FILE = 140
"""Columns when nobody's terminal says how many."""


@contextmanager
def file_progress() -> Iterator[Callable[[Tally], None]]:
    """Show posts scored, malformed lines and the rate on stderr, so that stdout stays JSONL."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("scoring", total=None)

        def on_progress(tally: Tally) -> None:
            seconds = progress.tasks[0].elapsed or 1e-9
            words = f"{tally.scored:,} scored, {tally.malformed:,} malformed, {tally.scored / seconds:,.0f} posts/s"
            progress.update(task, description=words)

        yield on_progress


def print_tally(tally: Tally) -> None:
    """Say on stderr how a run went, with the first malformed lines by number."""
    for number, fault in tally.problems:
        print(f"line {number}: {fault}", file=sys.stderr)
    if tally.malformed > len(tally.problems):
        print(f"... and {tally.malformed - len(tally.problems):,} more", file=sys.stderr)
    print(f"{tally.scored:,} posts scored, {tally.malformed:,} lines malformed", file=sys.stderr)


def verdict_table(detect: Detect, file: str, *, text_column: str, id_column: str) -> Tally:
    """Score a file and print its verdicts as a table, the flagged and the likeliest first."""
    tally = Tally()
    judged = list(score_posts(detect, file, tally=tally, text_column=text_column, id_column=id_column))
    judged.sort(key=lambda pair: (pair[1].decision == Decision.ALLOW, -pair[1].advert_probability))
    console = Console(width=None if sys.stdout.isatty() else WIDTH_IN_A_FILE)
    flagged = sum(verdict.decision != Decision.ALLOW for _, verdict in judged)
    title = f"{file}: {flagged} of {len(judged)} posts flagged"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, expand=True, padding=(0, 1, 1, 1))
    table.add_column("decision", no_wrap=True)
    table.add_column("advert", justify="right", no_wrap=True)
    table.add_column("post", ratio=5)
    table.add_column("why", ratio=4)
    for post, verdict in judged:
        why = "; ".join((*verdict.reasons, *verdict.warnings))
        table.add_row(_decision(verdict), f"{verdict.advert_probability:.1%}", _text(post, verdict), Text(why))
    console.print(table)
    return tally


def _decision(verdict: Verdict) -> Text:
    intent = verdict.intent if verdict.decision == Decision.ALLOW else top_advert(verdict.intents)
    return Text(f"{verdict.decision}\n{intent}", style=COLOURS[verdict.decision])


def _text(post: Post, verdict: Verdict) -> Text:
    """Underline the evidence: terms in red, the rest of an offer in blue."""
    shown = post.text[:SHOWN].replace("\n", " ")  # one for one, so that offsets hold
    text = Text(shown + ("…" if len(post.text) > SHOWN else ""))
    for span in verdict.spans:
        text.stylize("underline red" if span.kind in TERM_KINDS else "blue", span.start, min(span.end, SHOWN))
    return text
