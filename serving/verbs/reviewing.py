"""`npsight feedback ...`: what reviewers decided."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models.verbs import said_plainly

feedback = typer.Typer(help="Take out what reviewers decided.", no_args_is_help=True)


@feedback.command("export")
def export_feedback(
    out: Annotated[Path, typer.Argument(help="A .jsonl file in a folder of its own; its card is written beside it.")],
    since: Annotated[str | None, typer.Option(help="Only what was decided on or after this day: 2027-03-01.")] = None,
) -> None:
    """Write decided posts as a training file with its data card: one row a case, contacts masked."""
    with said_plainly():
        from serving.keep import export_feedback

        typer.echo(export_feedback(out, since))
