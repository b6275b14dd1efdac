"""`npsight drift ...`: whether posts still look as they did."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models.verbs import ReleaseOption, Threads, said_plainly

drift = typer.Typer(help="Compare what passes through with what a release was meant for.", no_args_is_help=True)


@drift.command("report")
def report_drift(
    since: Annotated[str, typer.Option(help="How far back: 7d, 12h.")] = "7d",
    release: ReleaseOption = None,
    policy: Annotated[str, typer.Option(help="The policy's name.")] = "default",
    json: Annotated[bool, typer.Option("--json", help="Write JSON instead of a table.")] = False,
) -> None:
    """Compare the tallies of the last days with NPSIGHT_REFERENCE, the release's own, or else its first week here."""
    with said_plainly():
        from serving.observe.drift_verbs import report

        report(since, release=release, policy=policy, as_json=json)


@drift.command("reference")
def make_reference(
    file: Annotated[str, typer.Argument(help="Ordinary posts of your own stream, as `npsight score` takes them.")],
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("reference.json"),
    release: ReleaseOption = None,
    policy: Annotated[Path | None, typer.Option(help="A policy file; the release's own when not given.")] = None,
    text_column: Annotated[str, typer.Option(help="The column that holds the text.")] = "text",
    id_column: Annotated[str, typer.Option(help="The column that names a post.")] = "id",
    threads: Threads = None,
) -> None:
    """Judge a file of posts and keep the counts as a reference; no text is kept."""
    with said_plainly():
        from serving.observe.drift_verbs import write_reference

        typer.echo(
            write_reference(
                file,
                out,
                release=release,
                policy=policy,
                text_column=text_column,
                id_column=id_column,
                threads=threads,
            )
        )
