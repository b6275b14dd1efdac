"""Find the drug terms of a post: whole words, the longest first, and ambiguous ones only with evidence beside them.

A live term list is an overlay over an immutable base: `overlaid` returns a new lexicon and leaves the old one serving.
A retired term hides what stands within it, so that an innocent phrase ("goat weed") can be taught as easily as a term.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import ahocorasick

from models.naming import named
from models.normalise import Normalised
from models.spelling import fold, spellings
from models.termlist import AMBIGUITIES, KINDS, Term, digest, overlay_version, read_terms, write_terms
from models.verdict import TERM_KINDS, Kind, NpsClass, Span, Status, Substance

NEAR = 60  # characters: about one line of a menu, so that "white" three lines from "cocaine" stays a colour
TOUCHING = 12  # characters: "3.5g of white", "white (3.5g)"
SHORT = 4  # letters: below this a disguised or differently accented form fits too many words
# Amounts of ordinary goods ("64 GB", "300 litre", "x 40", "12 pcs"): no evidence that a word beside them is a drug.
_GOODS = re.compile(r"\d\s?(?:[mc]?l|lit(?:er|re)s?|[gmtk]b|pcs|pieces?|packs?|stone)\b|x\s?\d|\d\s?x$", re.IGNORECASE)

_STATUS_RANK = (Status.CONFIRMED, Status.CANDIDATE, Status.AMBIGUOUS, Status.RETIRED)


class _Hit(NamedTuple):
    start: int
    end: int
    term: Term

    def overlaps(self, other: _Hit) -> bool:
        return self.start < other.end and other.start < self.end

    def within(self, other: _Hit) -> bool:
        return other.start <= self.start and self.end <= other.end


class Lexicon:
    """Terms, and the automaton that finds them all in one pass."""

    def __init__(self, terms: Iterable[Term], version: str | None = None) -> None:
        self.terms = tuple(terms)
        self.version = version or digest(self.terms)
        self._keys = _index(self.terms)
        self._automaton = ahocorasick.Automaton(ahocorasick.STORE_LENGTH)
        for key in self._keys:
            self._automaton.add_word(key)
        self._automaton.make_automaton()

    @classmethod
    def load(cls, path: Path, version: str | None = None) -> Lexicon:
        """Read a TSV of terms; its version is the one given, or a hash of its terms."""
        return cls(read_terms(path), version)

    def save(self, path: Path) -> None:
        """Write the terms as `load` reads them."""
        write_terms(self.terms, path)

    def overlaid(self, added: Sequence[Term] = (), retired: Sequence[str] = ()) -> Lexicon:
        """Return a lexicon with live terms over this one and surfaces taken out; its version names both lists."""
        gone = {fold(surface) for surface in retired}
        new = {(fold(term.surface), term.lang) for term in added}
        keys = [(fold(term.surface), term.lang) for term in self.terms]
        back = {surface for surface, _ in new}
        kept = [
            term
            for term, key in zip(self.terms, keys, strict=True)
            if key not in new and key[0] not in gone and not (term.status is Status.RETIRED and key[0] in back)
        ]
        tombs = [Term(surface, surface, NpsClass.OTHER, status=Status.RETIRED, source="overlay") for surface in retired]
        return Lexicon([*kept, *added, *tombs], overlay_version(self.version, [*added, *tombs]))

    def under(self, overlay: Sequence[Term]) -> Lexicon:
        """Lay a list of terms over this one: its retired terms are taken out, its others added.

        The version is `<base>+<digest of the overlay>`, so that both lists can be found again.
        """
        if not overlay:
            return self
        retired = [term.surface for term in overlay if term.status is Status.RETIRED]
        laid = self.overlaid([term for term in overlay if term.status is not Status.RETIRED], retired)
        laid.version = overlay_version(self.version, overlay)
        return laid

    def find(self, posts: Sequence[Normalised], cues: Sequence[Sequence[Span]]) -> list[list[Span]]:
        """Return each post's term spans, in original offsets; `cues` are the signals found in the same posts."""
        return [self._spans(post, beside) for post, beside in zip(posts, cues, strict=True)]

    def surfaces_in(self, text: str) -> set[str]:
        """Return every surface that stands in `text` as a whole word, whatever stands beside it."""
        folded = fold(text)
        found: set[str] = set()
        for start, end, _ in self._matches(folded):
            written = text[start:end]
            found.update(term.surface for form, term in self._keys[folded[start:end]] if _exact(form, written))
        return found

    def _spans(self, post: Normalised, cues: Sequence[Span]) -> list[Span]:
        read = [hit for hit in self._hits(post.text) if _readable(post, hit)]
        retired = [hit for hit in read if hit.term.status is Status.RETIRED]
        hits = [hit for hit in read if not any(hit.within(other) for other in retired)]
        anchors = _longest(hit for hit in hits if hit.term.clear)
        places = [post.to_original(hit.start, hit.end) for hit in anchors]
        doubtful = _longest(
            hit for hit in hits if not hit.term.clear and not any(hit.overlaps(anchor) for anchor in anchors)
        )
        backed = [hit for hit in doubtful if _backed(hit.term, post.to_original(hit.start, hit.end), places, cues)]
        return [_span(post, hit) for hit in sorted([*anchors, *backed], key=lambda hit: hit.start)]

    def _matches(self, folded: str) -> Iterator[tuple[int, int, int]]:
        """Yield (start, end of the key, end of the word) of every whole-word match, overlaps and all."""
        for last, length in self._automaton.iter(folded) if self._keys else ():
            start, end = last + 1 - length, last + 1
            if word_end := _whole(folded, start, end):
                yield start, end, word_end

    def _hits(self, text: str) -> Iterator[_Hit]:
        folded = fold(text)
        for start, end, word_end in self._matches(folded):
            if term := self._best(folded[start:end], text[start:end]):
                yield _Hit(start, word_end, term)
        for start, end, nps_class in named(text):
            if folded[start:end] not in self._keys:
                yield _Hit(start, end, Term(text[start:end], text[start:end], nps_class, source="rule"))

    def _best(self, key: str, written: str) -> Term | None:
        return next((term for form, term in self._keys[key] if _fits(term, form, written)), None)


