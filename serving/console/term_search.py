"""Search the terms in force, and say which list that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.spelling import fold
from models.termlist import Term, overlay_version, read_terms

PAGE = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is searched for; empty is anything."""

    words: str = ""
    nps_class: str = ""
    lang: str = ""
    status: str = ""
    source: str = ""

    def fits(self, term: Term) -> bool:
        """Tell whether a term is meant; words may stand within its surface or its substance."""
        said = fold(self.words)
        exact = ((self.nps_class, term.nps_class), (self.lang, term.lang), (self.status, term.status))
        if any(wanted and wanted != found for wanted, found in exact):
            return False
        if self.source and self.source not in term.source.split(","):
            return False
        return not said or said in fold(term.surface) or said in fold(term.substance)

    def query(self) -> dict[str, str]:
        """Give it as a page's address carries it."""
        given = {"q": self.words, "class": self.nps_class, "lang": self.lang, "status": self.status}
        return {name: value for name, value in {**given, "source": self.source}.items() if value}


@dataclass(frozen=True, slots=True)
class Found:
    """One page of what was found, of so many pages and terms."""

    terms: Sequence[Term]
    count: int
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class Lists:
    """The version that this worker judges by and the one that the file of live terms comes to."""

    in_force: str
    in_file: str
    live_terms: int

    @property
    def done(self) -> bool:
        """Say whether this worker has what the file holds."""
        return self.in_force == self.in_file


def search(terms: Sequence[Term], wanted: Wanted, page: int) -> Found:
    """Find terms: those that begin with the words first, then by the alphabet."""
    said = fold(wanted.words)
    found = sorted(
        (term for term in terms if wanted.fits(term)),
        key=lambda term: (not fold(term.surface).startswith(said), fold(term.surface), term.lang),
    )
    pages = max(1, -(-len(found) // PAGE))
    page = min(max(page, 1), pages)
    return Found(found[(page - 1) * PAGE : page * PAGE], len(found), page, pages)


def lists(in_force: str, path: Path) -> Lists:
    """Compare what is in force with the file; a file that cannot be read is as good as another version."""
    base = in_force.partition("+")[0]
    try:
        terms = read_terms(path) if path.exists() else []
    except (ValueError, OSError):
        return Lists(in_force, "cannot be read", 0)
    return Lists(in_force, overlay_version(base, terms), len(terms))
