"""`npsight store|keys|audit ...`: what the service keeps."""

from __future__ import annotations

from typing import Annotated

import typer

from models.verbs import said_plainly

store = typer.Typer(help="Keep the service's database up to date.", no_args_is_help=True)
keys = typer.Typer(help="Make, list and revoke the keys of the service.", no_args_is_help=True)
audit = typer.Typer(help="Show and prove who did what.", no_args_is_help=True)


@store.command("upgrade")
def upgrade_store() -> None:
    """Bring the tables of NPSIGHT_DATABASE_URL up to date; a SQLite file is also upgraded when it is first used."""
    with said_plainly():
        from serving.keep import upgrade

        typer.echo(upgrade())


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="Who or what will hold it.")],
    scope: Annotated[list[str], typer.Option(help="What it may do: classify, review or admin; repeat for several.")],
    expires: Annotated[str, typer.Option(help="90d, 12h, a date such as 2027-03-01, or never.")] = "365d",
) -> None:
    """Make a key and print it: it is shown this once and stored nowhere."""
    with said_plainly():
        from serving.keep import create_key

        secret, described = create_key(name, scope, expires)
        typer.echo(secret)
        typer.echo(f"shown this once; keep it where secrets are kept. {described}", err=True)


@keys.command("list")
def list_keys() -> None:
    """List every key that was ever made, oldest first; no secret is among them."""
    with said_plainly():
        from serving.keep import list_keys

        for line in list_keys():
            typer.echo(line)


@keys.command("revoke")
def revoke_key(key_id: Annotated[str, typer.Argument(metavar="ID", help="The part after nps_.")]) -> None:
    """Stop a key for good, in every worker within 5 seconds."""
    with said_plainly():
        from serving.keep import revoke_key

        typer.echo(revoke_key(key_id))


@audit.command("verify")
def verify_audit(
    head: Annotated[str | None, typer.Option(help="A head that was noted earlier: shows a cut end too.")] = None,
) -> None:
    """Prove that no record is missing or altered, and print the head to note elsewhere; exit status 1 if broken."""
    with said_plainly():
        from serving.keep import verify_audit

        whole, lines = verify_audit(head)
        for line in lines:
            typer.echo(line)
    if not whole:
        raise typer.Exit(1)


@audit.command("show")
def show_audit(last: Annotated[int, typer.Option(help="How many of the newest records.", min=1)] = 20) -> None:
    """Show the newest records, oldest of them first."""
    with said_plainly():
        from serving.keep import show_audit

        for line in show_audit(last):
            typer.echo(line)
