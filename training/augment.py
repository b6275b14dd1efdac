"""What a training text is changed into on each visit: known terms are hidden, so that context must answer.

A hidden term is masked, or gives way to a word that no list holds or to an innocent one; its labels stay.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from training.labels import INNOCENT, Labelled

ONSETS = "b bl br ch d dr f fl g gl h j k kl m n p r s sk t v w z"
RHYMES = "ab ack ado ag al an ar eb eck el en ib ick ig in ix ob ola on oz ub ug um uzz"
MASK = "<mask>"
"""A word of the text here; the collator writes the tokenizer's own mask token for it."""


PlainWords = Mapping[str | None, Sequence[str]]
"""Innocent words by language."""


def plain_words(rows: Iterable[Labelled]) -> PlainWords:
    """Collect the longer words of the innocent texts of each language, as often as they stand there."""
    found: dict[str | None, list[str]] = {}
    for row in rows:
        if row.intents == INNOCENT:
            words = (row.text[start:end] for start, end in row.plain)
            found.setdefault(row.lang, []).extend(word for word in words if len(word) > 3 and word.isalpha())
    return found


def hide_terms(row: Labelled, rng: random.Random, *, share: float, words: Sequence[str] = ()) -> Labelled:
    """Hide all named terms of a text with probability `share`: masked, renamed, or swapped for one of `words`."""
    if not row.named or rng.random() >= share:
        return row
    way = rng.choice(("mask", "rename", "swap") if words else ("mask", "rename"))
    hidden: dict[str, str] = {}
    text, moved, at = "", {}, 0
    for start, end in sorted((*row.named, *row.plain)):
        text += row.text[at:start]
        surface = row.text[start:end]
        if (start, end) in row.named:
            if surface.casefold() not in hidden:
                other = invent_word(rng) if way == "rename" else MASK if way == "mask" else rng.choice(words)
                hidden[surface.casefold()] = other
            surface = MASK if way == "mask" else cased_like(surface, hidden[surface.casefold()])
        moved[start, end] = (len(text), len(text) + len(surface))
        text += surface
        at = end
    return replace(
        row,
        text=text + row.text[at:],
        named=tuple(moved[word] for word in row.named),
        plain=tuple(moved[word] for word in row.plain),
    )


def invent_word(rng: random.Random) -> str:
    """Make a word up that looks like slang."""
    syllables = "".join(rng.choice(ONSETS.split()) + rng.choice(RHYMES.split()) for _ in range(rng.choice((1, 1, 2))))
    return syllables + rng.choice(("", "", "s", "y"))


def cased_like(surface: str, word: str) -> str:
    """Write a word in the case of the one that it stands for."""
    if surface.isupper() and len(surface) > 1:
        return word.upper()
    return word.capitalize() if surface[:1].isupper() else word
