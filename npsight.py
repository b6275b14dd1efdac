"""The one front door: `npsight score|serve|train|evaluate|releases ...`.

Each verb has two parts: a command here that reads words, and a function elsewhere that takes values.
Each imports its side when called, so scoring and serving never load torch, and `--help` loads nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from models.release import Release

app = typer.Typer(
    name="npsight",
    help="Tell which social posts advertise New Psychoactive Substances or other drugs, and why.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
releases = typer.Typer(
    help="List, show, promote and roll back the releases of a registry folder.", no_args_is_help=True
)
app.add_typer(releases, name="releases")

ReleaseOption = Annotated[
    Path | None, typer.Option("--release", help="A release folder; the shipped one when not given.", show_default=False)
]
Threads = Annotated[int | None, typer.Option(help="Threads of the network; one a core when not given.", min=1)]
RegistryOption = Annotated[Path, typer.Option("--registry", help="The folder of releases.", envvar="NPSIGHT_REGISTRY")]


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


def extra_for(package: str | None) -> str:
    """Say which extra brings a missing package."""
    extras = {"fastapi": "serve", "uvicorn": "serve", "pydantic_settings": "serve"}
    extras |= {"sklearn": "evaluate", "scipy": "evaluate"}
    return f"pip install 'npsight[{extras.get(package or '', 'train')}]'"


@app.command()
def score(
    file: Annotated[str, typer.Argument(help="CSV, TSV, JSONL, Parquet (text ones also .gz), or - for stdin.")],
    out: Annotated[str, typer.Option(help="JSONL, CSV or Parquet by its ending; - is JSONL on stdout.")] = "-",
    text_column: Annotated[str, typer.Option(help="The column that holds the text.")] = "text",
    id_column: Annotated[str, typer.Option(help="The column that names a post; else its line number does.")] = "id",
    release: ReleaseOption = None,
    policy: Annotated[Path | None, typer.Option(help="A policy file; the release's own when not given.")] = None,
    threads: Threads = None,
    table: Annotated[bool, typer.Option("--table", help="Print a readable table instead of writing JSONL.")] = False,
) -> None:
    """Score a file of posts: one verdict a line, however long the file.

    Exit status 1 says that some lines could not be scored; they are named on stderr and the rest is done.
    """
    with said_plainly():
        from models.policy import load_policy
        from models.release import DEFAULT_RELEASE, load_detector, open_release
        from serving.batch import score_file
        from serving.show import file_progress, print_tally, verdict_table

        opened = open_release(release or DEFAULT_RELEASE)
        detect = load_detector(opened, policy=load_policy(policy) if policy else None, threads=threads)
        if table:
            tally = verdict_table(detect, file, text_column=text_column, id_column=id_column)
        else:
            with file_progress() as on_progress:
                tally = score_file(
                    detect, file, out, text_column=text_column, id_column=id_column, on_progress=on_progress
                )
        print_tally(tally)
    if tally.malformed:
        raise typer.Exit(1)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", show_default="8000")] = None,
    release: ReleaseOption = None,
    registry: Annotated[Path | None, typer.Option(help="Serve the live release of this registry folder.")] = None,
    threads: Threads = None,
) -> None:
    """Serve the HTTP API; settings also come from NPSIGHT_* environment variables."""
    with said_plainly():
        from serving.run import run_server

        given = {"host": host, "port": port, "release": release, "registry": registry, "threads": threads}
        run_server({name: value for name, value in given.items() if value is not None})


@app.command()
def train(
    data: Annotated[list[str], typer.Option(help="Labelled files or hub ids to train on.", metavar="FILE...")],
    out: Annotated[Path, typer.Option(help="The release folder to make; it must not exist yet.")],
    held_out: Annotated[
        list[str] | None, typer.Option(help="Labelled files that are only reported on.", metavar="FILE...")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="TOML; training/shipped.toml shows every key in use.")] = None,
    from_release: Annotated[Path | None, typer.Option("--from", help="Start from this release's weights.")] = None,
    backbone: Annotated[str | None, typer.Option(help="Start from a pretrained encoder: a folder or hub id.")] = None,
    cards: Annotated[Path, typer.Option(help="The folder of data cards.")] = Path("data_cards"),
    lexicon: Annotated[Path | None, typer.Option(help="Terms (TSV); the start's or the shipped ones if none.")] = None,
    version: Annotated[str | None, typer.Option(help="The release's version; today's date when not given.")] = None,
) -> None:
    """Train a release from labelled files: read, group, train, export, calibrate, check, evaluate."""
    with said_plainly():
        from training.start import train_command

        train_command(
            data,
            out,
            held_out=held_out or [],
            config=config,
            from_release=from_release,
            backbone=backbone,
            cards=cards,
            lexicon=lexicon,
            version=version,
        )


@app.command()
def evaluate(
    release: Annotated[Path, typer.Argument(help="A release folder.")],
    data: Annotated[list[str], typer.Option(help="Labelled files.", metavar="FILE...")],
    out: Annotated[Path | None, typer.Option(help="Where report.json goes.")] = None,
    cards: Annotated[Path, typer.Option(help="The folder of data cards.")] = Path("data_cards"),
    allow_seen: Annotated[bool, typer.Option(help="Keep rows that the release was trained on.")] = False,
) -> None:
    """Measure a release on labelled files, beside its plain baseline: a JSON report and a short table."""
    with said_plainly():
        from training.evaluation.command import evaluate_release

        evaluate_release(release, data, out=out, cards=cards, allow_seen=allow_seen)


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
        from models.release import open_release

        registry.mkdir(parents=True, exist_ok=True)
        said("published", Registry(registry).publish(open_release(folder)))


@releases.command("promote")
def promote_release(version: Annotated[str, typer.Argument()], registry: RegistryOption) -> None:
    """Make a version live."""
    with said_plainly():
        from models.registry import Registry

        said("live", Registry(registry).promote(version))


@releases.command("rollback")
def roll_back_release(registry: RegistryOption) -> None:
    """Make the version before the live one live again."""
    with said_plainly():
        from models.registry import Registry

        said("live", Registry(registry).roll_back())


def said(word: str, release: Release) -> None:
    """Say one line of a release."""
    typer.echo(f"{word}: {release.version} ({release.folder})")


SEVERAL = ("--data", "--held-out")
"""Options that take several files in a row, which the parser itself does not know."""


def spread(words: Sequence[str]) -> list[str]:
    """Write `--data a b` as `--data a --data b`."""
    spelled: list[str] = []
    option = None
    for word in words:
        if word.startswith("-"):
            option = word if word in SEVERAL else None
        elif option and spelled[-1] != option:
            spelled.append(option)
        spelled.append(word)
    return spelled


def main() -> Any:
    """Run the command line."""
    return app(args=spread(sys.argv[1:]))


if __name__ == "__main__":
    main()
