"""Find the drug terms of a post: whole words, the longest first, and ambiguous ones only with evidence beside them.

A live term list is an overlay over an immutable base: `overlaid` returns a new lexicon and leaves the old one serving.
"""

from __future__ import annotations

import csv
import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from itertools import product
from pathlib import Path
from typing import NamedTuple

import ahocorasick
import regex

from models.naming import named
from models.normalise import Normalised
from models.verdict import TERM_KINDS, Kind, NpsClass, Span, Status, Substance

NEAR = 60  # characters: about one line of a menu, so that "white" three lines from "cocaine" stays a colour
TOUCHING = 12  # characters: "3.5g of white", "white (3.5g)"
SHORT = 4  # letters: below this a disguised or differently accented form fits too many words
KINDS = ("substance", "slang", "strain")
AMBIGUITIES = ("none", "low", "medium", "high")
CLEAR = frozenset({"none", "low"})


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


COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(Term))


class _Fold(dict[int, str]):
    """One character for one character, so that offsets hold: lower case, no Latin accents, one hyphen, one apostrophe."""

    def __missing__(self, point: int) -> str:
        letter = chr(point)
        base = unicodedata.normalize("NFD", letter)[0]
        plain = base if base.isascii() or base in "\u0435\u0415" else letter  # Cyrillic short i is another letter than i
        lower = plain.lower()
        self[point] = lower if len(lower) == 1 else letter
        return self[point]


_FOLD = _Fold({ord(a): b for a, b in zip("\u2010\u2011\u2012\u2013\u2019\u2018\u2032\u02bc\u0142\u0141\u00f8\u00d8", "----''''lloo", strict=True)})
_CHEMICAL = regex.compile(r"[\s-]+|(?<=\d)(?=[A-Za-z]{3})")
_GREEK = {"\u03b1": ("\u03b1", "alpha", "a"), "\u03b2": ("\u03b2", "beta", "b"), "\u0394": ("delta", "d"), "\u03b4": ("delta", "d")}


def fold(text: str) -> str:
    """Fold `text` for matching; the result has the same length."""
    return text.translate(_FOLD)


def spellings(surface: str, *, chemical: bool) -> set[str]:
    """Return the ways a term is written: as it is and, for a chemical name, with other separators and Greek spelt out."""
    if not chemical:
        return {surface} | ({surface.replace("-", " "), surface.replace("-", "")} if "-" in surface[1:-1] else set())
    greek = [_GREEK.get(letter, (letter,)) for letter in surface if letter in _GREEK]
    bare = "".join("{}" if letter in _GREEK else letter for letter in surface.replace("{", "").replace("}", ""))
    written = {bare.format(*choice) for choice in product(*greek)} | {surface}
    return {form for name in written for form in _separated(name)}


def _separated(name: str) -> Iterator[str]:
    yield name
    parts = [part for part in _CHEMICAL.split(name) if part]
    # "7 OH" and "3 FA" are also plain text: a space may stand only beside a part of three letters or more.
    marks = ("-", "", " ") if max(map(len, parts), default=0) >= 3 else ("-", "")
    if not 1 < len(parts) <= 4 or len("".join(parts)) < 3:
        return
    choices = product(marks, repeat=len(parts) - 1) if len(parts) <= 3 else ((mark,) * (len(parts) - 1) for mark in marks)
    for choice in choices:
        yield "".join(part + mark for part, mark in zip(parts, (*choice, ""), strict=True))


class _Hit(NamedTuple):
    start: int
    end: int
    term: Term


