"""The one front door: `npsight score|serve|keys|audit|train|evaluate|compare|drugcheck|releases ...`.

Each verb has two parts: a command here that reads words, and a function elsewhere that takes values.
Each imports its side when called, so scoring and serving never load torch, and `--help` loads nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from models.verbs import ReleaseOption, Threads, said_plainly
from serving.verbs.drift import drift
from serving.verbs.keeping import audit, keys, store
from serving.verbs.privacy import privacy, secrets
from serving.verbs.recalibrating import recalibrating
from serving.verbs.releases import releases
from serving.verbs.reviewing import feedback
from serving.verbs.shadow import shadow
from serving.verbs.terms import live_terms
from training.verbs import corpus, document_release, verbs

if TYPE_CHECKING:
    from serving.client import AsyncClient, Client  # at run time by `__getattr__`: the command line needs no httpx

__all__ = ["AsyncClient", "Client", "app", "main"]

app = typer.Typer(
    name="npsight",
    help="Tell which social posts advertise New Psychoactive Substances or other drugs, and why.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
    workers: Annotated[int | None, typer.Option(help="Processes.", min=1, show_default="1")] = None,
    policies: Annotated[Path | None, typer.Option(help="A folder of policies over the release's own.")] = None,
    terms: Annotated[Path | None, typer.Option(help="A file of terms over the release's lexicon (TSV).")] = None,
) -> None:
    """Serve the HTTP API; settings also come from NPSIGHT_* environment variables.

    Promoted releases, changed policies and changed terms come into force while it runs.
    """
    with said_plainly():
        from serving.run import run_server

        given = {"host": host, "port": port, "release": release, "registry": registry, "threads": threads}
        given |= {"workers": workers, "policies": policies, "terms": terms}
        run_server({name: value for name, value in given.items() if value is not None})


@app.command()
def openapi() -> None:
    """Print the OpenAPI description of the HTTP API; docs/openapi.json is this."""
    with said_plainly():
        from serving.description import description

        typer.echo(description())


app.add_typer(verbs)
app.add_typer(corpus, name="corpus")
app.add_typer(releases, name="releases")
releases.command("document")(document_release)
app.add_typer(live_terms, name="lexicon")
app.add_typer(shadow, name="shadow")
app.add_typer(store, name="store")
app.add_typer(keys, name="keys")
app.add_typer(audit, name="audit")
app.add_typer(privacy)
app.add_typer(secrets, name="secrets")
app.add_typer(feedback, name="feedback")
app.add_typer(recalibrating)
app.add_typer(drift, name="drift")


SEVERAL = ("--data", "--held-out", "--beside", "--protocol")
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


def __getattr__(name: str) -> Any:
    """Give the client of the API to who asks for it: `from npsight import Client`."""
    if name not in ("AsyncClient", "Client"):
        raise AttributeError(f"module 'npsight' has no attribute {name!r}")
    import serving.client

    return getattr(serving.client, name)


def main() -> Any:
    """Run the command line."""
    return app(args=spread(sys.argv[1:]))


if __name__ == "__main__":
    main()
