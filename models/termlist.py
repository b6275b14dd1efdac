"""A list of terms as a value and as a file: what one term is, and the TSV that holds many.

The file may hold more columns than a term has fields (counts, for a reader); they are passed over.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path

from models.verdict import NpsClass, Status

KINDS = ("substance", "slang", "strain")
AMBIGUITIES = ("none", "low", "medium", "high")


class TermError(ValueError):
    """A list of terms cannot be read; the text quotes the line, and `line` is its number."""

    def __init__(self, said: str, *, line: int) -> None:
        super().__init__(said)
        self.line = line


@dataclass(frozen=True, slots=True)
class Term:
    """One surface form and what it stands for; `lang` is `*` where every language writes it alike."""

    surface: str
    substance: str
    nps_class: NpsClass
    lang: str = "*"
    kind: str = "substance"
    status: Status = Status.CANDIDATE
    ambiguity: str = "none"
    source: str = ""
    first_seen: str = ""

    @property
    def clear(self) -> bool:
        """Whether the term is evidence alone: a strain never is."""
        return self.ambiguity in ("none", "low") and self.kind != "strain"


COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(Term))
_cells = attrgetter(*COLUMNS)  # dataclasses.astuple copies deeply: half a second over the whole lexicon


def read_terms(path: Path) -> list[Term]:
    """Read a TSV whose header names at least the fields of `Term`."""
    return parse_terms(path.read_bytes(), path.name)


def parse_terms(content: bytes, name: str) -> list[Term]:
    """Read the terms of a TSV's content; `name` is what an error calls it."""
    lines = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
    header = next(lines, [])
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise TermError(f"{name}, line 1: found the columns {header}, wanted also {missing}", line=1)
    places = [header.index(column) for column in COLUMNS]
    return [_term(name, number, row, places) for number, row in enumerate(lines, 2)]


def write_terms(terms: Iterable[Term], path: Path) -> None:
    """Write the terms as `read_terms` reads them."""
    lines = ["\t".join(COLUMNS), *("\t".join(_cells(term)) for term in terms)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def digest(terms: Iterable[Term]) -> str:
    """Return a short hash of the terms, whatever their order."""
    total = hashlib.sha256()
    for line in sorted("\t".join(_cells(term)) for term in terms):
        total.update(line.encode() + b"\n")
    return total.hexdigest()[:12]


def overlay_version(base: str, overlay: Sequence[Term]) -> str:
    """Name a base and what is laid over it: `<version of the base>+<digest of the overlay>`."""
    return f"{base}+{digest(overlay)}" if overlay else base


def _term(name: str, number: int, row: list[str], places: list[int]) -> Term:
    where = f"{name}, line {number}: found {row}"
    try:
        surface, substance, nps_class, lang, kind, status, ambiguity, source, seen = [row[place] for place in places]
        term = Term(surface, substance, NpsClass(nps_class), lang, kind, Status(status), ambiguity, source, seen)
    except (IndexError, ValueError) as error:
        raise TermError(f"{where}, wanted {len(places)} fields: {error}", line=number) from error
    if not surface.strip() or kind not in KINDS or ambiguity not in AMBIGUITIES:
        said = f"{where}, wanted a surface, a kind of {KINDS} and an ambiguity of {AMBIGUITIES}"
        raise TermError(said, line=number)
    return term
