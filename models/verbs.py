"""What the verbs of the command line share: options of one meaning, and errors in one plain line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from models.release import Release

ReleaseOption = Annotated[
    Path | None, typer.Option("--release", help="A release folder; the shipped one when not given.", show_default=False)
]
Threads = Annotated[int | None, typer.Option(help="Threads of the network; one a core when not given.", min=1)]
SuiteOption = Annotated[Path, typer.Option("--suite", help="The folder of the functional suite.")]
Cards = Annotated[Path, typer.Option(help="The folder of data cards.")]
HeldOut = Annotated[list[str] | None, typer.Option(help="Labelled files that are only reported on.", metavar="FILE...")]
TestPart = Annotated[
    bool, typer.Option("--test-part", help="Split the data as the release was trained; take its test part.")
]
FromRelease = Annotated[Path | None, typer.Option("--from", help="Start from this release's weights.")]
Backbone = Annotated[str | None, typer.Option(help="Start from a pretrained encoder: a folder or hub id.")]
LexiconOption = Annotated[
    Path | None, typer.Option("--lexicon", help="Terms (TSV); the start's or the shipped ones if none.")
]
RegistryOption = Annotated[Path, typer.Option("--registry", help="The folder of releases.", envvar="NPSIGHT_REGISTRY")]
TermsOption = Annotated[Path, typer.Option("--to", help="The file of live terms (TSV).", envvar="NPSIGHT_TERMS")]


@contextmanager
def said_plainly() -> Iterator[None]:
    """Turn what a user can mend into one line on stderr and exit status 2."""
    try:
        yield
    except (ValueError, OSError) as error:
        typer.echo(f"npsight: {error}", err=True)
        raise typer.Exit(2) from error
    except ModuleNotFoundError as error:
        typer.echo(f"npsight: this verb needs the package {error.name!r}: {extra_for(error.name)}", err=True)
        raise typer.Exit(2) from error


def wanted(value: Path | None, name: str) -> Path:
    """Give what must be there; `ValueError` names it."""
    if value is None:
        raise ValueError(f"no {name} given")
    return value


def extra_for(package: str | None) -> str:
    """Say which extra brings a missing package."""
    web, store = ("fastapi", "uvicorn", "pydantic", "pydantic_settings"), ("sqlalchemy", "alembic", "psycopg", "limits")
    serving = (*web, *store, "prometheus_client", "pythonjsonlogger")
    extras = dict.fromkeys(serving, "serve")
    evaluating = ("sklearn", "scipy", "matplotlib", "jinja2", "cleanlab", "httpx", "psutil")
    extras |= dict.fromkeys(evaluating, "evaluate")
    return f"pip install 'npsight[{extras.get(package or '', 'train')}]'"


def said(word: str, release: Release) -> None:
    """Say one line of a release."""
    typer.echo(f"{word}: {release.version} ({release.folder})")
