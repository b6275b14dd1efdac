"""The one front door: `npsight score|serve|keys|audit|train|evaluate|compare|drugcheck|releases ...`.

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
live_terms = typer.Typer(
    help="Add and retire terms while the service runs, in a file laid over the release's lexicon.", no_args_is_help=True
)
app.add_typer(live_terms, name="lexicon")
corpus = typer.Typer(help="Check a folder of posts before anything trains on it.", no_args_is_help=True)
app.add_typer(corpus, name="corpus")
store = typer.Typer(help="Keep the service's database up to date.", no_args_is_help=True)
app.add_typer(store, name="store")
keys = typer.Typer(help="Make, list and revoke the keys of the service.", no_args_is_help=True)
app.add_typer(keys, name="keys")
audit = typer.Typer(help="Show and prove who did what.", no_args_is_help=True)
app.add_typer(audit, name="audit")

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
    serving = ("fastapi", "uvicorn", "pydantic", "pydantic_settings", "sqlalchemy", "alembic", "psycopg", "limits")
    extras = dict.fromkeys(serving, "serve")
    evaluating = ("sklearn", "scipy", "matplotlib", "jinja2", "cleanlab", "httpx", "psutil")
    extras |= dict.fromkeys(evaluating, "evaluate")
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
def train(
    data: Annotated[list[str], typer.Option(help="Labelled files or hub ids to train on.", metavar="FILE...")],
    out: Annotated[Path, typer.Option(help="The release folder to make; it must not exist yet.")],
    held_out: HeldOut = None,
    config: Annotated[Path | None, typer.Option(help="TOML; training/shipped.toml shows every key in use.")] = None,
    from_release: FromRelease = None,
    backbone: Backbone = None,
    cards: Cards = Path("data_cards"),
    lexicon: LexiconOption = None,
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
    release: Annotated[Path | None, typer.Argument(help="A release folder; none with --protocol.")] = None,
    data: Annotated[list[str], typer.Option(help="Labelled files.", metavar="FILE...")] = [],  # noqa: B006
    held_out: HeldOut = None,
    out: Annotated[
        Path | None, typer.Option(help="Where report.json and report.html go; a rerun goes on there.")
    ] = None,
    prevalence: Annotated[
        list[float] | None, typer.Option(help="A share of adverts in a stream of yours, such as 0.002.")
    ] = None,
    posts_per_day: Annotated[float | None, typer.Option(help="Posts that your stream has a day.")] = None,
    goal: Annotated[
        list[str] | None, typer.Option(help="A threshold in words: 'max recall @ precision >= 0.9 @ prevalence 0.003'.")
    ] = None,
    write_policy: Annotated[Path | None, typer.Option(help="Write the policy that the one --goal gives.")] = None,
    beside: Annotated[list[Path] | None, typer.Option(help="Other releases to show beside it.")] = None,
    suite: SuiteOption = Path("data_cards/drugcheck"),
    cards: Cards = Path("data_cards"),
    texts: Annotated[str, typer.Option(help="Whose texts the errors show: none, quotable, masked.")] = "quotable",
    test_part: TestPart = False,
    allow_seen: Annotated[bool, typer.Option(help="Keep rows that the release was trained on.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out attacks, suite, explanations and cost.")] = False,
    protocol: Annotated[
        bool, typer.Option("--protocol", help="Train small networks on splits that tell the truth, and tabulate.")
    ] = False,
    config: Annotated[Path | None, typer.Option(help="With --protocol: its training config.")] = None,
    from_release: FromRelease = None,
    backbone: Backbone = None,
    lexicon: LexiconOption = None,
) -> None:
    """Say how good a release is in use: a report in JSON and HTML, beside the plain alternatives.

    Rows that it was trained on, or near copies, are left out and counted.
    """
    with said_plainly():
        if not data and not held_out:
            raise ValueError("no --data: name labelled files")
        if protocol:
            from training.protocol import protocol_command

            protocol_command(
                data,
                wanted(out, "--out"),
                config=config,
                from_release=from_release,
                backbone=backbone,
                cards=cards,
                lexicon=lexicon,
            )
            return
        from training.evaluation.command import Request, asked, evaluate_release
        from training.evaluation.report_table import print_report

        request = Request(
            data=data,
            held_out=held_out or [],
            out=out,
            cards=cards,
            suite=suite,
            beside=beside or [],
            allow_seen=allow_seen,
            test_part=test_part,
            quick=quick,
            asked=asked(prevalence or [], posts_per_day, goal or [], texts),
            write_policy=write_policy,
        )
        print_report(evaluate_release(wanted(release, "RELEASE"), request))


@app.command()
def compare(
    champion: Annotated[Path, typer.Argument(help="The release that is live.")],
    challenger: Annotated[Path, typer.Argument(help="The release that would replace it.")],
    data: Annotated[list[str], typer.Option(help="Labelled files.", metavar="FILE...")],
    held_out: HeldOut = None,
    limits: Annotated[
        Path | None, typer.Option(help="TOML: what is guarded; the shipped limits when not given.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where compare.json goes; a rerun goes on there.")] = None,
    suite: SuiteOption = Path("data_cards/drugcheck"),
    cards: Cards = Path("data_cards"),
    test_part: TestPart = False,
    allow_seen: Annotated[bool, typer.Option(help="Keep rows that either was trained on.")] = False,
) -> None:
    """Gate a retrained release: exit status 1, naming what got worse beyond its interval."""
    with said_plainly():
        from training.evaluation.command import Request
        from training.evaluation.compare import compare_releases

        request = Request(
            data=data,
            held_out=held_out or [],
            out=out,
            cards=cards,
            suite=suite,
            allow_seen=allow_seen,
            test_part=test_part,
        )
        passes = compare_releases(champion, challenger, request, limits=limits)
    if not passes:
        raise typer.Exit(1)


@app.command()
def drugcheck(
    target: Annotated[
        str, typer.Option(help="A release folder, the address of our API, or package.module:function.")
    ] = "models/default",
    cases: Annotated[Path, typer.Option(help="The folder of the suite.")] = Path("data_cards/drugcheck"),
    out: Annotated[Path | None, typer.Option(help="Where the scorecard goes, as JSON.")] = None,
    lang: Annotated[list[str] | None, typer.Option(help="Only these languages.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only these functionalities, such as A01.")] = None,
    threshold: Annotated[float, typer.Option(help="From which probability of a function's a post is flagged.")] = 0.5,
) -> None:
    """Run the functional suite on any detector and print its scorecard."""
    with said_plainly():
        from training.evaluation.drugcheck import run_drugcheck

        run_drugcheck(target, cases_folder=cases, out=out, langs=lang or [], only=only or [], threshold=threshold)


@corpus.command("check")
def check_posts(
    folder: Annotated[Path, typer.Argument(help="A card and its parts, as in data_cards/npsight_posts.")],
    suite: SuiteOption = Path("data_cards/drugcheck"),
    out: Annotated[Path | None, typer.Option(help="Where check.json goes.")] = None,
    stamp: Annotated[bool, typer.Option("--stamp", help="Write the figures into the folder's card.")] = False,
    beside: Annotated[
        list[str] | None, typer.Option(help="Labelled files of real rows to compare variety with.", metavar="FILE...")
    ] = None,
    source: Annotated[list[str] | None, typer.Option(help="Patterns: which of their sources; all if none.")] = None,
    cards: Cards = Path("data_cards"),
) -> None:
    """Check form, near copies, leakage and identities; exit status 1 when something fails."""
    with said_plainly():
        from training.corpus_check import check_command

        passes = check_command(
            folder, suite=suite, out=out, stamp=stamp, beside=beside or [], sources=source or [], cards=cards
        )
    if not passes:
        raise typer.Exit(1)


@corpus.command("show")
def show_corpus(
    folder: Annotated[Path, typer.Argument(help="A card and its parts, as in data_cards/npsight_posts.")],
    each: Annotated[int, typer.Option(help="Posts of each language.", min=1)] = 10,
    part: Annotated[list[str] | None, typer.Option(help="Parts, such as train; all if none.")] = None,
    seed: Annotated[int, typer.Option(help="Another number draws other posts.")] = 7,
) -> None:
    """Show some posts of each language, marked as their author marked them."""
    with said_plainly():
        from training.corpus_show import show_posts

        for shown in show_posts(folder, each=each, parts=part or [], seed=seed):
            typer.echo(shown)


@corpus.command("lift")
def lift_of_posts(
    folder: Annotated[Path, typer.Argument(help="A card and its parts, as in data_cards/npsight_posts.")],
    data: Annotated[list[str], typer.Option(help="Labelled files of real rows.", metavar="FILE...")],
    out: Annotated[Path, typer.Option(help="Where protocol.json goes; a rerun goes on there.")],
    backbone: Annotated[str, typer.Option(help="A pretrained encoder: a folder or a hub id.")],
    config: Annotated[Path | None, typer.Option(help="Its training config; training/lift.toml by default.")] = None,
    size: Annotated[list[int] | None, typer.Option(help="How many posts; 0, 1000, 4000, 8000, 16000.")] = None,
    stamp: Annotated[bool, typer.Option("--stamp", help="Write the tables into the folder's card.")] = False,
    cards: Cards = Path("data_cards"),
    lexicon: LexiconOption = None,
) -> None:
    """Measure what the posts add to real rows: small networks, with more and more of them."""
    with said_plainly():
        from training.lift import SIZES, lift_command

        sizes = size or SIZES
        lift_command(
            folder, data, out, backbone=backbone, cards=cards, lexicon=lexicon, config=config, sizes=sizes, stamp=stamp
        )


@live_terms.command("add")
def add_live_term(
    surface: Annotated[str, typer.Argument(help="The word or phrase as it is written in posts.")],
    substance: Annotated[str, typer.Option(help="The substance's canonical name.", metavar="NAME")],
    nps_class: Annotated[str, typer.Option("--class", help="Its class, such as cathinones.", metavar="CLASS")],
    to: TermsOption,
    kind: Annotated[str, typer.Option(help="substance, slang or strain.")] = "substance",
    lang: Annotated[str, typer.Option(help="The language it is used in; * for all.")] = "*",
    ambiguity: Annotated[
        str, typer.Option(help="How often it means something else: none, low, medium, high.", metavar="LEVEL")
    ] = "none",
) -> None:
    """Add a term, or change one; a service that watches the file finds it within seconds."""
    with said_plainly():
        from models.overlay import add_term

        term, version = add_term(
            to, surface, substance=substance, nps_class=nps_class, kind=kind, lang=lang, ambiguity=ambiguity
        )
        typer.echo(
            f"added: {term.surface} ({term.substance}, {term.nps_class}, {term.status}); verdicts name +{version}"
        )


@live_terms.command("retire")
def retire_live_term(
    surface: Annotated[str, typer.Argument(help="The word or phrase that is a term no more.")], to: TermsOption
) -> None:
    """Take a term out, or teach an innocent phrase that holds one."""
    with said_plainly():
        from models.overlay import retire_term

        term, version = retire_term(to, surface)
        typer.echo(f"retired: {term.surface}; verdicts name +{version}")


@live_terms.command("version")
def lexicon_version(to: TermsOption, release: ReleaseOption = None) -> None:
    """Check a file of live terms, and say which lexicon version verdicts name under it and a release."""
    with said_plainly():
        from models.release import DEFAULT_RELEASE, LEXICON, open_release
        from models.termlist import digest, overlay_version, read_terms

        base = digest(read_terms(open_release(release or DEFAULT_RELEASE).path(LEXICON)))
        typer.echo(overlay_version(base, read_terms(to)))


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


@releases.command("document")
def document_release(
    folder: Annotated[Path, typer.Argument(help="The release folder to document.")],
    report: Annotated[Path, typer.Option(help="The report.json of `npsight evaluate`.")],
    protocol: Annotated[Path | None, typer.Option(help="The protocol.json of `npsight evaluate --protocol`.")] = None,
    readme: Annotated[Path | None, typer.Option(help="A README whose block of figures is rewritten too.")] = None,
) -> None:
    """Put a report into a release and write its model card anew; the model itself is not touched."""
    with said_plainly():
        from training.document import document

        said("documented", document(folder, report, protocol=protocol, readme=readme))


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


def said(word: str, release: Release) -> None:
    """Say one line of a release."""
    typer.echo(f"{word}: {release.version} ({release.folder})")


SEVERAL = ("--data", "--held-out", "--beside")
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
