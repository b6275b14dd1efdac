"""`npsight shadow ...`: a challenger that judges a share of the live posts beside the live release."""

from __future__ import annotations

from typing import Annotated

import typer

from models.verbs import RegistryOption, said_plainly

shadow = typer.Typer(
    help="Let a release judge live posts beside the live one, unseen by callers, and see what it would change.",
    no_args_is_help=True,
)


@shadow.command("start")
def start_shadow(
    version: Annotated[str, typer.Argument(help="A version in the registry that is not live.")],
    registry: RegistryOption,
    share: Annotated[float, typer.Option(help="Of the live posts, from 0 to 1.", min=0, max=1)] = 0.1,
) -> None:
    """Start it, or change its share; every worker follows within 5 seconds."""
    with said_plainly():
        from models.registry import Registry
        from serving.changes import start_shadow
        from serving.keep import actor, at_hand, made
        from serving.shadow_file import Wanted

        with at_hand() as engine:
            wanted = made(start_shadow(engine, Registry(registry), Wanted(version, share), actor()))
        typer.echo(f"challenger: {wanted.version} on {wanted.share:g} of the posts")


@shadow.command("stop")
def stop_shadow(registry: RegistryOption) -> None:
    """Stop it, also one that the settings start; every worker follows within 5 seconds."""
    with said_plainly():
        from models.registry import Registry
        from serving.changes import stop_shadow
        from serving.keep import actor, at_hand, made

        with at_hand() as engine:
            made(stop_shadow(engine, Registry(registry), actor()))
        typer.echo("challenger: none")


@shadow.command("report")
def report_shadow(
    since: Annotated[str, typer.Option(help="7d, 12h, or a date such as 2026-12-01.")] = "7d",
    challenger: Annotated[str | None, typer.Option(help="Its version; the newest when not given.")] = None,
    examples: Annotated[int, typer.Option(help="How many of the flags gained, and of those lost.", min=0)] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON instead of tables.")] = False,
) -> None:
    """Compare the two releases on the posts that both judged."""
    with said_plainly():
        from datetime import UTC, datetime

        from serving import shadow_show
        from serving.keep import moment_before, opened
        from serving.shadow_report import report

        moment = moment_before(since, datetime.now(UTC))
        with opened() as engine, engine.connect() as connection:
            found = report(connection, since=moment, challenger=challenger, examples=examples)
        if as_json:
            typer.echo(shadow_show.as_json(found))
        else:
            shadow_show.print_report(found)
