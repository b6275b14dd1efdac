"""The verbs of who makes and judges a release. Each imports its side when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models.verbs import (
    Backbone,
    Cards,
    FromRelease,
    HeldOut,
    LexiconOption,
    SuiteOption,
    TestPart,
    said,
    said_plainly,
    wanted,
)

verbs = typer.Typer()
corpus = typer.Typer(help="Check a folder of posts before anything trains on it.", no_args_is_help=True)


@verbs.command()
def train(
    data: Annotated[list[str], typer.Option(help="Labelled files or hub ids to train on.", metavar="FILE...")],
    out: Annotated[Path, typer.Option(help="The release folder to make; it must not exist yet.")],
    held_out: HeldOut = None,
    config: Annotated[
        Path | None, typer.Option(help="TOML; training/shipped.toml is one, training/config.py lists every key.")
    ] = None,
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


@verbs.command()
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


@verbs.command()
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


@verbs.command()
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


def document_release(
    folder: Annotated[Path, typer.Argument(help="The release folder to document.")],
    report: Annotated[Path, typer.Option(help="The report.json of `npsight evaluate`.")],
    protocol: Annotated[
        list[Path] | None,
        typer.Option(help="protocol.json of `evaluate --protocol`, `corpus lift` or `ablate`.", metavar="FILE..."),
    ] = None,
    readme: Annotated[Path | None, typer.Option(help="A README whose block of figures is rewritten too.")] = None,
) -> None:
    """Put a report into a release and write its model card anew; the model itself is not touched."""
    with said_plainly():
        from training.document import document

        said("documented", document(folder, report, protocols=protocol or [], readme=readme))


@verbs.command()
def ablate(
    folder: Annotated[Path, typer.Argument(help="A card and its parts, as in data_cards/npsight_posts.")],
    data: Annotated[list[str], typer.Option(help="Labelled files of real rows.", metavar="FILE...")],
    out: Annotated[Path, typer.Option(help="Where protocol.json goes; a rerun goes on there.")],
    backbone: Annotated[str, typer.Option(help="A pretrained encoder: a folder or a hub id.")],
    english: Annotated[str | None, typer.Option(help="An English encoder to put in its place in one run.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="Its training config; training/ablations.toml by default.")
    ] = None,
    cards: Cards = Path("data_cards"),
    lexicon: LexiconOption = None,
) -> None:
    """Measure what each part of the recipe brings: small networks, one part left out of each."""
    with said_plainly():
        from training.ablations import ablate_command

        ablate_command(
            folder, data, out, backbone=backbone, english=english, cards=cards, lexicon=lexicon, config=config
        )
