"""`npsight recalibrate`: probabilities made true by what reviewers decided."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from models.verbs import said, said_plainly

recalibrating = typer.Typer()


@recalibrating.command()
def recalibrate(
    release: Annotated[Path, typer.Argument(help="The release folder whose verdicts were decided.")],
    out: Annotated[Path, typer.Option(help="The folder of the new release; must not exist.")],
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only posts judged from this day on, in UTC.")
    ] = None,
    policy: Annotated[str | None, typer.Option(help="Only posts judged under this policy, in any version.")] = None,
) -> None:
    """Refit a release's calibration on reviewers' decisions, without training, as a new release.

    Exit status 2 when fewer than 200 cases were decided, or when the calibration is already as good as they can tell.
    """
    with said_plainly():
        from serving.keep import actor, opened
        from serving.review.recalibrate import recalibrate, told

        day = since.replace(tzinfo=UTC) if since else None
        with opened() as engine:
            made, found = recalibrate(engine, release, out, actor=actor(), since=day, policy=policy)
        for line in told(found):
            typer.echo(line)
        said("written", made)