class Lexicon:
    """Terms, and the automaton that finds them all in one pass."""

    def __init__(self, terms: Iterable[Term], version: str | None = None) -> None:
        self.terms = tuple(terms)
        self.version = version or _digest(self.terms)
        self._keys, self._retired = _index(self.terms)
        self._automaton = ahocorasick.Automaton(ahocorasick.STORE_LENGTH)
        for key in self._keys:
            self._automaton.add_word(key)
        if self._keys:
            self._automaton.make_automaton()

    @classmethod
    def load(cls, path: Path, version: str | None = None) -> Lexicon:
        """Read a TSV with a header that names at least the fields of `Term`."""
        with path.open(encoding="utf-8", newline="") as file:
            lines = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            header = next(lines, [])
            missing = [column for column in COLUMNS if column not in header]
            if missing:
                raise ValueError(f"{path.name}, line 1: found columns {header}, wanted also {missing}")
            places = [header.index(column) for column in COLUMNS]
            return cls([_term(path.name, number, row, places) for number, row in enumerate(lines, 2)], version)

    def save(self, path: Path) -> None:
        """Write the terms as `load` reads them."""
        rows = ["\t".join(map(str, astuple(term))) for term in self.terms]
        path.write_text("\n".join(["\t".join(COLUMNS), *rows]) + "\n", encoding="utf-8")

    def overlaid(self, added: Sequence[Term] = (), retired: Sequence[str] = ()) -> Lexicon:
        """Return a lexicon with live terms over this one and surfaces taken out, under a version of its own."""
        gone = {fold(surface) for surface in retired}
        new = {(fold(term.surface), term.lang) for term in added}
        kept = [term for term in self.terms if fold(term.surface) not in gone and (fold(term.surface), term.lang) not in new]
        tombs = [Term(surface, surface, NpsClass.OTHER, status=Status.RETIRED) for surface in retired]
        terms = [*kept, *added, *tombs]
        return Lexicon(terms, f"{self.version}+{_digest(terms)}")

    def find(self, posts: Sequence[Normalised], cues: Sequence[Sequence[Span]]) -> list[list[Span]]:
        """Return each post's term spans, in original offsets; `cues` are the signals found in the same posts."""
        return [self._spans(post, beside) for post, beside in zip(posts, cues, strict=True)]

    def surfaces_in(self, text: str) -> set[str]:
        """Return every surface that stands in `text` as a whole word, whatever stands beside it."""
        folded = fold(text)
        found: set[str] = set()
        for last, length in self._automaton.iter(folded) if self._keys else ():
            if _whole(folded, last + 1 - length, last + 1):
                written = text[last + 1 - length : last + 1]
                found.update(term.surface for form, term in self._keys[folded[last + 1 - length : last + 1]] if _exact(form, written))
        return found

    def _spans(self, post: Normalised, cues: Sequence[Span]) -> list[Span]:
        hits = [hit for hit in self._hits(post.text) if _readable(post, hit)]
        anchors = _longest([hit for hit in hits if _clear(hit.term)])
        placed = [post.to_original(hit.start, hit.end) for hit in anchors]
        doubtful = [hit for hit in hits if not _clear(hit.term) and not any(_overlap(hit, anchor) for anchor in anchors)]
        backed = [hit for hit in _longest(doubtful) if _backed(hit.term, post.to_original(hit.start, hit.end), placed, cues)]
        return [_span(post, hit) for hit in sorted([*anchors, *backed], key=lambda hit: hit.start)]

    def _hits(self, text: str) -> Iterator[_Hit]:
        """Yield every whole-word match, overlaps and all."""
        folded = fold(text)
        for last, length in self._automaton.iter(folded) if self._keys else ():
            start = last + 1 - length
            if end := _whole(folded, start, last + 1):
                yield from (_Hit(start, end, term) for term in self._fitting(text, folded, start, last + 1))
        for start, end, nps_class in named(text):
            if folded[start:end] not in self._retired:
                surface = text[start:end]
                yield _Hit(start, end, Term(surface, surface, nps_class, source="rule"))

    def _fitting(self, text: str, folded: str, start: int, end: int) -> Iterator[Term]:
        written = text[start:end]
        for form, term in self._keys[folded[start:end]]:
            # An ambiguous acronym counts only in capitals: DOM, not dom.
            if not _exact(form, written):
                continue
            if not _clear(term) and term.kind == "substance" and form.isupper() and len(form) <= SHORT and not written.isupper():
                continue
            yield term
            return


def substances(spans: Iterable[Span]) -> list[Substance]:
    """Return the substances that term spans name, each once, with the best status it was seen under."""
    rank = [Status.CONFIRMED, Status.CANDIDATE, Status.AMBIGUOUS, Status.RETIRED]
    best: dict[str, Substance] = {}
    for span in spans:
        if span.kind in TERM_KINDS and span.term and span.nps_class and span.status:
            found = Substance(span.term, span.nps_class, span.status)
            best[span.term] = min(best.get(span.term, found), found, key=lambda one: rank.index(one.status))
    return list(best.values())


def _term(name: str, number: int, row: list[str], places: list[int]) -> Term:
    try:
        surface, substance, nps_class, lang, kind, status, ambiguity, source, first_seen = (row[place] for place in places)
        term = Term(surface, substance, NpsClass(nps_class), lang, kind, Status(status), ambiguity, source, first_seen)
    except (IndexError, ValueError) as error:
        raise ValueError(f"{name}, line {number}: found {row}, wanted {len(places)} fields: {error}") from error
    if not surface.strip() or kind not in KINDS or ambiguity not in AMBIGUITIES:
        raise ValueError(f"{name}, line {number}: found {row}, wanted a surface, a kind of {KINDS}, an ambiguity of {AMBIGUITIES}")
    return term


