"""`npsight releases ...`: the registry of releases."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models.verbs import RegistryOption, said, said_plainly

releases = typer.Typer(
    help="List, show, promote and roll back the releases of a registry folder.", no_args_is_help=True
)


@releases.command("list")
def list_releases(registry: RegistryOption) -> None:
    """List the versions, oldest first; a star marks the live one."""
    with said_plainly():
        from models.registry import Registry

        found = Registry(registry)
        live = found.history()[-1:]
        for version in found.versions():
            typer.echo(f"{'*' if version in live else ' '} {version}")


@releases.command("show")
def show_release(
    version: Annotated[str, typer.Argument(help="A version in the registry, or a release folder.")],
    registry: Annotated[Path | None, typer.Option(envvar="NPSIGHT_REGISTRY", help="The folder of releases.")] = None,
) -> None:
    """Check a release whole and show what it is, as JSON."""
    with said_plainly():
        import json

        from models.registry import Registry
        from models.release import open_release

        opened = Registry(registry).open(version) if registry else open_release(Path(version))
        typer.echo(json.dumps(opened.describe(), indent=2, ensure_ascii=False))


@releases.command("publish")
def publish_release(
    folder: Annotated[Path, typer.Argument(help="The release folder to copy in.")], registry: RegistryOption
) -> None:
    """Copy a checked release into the registry; it is not live until promoted."""
    with said_plainly():
        from models.registry import Registry
        from serving.changes import publish
        from serving.keep import actor, at_hand, made

        with at_hand() as engine:
            said("published", made(publish(engine, Registry(registry), folder, actor())))


@releases.command("promote")
def promote_release(version: Annotated[str, typer.Argument()], registry: RegistryOption) -> None:
    """Make a version live."""
    with said_plainly():
        from models.registry import Registry
        from serving.changes import promote
        from serving.keep import actor, at_hand, made

        with at_hand() as engine:
            said("live", made(promote(engine, Registry(registry), version, actor())))


@releases.command("rollback")
def roll_back_release(registry: RegistryOption) -> None:
    """Make the version before the live one live again."""
    with said_plainly():
        from models.registry import Registry
        from serving.changes import roll_back
        from serving.keep import actor, at_hand, made

        with at_hand() as engine:
            said("live", made(roll_back(engine, Registry(registry), actor())))
