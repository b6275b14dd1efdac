"""Token labels for the term head: an author's spans where there are any, else distant ones from the lexicon.

Distant labels: an unambiguous listed term in an advert, or in talk of drugs, names a drug; the other words of an
innocent post, or of one that names no listed drug, do not; common words do not; all else is left open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from models.lexicon import Lexicon
from models.normalise import Normalised, normalise
from models.signals import find_signals
from models.terms import overlaps, words
from models.verdict import TERM_KINDS, Intent
from training.corpus import Row

COMMON = 8
"""Innocent training rows a word must stand in to count as ordinary: rarer words may be slang nobody listed."""
INNOCENT = frozenset({Intent.OTHER})


@dataclass(frozen=True, slots=True)
class Labelled:
    """What the network trains on: a normalised text, its allowed intents, and half-open ranges of that text.

    `named` ranges name a drug; `plain` ranges do not; what is in neither carries no term loss.
    """

    text: str
    intents: frozenset[Intent]
    named: tuple[tuple[int, int], ...]
    plain: tuple[tuple[int, int], ...]
    lang: str | None = None


def label_rows(rows: Sequence[Row], lexicon: Lexicon) -> list[Labelled]:
    """Label each row's words."""
    normalised = normalise([row.text for row in rows])
    listed = lexicon.find(normalised, find_signals(normalised))
    innocent = {row.id: each.text for row, each in zip(rows, normalised, strict=True) if not row.is_advert}
    common = common_words(list(innocent.values()))  # a row that is visited twice counts once
    labelled = []
    for row, each, spans in zip(rows, normalised, listed, strict=True):
        if row.spans is not None:
            named = [(span.start, span.end) for span in row.spans if span.kind in TERM_KINDS]
            labelled.append(_authored(row, each, named))
        else:
            named = [(span.start, span.end) for span in spans if span.status != "ambiguous"]
            labelled.append(_distant(row, each, named, common))
    return labelled


def common_words(texts: Sequence[str]) -> frozenset[str]:
    """Count in how many texts each word stands; give those in `COMMON` or more."""
    counts = Counter(word for text in texts for word in {text[low:high].casefold() for low, high in words(text)})
    return frozenset(word for word, count in counts.items() if count >= COMMON)


def _authored(row: Row, normalised: Normalised, named: Sequence[tuple[int, int]]) -> Labelled:
    drug: list[tuple[int, int]] = []
    plain: list[tuple[int, int]] = []
    for word in words(normalised.text):
        (drug if _inside(normalised, word, named) else plain).append(word)
    return Labelled(normalised.text, row.intents, tuple(drug), tuple(plain), row.lang)


def _distant(row: Row, normalised: Normalised, named: Sequence[tuple[int, int]], common: frozenset[str]) -> Labelled:
    innocent = not row.is_advert and (row.intents == INNOCENT or not named)
    drug: list[tuple[int, int]] = []
    plain: list[tuple[int, int]] = []
    for word in words(normalised.text):
        if _inside(normalised, word, named):
            if not innocent:
                drug.append(word)
        elif innocent or normalised.text[word[0] : word[1]].casefold() in common:
            plain.append(word)
    return Labelled(normalised.text, row.intents, tuple(drug), tuple(plain), row.lang)


def _inside(normalised: Normalised, word: tuple[int, int], named: Sequence[tuple[int, int]]) -> bool:
    return overlaps(*normalised.to_original(*word), named)
