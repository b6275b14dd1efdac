"""Compile the lists of names and slang into `terms.tsv`: facts only, each with class, status and measured ambiguity.

    python -m training.lexicon_compile --sources FOLDER --benign POSTS.jsonl.gz --out data_cards/lexicon

The same inputs give the same bytes. `hand.tsv` in the output folder holds the decisions taken by hand.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from models.spelling import fold
from models.termlist import COLUMNS, Term
from models.verdict import NpsClass, Status
from training.lexicon_ambiguity import Benign, count, level, read_posts
from training.lexicon_rules import Hand, classed, plain, status, substances
from training.lexicon_sources import Entry, Saying, entries, sayings, written

ORDINARY = 0.3  # posts in 10,000: an alias made of words at least this common is slang, not a name


def compiled(sources: Path, posts: Iterable[tuple[str, str]], hand: Hand) -> tuple[list[Term], Benign]:
    """Return the terms, sorted, and the counts that graded them."""
    known = substances(entries(sources), hand)
    terms = _unique([*_names(known, hand), *_added(known, hand), *_said(known, sayings(sources), hand)])
    benign = count(terms, posts)
    graded = [term for term in (_graded(_as_slang(term, known, benign, hand), benign, hand) for term in terms) if term]
    innocent = [
        Term(phrase, phrase, NpsClass.OTHER, "*", "slang", Status.RETIRED, source="hand") for phrase in hand.innocent
    ]
    return sorted(
        [*graded, *innocent], key=lambda term: (term.kind, fold(term.surface), term.surface, term.lang)
    ), benign


def _names(known: dict[str, Entry], hand: Hand) -> Iterator[Term]:
    """Yield every way the lists write the substances in scope; a name outranks an alias, more sources outrank fewer."""
    ranked = sorted(known.values(), key=lambda entry: (-len(entry.sources), entry.name))
    graded = [(entry, classed(entry, hand), status(entry.sources)) for entry in ranked]
    for names in (lambda entry: [entry.name], lambda entry: entry.aliases):
        for entry, nps_class, state in graded:
            if nps_class and state:
                for surface in filter(None, map(written, names(entry))):
                    yield Term(
                        surface, plain(entry.name), nps_class, "*", "substance", state, "none", _cite(entry.sources)
                    )


def _added(known: dict[str, Entry], hand: Hand) -> Iterator[Term]:
    """Yield the spellings of other languages that we add by hand: candidates, as no list confirms them."""
    for surface, substance, lang in hand.added:
        name, nps_class = _resolved(substance, known, hand)
        yield Term(surface, name, nps_class, lang, "substance", Status.CANDIDATE, "none", "hand")


def _said(known: dict[str, Entry], said: Iterable[Saying], hand: Hand) -> Iterator[Term]:
    for saying in said:
        meaning = hand.meaning(saying)
        surface = saying.surface if saying.lang == "*" else written(saying.surface)
        state = status(saying.sources)
        if meaning and surface and state:
            name, nps_class = _resolved(meaning, known, hand)
            yield Term(surface, name, nps_class, saying.lang, saying.kind, state, "none", _cite(saying.sources))


def _resolved(substance: str, known: dict[str, Entry], hand: Hand) -> tuple[str, NpsClass]:
    """Return the canonical name and class of a substance that a hand decision names."""
    name = hand.one("same", substance) or substance
    entry = known.get(fold(name), Entry(name, []))
    nps_class = classed(entry, hand)
    if nps_class is None:
        raise ValueError(
            f"hand.tsv: found the substance {substance!r}, wanted one that a list holds in scope or a class rule names"
        )
    return plain(entry.name), nps_class


def _unique(terms: Iterable[Term]) -> list[Term]:
    """Keep the first reading of a surface in a language; a name that all languages share needs no second reading."""
    kept: dict[tuple[str, str], Term] = {}
    for term in terms:
        key = fold(term.surface)
        if (key, "*") not in kept and (key, term.lang) not in kept:
            kept[key, term.lang] = term
    return list(kept.values())


def _as_slang(term: Term, known: dict[str, Entry], benign: Benign, hand: Hand) -> Term:
    """Call an alias slang where ordinary words make it up: "Golden Eagle", but not "methylone" or "nitrous oxide"."""
    words = re.findall(r"\w+", term.surface)
    named = fold(term.surface) in known or hand.one("clear", term.surface) is not None or term.source == "hand"
    if term.kind != "substance" or named or re.search(r"[\d-]", term.surface):
        return term
    return (
        replace(term, kind="slang", lang="en") if min(map(benign.commonness, words), default=0.0) >= ORDINARY else term
    )


def _graded(term: Term, benign: Benign, hand: Hand) -> Term | None:
    ambiguity = level(term, benign, hand)
    if ambiguity is None or (term.kind == "strain" and ambiguity == "high"):
        return None
    doubtful = ambiguity in ("medium", "high") or term.kind == "strain"
    return replace(term, ambiguity=ambiguity, status=Status.AMBIGUOUS if doubtful else term.status)


def _innocent(phrase: str) -> Term:
    """Return a retired term, which hides the terms within it: "goat weed"."""
    return Term(phrase, phrase, NpsClass.OTHER, "*", "slang", Status.RETIRED, source="hand")


def _cite(sources: Iterable[str]) -> str:
    return ",".join(sorted(sources))


def write(terms: Sequence[Term], benign: Benign, path: Path) -> None:
    """Write `terms.tsv`: the fields of a term, then where and how often the surface was seen in benign posts."""
    lines = ["\t".join((*COLUMNS, "benign_df", "benign_rate", "benign_lang"))]
    for term in terms:
        rate, seen, lang = benign.worst(term.surface)
        fields = (str(getattr(term, column)) for column in COLUMNS)
        lines.append("\t".join((*fields, str(seen), f"{rate:.2f}", lang)))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line and compile."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sources", type=Path, required=True, help="folder of the lists")
    parser.add_argument("--benign", type=Path, required=True, help="posts with labels, gzipped JSONL")
    parser.add_argument("--out", type=Path, required=True, help="folder that holds hand.tsv and takes terms.tsv")
    options = parser.parse_args(argv)
    hand = Hand.load(options.out / "hand.tsv")
    terms, benign = compiled(options.sources, read_posts(options.benign), hand)
    write(terms, benign, options.out / "terms.tsv")


if __name__ == "__main__":
    main()
