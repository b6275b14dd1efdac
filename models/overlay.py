"""The file of live terms: what is added to a release's lexicon and taken out of it, one row a surface and language.

Every change is one rename, so a service that reads the file meanwhile never sees half of it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from unicodedata import category

from models.spelling import fold
from models.termlist import AMBIGUITIES, KINDS, Term, digest, read_terms, write_terms
from models.verdict import LANGUAGES, NpsClass, Status

SOURCE = "overlay"


def add_term(
    path: Path, surface: str, *, substance: str, nps_class: str, kind: str, lang: str, ambiguity: str
) -> tuple[Term, str]:
    """Add a term, or change it; give it and the overlay's digest, which verdicts name after the lexicon's version."""
    known: dict[str, tuple[str, Sequence[str]]] = {
        "class": (nps_class, [each.value for each in NpsClass]),
        "kind": (kind, KINDS),
        "language": (lang, ("*", *LANGUAGES)),
        "ambiguity": (ambiguity, AMBIGUITIES),
    }
    for name, (found, wanted) in known.items():
        if found not in wanted:
            raise ValueError(f"found the {name} {found!r}, wanted one of {', '.join(wanted)}")
    status = Status.CONFIRMED if ambiguity in ("none", "low") else Status.AMBIGUOUS
    term = Term(surface, substance, NpsClass(nps_class), lang, kind, status, ambiguity, SOURCE, _today())
    return term, _lay(path, term)


def retire_term(path: Path, surface: str) -> tuple[Term, str]:
    """Take a surface out in every language, whoever listed it; give the row and the overlay's digest."""
    term = Term(surface, surface, NpsClass.OTHER, status=Status.RETIRED, source=SOURCE, first_seen=_today())
    return term, _lay(path, term)


def _lay(path: Path, term: Term) -> str:
    """Write the row in the place of those it replaces: a retired surface has no other row, in any language."""
    for name in ("surface", "substance"):
        value = getattr(term, name)
        if not value.strip() or any(category(letter) == "Cc" for letter in value):
            raise ValueError(f"found the {name} {value!r}, wanted a word or a phrase on one line")
    with _locked(path.parent):
        terms = [each for each in (read_terms(path) if path.exists() else []) if not _replaced(each, term)]
        half = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            write_terms([*terms, term], half)
            terms = read_terms(half)  # the reader's own checks
            half.replace(path)
        finally:
            half.unlink(missing_ok=True)
    return digest(terms)


def _replaced(old: Term, new: Term) -> bool:
    if fold(old.surface) != fold(new.surface):
        return False
    return old.lang == new.lang or Status.RETIRED in (old.status, new.status)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one writer at a time read, change and rename: of two at once, the first one's term would be lost."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