def _digest(terms: Iterable[Term]) -> str:
    digest = hashlib.sha256()
    for line in sorted("\t".join(map(str, astuple(term))) for term in terms):
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()[:12]


def _index(terms: Sequence[Term]) -> tuple[dict[str, list[tuple[str, Term]]], frozenset[str]]:
    """Return folded key -> (exact form, term), the best term first, and the keys that are retired."""
    retired = frozenset(fold(term.surface) for term in terms if term.status is Status.RETIRED)
    keys: dict[str, list[tuple[str, Term]]] = {}
    for term in sorted(terms, key=_rank):
        if term.status is not Status.RETIRED:
            for form in spellings(term.surface, chemical=term.kind == "substance"):
                if (key := fold(form)) not in retired:
                    keys.setdefault(key, []).append((form, term))
    return keys, retired


def _rank(term: Term) -> tuple[int, int, bool, str, str, str]:
    # A retired or doubtful reading never hides a clear one; then English, as Latin slang travels from there.
    return KINDS.index(term.kind), AMBIGUITIES.index(term.ambiguity), term.lang not in ("*", "en"), term.surface, term.lang, term.substance


def _whole(folded: str, start: int, end: int) -> int:
    """Return where the word ends, a plural `s` included, or 0 where the match is only a part of a word."""
    if start and folded[start - 1].isalnum() and folded[start].isalnum():
        return 0
    if end == len(folded) or not folded[end].isalnum() or not folded[end - 1].isalnum():
        return end
    plural = end - start >= SHORT and folded[end] == "s" and folded[end - 1] not in "s0123456789"
    return end + 1 if plural and not folded[end + 1 : end + 2].isalnum() else 0


def _exact(form: str, written: str) -> bool:
    """An accent tells short words apart; in longer ones it is often left out."""
    return len(form) >= SHORT or written.lower() == form.lower()


def _clear(term: Term) -> bool:
    return term.ambiguity in CLEAR and term.kind != "strain"


def _readable(post: Normalised, hit: _Hit) -> bool:
    """Refuse what is too short to trust undisguised, and a doubtful word inside a handle."""
    letters = sum(letter.isalnum() for letter in post.text[hit.start : hit.end])
    if letters < SHORT and letters and post.is_disguised(hit.start, hit.end):
        return False
    return _clear(hit.term) or post.text[hit.start - 1 : hit.start] != "@"


def _longest(hits: list[_Hit]) -> list[_Hit]:
    kept: list[_Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.start - hit.end, hit.start, hit.term.source == "rule")):
        if not any(_overlap(hit, other) for other in kept):
            kept.append(hit)
    return kept


def _overlap(one: _Hit, other: _Hit) -> bool:
    return one.start < other.end and other.start < one.end


def _gap(one: tuple[int, int], other: tuple[int, int]) -> int:
    return max(one[0] - other[1], other[0] - one[1], 0)


def _backed(term: Term, place: tuple[int, int], anchors: Sequence[tuple[int, int]], cues: Sequence[Span]) -> bool:
    """Tell whether evidence stands beside a doubtful term: a clear drug term near it, or the amount and terms of an offer.

    A price and a contact alone prove nothing: every classified advert has them.
    """
    if any(_gap(place, anchor) <= NEAR for anchor in anchors):
        return True
    reach = NEAR if term.ambiguity == "medium" and term.kind != "strain" else TOUCHING
    amounts = [cue for cue in cues if cue.kind is Kind.QUANTITY and _gap(place, (cue.start, cue.end)) <= reach]
    return bool(amounts) and any(cue.kind not in TERM_KINDS and cue.kind is not Kind.QUANTITY for cue in cues)


def _span(post: Normalised, hit: _Hit) -> Span:
    start, end = post.to_original(hit.start, hit.end)
    return Span(
        start,
        end,
        Kind.SUBSTANCE if hit.term.kind == "substance" else Kind.SLANG,
        post.original[start:end],
        obfuscated=post.is_disguised(hit.start, hit.end),
        term=hit.term.substance,
        nps_class=hit.term.nps_class,
        status=hit.term.status if _clear(hit.term) else Status.AMBIGUOUS,
        source="rule" if hit.term.source == "rule" else "lexicon",
    )
