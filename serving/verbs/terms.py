"""`npsight lexicon ...`: live terms."""

from __future__ import annotations

from typing import Annotated

import typer

from models.verbs import ReleaseOption, TermsOption, said_plainly

live_terms = typer.Typer(
    help="Add and retire terms while the service runs, in a file laid over the release's lexicon.", no_args_is_help=True
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
        from serving.changes import add_term
        from serving.keep import actor, at_hand, made

        words = {"substance": substance, "nps_class": nps_class, "kind": kind, "lang": lang, "ambiguity": ambiguity}
        with at_hand() as engine:
            term, version = made(add_term(engine, to, surface, **words, actor=actor()))
        typer.echo(
            f"added: {term.surface} ({term.substance}, {term.nps_class}, {term.status}); verdicts name +{version}"
        )


@live_terms.command("retire")
def retire_live_term(
    surface: Annotated[str, typer.Argument(help="The word or phrase that is a term no more.")], to: TermsOption
) -> None:
    """Take a term out, or teach an innocent phrase that holds one."""
    with said_plainly():
        from serving.changes import retire_term
        from serving.keep import actor, at_hand, made

        with at_hand() as engine:
            term, version = made(retire_term(engine, to, surface, actor()))
        typer.echo(f"retired: {term.surface}; verdicts name +{version}")


@live_terms.command("version")
def lexicon_version(to: TermsOption, release: ReleaseOption = None) -> None:
    """Check a file of live terms, and say which lexicon version verdicts name under it and a release."""
    with said_plainly():
        from models.release import DEFAULT_RELEASE, LEXICON, open_release
        from models.termlist import digest, overlay_version, read_terms

        base = digest(read_terms(open_release(release or DEFAULT_RELEASE).path(LEXICON)))
        typer.echo(overlay_version(base, read_terms(to)))
