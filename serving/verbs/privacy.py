"""`npsight purge|erase|secrets ...`: what is forgotten, and when."""

from __future__ import annotations

from typing import Annotated

import typer

from models.verbs import said_plainly

privacy = typer.Typer()
secrets = typer.Typer(help="Rotate what authors and contacts are hidden with.", no_args_is_help=True)


@privacy.command("purge")
def purge_old(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what is too old, and delete nothing.")] = False,
) -> None:
    """Delete what is older than NPSIGHT_TEXT_DAYS and NPSIGHT_RECORD_DAYS allow; run it daily."""
    with said_plainly():
        from serving.review.upkeep import purge

        for line in purge(dry_run=dry_run):
            typer.echo(line)


@privacy.command("erase")
def erase_one(
    author: Annotated[str | None, typer.Option(help="An author's id, as it was sent to the service.")] = None,
    post: Annotated[str | None, typer.Option(help="A post's id, as it was sent to the service.")] = None,
    platform: Annotated[str | None, typer.Option(help="Only the post of this platform.")] = None,
) -> None:
    """Erase all that is kept of one author or one post; the audit chain verifies as erased, not broken."""
    with said_plainly():
        from serving.review.upkeep import erase

        typer.echo(erase(author=author, post=post, platform=platform))


@secrets.command("rotate")
def rotate_secret(
    purpose: Annotated[str, typer.Option(help="authors or contacts.")],
) -> None:
    """Make a new secret: histories of authors, or links by contact, begin anew from here."""
    with said_plainly():
        from serving.review.upkeep import rotate

        typer.echo(rotate(purpose))