def substances(spans: Iterable[Span]) -> list[Substance]:
    """Return the substances that term spans name, each once, with the best status it was seen under."""
    best: dict[str, Substance] = {}
    for span in spans:
        if span.kind in TERM_KINDS and span.term and span.nps_class and span.status:
            found = Substance(span.term, span.nps_class, span.status)
            known = best.setdefault(span.term, found)
            best[span.term] = min(known, found, key=lambda one: _STATUS_RANK.index(one.status))
    return list(best.values())


def _index(terms: Sequence[Term]) -> dict[str, list[tuple[str, Term]]]:
    """Return folded key -> (exact form, term) pairs, the best term first."""
    keys: dict[str, list[tuple[str, Term]]] = {}
    for term in sorted(terms, key=_rank):
        for form in sorted(spellings(term.surface, chemical=term.kind == "substance")):
            keys.setdefault(fold(form), []).append((form, term))
    return keys


def _rank(term: Term) -> tuple[bool, int, int, bool, str, str, str]:
    """Order the readings of one form: retired, then clear before doubtful, English before what borrowed from it."""
    active = term.status is not Status.RETIRED
    order = active, KINDS.index(term.kind), AMBIGUITIES.index(term.ambiguity), term.lang not in ("*", "en")
    return *order, term.surface, term.lang, term.substance


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


def _fits(term: Term, form: str, written: str) -> bool:
    """Accept the form as written; a doubtful acronym only in capitals: `DOM`, not `dom`."""
    acronym = not term.clear and term.kind == "substance" and form.isupper() and len(form) <= SHORT
    return _exact(form, written) and (written.isupper() or not acronym)


def _readable(post: Normalised, hit: _Hit) -> bool:
    """Refuse what is too short to trust undisguised, and a doubtful word that is a handle."""
    letters = sum(letter.isalnum() for letter in post.text[hit.start : hit.end])
    if 0 < letters < SHORT and post.is_disguised(hit.start, hit.end):
        return False
    return hit.term.clear or post.text[hit.start - 1 : hit.start] != "@"


def _longest(hits: Iterable[_Hit]) -> list[_Hit]:
    kept: list[_Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.start - hit.end, hit.start)):
        if not any(hit.overlaps(other) for other in kept):
            kept.append(hit)
    return kept


def _gap(one: tuple[int, int], other: tuple[int, int]) -> int:
    return max(one[0] - other[1], other[0] - one[1], 0)


def _backed(term: Term, place: tuple[int, int], anchors: Sequence[tuple[int, int]], cues: Sequence[Span]) -> bool:
    """Tell whether evidence stands beside a doubtful term: a clear drug term, or an amount of it that is on offer.

    A price and a contact alone prove nothing: every classified advert has them. What is itself a signal ("25g") is no
    term.
    """
    if any(cue.start < place[1] and place[0] < cue.end for cue in cues):
        return False
    medium = term.ambiguity == "medium" and term.kind != "strain"
    reach = NEAR if medium or (term.kind == "strain" and term.ambiguity in ("none", "low")) else TOUCHING
    if any(_gap(place, anchor) <= reach for anchor in anchors):
        return True
    amounts = [cue for cue in cues if cue.kind is Kind.QUANTITY and not _GOODS.search(cue.text)]
    gap = min((_gap(place, (cue.start, cue.end)) for cue in amounts), default=NEAR + 1)
    offered = any(cue.kind not in TERM_KINDS and cue.kind is not Kind.QUANTITY for cue in cues)
    return (gap <= TOUCHING and (medium or offered)) or (gap <= NEAR and medium and offered)


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
        status=hit.term.status if hit.term.clear else Status.AMBIGUOUS,
        source="rule" if hit.term.source == "rule" else "lexicon",
    )


__all__ = ["Lexicon", "Term", "substances"]
