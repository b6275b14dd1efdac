"""Which words a split holds out, and which rows they stand in.

A substance is named by any of its lexicon surfaces, found as scoring finds them. Slang is what an author marked, and
any row that holds such a surface as a word, marked or not.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.progress import track

from models.lexicon import Lexicon, Term, substances
from models.normalise import Normalised, normalise
from models.signals import find_signals
from models.verdict import Kind, NpsClass
from training.corpus import Row
from training.evaluation.judged import Bools

BATCH = 1024
Names = frozenset[str]


@dataclass(frozen=True, slots=True)
class Words:
    """Words to hold out. `named` (rows,) says where they are named, `near` (rows,) where they at least stand."""

    words: tuple[str, ...]
    named: Bools
    near: Bools

    def __str__(self) -> str:
        return ", ".join(self.words) or "no word"


def unseen_substances(rows: Sequence[Row], lexicon: Lexicon, *, shares: tuple[float, float], seed: int) -> Words:
    """Choose substances that are named in some of the adverts, and find every row that names one, of any class.

    Only adverts and authored rows are read with the whole lexicon; of the rest those that hold a chosen surface.
    """
    names: list[Names] = [frozenset()] * len(rows)
    first = [place for place, row in enumerate(rows) if row.is_advert or row.spans is not None]
    for place, read in _read(rows, first, "substances in adverts"):
        names[place] = _substances(read, lexicon)
    listed = {term.substance for term in lexicon.terms}  # a name that a rule gives is a spelling, not a substance
    adverts = [names[place] & listed for place in first if rows[place].is_advert]
    chosen = choose_words(adverts, shares=shares, seed=seed)
    surfaces = Lexicon([term for term in lexicon.terms if term.substance in chosen])
    rest = sorted(set(range(len(rows))) - set(first))
    for place, read in _read(rows, rest, "substances in the rest"):
        if surfaces.surfaces_in(read.text):
            names[place] = _substances(read, lexicon)
    named = np.array([not chosen.isdisjoint(each) for each in names], dtype=bool)
    return Words(tuple(sorted(chosen)), named, named)


def unseen_slang(rows: Sequence[Row], lexicon: Lexicon, *, shares: tuple[float, float], seed: int) -> Words:
    """Choose surfaces of marked slang, by the share of adverts with marked slang, and find where they stand.

    A surface that an author elsewhere, or the lexicon, takes for a substance's own name is no slang.
    """
    marked = [_surfaces(row, Kind.SLANG) for row in rows]
    proper = {term.surface.casefold() for term in lexicon.terms if term.kind == "substance"}
    proper.update(*(_surfaces(row, Kind.SUBSTANCE) for row in rows))
    adverts = [each - proper for row, each in zip(rows, marked, strict=True) if row.is_advert and each]
    chosen = choose_words(adverts, shares=shares, seed=seed)
    named = np.array([not chosen.isdisjoint(each) for each in marked], dtype=bool)
    found = Lexicon([Term(surface, surface, NpsClass.OTHER, kind="slang") for surface in chosen])
    near = named.copy()
    for place, read in _read(rows, np.flatnonzero(~named).tolist() if chosen else [], "slang in all rows"):
        near[place] = bool(found.surfaces_in(read.text))
    return Words(tuple(sorted(chosen)), named, near)


def choose_words(named: Sequence[Names], *, shares: tuple[float, float], seed: int) -> Names:
    """Choose words at random until the rows that name one are a share between the two; nothing where none fit.

    One word stands in a third of the larger share at most, so that no single word is the whole answer.
    """
    low, high = (share * len(named) for share in shares)
    standing: dict[str, set[int]] = {}
    for place, words in enumerate(named):
        for word in words:
            standing.setdefault(word, set()).add(place)
    order = sorted(standing)
    random.Random(seed).shuffle(order)
    chosen: set[str] = set()
    held: set[int] = set()
    for word in order:
        if len(held) < low and len(standing[word]) <= high / 3 and len(held | standing[word]) <= high:
            chosen.add(word)
            held |= standing[word]
    return frozenset(chosen)


def _substances(read: Normalised, lexicon: Lexicon) -> Names:
    (spans,) = lexicon.find([read], find_signals([read]))
    return frozenset(each.name for each in substances(spans))


def _surfaces(row: Row, kind: Kind) -> Names:
    """List what an author marked; a disguised form is found where its text is read without the disguise."""
    return frozenset(span.text.casefold() for span in row.spans or () if span.kind is kind and not span.obfuscated)


def _read(rows: Sequence[Row], places: Sequence[int], what: str) -> Iterator[tuple[int, Normalised]]:
    """Yield rows as scoring reads them, with their places, under a progress bar."""
    starts = range(0, len(places), BATCH)
    for start in track(starts, description=what, disable=len(places) < 10 * BATCH):
        batch = places[start : start + BATCH]
        yield from zip(batch, normalise([rows[place].text for place in batch]), strict=True)
